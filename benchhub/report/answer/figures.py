"""Figures of a candidate as its device's line shows them: each with the limit it is held to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchhub.model.quantities import BUDGET_KEYS, QUANTITIES
from benchhub.model.row import Row
from benchhub.report.tables.points import partner
from benchhub.results.recommend.answer import Contender, Evidence
from benchhub.text import estimate, number, shown

#: The figures of time that a line can show, the one that is asked for most first.
_TIMES = ("p95_ms", "p99_ms", "p90_ms", "p99_9_ms", "p50_ms", "mean_ms")
RATE = "throughput_per_s"
#: What says the worst of several limits on one quantity.
_WORST = ("FAIL", "INCONCLUSIVE", "PASS")


@dataclass(frozen=True, slots=True)
class HeldFigure:
    """A figure, its limit if it has one, and what came of that; `outcome` empty: no limit.

    `outcome` is that of one candidate among those that were looked at, as a recommendation has it.
    """

    name: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    limit: float | None = None
    at_least: bool = False
    outcome: str = ""
    said: str = ""

    @property
    def text(self) -> str:
        """The figure with its interval and unit, or what is said in its place."""
        if self.said:
            return self.said
        told = estimate(self.value, self.low, self.high)
        return f"{told} {self.unit}".rstrip() if told else "not known"

    @property
    def asked(self) -> str:
        """The limit with its sign; empty where there is none."""
        if self.limit is None:
            return ""
        return f"{'≥' if self.at_least else '≤'} {_bare(self.limit)}"


def timed(of: Contender) -> HeldFigure:
    """Return the time or rate that a line draws: one with a limit, else p95, else the median."""
    row = of.row
    columns = (RATE,) if row.scenario == "throughput" else _TIMES
    for column in columns:
        if found := _held(of, column, row.scenario):
            return found
    known = next((name for name in columns if row[name].value is not None), columns[0])
    return _plain(row, known)


def loss(of: Contender, rows: Sequence[Row]) -> HeldFigure:
    """Return the loss of quality, judged in the same cell or in one beside it."""
    beside = partner(of.row, rows, "quality_loss")
    if found := _held(of, "quality_loss", ""):
        return found
    if beside is None:
        return HeldFigure("quality_loss", said="not judged")
    figure = beside["quality_loss"]
    if figure.by_definition:
        return HeldFigure("quality_loss", figure.value, said="0 (baseline)")
    return HeldFigure("quality_loss", figure.value, said=shown(figure, 2))


def memory(of: Contender, rows: Sequence[Row]) -> HeldFigure:
    """Return the peak memory, of the same cell or of one beside it."""
    if found := _held(of, "peak_rss_mib", ""):
        return found
    beside = partner(of.row, rows, "peak_rss_mib")
    return _plain(beside or of.row, "peak_rss_mib")


def speedup(of: Contender) -> HeldFigure:
    """Return the speed-up over the base variant on the same device and backend."""
    figure = of.row["speedup"]
    if figure.by_definition:
        return HeldFigure("speedup", 1.0, said="1 (baseline)")
    return HeldFigure("speedup", figure.value, figure.low, figure.high, "x")


def _held(of: Contender, column: str, scenario: str) -> HeldFigure | None:
    found = [
        one
        for one in of.by_limit
        if one.verdict.column == column
        # A limit on a scenario that was not measured is told of a cell of another one.
        and scenario in ("", BUDGET_KEYS[one.verdict.key][0].scenario)
    ]
    if not found:
        return None
    return _of_limit(min(found, key=lambda one: (_WORST.index(one.outcome.value), _strict(one))))


def _of_limit(one: Evidence) -> HeldFigure:
    of = one.verdict
    said = "0 (baseline)" if of.by_definition else ""
    return HeldFigure(
        of.column, of.value, of.low, of.high, _unit(of.column), of.limit,
        BUDGET_KEYS[of.key][0].at_least, one.outcome.value, said,
    )  # fmt: skip


def _strict(one: Evidence) -> float:
    at_least = BUDGET_KEYS[one.verdict.key][0].at_least
    return -one.verdict.limit if at_least else one.verdict.limit


def _plain(row: Row, column: str) -> HeldFigure:
    figure = row[column]
    said = "withheld" if figure.value is None and figure.withheld else ""
    return HeldFigure(column, figure.value, figure.low, figure.high, _unit(column), said=said)


def _unit(column: str) -> str:
    return "1/s" if column == RATE else QUANTITIES[column].unit


def _bare(value: float) -> str:
    if not math.isfinite(value):
        return number(value)
    return f"{value:,.6g}"
