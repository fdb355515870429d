"""Intervals over launches: pure functions of numbers, each with its source."""
