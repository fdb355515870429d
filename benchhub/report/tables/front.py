"""Which configurations nothing is shown to beat in time and in quality, and what is a tie; pure.

A difference counts where its 95 % interval leaves no difference out: of times the ratio of the
launches of the same rounds, of quality two losses whose intervals do not meet. What is not shown
is a tie, however far the estimates lie apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from benchhub.model.row import Row
from benchhub.report.tables.points import (
    Configuration,
    disagrees,
    loss_of,
    median_ms,
    overlap,
)
from benchhub.stats.interval import Estimate, enough
from benchhub.stats.paired import paired_ratio
from benchhub.stats.unpaired import unpaired_ratio

#: The medians of a cell's launches in ms, each with its round.
_Medians = tuple[tuple[int, float], ...]
#: More cases than these nobody has to tell two things apart.
_MOST_CASES = 200_000


@dataclass(frozen=True, slots=True)
class Losses:
    """The loss of a configuration with its limits; those of the baseline are its value."""

    value: float
    low: float
    high: float
    cases: int | None


@dataclass(frozen=True, slots=True)
class Undecided:
    """A slower configuration whose loss may be lower than that of a faster one, or may not.

    `cases` would tell the two apart if the estimates hold; None: more than anybody has.
    """

    point: Configuration
    faster: Configuration
    cases: int | None


def time_ratio(one: Row, other: Row) -> Estimate | None:
    """Return how many times as long `one` takes as `other`; None: their launches are not known.

    Launches of one round are a pair; where there are no common rounds, launches are held against
    launches.
    """
    if not one.medians_ms or not other.medians_ms:
        return None
    return _ratio(one.medians_ms, other.medians_ms)


@lru_cache(maxsize=65536)  # a front asks for each pair several times
def _ratio(one: _Medians, other: _Medians) -> Estimate:
    pairs = [
        pair
        for number in sorted({mine for mine, _ in one})
        for pair in zip(_of_round(one, number), _of_round(other, number), strict=False)
    ]
    if len(pairs) >= 2:
        return paired_ratio([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    mine, theirs = ([value for _, value in medians] for medians in (one, other))
    return unpaired_ratio(mine, theirs).ratio


def shown_faster(one: Row, other: Row) -> bool:
    """Return whether `one` is faster beyond doubt: the ratio's interval lies below 1.

    By its median over all launches, too.
    """
    if (one["p50_ms"].value or 0.0) >= (other["p50_ms"].value or 0.0):
        return False
    ratio = time_ratio(one, other)
    if ratio is None:
        return not overlap(one, other)
    return ratio.high is not None and ratio.high < 1


def front(candidates: Sequence[Configuration]) -> list[Configuration]:
    """Return those that no other is shown to beat in time and quality together, fastest first.

    One beats another that is shown to be slower and not to lose less, or shown to lose more and
    not to be faster. Within one device; candidates without a loss, whose outputs disagree, or that
    are emulated, are left out. Where each is beaten by some other, all are on it.
    """
    measured = _ranked(candidates)
    found = [one for one in measured if not any(_beats(other, one) for other in measured)]
    points = [one.point for one in found or measured]
    return sorted(points, key=lambda p: (median_ms(p), p.label))


def undecided(candidates: Sequence[Configuration]) -> list[Undecided]:
    """Return what is off the front only because its lower loss is not shown, the fastest first."""
    measured = _ranked(candidates)
    beaten = [(one, [other for other in measured if _beats(other, one)]) for one in measured]
    if all(over for _, over in beaten):
        return []  # then all are on the front
    found = []
    for one, over in beaten:
        if not over or not all(one.losses.value < other.losses.value for other in over):
            continue
        needed = [_cases_to_tell(one.losses, other.losses) for other in over]
        most = None if None in needed else max(n for n in needed if n is not None)
        fastest = min((other.point for other in over), key=lambda p: (median_ms(p), p.label))
        found.append(Undecided(one.point, fastest, most))
    return sorted(found, key=lambda one: (median_ms(one.point), one.point.label))


def losses(point: Configuration) -> Losses | None:
    """Return what a configuration loses; None: it was not judged."""
    value = loss_of(point)
    if value is None or point.quality is None:
        return None
    figure = point.quality["quality_loss"]
    if figure.by_definition:
        return Losses(value, value, value, None)
    low = -math.inf if figure.low is None or math.isnan(figure.low) else figure.low
    high = math.inf if figure.high is None or math.isnan(figure.high) else figure.high
    return Losses(value, low, high, point.quality.column("quality_cases"))


@dataclass(frozen=True, slots=True)
class _Ranked:
    """A configuration that may be ranked, with its losses at hand."""

    point: Configuration
    losses: Losses


def _ranked(candidates: Sequence[Configuration]) -> list[_Ranked]:
    return [
        _Ranked(point, known)
        for point in candidates
        if not disagrees(point.row)
        and not point.row.emulated
        and (known := losses(point)) is not None
    ]


def _of_round(medians: _Medians, number: int) -> list[float]:
    return [value for mine, value in medians if mine == number]


def _beats(one: _Ranked, other: _Ranked) -> bool:
    mine, theirs = one.point.row, other.point.row
    if one is other or mine.device != theirs.device:
        return False
    if one.losses.high < other.losses.low:
        return not shown_faster(theirs, mine)
    loses_more = other.losses.high < one.losses.low
    return not loses_more and shown_faster(mine, theirs)


def _cases_to_tell(mine: Losses, theirs: Losses) -> int | None:
    if mine.value == theirs.value:
        return None
    halves = sum((each.high - each.low) / 2 for each in (mine, theirs))
    cases = max(mine.cases or 0, theirs.cases or 0)
    if not cases or not math.isfinite(halves):
        return None
    return enough(cases * (halves / (theirs.value - mine.value)) ** 2, cases, _MOST_CASES)
