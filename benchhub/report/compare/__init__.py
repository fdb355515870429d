"""A comparison of two runs in three formats."""
