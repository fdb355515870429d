"""What a backend tells of a launch beside its figures: an open list, read in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Pacing:
    """How well the arrivals of a paced launch were kept: calls, and the 99th percentile of how
    late they began."""

    offered: int
    completed: int
    late_starts: int
    start_late_p99_ns: float | None


@dataclass(frozen=True, slots=True)
class OperatorTimes:
    """What a call took, and its operators by type, in the mean, in ns."""

    call_ns: float
    operators_ns: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Details:
    """Details as `told`, names to JSON values; what is asked for by name has a property here."""

    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def calls_per_round(self) -> int:
        """Calls that an imported sample is the mean of; 1: samples are calls."""
        return int(self.told.get("calls_per_round", 1))

    @property
    def engine_rebuilt(self) -> str | None:
        """Why an engine was built again, in words; None: it was not."""
        said = str(self.told.get("engine", ""))
        return said if said.startswith("built again") else None

    @property
    def pacing(self) -> Pacing | None:
        """How its arrivals were kept; None: it has none."""
        known = self.told.get("paced")
        if known is None:
            return None
        return Pacing(
            offered=int(known.get("offered", 0)),
            completed=int(known.get("completed", 0)),
            late_starts=int(known.get("late_starts", 0)),
            start_late_p99_ns=known.get("start_late_p99_ns"),
        )

    @property
    def operators(self) -> OperatorTimes | None:
        """Where its calls' time went; None: it was not asked for, or is not told."""
        known = self.told.get("profile") or {}
        if known.get("calls_ns"):  # earlier versions kept each call's, and showed their medians
            taken = {name: median(series) for name, series in known["operators_ns"].items()}
            return OperatorTimes(median(known["calls_ns"]), taken)
        if known.get("calls"):
            return OperatorTimes(known["call_ns"], known["operators_ns"])
        return None
