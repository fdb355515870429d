"""What follows from how far figures lie apart, of one and of many at once.

A figure is replicated where the whole 95 % interval of the difference lies within the margin: two
one-sided tests at 2.5 % (D. J. Schuirmann, A comparison of the two one-sided tests procedure and
the power approach, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987)). That all rows are,
needs no correction: each has to pass (R. L. Berger, Multiparameter hypothesis testing and
acceptance sampling, Technometrics 24 (1982)). It is not replicated where the difference is surely
none of 0, which is asked of many rows at once: by Holm's procedure, so that of a report all of
which is true one row or more is called false with chance 5 % at most.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from benchhub.results.replicate.answer import Replicated, ReplicatedFigure, ReplicatedRow
from benchhub.stats.interval import enough
from benchhub.stats.many import holm
from benchhub.text import number

ALPHA = 0.05
#: More launches than these nobody makes to replicate a row.
_MOST_LAUNCHES = 400
#: Half a 95 % interval in standard errors, for launches in the tens.
_HALF = 2.1


def decided(
    rows: Sequence[ReplicatedRow], margin: float, quality_margin: float
) -> tuple[tuple[ReplicatedRow, ...], int]:
    """Return the rows with every figure decided, and how many figures were asked to be equal.

    `margin` is the share, and `quality_margin` the quality, that is too little to matter.
    """
    asked = [one for row in rows for one in row.figures if one.apart and not one.exact]
    adjusted = iter(holm([one.apart.p_value for one in asked if one.apart]))
    return tuple(
        replace(row, figures=tuple(_figures(row, adjusted, margin, quality_margin, len(asked))))
        for row in rows
    ), len(asked)


def _figures(
    row: ReplicatedRow, adjusted: Iterator[float], margin: float, quality_margin: float, tries: int
) -> Iterator[ReplicatedFigure]:
    for one in row.figures:
        if one.apart is None:
            yield one
        elif one.exact:
            yield _exact(one, quality_margin)
        else:
            limit = math.log1p(margin) if one.ratio else quality_margin
            launches = row.ours.launches if row.ours else 0
            yield _decided(one, float(next(adjusted)), limit, tries, launches)


def _exact(of: ReplicatedFigure, margin: float) -> ReplicatedFigure:
    assert of.apart is not None
    near = abs(of.apart.estimate) <= margin
    said = f"{'no more' if near else 'more'} than {margin:g} apart, of the same cases"
    return replace(of, outcome=Replicated.REPLICATED if near else Replicated.NOT, reason=said)


def _decided(
    of: ReplicatedFigure, adjusted: float, limit: float, tries: int, launches: int
) -> ReplicatedFigure:
    known = of.apart
    assert known is not None
    within = f"{100 * math.expm1(limit):.3g} %" if of.ratio else f"{limit:g}"
    if -limit <= known.low and known.high <= limit:
        return replace(of, outcome=Replicated.REPLICATED, reason=f"surely within {within}")
    many = f", as one of {tries} that were looked at" if tries > 1 else ""
    if adjusted <= ALPHA:
        if of.doubt:
            return replace(of, reason=f"differs, but {of.doubt}")
        said = f"surely different (p {_chance(adjusted)}{many})"
        return replace(of, outcome=Replicated.NOT, reason=said)
    wanted = _launches(of, limit, launches)
    if known.p_value <= ALPHA:
        which = f"which{many}{',' if many else ''} may be chance"
        said = f"differs by itself (p {_chance(known.p_value)}), {which}"
    elif known.high - known.low > 2 * limit:
        said = f"the intervals are too wide for {within}"
    else:
        said = f"may be equal, and may be more than {within} apart"
    return replace(of, reason=said, launches=wanted)


def _chance(p_value: float) -> str:
    return "< 0.0001" if p_value < 1e-4 else number(p_value, 2)


def _launches(of: ReplicatedFigure, limit: float, launches: int) -> int | None:
    """Return how many launches here would tell, if the figures stay; None: no number would."""
    assert of.apart is not None
    mine, theirs = of.apart.errors
    shift = abs(of.apart.estimate)
    wanted = max(shift, limit - shift) / _HALF
    left = wanted**2 - theirs**2
    if not of.ratio or left <= 0 or not launches:
        return None
    return enough(launches * mine**2 / left, launches, _MOST_LAUNCHES)
