"""Reads tide tables."""

import csv

HARBOURS = ("Porto", "Bergen")


@cache
def tides(harbour: str) -> list[float]:
    """Heights of the day."""
    return [row["height"] for row in csv.DictReader(open(harbour))]


class Calendar:
    """Days on which boats leave."""

    def next_departure(self, after):
        return min(day for day in self.days if day > after)
