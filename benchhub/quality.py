"""What outputs are worth: a metric with its interval, the loss against the baseline, agreement.

Intervals are percentile bootstraps over groups of cases (patients), which are drawn whole; the
loss is resampled in pairs, both models on the same cases. Source: B. Efron and R. J. Tibshirani,
An Introduction to the Bootstrap (1993), chapters 8 and 13.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchhub.model import Array, Metric, Truth

_ELEMENTS_AT_ONCE = 8_000_000
#: Answers that spread by less than this share of their size do so by float32's rounding.
_SAME = 1e-6


@dataclass(frozen=True, slots=True)
class Quality:
    """A metric's value and its loss against the baseline, both with two-sided 95 % limits.

    Loss is in the metric's unit and positive when worse. `loss_upper` is the one-sided 95 % limit
    that a budget is held against. Limits are None where most resamples left the metric undefined.
    """

    value: float
    low: float | None
    high: float | None
    baseline: float
    loss: float
    loss_low: float | None
    loss_high: float | None
    loss_upper: float | None
    cases: int
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
    pair = (np.asarray(outputs[0])[:cases], np.asarray(baseline_outputs[0])[:cases])
    for array, whose in zip(pair, ("outputs", "the baseline's outputs"), strict=True):
        if not np.isfinite(array).all():
            raise ValueError(f"{whose} are not finite")
    if pair[0].shape != pair[1].shape:
        raise ValueError("outputs are of another shape than the baseline's")
    labels = np.asarray(truth.labels)[:cases]
    ones = np.ones((1, cases))
    try:
        value, base = (float(metric.weighted(array, labels, ones)[0]) for array in pair)
        parts = metric.parts(pair[0], labels, truth.label_names)
    except (IndexError, ValueError) as error:
        raise ValueError(
            f"{metric.name} does not fit outputs of shape {pair[0].shape} and labels of shape"
            f" {labels.shape}"
        ) from error
    if not (math.isfinite(value) and math.isfinite(base)):
        raise ValueError(f"{metric.name} is undefined on these {cases} cases")
    drawn = _resampled(pair, labels, truth.groups[:cases], metric, resamples, seed)
    sign = 1 if metric.higher_is_better else -1
    losses = sign * (drawn[1] - drawn[0])
    low, high = _limits(drawn[0], 0.025, 0.975)
    loss_low, loss_high, loss_upper = _limits(losses, 0.025, 0.975, 0.95)
    loss = sign * (base - value)
    return Quality(
        value, low, high, base, loss, loss_low, loss_high, loss_upper, cases, parts
    )  # fmt: skip


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


def _spread(full: NDArray[np.float64], told: NDArray[np.bool_]) -> float:
    """Return the spread of the `told` elements about their means, or else their size."""
    known = np.where(told, full, 0.0)
    means = known.sum(axis=0) / np.maximum(told.sum(axis=0), 1)
    spread, size = _rms((known - means)[told]), _rms(full[told])
    return spread if spread > _SAME * size else size


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _resampled(
    pair: tuple[Array, Array],
    labels: Array,
    groups: Sequence[str],
    metric: Metric,
    resamples: int,
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    names, member = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    rng = np.random.default_rng(seed)
    even = np.full(names.size, 1 / names.size)
    step = max(1, _ELEMENTS_AT_ONCE // len(labels))
    values: tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]] = ([], [])
    for start in range(0, resamples, step):
        counts = rng.multinomial(names.size, even, size=min(step, resamples - start))
        weights = counts[:, member].astype(np.float64)
        for array, kept in zip(pair, values, strict=True):
            kept.append(metric.weighted(array, labels, weights))
    return np.concatenate(values[0]), np.concatenate(values[1])


def _limits(values: NDArray[np.float64], *qs: float) -> tuple[float | None, ...]:
    known = values[np.isfinite(values)]
    if known.size <= values.size / 2:
        return (None,) * len(qs)
    return tuple(float(limit) for limit in np.quantile(known, qs))
