"""Latency cells joined with the quality and the memory measured for the same configuration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchhub.model.row import Flag, Row
from benchhub.model.scenario import Scenario
from benchhub.report.tables.settings import order, spoken, varying

#: Flags of a cell that computes something else than the baseline does.
WRONG_OUTPUTS = frozenset({"garbage", "nonfinite"})
#: Flags that cast doubt on times, and on nothing else.
ON_TIME_ONLY = frozenset(
    {"foreign_cpu", "steal", "pressure", "throttled", "frequency_changed", "hot", "slowdown"}
)


@dataclass(frozen=True, slots=True)
class Configuration:
    """A latency row, and the rows that hold its quality and its peak memory (often other cells).

    `extra` names the settings beside threads and batch that tell it from the other points.
    """

    row: Row
    quality: Row | None
    memory: Row | None
    extra: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The configuration in words, without its device."""
        threads = spoken(self.row, ("threads",))
        others = self.extra + (() if self.row.batch == 1 else ("batch",))
        more = f", {spoken(self.row, others)}" if others else ""
        return f"{self.row.variant} on {self.row.backend} with {threads}{more}"


def points(rows: Sequence[Row]) -> list[Configuration]:
    """Every latency row of a model with a median, in the order of the rows."""
    timed = [
        row
        for row in rows
        if row.scenario == Scenario.LATENCY and row.p50_ms is not None and not is_harness(row)
    ]
    extra = tuple(name for name in varying(timed) if name not in ("threads", "batch"))
    return [
        Configuration(
            row, partner(row, rows, "quality_loss"), partner(row, rows, "peak_rss_mib"), extra
        )
        for row in timed
    ]


def comparable(found: Sequence[Configuration]) -> list[Configuration]:
    """Return the points that may be ranked: of real devices, at each device's smallest batch."""
    real = [point for point in found if not point.row.emulated]
    least: dict[str, int] = {}
    for point in real:
        row = point.row
        least[row.device] = min(row.batch, least.get(row.device, row.batch))
    return [point for point in real if point.row.batch == least[point.row.device]]


def smallest(rows: Sequence[Row]) -> list[Row]:
    """Return, of each device, backend and variant, the row at its smallest settings."""
    first: dict[tuple[str, str, str, str], Row] = {}
    for row in rows:
        key = (row.run, row.device, row.backend, row.variant)
        if key not in first or order(row) < order(first[key]):
            first[key] = row
    return list(first.values())


def is_harness(row: Row) -> bool:
    """Whether the row is the null backend's, which runs no model: what the harness itself costs."""
    return not row.model_sha256


def flags_that_matter(row: Row) -> tuple[Flag, ...]:
    """Return the flags of the row, less those on timing where time is not what it measures."""
    if row.scenario in (
        Scenario.LATENCY,
        Scenario.THROUGHPUT,
        Scenario.PACED,
        Scenario.COLD_START,
    ):
        return row.flags
    return tuple(flag for flag in row.flags if flag.name not in ON_TIME_ONLY)


def partner(row: Row, rows: Iterable[Row], column: str) -> Row | None:
    """The row of the same artifact that has `column`, the nearest in threads and batch.

    Precision and options are part of what was measured, so they must agree.
    """
    if getattr(row, column) is not None:
        return row
    found = [
        other
        for other in rows
        if getattr(other, column) is not None
        and _artifact(other) == _artifact(row)
        and other.options == row.options
        and (other.precision == row.precision or None in (other.precision, row.precision))
    ]
    return min(
        found,
        key=lambda other: (abs(other.threads - row.threads), abs(other.batch - row.batch)),
        default=None,
    )


def disagrees(row: Row) -> bool:
    """Whether a flag says that the outputs are not those of the baseline: fast, but garbage."""
    return any(flag.name in WRONG_OUTPUTS for flag in row.flags)


def pareto(candidates: Sequence[Configuration]) -> list[Configuration]:
    """Those that no other beats in median latency and in quality loss, fastest first.

    By the point estimates, within one device; candidates without a loss, whose outputs disagree,
    or that are emulated, are left out.
    """
    measured = [
        p
        for p in candidates
        if _loss(p) is not None and not disagrees(p.row) and not p.row.emulated
    ]
    front = [p for p in measured if not any(_beats(other, p) for other in measured)]
    return sorted(front, key=lambda p: (p.row.p50_ms or 0.0, p.label))


def overlap(one: Row, other: Row) -> bool:
    """Whether two medians cannot be told apart: their intervals overlap, or one has none."""
    if None in (one.p50_low_ms, one.p50_high_ms, other.p50_low_ms, other.p50_high_ms):
        return True
    return bool(one.p50_low_ms <= other.p50_high_ms and other.p50_low_ms <= one.p50_high_ms)  # type: ignore[operator]


def _artifact(row: Row) -> tuple[str, str, str, str, str]:
    return row.run, row.device, row.backend, row.variant, row.model_sha256


def _loss(point: Configuration) -> float | None:
    return point.quality.quality_loss if point.quality else None


def _beats(one: Configuration, other: Configuration) -> bool:
    a = (one.row.p50_ms or 0.0, _loss(one) or 0.0)
    b = (other.row.p50_ms or 0.0, _loss(other) or 0.0)
    if one.row.device != other.row.device:
        return False
    return a[0] <= b[0] and a[1] <= b[1] and a != b
