"""How well scores rank cases: areas under the ROC curve, and average precision.

`outputs` and `labels`, 0 or 1, are (cases, things). Cases are resampled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array
from benchhub.model.quality import SHARE, Metric, Reads
from benchhub.tasks.case_tables import ratio
from benchhub.tasks.metrics.chance import half, mean_share

Floats = NDArray[np.float64]
_Weights = NDArray[np.floating[Any]]


#: Of so few cases all pairs are looked at at once.
_FEW = 1000
#: Below this float32 holds every whole number.
_EXACT = 2**24


def weighted_auc(scores: Array, truth: Array, weights: Array) -> Floats:
    """Return the area under the ROC curve per resample, ties counted half: (resamples,).

    `scores` and `truth` are (cases,), `weights` (resamples, cases). NaN where a resample holds
    one class only; NaN everywhere if a score is NaN, which has no order.
    """
    return _auc(scores, truth, _counts(weights))


def _auc(scores: Array, truth: Array, by_case: _Weights) -> Floats:
    """Weigh pairs (positive, negative): won 1, tied 1/2 (Hanley and McNeil 1982).

    `by_case` is (cases, resamples), see `_counts`.
    """
    if np.isnan(scores).any():
        return np.full(by_case.shape[1], np.nan)
    positive = truth.astype(bool)
    mine, others = scores[positive], scores[~positive]
    weight, against = by_case[positive], by_case[~positive]
    below = (_pairs if by_case.dtype == np.float32 else _in_order)(mine, others, against)
    won, mine_in_all, others_in_all = (
        np.asarray(total, dtype=np.float64)
        for total in (
            np.einsum("pr,pr->r", weight, below), weight.sum(axis=0), against.sum(axis=0)
        )
    )  # fmt: skip
    return ratio(won / 2, mine_in_all * others_in_all)


def _pairs(mine: Array, others: Array, against: _Weights) -> _Weights:
    """Return the weight of the negatives below each positive, and of those up to it, together."""
    beaten = mine[:, None] > others
    pairs = beaten.astype(against.dtype) + (mine[:, None] >= others)
    return np.asarray(pairs @ against)


def _in_order(mine: Array, others: Array, against: _Weights) -> _Weights:
    """Return the same by running sums over the negatives in order, in all resamples at once."""
    order = np.argsort(others, kind="stable")
    running = np.zeros((len(order) + 1, against.shape[1]))
    np.cumsum(against[order], axis=0, out=running[1:])
    below = running[np.searchsorted(others[order], mine, side="left")]
    below += running[np.searchsorted(others[order], mine, side="right")]
    return np.asarray(below)


def _counts(weights: Array) -> _Weights:
    """Return the weights as (cases, resamples), so that picking cases copies whole rows.

    Whole ones of few cases are float32: of their products all sums are exact, in any order.
    """
    by_case = _by_case(weights)
    total = float(by_case.sum(axis=0).max(initial=0))
    if len(by_case) <= _FEW and total**2 < _EXACT and (np.rint(by_case) == by_case).all():
        return by_case.astype(np.float32)
    return by_case


def macro_auc(outputs: Array, labels: Array, weights: Array) -> Floats:
    """Return the mean AUC over the labels that have both classes in a resample.

    `outputs` and `labels` are (cases, labels). A label of one class is left out of that
    resample's mean rather than counted as 0 or as NaN; `parts` tells which labels were there.
    """
    scores, truth = _columns(outputs), _columns(labels)
    by_case = _counts(weights)
    per_label = np.stack([_auc(scores[:, k], truth[:, k], by_case) for k in range(truth.shape[1])])
    present = ~np.isnan(per_label)
    count = present.sum(axis=0)
    total = np.where(present, per_label, 0.0).sum(axis=0)
    return ratio(total, count)


def auc_by_case(outputs: Array, labels: Array) -> Floats:
    """Return what each case adds to the macro AUC, (cases,): its share of pairs won, by label.

    As the AUC would change without the case: E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson,
    Biometrics 44 (1988). Labels of one class are left out.
    """
    scores, truth = _columns(outputs), _columns(labels).astype(bool)
    cases = len(truth)
    found = [_placements(scores[:, k], truth[:, k]) for k in range(truth.shape[1])]
    whole = [(area, change) for area, change in found if not np.isnan(area)]
    if not whole:
        return np.full(cases, np.nan)
    area = float(np.mean([area for area, _ in whole]))
    change: Floats = np.mean([change for _, change in whole], axis=0)
    return area + cases * change


def _placements(scores: Array, positive: NDArray[np.bool_]) -> tuple[float, Floats]:
    """Return a label's AUC, and how each case moves it; ties count half."""
    mine, others = np.sort(scores[positive]), np.sort(scores[~positive])
    change = np.zeros(len(scores))
    if not mine.size or not others.size:
        return np.nan, change
    won = _below(others, scores[positive])
    lost = 1 - _below(mine, scores[~positive])
    area = float(won.mean())
    change[positive] = (won - area) / max(1, mine.size - 1)
    change[~positive] = (lost - area) / max(1, others.size - 1)
    return area, change


