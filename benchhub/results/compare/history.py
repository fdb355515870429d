"""Runs of a suite over time: which cells may have changed, and since when; pure.

A screen, not a verdict: runs differ in their days, neighbours and versions. What it names is to be
measured anew, old against new in the same rounds (`benchhub history --confirm`).

Sources: as `stats.drift`, over the medians of runs; Y. Benjamini and Y. Hochberg, Controlling the
false discovery rate, JRSS B 57 (1995), over cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchhub.model.cell import Cell
from benchhub.model.device import DeviceInfo
from benchhub.model.scenario import Scenario
from benchhub.stats.drift import drift
from benchhub.stats.many import benjamini_hochberg

#: Of the cells that are named, this share is named in error.
Q = 0.10
#: Fewer runs cannot be told from chance: six in perfect order have p = .10.
FEWEST_RUNS = 7
#: What is timed call by call; a paced cell's times are mostly of waiting.
TIMED = (Scenario.LATENCY, Scenario.THROUGHPUT)
#: Facts of a device that can move its times.
_FACTS = (
    "arch", "cpu_model", "isa_flags", "cores_logical", "memory_bytes", "kernel", "os", "glibc",
    "virtualization", "container", "python", "packages", "gpus",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """A cell in one run: the medians of its launches in ns; `device` as it was then."""

    run: str
    started_at: str
    cell: Cell
    p50s_ns: tuple[int, ...]
    backend_version: str | None
    benchhub: str | None = None
    device: DeviceInfo | None = None

    @property
    def p50_ns(self) -> float:
        """The run's median: that of its launches' medians."""
        return float(np.median(self.p50s_ns))


@dataclass(frozen=True, slots=True)
class Screened:
    """A cell over its runs, oldest first. `p_value` None: too few runs.

    The likeliest change lies between `before` and `after`; by it the median moved by the factor
    `shift`. `adjusted` counts all cells of the screen (Benjamini-Hochberg).
    """

    points: tuple[HistoryPoint, ...]
    p_value: float | None
    adjusted: float | None
    shift: float
    before: HistoryPoint | None
    after: HistoryPoint | None

    @property
    def candidate(self) -> bool:
        """Whether the cell is named."""
        return self.adjusted is not None and self.adjusted <= Q

    @property
    def cell(self) -> Cell:
        """The cell, as in its newest run."""
        return self.points[-1].cell


def screen(points: Sequence[HistoryPoint]) -> tuple[Screened, ...]:
    """Return every timed cell of `points` (oldest first), those most likely to have changed first.

    The number of runs a cell needs is FEWEST_RUNS; cells with fewer come last, without a p-value.
    """
    series: dict[tuple[Any, ...], list[HistoryPoint]] = {}
    for point in points:
        if point.cell.scenario in TIMED:
            series.setdefault(point.cell.identity, []).append(point)
    long = [one for one in series.values() if len(one) >= FEWEST_RUNS]
    short = [one for one in series.values() if len(one) < FEWEST_RUNS]
    changes = [drift([np.array(point.p50s_ns, dtype=np.int64) for point in one]) for one in long]
    adjusted = benjamini_hochberg([change.p_value for change in changes])
    found = [
        Screened(
            tuple(one),
            change.p_value,
            float(corrected),
            change.shift,
            one[change.launches_before - 1],
            one[change.launches_before],
        )
        for one, change, corrected in zip(long, changes, adjusted, strict=True)
    ]
    found.sort(key=lambda one: (one.adjusted, one.p_value, -abs(np.log(one.shift))))
    return (*found, *(Screened(tuple(one), None, None, 1.0, None, None) for one in short))


def differences(before: HistoryPoint, after: HistoryPoint) -> tuple[str, ...]:
    """Return what else is not as it was, one line each: the model file, versions, facts."""
    found = []
    for name, old, new in (
        ("model", before.cell.model_sha256[:12], after.cell.model_sha256[:12]),
        (before.cell.backend, before.backend_version, after.backend_version),
        ("benchhub", before.benchhub, after.benchhub),
    ):
        if old != new:
            found.append(f"{name}: {old or 'unknown'} -> {new or 'unknown'}")
    facts = [point.device.facts.told if point.device else {} for point in (before, after)]
    found += [
        f"{name}: {_text(facts[0].get(name))} -> {_text(facts[1].get(name))}"
        for name in _FACTS
        if all(facts) and facts[0].get(name) != facts[1].get(name)
    ]
    return tuple(found)


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return " ".join(map(_text, value)) or "none"
    return "unknown" if value is None else str(value)
