"""Limits of a loss that also hold where few cases carry it.

Source: C. J. Clopper and E. S. Pearson, The use of confidence or fiducial limits illustrated in the
case of the binomial, Biometrika 26 (1934).
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from benchhub.stats.bootstrap import EITHER, UPPER, Floats, Limits

#: As many independent cases as this must carry a loss for bootstrap-t alone.
_SPARSE = 10
BOOTSTRAP_T, CLOPPER_PEARSON = "bootstrap-t", "Clopper-Pearson"


def guarded(
    found: Limits, sums: Floats, sizes: Floats, worst_loss: float, unit: float = 1.0
) -> tuple[Limits, str]:
    """Return limits of a loss that also hold where few cases carry it, and their method.

    `sums` and `sizes` are those of each independent case in points, and `found`, in `unit` points,
    comes of them. As many cases may lose as are compatible with those that do, at least as much as
    these on average; and where none does, or resampling has no limit or a larger one, `worst_loss`
    each.
    """
    if not np.isfinite(sums).all():
        return found, BOOTSTRAP_T
    usual = float(np.median(sums / sizes))
    more = (sums - usual * sizes) * (sums.size / sizes.sum())
    if math.isfinite(worst_loss):
        more[np.abs(more) <= 1e-9 * worst_loss] = 0.0  # rounding
    if math.isfinite(found.high) and _how_many(more) >= _SPARSE:
        return found, BOOTSTRAP_T
    losing = np.maximum(more, 0.0)
    count = _how_many(losing)
    seen = float((losing**2).sum() / losing.sum()) if count else worst_loss
    limits = []
    for level, resampled in ((UPPER, found.upper), (EITHER, found.high)):
        share = _share(count, sums.size, level)
        least, most = ((usual + share * each) / unit for each in (seen, max(seen, worst_loss)))
        limits.append(max(least, min(resampled, most)))
    if limits == [found.upper, found.high]:
        return found, BOOTSTRAP_T
    return dataclasses.replace(found, upper=limits[0], high=limits[1]), CLOPPER_PEARSON


def _how_many(values: Floats) -> float:
    """Return how many equal values would carry as much as these do: k of k alike, 1 of one."""
    squares = float((values**2).sum())
    return float(np.abs(values).sum()) ** 2 / squares if squares > 0 else 0.0


def _share(count: float, cases: int, level: float) -> float:
    """Return the largest share that `count` of `cases` are compatible with."""
    from scipy.special import betaincinv

    return float(betaincinv(count + 1, cases - count, level)) if count < cases else 1.0
