"""Which figures of a row are compared, and how far theirs and ours lie apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from benchhub.config.published.told import PublishedInterval, PublishedRow
from benchhub.model.figure import BY_DEFINITION
from benchhub.model.flag import ABOUT_QUALITY, OF_ANSWERS, FlagKind
from benchhub.model.scenario import Scenario
from benchhub.results.replicate.answer import FigureLimits, ReplicatedFigure
from benchhub.stats.unpaired import BoundedEstimate, Separation, apart

#: What is compared of a row: by scenario.
FIGURES: Mapping[str, tuple[str, ...]] = {
    Scenario.LATENCY: ("p50_ms", "speedup"),
    Scenario.PACED: ("p50_ms",),
    Scenario.THROUGHPUT: ("throughput_per_s", "speedup"),
    Scenario.MEMORY: ("peak_rss_mib",),
    Scenario.COLD_START: ("load_ms", "first_inference_ms"),
    Scenario.QUALITY: ("quality", "quality_loss"),
}
QUALITY = ("quality", "quality_loss")
SPEEDUP, LOSS = "speedup", "quality_loss"
#: What another kind of device may show the same of.
ANYWHERE = (SPEEDUP, *QUALITY)
#: Doubts of a time that launches of one round share, so that a speed-up is free of them. What else
#: ran on the cores is none: it takes more from what would have used them all.
_SHARED = frozenset({FlagKind.DRIFT, FlagKind.CANARY})
EMULATED = "emulated: its times are of instructions"


@dataclass(frozen=True, slots=True)
class Ground:
    """What two rows share: a kind of device; the cases that they were judged by.

    `bases` says by figure in what the models differ that both refer to; empty: in nothing. `doubts`
    says by figure what was flagged that a difference may come of.
    """

    same_kind: bool
    same_cases: bool = False
    bases: Mapping[str, str] = field(default_factory=dict)
    doubts: Mapping[str, str] = field(default_factory=dict)


def claimed(row: PublishedRow, same_kind: bool) -> tuple[str, ...]:
    """Return the figures of a row that another report can be held to.

    On a device of another kind those are ratios and quality alone; what is so by definition, as
    the baseline's speed-up, is none.
    """
    return tuple(
        quantity
        for quantity in FIGURES.get(row.scenario, ())
        if row.value(quantity) is not None
        and interval_of(row, quantity).method != BY_DEFINITION
        and (same_kind or quantity in ANYWHERE)
    )


def interval_of(row: PublishedRow, quantity: str) -> PublishedInterval:
    """Return the interval of a figure; without limits where it has none."""
    return row.intervals.get(quantity, PublishedInterval())


def limits_of(row: PublishedRow, quantity: str) -> FigureLimits | None:
    """Return a figure with its limits; None: it was not measured."""
    value, interval = row.value(quantity), interval_of(row, quantity)
    return None if value is None else FigureLimits(value, interval.low, interval.high)


def held(
    quantity: str, theirs: PublishedRow, ours: PublishedRow, ground: Ground
) -> ReplicatedFigure:
    """Return a figure of theirs beside ours, and how far they lie apart if that can be said.

    Nothing is decided yet but what cannot be told, with its reason.
    """
    told, mine = limits_of(theirs, quantity), limits_of(ours, quantity)
    assert told is not None
    made = ReplicatedFigure(quantity, quantity not in QUALITY, told, mine)
    if mine is None:
        return replace(made, reason=f"{quantity} was not measured here")
    if why := ground.bases.get(quantity):
        return replace(made, reason=why)
    if made.ratio and quantity != "peak_rss_mib" and (theirs.emulated or ours.emulated):
        return replace(made, reason=EMULATED)
    if quantity in QUALITY:
        if theirs.quality_metric != ours.quality_metric:
            names = [row.quality_metric or "none" for row in (theirs, ours)]
            return replace(made, reason=f"another metric: {names[0]} there, {names[1]} here")
        if ground.same_cases:
            shift = mine.value - told.value
            exact = Separation(shift, shift, shift, float(shift == 0), (0.0, 0.0))
            return replace(made, apart=exact, exact=True)
    sides: list[BoundedEstimate] = []
    for whose, row in (("ours", ours), ("theirs", theirs)):
        known = _known(quantity, row, made.ratio)
        if isinstance(known, str):
            return replace(made, reason=f"{whose} {known}")
        sides.append(known)
    return replace(made, apart=apart(sides[0], sides[1]), doubt=ground.doubts.get(quantity, ""))


def _known(quantity: str, row: PublishedRow, ratio: bool) -> BoundedEstimate | str:
    """Return a figure as what can be compared, on the log scale for ratios; else why it cannot."""
    value, interval = row.value(quantity), interval_of(row, quantity)
    if value is None or interval.low is None or interval.high is None:
        return "has no interval"
    confidence = 0.95 if interval.confidence is None else interval.confidence
    confidence = min(max(confidence, 0.5), 0.9999)
    if not ratio:
        return BoundedEstimate(value, interval.low, interval.high, None, confidence)
    if row.launches < 2:
        return "is of one launch"
    if min(value, interval.low) <= 0:
        return "has an interval that reaches 0"
    low, middle, high = (math.log(one) for one in (interval.low, value, interval.high))
    return BoundedEstimate(middle, min(low, middle), max(high, middle), row.launches, confidence)


def doubts(theirs: Sequence[PublishedRow], ours: Sequence[PublishedRow], paired: bool) -> str:
    """Return what was flagged that a difference in times may come of; empty: nothing.

    `paired`: of a speed-up, whose rows are its own and its base's.
    """
    free = {*ABOUT_QUALITY, *OF_ANSWERS, *(_SHARED if paired else ())}
    known = {one.value for one in free}
    for whose, rows in (("here", ours), ("there", theirs)):
        names = {flag.name for row in rows for flag in row.flags if flag.caps} - known
        if names:
            return f"flagged {whose}: {', '.join(sorted(names))}"
    return ""
