"""What outputs are worth: a metric with its interval, the loss against the baseline, agreement.

All limits are those of `stats.quality_gate`: bootstrap-t over groups of cases (patients), which are
drawn whole, both models on the same cases.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchhub.model import Array, Metric, Truth
from benchhub.stats.bootstrap import Floats, Limits, bootstrap_t, weighed
from benchhub.stats.quality_gate import group_members, guarded

#: Answers that spread by less than this share of their size do so by float32's rounding.
_SAME = 1e-6
#: Answers nowhere further apart than this share of their spread are one function's, rounded.
_ROUNDED = 1e-4


@dataclass(frozen=True, slots=True)
class Quality:
    """A metric's value and its loss against the baseline, both with two-sided 95 % limits.

    `loss` is in the metric's unit and positive when worse, `share` the same as a share of the
    baseline's size; None where that is 0. Their `upper` is the one-sided 95 % limit that a budget
    is held against, and their `low` what a FAIL takes. Limits are infinite where they are unknown.
    """

    value: float
    low: float
    high: float
    baseline: float
    loss: Limits
    share: Limits | None
    method: str
    cases: int
    groups: int
    parts: Mapping[str, float]


def assess(
    outputs: Sequence[Array],
    truth: Truth,
    metric: Metric,
    baseline_outputs: Sequence[Array],
    resamples: int = 2000,
    seed: int = 0,
) -> Quality:
    """Return the quality of `outputs` over the leading cases that both models answered.

    Only the first output counts, cases on axis 0. The same seed draws the same resamples for
    every variant. ValueError: no cases, outputs that are not finite or of another shape than the
    baseline's, or a metric that does not fit them or that these cases leave undefined.
    """
    cases = min(len(outputs[0]), len(baseline_outputs[0]), len(truth.labels))
    if cases == 0:
        raise ValueError("no cases")
    mine, other = (np.asarray(outputs[0])[:cases], np.asarray(baseline_outputs[0])[:cases])
    for array, whose in ((mine, "outputs"), (other, "the baseline's outputs")):
        if not np.isfinite(array).all():
            raise ValueError(f"{whose} are not finite")
    if mine.shape != other.shape:
        raise ValueError("outputs are of another shape than the baseline's")
    labels = np.asarray(truth.labels)[:cases]
    ones = np.ones((1, cases))
    try:
        value, base = (float(metric.weighted(array, labels, ones)[0]) for array in (mine, other))
        parts = metric.parts(mine, labels, truth.label_names)
    except (IndexError, ValueError) as error:
        raise ValueError(
            f"{metric.name} does not fit outputs of shape {mine.shape} and labels of shape"
            f" {labels.shape}"
        ) from error
    if not (math.isfinite(value) and math.isfinite(base)):
        raise ValueError(f"{metric.name} is undefined on these {cases} cases")
    judged = _Judged(metric, labels, *group_members(truth.groups[:cases], cases))
    of_value, loss, share, method = judged.limits(mine, other, base, resamples, seed)
    low, high = of_value.low, of_value.high
    if metric.higher_is_better:
        low, high = -high, -low
    return Quality(
        value, low, high, base, loss, share, method, cases, judged.count, parts
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Judged:
    """What models are judged by: a metric, the cases' labels, and the group of each case."""

    metric: Metric
    labels: Array
    members: NDArray[np.int64]
    count: int

    def limits(
        self, mine: Array, other: Array, base: float, resamples: int, seed: int
    ) -> tuple[Limits, Limits, Limits | None, str]:
        """Return limits of the value (as a loss), of the loss and its share, and their method."""
        sign = 1 if self.metric.higher_is_better else -1
        own, sizes = self._weighed(mine)
        theirs, _ = self._weighed(other)
        lost = sign * (theirs - own)
        rng = np.random.default_rng(seed)
        worst = self._worst(other[rng.permutation(len(other))])
        unseen = 0.0 if _rounded(mine, other) else worst

        def statistics(weights: Floats) -> Floats:
            value, against = (
                self.metric.weighted(array, self.labels, weights[:, self.members])
                for array in (mine, other)
            )
            loss = sign * (against - value)
            return np.stack([-sign * value, loss, loss / np.abs(against)], axis=1)[:, :kinds]

        kinds = 3 if base else 2
        found = bootstrap_t(
            np.stack([-sign * own, lost, lost][:kinds]),
            np.stack([sizes, sizes, math.copysign(1, base) * theirs][:kinds]),
            resamples,
            rng,
            statistics,
        )
        of_value, _ = guarded(found[0], -sign * own, sizes, worst)
        loss, method = guarded(found[1], lost, sizes, unseen)
        share = guarded(found[2], lost, sizes, unseen, abs(base))[0] if base else None
        return of_value, loss, share, method

    def _weighed(self, outputs: Array) -> tuple[Floats, Floats]:
        """Return what each group adds to the metric of `outputs`, and its number of cases."""
        if self.metric.by_case is None:
            return weighed(
                lambda weights: self.metric.weighted(outputs, self.labels, weights),
                self.members,
                self.count,
            )
        values = self.metric.by_case(outputs, self.labels)
        sums = np.bincount(self.members, values, minlength=self.count).astype(np.float64)
        return sums, np.bincount(self.members, minlength=self.count).astype(np.float64)

    def _worst(self, shuffled: Array) -> float:
        """Return how far apart a group of the best and of the worst answers lie, in points.

        Seen of a model that answers at random; infinite where that does not tell.
        """
        sums, sizes = self._weighed(shuffled)
        off = (sums - sums.sum() / sizes.sum() * sizes) * (self.count / sizes.sum())
        apart = float(off.max() - off.min())
        return apart if apart > 0 else math.inf


