"""Where a report contradicts itself without being broken: a speed-up beside its own medians."""

from __future__ import annotations

import math
from collections.abc import Mapping

from benchhub.config.published.told import PublishedReport, PublishedRow
from benchhub.model.scenario import Scenario
from benchhub.results.replicate.figures import interval_of
from benchhub.stats.unpaired import BoundedEstimate, apart

#: A speed-up is of pairs of launches, and a ratio of medians is not: so much is no contradiction.
_ROOM = math.log(1.05)


class Itself:
    """A report beside itself."""

    def __init__(self, report: PublishedReport) -> None:
        self._report = report
        self._rows = {(one.variant, one.device, *one.settings): one for one in report.rows}

    def base(self, row: PublishedRow) -> PublishedRow | None:
        """Return the row that a row's speed-up refers to; None: there is none."""
        name = base_name(row, self._report)
        return self._rows.get((name, row.device, *row.settings))

    def contradicted(self, row: PublishedRow) -> str:
        """Return a line where a row's speed-up is not what the medians of the report make it."""
        base = self.base(row)
        if row.scenario != Scenario.LATENCY or not row.speedup or base is None:
            return ""
        medians = [_logs(one, "p50_ms") for one in (base, row)]
        told = _logs(row, "speedup")
        if medians[0] is None or medians[1] is None or told is None:
            return ""
        ratio = apart(medians[0], medians[1])
        gap = apart(told, BoundedEstimate(ratio.estimate, ratio.low, ratio.high))
        if gap.low <= _ROOM and gap.high >= -_ROOM:
            return ""
        return (
            f"the report says {row.speedup:.3g} times as fast as {base.variant}, and its own"
            f" medians make it {math.exp(ratio.estimate):.3g}"
        )


def base_name(row: PublishedRow, report: PublishedReport) -> str:
    """Return the variant that a row's speed-up refers to."""
    return interval_of(row, "speedup").against or report.run.baseline


def models(report: PublishedReport) -> Mapping[str, str]:
    """Return the sha256 of each variant, by name."""
    rows = {row.variant: row.model_sha256 for row in report.rows if row.model_sha256}
    return rows | {one.name: one.sha256 for one in report.variants}


def _logs(row: PublishedRow, quantity: str) -> BoundedEstimate | None:
    value, interval = row.value(quantity), interval_of(row, quantity)
    if not value or interval.low is None or interval.high is None or interval.low <= 0:
        return None
    if row.launches < 2:
        return None
    low, middle, high = (math.log(one) for one in (interval.low, value, interval.high))
    return BoundedEstimate(middle, min(low, middle), max(high, middle), row.launches)
