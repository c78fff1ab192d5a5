"""Verbs that run by themselves: jobs, the schedulers of this machine, and the run of one job."""
