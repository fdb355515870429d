"""What a cell measures, and how a budget is answered."""

from __future__ import annotations

import enum
from collections.abc import Mapping


class Scenario(enum.StrEnum):
    """What a cell measures."""

    LATENCY = "latency"
    THROUGHPUT = "throughput"
    PACED = "paced"
    MEMORY = "memory"
    COLD_START = "cold_start"
    QUALITY = "quality"
    PROFILE = "profile"


SCENARIOS: Mapping[Scenario, str] = {
    Scenario.LATENCY: "one call after the other, each timed",
    Scenario.THROUGHPUT: "offline: cases a second at a batch and a concurrency",
    Scenario.PACED: "calls that arrive at a rate, timed from when they were due",
    Scenario.MEMORY: "the largest resident memory of a fresh process",
    Scenario.COLD_START: "loading the model, and the first call",
    Scenario.QUALITY: "the device's own outputs of the test cases, judged by the task's metrics",
    Scenario.PROFILE: "what each type of operator takes of a call",
}


#: Those whose figures are of timed calls.
TIMED = (Scenario.LATENCY, Scenario.THROUGHPUT, Scenario.PACED)


class VerdictOutcome(enum.StrEnum):
    """The answer to a budget."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
