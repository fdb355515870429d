"""Why labels and an output cannot be read together."""

from __future__ import annotations

#: What a metric raises of outputs or labels that it was not made for.
UNFIT = (ArithmeticError, LookupError, TypeError, ValueError)


class NoReading(ValueError):
    """Labels and an output that a metric cannot read together: why, and what to write."""
