"""What the launches of a cell say at each look: limits that several looks together keep.

Sources: the intervals are those of `quantile`; the looks are group sequential in the manner of S.
J. Pocock, Biometrika 64 (1977). They spend less than half of what a one-sided 5 % test could: where
launches differ, few of them show too seldom how slow the slowest are, so that the upper limit is
too low about twice as often as it should be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchhub.model.figure import Look
from benchhub.stats.quantile import quantile_intervals
from benchhub.stats.samples import Samples, checked, tick_slack_ns
from benchhub.stats.warmup import warmup_cut

#: Intervals over fewer launches are too short: a look at five passed 6.8 % of cells at the limit.
LOOKS = (10, 16, 25, 40)
#: One-sided, at each of LOOKS; of all of them together .0185, by `sequential.level_per_look`.
ALPHA = 0.0065
#: Launches after which a limit that is clearly broken is told, and how many times as wide as at a
#: look the bound then is, in logs.
EARLY, EARLY_WIDENING = 3, 3.0
#: What share of a limit the longest call may take where a cell is clearly below it.
CLEAR = 0.5


def looks_at(
    samples_ns: Samples,
    qs: Sequence[float],
    *,
    final: bool = True,
    with_warmup: bool = True,
) -> tuple[tuple[Look, ...], ...]:
    """Return, for each of `qs`, the looks that `samples_ns` reach, earliest first.

    They are in ns. `final` adds a look at all launches where that is none of LOOKS: no more are
    coming. One before the first of LOOKS may show a limit broken, never kept. Samples
    `with_warmup` lose it first, at each look by what that look shows, so that a look says the
    same whatever is measured after it.
    ValueError: as `checked`.
    """
    launches = checked(samples_ns)
    have = len(launches)
    taken = [look for look in LOOKS if look <= have]
    if final and have and have not in taken:
        taken.append(have)
    found: list[tuple[Look, ...]] = []
    for count in taken:
        part = launches[:count]
        most = float(max(launch.max() for launch in part))
        calls = sum(launch.size for launch in part)
        if with_warmup:
            part = warmup_cut(part).steady(part)
        slack = tick_slack_ns(part)
        size = sum(launch.size for launch in part)
        found.append(
            tuple(
                Look(
                    count,
                    size,
                    one.estimate,
                    max(0.0, one.low - slack) if math.isfinite(one.low) else None,
                    high if math.isfinite(high := one.high + slack) else None,
                    one.n_eff,
                    most + slack if count >= LOOKS[0] and q**calls <= ALPHA else None,
                )
                for q, one in zip(qs, quantile_intervals(part, qs, 1 - 2 * ALPHA), strict=True)
            )
        )
    return tuple(zip(*found, strict=True)) if found else tuple(() for _ in qs)


def clearly_below(look: Look, limit: float) -> bool:
    """Return whether no call of a look took longer than half of `limit`.

    Then no interval is needed to see that launches like these keep it. Nothing is said of launches
    unlike all of these, which no interval over them says anything of either: see `rare_launches`.
    """
    return look.most is not None and look.most <= limit * CLEAR


def clearly_above(
    samples_ns: Samples, limits: Sequence[tuple[float, float]], *, with_warmup: bool = True
) -> bool:
    """Return whether these launches alone show every quantile to be above its limit, by far.

    `limits` are pairs of a quantile and its limit in ns. The lower limit of what few launches say
    is taken three times as far from the estimate, in logs, as a look takes it: the spread of three
    launches is known badly. False where the samples do not bound a quantile.
    ValueError: as `checked`.
    """
    found = looks_at(samples_ns, [q for q, _ in limits], with_warmup=with_warmup)
    return bool(limits) and all(
        bool(looks) and _far_low(looks[-1]) > limit
        for looks, (_, limit) in zip(found, limits, strict=True)
    )


def _far_low(look: Look) -> float:
    if not look.low or not look.estimate:
        return 0.0
    return look.estimate * math.pow(look.low / look.estimate, EARLY_WIDENING)


def deciding(looks: Sequence[Look], limit: float) -> Look | None:
    """Return the first look that shows a quantile to keep `limit` or to break it, if one does.

    `limit` is in the unit of the looks. It keeps the limit where its upper one is at most `limit`,
    or where it is `clearly_below`.
    """
    for look in looks:
        if look.high is not None and look.high <= limit:
            return look
        if clearly_below(look, limit):
            return look
        if breaks(look, limit):
            return look
    return None


def breaks(look: Look, limit: float) -> bool:
    """Return whether a look shows a quantile to be above `limit`."""
    return look.low is not None and look.low > limit
