"""Why labels and an output cannot be read together."""

from __future__ import annotations


class NoReading(ValueError):
    """Labels and an output that a metric cannot read together: why, and what to write."""
