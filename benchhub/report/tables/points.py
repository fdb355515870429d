"""Latency cells joined with the quality and the memory measured for the same configuration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchhub.model.flag import ON_TIME_ONLY, Flag
from benchhub.model.quantities import QUANTITIES, Grain
from benchhub.model.row import Row
from benchhub.model.scenario import Scenario
from benchhub.report.tables.settings import order, spoken, varying


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
        more = spoken(self.row, others)  # empty where the row has none of them
        return f"{self.row.variant} on {self.row.backend} with " + ", ".join(
            filter(None, (threads, more))
        )


def points(rows: Sequence[Row]) -> list[Configuration]:
    """Every latency row of a model with a median, in the order of the rows."""
    timed = [
        row
        for row in rows
        if row.scenario == Scenario.LATENCY and row["p50_ms"].value is not None and row.runs_model
    ]
    extra = tuple(name for name in varying(timed) if name not in ("threads", "batch"))
    return [
        Configuration(
            row, partner(row, rows, "quality_loss"), partner(row, rows, "peak_rss_mib"), extra
        )
        for row in timed
    ]


def no_latency(rows: Sequence[Row]) -> str:
    """Return why there is no median to show, where there is none: not measured, or withheld."""
    timed = [row for row in rows if row.scenario == Scenario.LATENCY and row.runs_model]
    why = dict.fromkeys(row["p50_ms"].withheld for row in timed if row["p50_ms"].withheld)
    if not why:
        return "No latency was measured"
    return f"Latency was measured and is withheld ({'; '.join(why)})"


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

    Precision and options are part of what was measured, so they must agree; and so must the batch
    where outputs were judged.
    """
    if row[column].value is not None:
        return row
    found = [
        other
        for other in rows
        if other[column].value is not None
        and _artifact(other) == _artifact(row)
        and (other.options, other.shapes) == (row.options, row.shapes)
        and (other.precision == row.precision or None in (other.precision, row.precision))
        and (other.batch == row.batch or QUANTITIES[column].grain is not Grain.QUALITY)
    ]
    return min(
        found,
        key=lambda other: (abs(other.threads - row.threads), abs(other.batch - row.batch)),
        default=None,
    )


def disagrees(row: Row) -> bool:
    """Whether a flag says that the outputs are not those of the baseline: fast, but garbage."""
    return bool(row.outputs_wrong)


def overlap(one: Row, other: Row) -> bool:
    """Whether two medians cannot be told apart: their intervals overlap, or one has none."""
    mine, theirs = one["p50_ms"], other["p50_ms"]
    if mine.low is None or mine.high is None or theirs.low is None or theirs.high is None:
        return True
    return mine.low <= theirs.high and theirs.low <= mine.high


def median_ms(point: Configuration) -> float:
    """Return the median latency that a configuration was chosen for."""
    return point.row["p50_ms"].value or 0.0


def _artifact(row: Row) -> tuple[str, str, str, str, str]:
    return row.run, row.device, row.backend, row.variant, row.model_sha256


def loss_of(point: Configuration) -> float | None:
    """Return what a configuration loses by the estimate; None: it was not judged."""
    return point.quality["quality_loss"].value if point.quality else None
