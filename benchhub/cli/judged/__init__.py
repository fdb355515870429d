"""Verbs that judge runs which are stored: what keeps its limits, what moved, what to ship."""
