"""What a cell measures, and how a budget is answered."""

from __future__ import annotations

import enum


class Scenario(enum.StrEnum):
    """What a cell measures."""

    LATENCY = "latency"
    THROUGHPUT = "throughput"
    PACED = "paced"
    MEMORY = "memory"
    COLD_START = "cold_start"
    QUALITY = "quality"
    PROFILE = "profile"


#: Those whose figures are of timed calls.
TIMED = (Scenario.LATENCY, Scenario.THROUGHPUT, Scenario.PACED)


class VerdictOutcome(enum.StrEnum):
    """The answer to a budget."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
