"""How plain English statements are read: a file for each matter that they are about (`stores/claims`)."""
