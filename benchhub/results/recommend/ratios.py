"""How many times as good one candidate is as another, with limits that allow for a choice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from benchhub.model.flag import FLAGS, Concern, Flag, FlagKind
from benchhub.model.quantities import QUANTITIES, Grain, Scale
from benchhub.model.row import Row
from benchhub.results.claims.figures import ClaimFigure
from benchhub.results.recommend.answer import Contender, Rival
from benchhub.stats.interval import Estimate, launches_to_tell
from benchhub.stats.paired import paired_ratio

#: What is compared by the medians of launches that shared a round.
PAIRED = "p50_ms"
EMULATED = "emulated: what it takes says nothing about a real device"
#: Doubts of what launches of one round share, so that their ratio is free of it.
_SHARED = frozenset(
    {FlagKind.FOREIGN_CPU, FlagKind.STEAL, FlagKind.PRESSURE, FlagKind.DRIFT, FlagKind.CANARY}
)
#: How far off a figure may be that was measured while the device was, or became, slower: when hot
#: a Raspberry Pi 4 falls from 1.5 to 0.6 GHz, other boards by less.
DOUBTED = 3.0
_OF_SPEED = frozenset(
    {FlagKind.NO_STEADY_STATE, FlagKind.SLOWDOWN, FlagKind.DRIFT, FlagKind.CANARY}
    | {kind for kind, meaning in FLAGS.items() if meaning.concern is Concern.DISTURBANCE}
)


def against(pick: Contender, other: Contender, objective: str, tries: int) -> Rival:
    """Return how many times as good `pick` is as `other`, as one of `tries` comparisons.

    Of median latency by launches of one round in pairs; of others by their two intervals, apart as
    far as both together allow. What is exact has no interval to speak of: its limits are itself.
    Figures that are in doubt are told apart where they would be with either `DOUBTED` times off.
    """
    if unreal := _unreal(pick.row, other.row, objective):
        return Rival(other, doubt=unreal)
    confidence = 1 - 0.05 / tries
    ratio = _paired(pick.row, other.row, confidence) if objective == PAIRED else None
    passed = _SHARED if ratio is not None else frozenset()
    if ratio is None:
        ratio = _apart(pick, other, objective, tries)
    doubts = _doubts(pick.row, other.row, passed) if QUANTITIES[objective].timing else []
    if doubts and not (ratio is not None and _told_in_doubt(ratio, doubts)):
        return Rival(other, doubt=f"{doubts[0].name}: {doubts[0].evidence}")
    if ratio is None:
        return Rival(other, doubt=f"the limits of {objective} are unknown")
    told = launches_to_tell(ratio)
    return Rival(other, ratio.estimate, ratio.low, ratio.high, told)


def _doubts(pick: Row, other: Row, passed: frozenset[FlagKind]) -> list[Flag]:
    both = (*pick.flags, *other.flags)
    return [flag for flag in both if flag.caps_times and flag.name not in passed]


def _told_in_doubt(ratio: Estimate, doubts: Sequence[Flag]) -> bool:
    """Return whether two figures would lie as they do were one of them `DOUBTED` times off."""
    if any(flag.name not in _OF_SPEED for flag in doubts):
        return False
    if ratio.low is None or ratio.high is None:
        return False
    return ratio.low > DOUBTED or ratio.high < 1 / DOUBTED


def _unreal(pick: Row, other: Row, objective: str) -> str:
    """Return why two figures say nothing of each other, whatever their intervals."""
    if says_nothing(pick, objective) or says_nothing(other, objective):
        return EMULATED
    if objective == "energy_mj" and pick.energy_source != other.energy_source:
        return f"{pick.energy_source} counts the pick's energy, {other.energy_source} this one's"
    return ""


def says_nothing(row: Row, objective: str) -> bool:
    """Return whether a figure of an emulated device is about the emulator."""
    return row.emulated and QUANTITIES[objective].grain is not Grain.FILE


def _paired(pick: Row, other: Row, confidence: float) -> Estimate | None:
    theirs, mine = _by_round(other), _by_round(pick)
    pairs = [
        pair
        for number in sorted(theirs.keys() & mine.keys())
        for pair in zip(theirs[number], mine[number], strict=False)
        if min(pair) > 0  # a clock may be too coarse for a call
    ]
    if not pairs:
        return None
    return paired_ratio([one for one, _ in pairs], [one for _, one in pairs], confidence)


def _by_round(row: Row) -> dict[int, list[float]]:
    found: dict[int, list[float]] = defaultdict(list)
    for number, median in row.medians_ms:
        found[number].append(median)
    return found


def _apart(pick: Contender, other: Contender, objective: str, tries: int) -> Estimate | None:
    """Return the ratio of two figures that were measured apart, each with its interval."""
    more = QUANTITIES[objective].more_is_better
    above, below = (pick, other) if more else (other, pick)
    if min(above.value, below.value) <= 0:
        return None
    estimate = above.value / below.value
    if QUANTITIES[objective].grain is Grain.FILE:
        return Estimate(estimate, estimate, estimate, 1, 1.0, "exact")
    first, second = _ends(above, tries), _ends(below, tries)
    if first is None or second is None:
        return None
    n = min(pick.row.launches, other.row.launches)
    return Estimate(
        estimate, first[0] / second[1], first[1] / second[0], n, 1 - 0.05 / tries, "two intervals"
    )


def _ends(one: Contender, tries: int) -> tuple[float, float] | None:
    """Return a candidate's limits, moved out for the number of comparisons; None: unknown."""
    if one.low is None or one.high is None or one.low <= 0:
        return None
    figure = ClaimFigure(one.value, one.low, one.high, one.row.launches, Scale.LOG)
    moved = figure.widened(tries)
    return moved.low, moved.high


def ranked(of: Sequence[Contender], objective: str) -> list[Contender]:
    """Return candidates by their values, the best first; equals as they stood."""
    sign = -1 if QUANTITIES[objective].more_is_better else 1
    return sorted(of, key=lambda one: sign * one.value)
