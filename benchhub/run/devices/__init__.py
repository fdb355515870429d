"""Devices themselves: many asked side by side, the healthy ones of a group, self-tests."""
