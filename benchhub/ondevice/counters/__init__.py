"""Counters of energy and of accelerators' memory."""
