"""Whether B is slower than A, from launches that were measured in pairs.

Sources: M. Hollander, D. A. Wolfe and E. Chicken, Nonparametric Statistical Methods (3rd ed.,
2014), chapter 3, for the signed-rank test, estimate and interval; S. J. Pocock, Biometrika 64
(1977), for one level at every look; D. J. Schuirmann, Journal of Pharmacokinetics and
Biopharmaceutics 15 (1987), for calling two things equivalent.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchhub.stats.interval import Estimate
from benchhub.stats.paired import paired_ratio, signed_rank_p
from benchhub.stats.samples import Launches, Samples, checked, tick_ns
from benchhub.stats.sequential import level_per_look

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


def paired_ab_look(
    a_ns: Samples,
    b_ns: Samples,
    delta_min: float = 0.01,
    delta: float = 0.02,
    primary: str = "p50",
    final: bool = False,
) -> ABDecision:
    """Return what B is beside A by all pairs so far, in the order they were measured.

    Launches at the same position share a round. Every look of LOOKS that they reach is taken in
    turn, and the first that is not INCONCLUSIVE stands. REGRESSED: the interval of the ratio lies
    above 1 and its estimate is at least 1 + `delta_min`; IMPROVED likewise below. EQUIVALENT: the
    interval lies within a factor 1 + `delta` both ways. The median is the `primary` statistic.
    `final`: no more pairs come; those beyond the last look they reach are looked at too, fewer than
    six are INCONCLUSIVE. All looks together keep ALL_LOOKS_ALPHA; the exact levels of the
    signed-rank test stay below it. ValueError: as `checked`; unequal numbers of launches; a median
    of 0; no `primary` of that name.
    """
    if not (delta_min >= 0 and delta > 0):
        raise ValueError("delta_min must be 0 or more, and delta above 0")
    if primary not in STATISTICS:
        raise ValueError(f"{primary} is unknown; the statistics are {', '.join(STATISTICS)}")
    confidence = 1 - level_per_look(LOOKS, ALL_LOOKS_ALPHA, two_sided=True)
    a, b = _pairs(a_ns, b_ns)
    have = len(a)
    taken = [point for point in LOOKS if point <= have]
    if final and have not in taken and have < LOOKS[-1]:
        taken.append(have)
    found = ABDecision(None, f"needs {LOOKS[0]} pairs, has {have}", have, 0, (), LOOKS[0])
    for point in taken:
        found = _decided(a[:point], b[:point], confidence, (delta_min, delta), primary)
        if found.change is not ABChange.INCONCLUSIVE:
            return found
    following = None if final else next((point for point in LOOKS if point > have), None)
    change = ABChange.INCONCLUSIVE if following is None else None
    return ABDecision(change, found.reason, found.pairs, found.iterations, found.effects, following)


def _pairs(a_ns: Samples, b_ns: Samples) -> tuple[Launches, Launches]:
    a, b = checked(a_ns), checked(b_ns)
    if len(a) != len(b):
        raise ValueError(f"{len(a)} launches cannot pair with {len(b)}")
    return a, b


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