def _below(ordered: Array, scores: Array) -> Floats:
    """Return the share of `ordered` below each score, ties counted half."""
    ranks = np.searchsorted(ordered, scores, side="left")
    ranks = ranks + np.searchsorted(ordered, scores, side="right")
    return np.asarray(ranks / (2 * ordered.size), dtype=np.float64)


def auc_by_label(outputs: Array, labels: Array, names: tuple[str, ...]) -> dict[str, float]:
    """Return each label's AUC; NaN marks a label of one class."""
    scores, truth = _columns(outputs), _columns(labels)
    once = np.ones((1, len(truth)))
    names = names or tuple(str(k) for k in range(truth.shape[1]))
    return {
        name: float(weighted_auc(scores[:, k], truth[:, k], once)[0])
        for k, name in enumerate(names)
    }


def average_precision(outputs: Array, labels: Array, weights: Array) -> Floats:
    """Return the mean over labels of average precision: (resamples,).

    Of a label it is the mean, over its positive cases, of the share of positives among the cases
    that score as high or higher. A label without a positive case in a resample is left out of it.
    """
    scores, truth = _columns(outputs), _columns(labels).astype(bool)
    by_case = _by_case(weights)
    values = np.stack([
        _precision(scores[:, k], truth[:, k], by_case) for k in range(truth.shape[1])
    ])  # fmt: skip
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0))


def _precision(scores: Array, positive: NDArray[np.bool_], by_case: Floats) -> Floats:
    order = np.argsort(-scores, kind="stable")
    counts, hits = by_case[order], positive[order]
    last = np.searchsorted(-scores[order], -scores[order][hits], side="right") - 1
    above = np.cumsum(counts, axis=0)[last]
    found = np.cumsum(counts * hits[:, None], axis=0)[last]
    share = np.divide(found, above, out=np.zeros_like(found), where=above > 0)
    weight = counts[hits]
    return ratio((weight * share).sum(axis=0), weight.sum(axis=0))


def precision_by_case(outputs: Array, labels: Array) -> Floats:
    """Return what each case adds to the average precision, (cases,), by its derivative.

    A positive case weighs its own precision, and each case moves that of the positives which score
    no higher than it.
    """
    scores, truth = _columns(outputs), _columns(labels).astype(bool)
    found = [_moves(scores[:, k], truth[:, k]) for k in range(truth.shape[1])]
    whole = [(value, change) for value, change in found if not np.isnan(value)]
    if not whole:
        return np.full(len(truth), np.nan)
    change: Floats = np.mean([change for _, change in whole], axis=0)
    return float(np.mean([value for value, _ in whole])) + len(truth) * change


def _moves(scores: Array, positive: NDArray[np.bool_]) -> tuple[float, Floats]:
    """Return a label's average precision, and its derivative by the weight of each case."""
    count = int(positive.sum())
    if not count:
        return np.nan, np.zeros(len(scores))
    order = np.argsort(-scores, kind="stable")
    ordered, hits = -scores[order], positive[order]
    last = np.searchsorted(ordered, ordered, side="right")
    first = np.searchsorted(ordered, ordered, side="left")
    share = np.cumsum(hits)[last - 1] / last
    value = float(share[hits].mean())
    # Sums over the positives from a place on, of 1 / N and of share / N.
    ends = np.zeros((2, len(scores) + 1))
    for row, of in zip(ends, (hits / last, hits * share / last), strict=True):
        row[:-1] = np.cumsum(of[::-1])[::-1]
    moved = (hits * ends[0][first] - ends[1][first] + hits * (share - value)) / count
    change = np.empty(len(scores))
    change[order] = moved
    return value, change


def precision_by_label(outputs: Array, labels: Array, names: tuple[str, ...]) -> dict[str, float]:
    """Return each label's average precision; NaN marks a label without a positive case."""
    scores, truth = _columns(outputs), _columns(labels)
    once = np.ones((1, len(truth)))
    names = names or tuple(map(str, range(truth.shape[1])))
    return {
        name: float(average_precision(scores[:, k], truth[:, k], once)[0])
        for k, name in enumerate(names)
    }


def one_auc(outputs: Array, labels: Array, weights: Array) -> Floats:
    """Return the AUC of one thing; ValueError for several, whose mean is macro_auc."""
    if _columns(labels).shape[1] != 1:
        raise ValueError("auc is of one thing or two classes; of more use macro_auc")
    return macro_auc(outputs, labels, weights)


def _by_case(weights: Array) -> Floats:
    """Return the weights as (cases, resamples), so that picking cases copies whole rows."""
    return np.ascontiguousarray(weights.T, dtype=np.float64)


def _columns(values: Array) -> Array:
    return values.reshape(len(values), -1)


MACRO_AUC = Metric(
    "macro_auc",
    "",
    True,
    macro_auc,
    auc_by_label,
    auc_by_case,
    reads=Reads.COLUMNS,
    chance=half,
    within=SHARE,
)
AUC = Metric(
    "auc",
    "",
    True,
    one_auc,
    auc_by_label,
    auc_by_case,
    reads=Reads.COLUMNS,
    chance=half,
    within=SHARE,
)
AVERAGE_PRECISION = Metric(
    "average_precision",
    "",
    True,
    average_precision,
    precision_by_label,
    precision_by_case,
    reads=Reads.COLUMNS,
    chance=mean_share,
    within=SHARE,
)
