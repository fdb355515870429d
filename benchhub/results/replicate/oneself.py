"""Where a report contradicts itself without being broken: a speed-up beside its own medians."""

from __future__ import annotations

import math
from collections.abc import Mapping

from benchhub.config.published.told import PublishedReport, PublishedRow
from benchhub.model.scenario import Scenario
from benchhub.results.replicate.figures import interval_of
from benchhub.stats.two_intervals import Known, apart

#: A speed-up is of pairs of launches, and a ratio of medians is not: so much is no contradiction.
_ROOM = math.log(1.05)


def contradicted(row: PublishedRow, report: PublishedReport) -> str:
    """Return a line where a row's speed-up is not what the medians of the report make it."""
    base = base_row(row, report)
    if row.scenario != Scenario.LATENCY or row.speedup is None or base is None:
        return ""
    if not row.p50_ms or not base.p50_ms or not row.speedup:
        return ""
    sides = [_logs(one, "p50_ms") for one in (base, row)]
    told = _logs(row, "speedup")
    if sides[0] is None or sides[1] is None or told is None:
        return ""
    ratio = apart(sides[0], sides[1])
    by = Known(ratio.estimate, ratio.low, ratio.high)
    gap = apart(told, by)
    if gap.low <= _ROOM and gap.high >= -_ROOM:
        return ""
    medians = base.p50_ms / row.p50_ms
    return (
        f"the report says {row.speedup:.3g} times as fast as {base.variant}, and its own medians"
        f" make it {medians:.3g}"
    )


def base_row(row: PublishedRow, report: PublishedReport) -> PublishedRow | None:
    """Return the row that a row's speed-up refers to; None: the report has none."""
    name = base_name(row, report)
    found = (
        one
        for one in report.rows
        if one.variant == name and one.device == row.device and one.settings == row.settings
    )
    return next(found, None)


def base_name(row: PublishedRow, report: PublishedReport) -> str:
    """Return the variant that a row's speed-up refers to."""
    return interval_of(row, "speedup").against or report.run.baseline


def models(report: PublishedReport) -> Mapping[str, str]:
    """Return the sha256 of each variant, by name."""
    rows = {row.variant: row.model_sha256 for row in report.rows if row.model_sha256}
    return rows | {one.name: one.sha256 for one in report.variants}


def _logs(row: PublishedRow, quantity: str) -> Known | None:
    value, interval = row.value(quantity), interval_of(row, quantity)
    if not value or interval.low is None or interval.high is None or interval.low <= 0:
        return None
    if row.launches < 2:
        return None
    low, middle, high = (math.log(one) for one in (interval.low, value, interval.high))
    return Known(middle, min(low, middle), max(high, middle), row.launches)
