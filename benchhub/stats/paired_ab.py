"""Whether B is slower than A, from launches that were measured in pairs.

Sources: M. Hollander, D. A. Wolfe and E. Chicken, Nonparametric Statistical Methods (3rd ed.,
2014), chapter 3, for the signed-rank test, estimate and interval; S. J. Pocock, Biometrika 64
(1977), for one level at every look; D. J. Schuirmann, Journal of Pharmacokinetics and
Biopharmaceutics 15 (1987), for calling two things equivalent.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchhub.stats.interval import Estimate
from benchhub.stats.paired import paired_ratio, signed_rank_p
from benchhub.stats.samples import Launches, Samples, checked, tick_ns
from benchhub.stats.sequential import checked_looks, level_per_look

LOOKS = (10, 20, 40)
#: Two-sided, of all looks together: a false alarm is rarer than this.
ALL_LOOKS_ALPHA = 0.035
#: Fewer pairs attain no 95 %.
MIN_PAIRS = 6
#: The lower quartile is the intrinsic cost, the 95th percentile the tail.
STATISTICS: Mapping[str, float] = {"p25": 0.25, "p50": 0.50, "p95": 0.95}


class ABChange(enum.StrEnum):
    """What B is, held beside A."""

    REGRESSED = "regressed"
    IMPROVED = "improved"
    EQUIVALENT = "equivalent"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Effect:
    """One statistic of a launch: B's over A's, 1.03 when B takes 3 % longer, and what follows."""

    statistic: str
    ratio: Estimate
    p_value: float
    change: ABChange


@dataclass(frozen=True, slots=True)
class ABDecision:
    """What the pairs so far say; `change` None: measure up to `next_look` pairs.

    `change` is that of the primary statistic; `effects` has all of them, at the same confidence
    each, not corrected for being several (`many.holm` of their p-values does that).
    """

    change: ABChange | None
    reason: str
    pairs: int
    iterations: int
    effects: tuple[Effect, ...]
    next_look: int | None


def paired_ab(
    a_ns: Samples,
    b_ns: Samples,
    confidence: float = 0.95,
    delta_min: float = 0.01,
    delta: float = 0.02,
    primary: str = "p50",
) -> ABDecision:
    """Return what B is beside A; launches at the same position share a round.

    REGRESSED: the interval of the ratio lies above 1 and its estimate is at least 1 + `delta_min`;
    IMPROVED likewise below. EQUIVALENT: the interval lies within a factor 1 + `delta` both ways.
    The median is the `primary` statistic. Fewer than six pairs are INCONCLUSIVE. ValueError: as
    `checked`; unequal numbers of launches; a median of 0; no `primary` of that name.
    """
    a, b = _pairs(a_ns, b_ns)
    _check(confidence, delta_min, delta, primary)
    return _decided(a, b, confidence, (delta_min, delta), primary)


def paired_ab_look(
    a_ns: Samples,
    b_ns: Samples,
    looks: Sequence[int] = LOOKS,
    alpha: float | None = None,
    delta_min: float = 0.01,
    delta: float = 0.02,
    primary: str = "p50",
    final: bool = False,
) -> ABDecision:
    """Return what all pairs so far decide, in the order they were measured.

    As `paired_ab` at every look they reach, in turn; the first that is not INCONCLUSIVE stands.
    `alpha` is two-sided and of one look; by default that at which all `looks` together
    keep 3.5 %; the exact levels of the signed-rank test stay below it.
    `final`: no more pairs come; those beyond the last look they reach are looked at too.
    """
    points = checked_looks(looks, MIN_PAIRS)
    if alpha is None:
        alpha = level_per_look(points, ALL_LOOKS_ALPHA, two_sided=True)
    _check(1 - alpha, delta_min, delta, primary)
    a, b = _pairs(a_ns, b_ns)
    have = len(a)
    taken = [point for point in points if point <= have]
    if final and have not in taken and have < points[-1]:
        taken.append(have)
    found = ABDecision(None, f"needs {points[0]} pairs, has {have}", have, 0, (), points[0])
    for point in taken:
        found = _decided(a[:point], b[:point], 1 - alpha, (delta_min, delta), primary)
        if found.change is not ABChange.INCONCLUSIVE:
            return found
    following = None if final else next((point for point in points if point > have), None)
    change = ABChange.INCONCLUSIVE if following is None else None
    return ABDecision(change, found.reason, found.pairs, found.iterations, found.effects, following)


def sequential_ab(
    draw: Callable[[int], tuple[Samples, Samples]],
    looks: Sequence[int] = LOOKS,
    alpha: float | None = None,
    delta_min: float = 0.01,
    delta: float = 0.02,
    primary: str = "p50",
) -> ABDecision:
    """Return what B is beside A, drawing pairs up to each look until one decides.

    `draw(k)` returns k further launches of A and of B; fewer than k when there are no more. The
    rest is as `paired_ab_look`; the change is never None.
    """
    a: Launches = []
    b: Launches = []
    found = paired_ab_look(a, b, looks, alpha, delta_min, delta, primary)
    while found.next_look is not None:
        wanted = found.next_look - len(a)
        more = _pairs(*draw(wanted))
        a, b = a + more[0], b + more[1]
        ended = len(more[0]) < wanted
        found = paired_ab_look(a, b, looks, alpha, delta_min, delta, primary, final=ended)
    return found


def _pairs(a_ns: Samples, b_ns: Samples) -> tuple[Launches, Launches]:
    a, b = checked(a_ns), checked(b_ns)
    if len(a) != len(b):
        raise ValueError(f"{len(a)} launches cannot pair with {len(b)}")
    return a, b


def _check(confidence: float, delta_min: float, delta: float, primary: str) -> None:
    if not 0 < confidence < 1:
        raise ValueError("confidence, or alpha, must lie between 0 and 1, both excluded")
    if not (delta_min >= 0 and delta > 0):
        raise ValueError("delta_min must be 0 or more, and delta above 0")
    if primary not in STATISTICS:
        raise ValueError(f"{primary} is unknown; the statistics are {', '.join(STATISTICS)}")


def _decided(
    a: Launches, b: Launches, confidence: float, deltas: tuple[float, float], primary: str
) -> ABDecision:
    pairs, size = len(a), sum(launch.size for launch in (*a, *b))
    if pairs == 0:
        return ABDecision(ABChange.INCONCLUSIVE, "no pairs of launches", 0, 0, (), None)
    of_a, of_b = _statistics(a), _statistics(b)
    tick = tick_ns([*a, *b])
    effects = tuple(
        _effect(name, row_b, row_a, confidence, deltas, 0.0 if tick <= 1 else tick)
        for name, row_a, row_b in zip(STATISTICS, of_a, of_b, strict=True)
    )
    main = next(effect for effect in effects if effect.statistic == primary)
    return ABDecision(main.change, _reason(main, pairs, deltas[1]), pairs, size, effects, None)


def _statistics(launches: Launches) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return the statistics of each launch, shape (statistics, launches)."""
    levels = list(STATISTICS.values())
    if len({launch.size for launch in launches}) == 1:
        return np.asarray(np.quantile(np.stack(launches), levels, axis=1))
    return np.stack([np.quantile(launch, levels) for launch in launches], axis=1)


