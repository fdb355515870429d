"""Whether a variant loses no more quality than allowed: a paired non-inferiority test.

Sources: `bootstrap` for the limits; C. J. Clopper and E. S. Pearson, Biometrika 26 (1934), where
too few cases differ for it.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

from benchhub.model.scenario import VerdictOutcome
from benchhub.stats.bootstrap import (
    EITHER,
    UPPER,
    Floats,
    Limits,
    Resample,
    bootstrap_t,
    weighed,
)

MIN_CASES = 200
#: As many independent cases as this must carry a loss for bootstrap-t alone.
_SPARSE = 10
BOOTSTRAP_T, CLOPPER_PEARSON = "bootstrap-t", "Clopper-Pearson"


@dataclass(frozen=True, slots=True)
class QualityDecision:
    """The verdict on a loss, positive when worse, in points or as a share of the baseline.

    `low` and `high` are one-sided limits at 97.5 and 95 %, infinite where unknown. `cases` counts
    independent ones: groups, where cases are grouped.
    """

    verdict: VerdictOutcome
    reason: str
    loss: float
    low: float
    high: float
    cases: int
    method: str


def quality_gate(
    loss_per_case: ArrayLike | Resample,
    limit: float,
    *,
    baseline_per_case: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    cases: int | None = None,
    min_cases: int = MIN_CASES,
    worst_loss: float = 1.0,
    resamples: int = 4000,
    seed: int = 0,
) -> QualityDecision:
    """Return PASS where the one-sided 95 % upper limit of the mean loss is at most `limit`.

    FAIL where the one-sided 97.5 % lower limit is above it; fewer than `min_cases` are
    INCONCLUSIVE. `loss_per_case` is the baseline's metric less the variant's, case by case, in
    points; with `baseline_per_case` the loss, and `limit`, are shares of the baseline's mean.
    Cases of one of `groups` (a patient) are drawn together. A metric that is no mean over cases
    (an AUC) is given as a function of weights instead, with the number of `cases`: it is resampled
    itself, and studentised by what it loses without each case. Where so few cases differ that
    resampling has no limit, at most the share of them that is compatible (Clopper-Pearson) may lose
    `worst_loss` each. ValueError: no cases, numbers that are not finite, unequal lengths, or a
    baseline whose mean is not above 0.
    """
    if not math.isfinite(limit):
        raise ValueError(f"the limit of a loss must be finite, not {limit:g}")
    rng = np.random.default_rng(seed)
    if callable(loss_per_case):
        if cases is None or cases < 1 or baseline_per_case is not None:
            raise ValueError("a resampled metric needs the number of its cases, and no baseline")
        metric = loss_per_case
        members, names = group_members(groups, cases)
        sums, sizes = weighed(metric, members, names)
        (found,) = bootstrap_t(
            sums[None], sizes[None], resamples, rng, lambda rows: metric(rows[:, members])[:, None]
        )
        mean_size = 1.0
    else:
        losses = _finite(loss_per_case, "losses")
        scale = _scale(baseline_per_case, losses.size)
        members, names = group_members(groups, losses.size)
        sums = np.bincount(members, losses, minlength=names).astype(np.float64)
        sizes = np.bincount(members, minlength=names).astype(np.float64)
        scales = np.bincount(members, scale, minlength=names).astype(np.float64)
        (found,) = bootstrap_t(sums[None], scales[None], resamples, rng)
        mean_size = float(scale.mean())
    found, method = guarded(found, sums, sizes, worst_loss, mean_size)
    unit = "of the baseline" if baseline_per_case is not None else "points"
    return _decision(found, limit, names, min_cases, method, unit)


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
    return float(betaincinv(count + 1, cases - count, level)) if count < cases else 1.0


def group_members(groups: ArrayLike | None, cases: int) -> tuple[NDArray[np.int64], int]:
    """Return the number of each case's group, from 0 on, and how many groups there are."""
    if groups is None:
        return np.arange(cases), cases
    names, members = np.unique(np.asarray(groups), return_inverse=True)
    if members.shape != (cases,):
        raise ValueError(f"{members.size} groups for {cases} cases")
    return members, names.size


def _decision(
    found: Limits,
    limit: float,
    cases: int,
    min_cases: int,
    method: str,
    unit: str,
) -> QualityDecision:
    loss, low, high = found.estimate, found.low, found.upper
    shown = f"{loss:.4g} {unit}, limit {limit:.4g}, {cases} cases"
    verdict = VerdictOutcome.INCONCLUSIVE
    if math.isnan(loss):
        reason = f"the metric is undefined on these {cases} cases"
    elif cases < min_cases:
        reason = f"needs {min_cases} cases, has {cases} (loss {shown})"
    elif high <= limit:
        verdict, reason = VerdictOutcome.PASS, f"at most {high:.4g} is lost ({shown})"
    elif low > limit:
        verdict, reason = VerdictOutcome.FAIL, f"at least {low:.4g} is lost ({shown})"
    else:
        reason = f"up to {high:.4g} may be lost ({shown}); measure more cases"
    return QualityDecision(verdict, reason, loss, low, high, cases, method)


def _scale(baseline_per_case: ArrayLike | None, cases: int) -> Floats:
    if baseline_per_case is None:
        return np.ones(cases)
    scale = _finite(baseline_per_case, "the baseline's values")
    if scale.size != cases:
        raise ValueError(f"{scale.size} values of the baseline for {cases} cases")
    if scale.mean() <= 0:
        raise ValueError("a loss relative to a baseline needs one whose mean is above 0")
    return scale


def _finite(values: ArrayLike, what: str) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{what} must be one number for each case, and at least one")
    if not np.isfinite(array).all():
        raise ValueError(f"{what} must be finite")
    return array
