"""Whether a variant loses no more quality than allowed: a paired non-inferiority test.

Sources: `bootstrap` for the limits; C. J. Clopper and E. S. Pearson, Biometrika 26 (1934), where
too few cases differ for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

from benchhub.model import VerdictOutcome
from benchhub.stats.bootstrap import UPPER, Floats, Limits, Resample, bca, bootstrap_t

MIN_CASES = 200
#: Fewer differing cases than this are too few for bootstrap-t alone.
_SPARSE = 10


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
    (an AUC) is given as a function of weights instead, with the number of `cases`; its limits are
    BCa. Where so few cases differ that resampling has no limit, at most the share of them that is
    compatible (Clopper-Pearson) may lose `worst_loss` each. ValueError: no cases, numbers that are
    not finite, unequal lengths, or a baseline whose mean is not above 0.
    """
    if not math.isfinite(limit):
        raise ValueError(f"the limit of a loss must be finite, not {limit:g}")
    rng = np.random.default_rng(seed)
    if callable(loss_per_case):
        if cases is None or cases < 1 or baseline_per_case is not None:
            raise ValueError("a resampled metric needs the number of its cases, and no baseline")
        members, names = _members(groups, cases)
        found = bca(loss_per_case, members, names, resamples, rng)
        count, method = names, "BCa"
    else:
        losses = _finite(loss_per_case, "losses")
        scale = _scale(baseline_per_case, losses.size)
        members, names = _members(groups, losses.size)
        sums = np.bincount(members, losses, minlength=names).astype(np.float64)
        sizes = np.bincount(members, scale, minlength=names).astype(np.float64)
        found = bootstrap_t(sums, sizes, resamples, rng)
        count, method = names, "bootstrap-t"
        high = _sparse(losses, found, names, worst_loss) / float(scale.mean())
        if high > found.high or math.isinf(found.high):
            found, method = Limits(found.estimate, found.low, high), "Clopper-Pearson"
    unit = "of the baseline" if baseline_per_case is not None else "points"
    return _decision(found, limit, count, min_cases, method, unit)


def _decision(
    found: Limits,
    limit: float,
    cases: int,
    min_cases: int,
    method: str,
    unit: str,
) -> QualityDecision:
    loss, low, high = found.estimate, found.low, found.high
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


def _sparse(losses: Floats, found: Limits, cases: int, worst_loss: float) -> float:
    """Return an upper limit from how many cases lose more than usual, where few differ at all.

    What no case has shown may be as bad as `worst_loss`.
    """
    usual = float(np.median(losses))
    differing = int(np.count_nonzero(losses != usual))
    known = math.isfinite(found.high) and differing > 0
    if known and differing >= _SPARSE:
        return -math.inf
    losing = int(np.count_nonzero(losses > usual))
    worst = float(losses.max()) - usual if known and losing else worst_loss
    share = betaincinv(losing + 1, cases - losing, UPPER) if losing < cases else 1.0
    return usual + float(share) * worst


def _members(groups: ArrayLike | None, cases: int) -> tuple[NDArray[np.int64], int]:
    if groups is None:
        return np.arange(cases), cases
    names, members = np.unique(np.asarray(groups), return_inverse=True)
    if members.shape != (cases,):
        raise ValueError(f"{members.size} groups for {cases} cases")
    return members, names.size


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