def _effect(
    name: str,
    above: np.ndarray[tuple[int], np.dtype[np.float64]],
    below: np.ndarray[tuple[int], np.dtype[np.float64]],
    confidence: float,
    deltas: tuple[float, float],
    tick: float,
) -> Effect:
    if not (above.min() > 0 and below.min() > 0):
        raise ValueError(f"a launch has a {name} of 0 ns: the clock is too coarse to compare by")
    ratio = paired_ratio(above.tolist(), below.tolist(), confidence)
    p_value = signed_rank_p(np.log(above) - np.log(below))
    slack = 1 + tick / float(min(above.min(), below.min()))
    return Effect(name, ratio, p_value, _change(ratio, deltas, slack))


def _change(ratio: Estimate, deltas: tuple[float, float], slack: float) -> ABChange:
    """Return what an interval says; `slack` is the factor that a step of the clock makes."""
    if ratio.low is None or ratio.high is None or ratio.n < MIN_PAIRS:
        return ABChange.INCONCLUSIVE
    low, high, least = ratio.low / slack, ratio.high * slack, 1 + deltas[0]
    if low > 1 and ratio.estimate >= least:
        return ABChange.REGRESSED
    if high < 1 and ratio.estimate <= 1 / least:
        return ABChange.IMPROVED
    if 1 / (1 + deltas[1]) <= low and high <= 1 + deltas[1]:
        return ABChange.EQUIVALENT
    return ABChange.INCONCLUSIVE


def _reason(effect: Effect, pairs: int, delta: float) -> str:
    ratio = effect.ratio
    known = f"{effect.statistic} of B is {ratio.estimate - 1:+.2%} beside A"
    if ratio.low is None or ratio.high is None or pairs < MIN_PAIRS:
        return f"{known}; needs {MIN_PAIRS} pairs, has {pairs}"
    known = f"{known} ({ratio.low - 1:+.2%} to {ratio.high - 1:+.2%}) after {pairs} pairs"
    if math.isclose(ratio.low, ratio.high) and effect.change is ABChange.INCONCLUSIVE:
        return f"{known}: the clock is too coarse to tell"
    if effect.change is ABChange.EQUIVALENT:
        return f"{known}: within {delta:.1%}"
    return known