def agreement(outputs: Sequence[Array], reference: Sequence[Array]) -> tuple[float, float]:
    """Return the largest absolute difference, and the relative one of `model.Agreement`.

    `outputs` are the leading cases of `reference`, which is the whole of it: the spread is taken
    over all its cases, about each element's mean; where all cases have the same answer there is
    none, and the size of the answer stands in. The worst output tensor counts. Both are infinite
    where outputs are of another shape or number, or not finite where the reference is; elsewhere
    the reference says nothing, and nothing is compared.
    """
    if len(outputs) != len(reference):
        return math.inf, math.inf
    worst_abs = worst_relative = 0.0
    for given, whole in zip(outputs, reference, strict=True):
        got, full = np.asarray(given, dtype=np.float64), np.asarray(whole, dtype=np.float64)
        if got.ndim == 0 or len(got) > len(full) or got.shape[1:] != full.shape[1:]:
            return math.inf, math.inf
        told = np.isfinite(full)
        here = told[: len(got)]
        if not np.isfinite(got[here]).all():
            return math.inf, math.inf
        if not here.any():
            continue
        difference = got[here] - full[: len(got)][here]
        off, unit = _rms(difference), _spread(full, told)
        worst_abs = max(worst_abs, float(np.abs(difference).max()))
        relative = off / unit if unit > 0 else (math.inf if off > 0 else 0.0)
        worst_relative = max(worst_relative, relative)
    return worst_abs, worst_relative


def _rounded(mine: Array, other: Array) -> bool:
    whole = np.asarray(other, dtype=np.float64)
    apart = float(np.abs(np.asarray(mine, dtype=np.float64) - whole).max())
    return apart <= _ROUNDED * _spread(whole, np.isfinite(whole))


def _spread(full: NDArray[np.float64], told: NDArray[np.bool_]) -> float:
    """Return the spread of the `told` elements about their means, or else their size."""
    known = np.where(told, full, 0.0)
    means = known.sum(axis=0) / np.maximum(told.sum(axis=0), 1)
    spread, size = _rms((known - means)[told]), _rms(full[told])
    return spread if spread > _SAME * size else size


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2)))
