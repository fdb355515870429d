"""How often the class that a model answers is the true one, and how that is told by class.

`outputs` are scores (cases, classes), `labels` classes (cases,) from 0 on. Cases are resampled.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array
from benchhub.model.quality import SHARE, CaseTable, Metric, Reads
from benchhub.tasks.case_tables import mean_metric, ratio, summed_metric, table_metric
from benchhub.tasks.metrics import chance

Floats = NDArray[np.float64]


def answers(outputs: Array, labels: Array) -> Floats:
    """Return the true class of each case, the answered one (-1: not a number), and how many.

    Shape (cases, 3). ValueError for outputs that are no rows of scores.
    """
    if outputs.ndim != 2:
        raise ValueError(f"outputs of shape {outputs.shape} are no scores of classes")
    # NaN compares as largest in argmax: a broken output must not score by luck
    found = np.where(np.isnan(outputs).any(axis=1), -1, outputs.argmax(axis=1))
    classes = np.full(len(outputs), outputs.shape[1])
    return np.stack([labels.reshape(-1), found, classes], axis=1).astype(np.float64)


def right_by_case(outputs: Array, labels: Array) -> Floats:
    """Return 1 for each case whose largest output is its class, else 0, and its class: (cases, 2).

    Outputs of more axes than one a case are read as one row.
    """
    table = answers(outputs.reshape(len(outputs), -1), labels)
    return np.stack([table[:, 0] == table[:, 1], table[:, 0]], axis=1).astype(np.float64)


def among(outputs: Array, labels: Array, count: int) -> Floats:
    """Return the chance that each case's class is among its `count` first, and it: (cases, 2).

    Classes of equal scores come in any order, all of them as likely: an answer that tells nothing
    has the share of `count` in the classes.
    """
    rows = np.asarray(outputs, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"outputs of shape {outputs.shape} are no scores of classes")
    truth = labels.reshape(-1).astype(np.int64)
    mine = rows[np.arange(len(rows)), truth][:, None]
    before, equal = (rows > mine).sum(axis=1), (rows == mine).sum(axis=1)
    found = np.clip((count - before) / np.maximum(equal, 1), 0, 1)
    found[np.isnan(rows).any(axis=1)] = 0
    return np.stack([found, truth], axis=1).astype(np.float64)


def top(count: int) -> Metric:
    """Return the share of the cases whose class is among the `count` largest outputs.

    Of equal outputs see `among`; accuracy has the one answer that the model gives, the first.
    """

    def of(outputs: Array, labels: Array) -> Floats:
        table = among(outputs, labels, count)
        if outputs.shape[1] <= count:
            raise ValueError(f"among {outputs.shape[1]} classes the first {count} are all of them")
        return table

    return mean_metric(
        f"top{count}_accuracy",
        of,
        parts=_share_by_class,
        reads=Reads.RANKED if count > 1 else Reads.CLASSES,
        chance=lambda labels: chance.largest_shares(labels, count),
        within=SHARE,
    )


def _share_by_class(table: Floats, names: tuple[str, ...]) -> dict[str, float]:
    """Return the share of each true class's cases that are right; absent classes are left out."""
    truth = table[:, 1].astype(np.int64)
    names = names or tuple(map(str, range(int(truth.max(initial=-1)) + 1)))
    return {
        name: float(table[truth == k, 0].mean())
        for k, name in enumerate(names)
        if (truth == k).any()
    }


def recall_by_class(table: Floats, weights: Array) -> Floats:
    """Return each class's share of right answers, (resamples, classes); NaN: none is of it."""
    classes = np.arange(int(table[:, 2].max(initial=1)))
    counts = np.asarray(weights, dtype=np.float64)
    true = table[:, 0, None] == classes
    right = true & (table[:, 0] == table[:, 1])[:, None]
    return _divided(counts @ right, counts @ true.astype(np.float64))


def f1_by_class(table: Floats, weights: Array) -> Floats:
    """Return each class's F1 = 2 TP / (2 TP + FP + FN), (resamples, classes).

    NaN where a class is neither true nor answered in a resample.
    """
    classes = np.arange(int(table[:, 2].max(initial=1)))
    true, found = (table[:, column, None] == classes for column in (0, 1))
    counts = np.asarray(weights, dtype=np.float64)
    both = counts @ (true & found)
    return _divided(2 * both, counts @ true.astype(np.float64) + counts @ found.astype(np.float64))


def _divided(top: Floats, bottom: Floats) -> Floats:
    undefined = np.full(top.shape, np.nan)
    return np.asarray(np.divide(top, bottom, out=undefined, where=bottom > 0), np.float64)


def _mean_of_known(values: Floats) -> Floats:
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0.0).sum(axis=1), known.sum(axis=1))


def _named(values: Floats, names: tuple[str, ...]) -> dict[str, float]:
    names = names or tuple(map(str, range(len(values))))
    return {
        name: float(value)
        for name, value in zip(names, values, strict=False)
        if not np.isnan(value)
    }


def _f1_by_case(table: Floats) -> Floats:
    """Return what each case adds: F1 = 2 TP / (T + P) changes by (2 tp - F1 (t + p)) / (T + P)."""

    def change(values: Floats, known: NDArray[np.int64]) -> Floats:
        true, found = (np.asarray(table[:, k, None] == known, np.float64) for k in (0, 1))
        either = (true + found).sum(axis=0)
        return np.asarray((2 * true * found - values * (true + found)) / either, np.float64)

    return _by_case(table, f1_by_class, change)


def _recall_by_case(table: Floats) -> Floats:
    """Return what each case adds: its class's recall changes by (right - recall) / cases of it."""

    def change(values: Floats, known: NDArray[np.int64]) -> Floats:
        true = np.asarray(table[:, 0, None] == known, np.float64)
        right = np.asarray(table[:, 0] == table[:, 1], np.float64)[:, None]
        return np.asarray(true * (right - values) / true.sum(axis=0), np.float64)

    return _by_case(table, recall_by_class, change)


def _by_case(
    table: Floats,
    by_class: Callable[[Floats, Array], Floats],
    change: Callable[[Floats, NDArray[np.int64]], Floats],
) -> Floats:
    """Return what each case adds to the mean over classes of what `by_class` has.

    `change` says how each case's weight changes it, (cases, classes), of the classes that are known
    and their values.
    """
    values = by_class(table, np.ones((1, len(table))))[0]
    known = np.flatnonzero(~np.isnan(values))
    if not known.size:
        return np.full(len(table), np.nan)
    moved = change(values[known], known).mean(axis=1)
    return np.asarray(values[known].mean() + len(table) * moved, dtype=np.float64)


def hits(outputs: Array, labels: Array) -> Floats:
    """Return whether each case is of the second class and answered so, either, or: (cases, 2).

    2 TP and 2 TP + FP + FN add up from the columns. ValueError: there are not two classes.
    """
    if outputs.ndim != 2 or outputs.shape[1] != 2:
        raise ValueError(f"F1 is of two classes, not {outputs.shape[-1]}; of more use macro_f1")
    table = answers(outputs, labels)
    true, found = table[:, 0] == 1, table[:, 1] == 1
    return np.stack([2 * (true & found), true.astype(int) + found], axis=1).astype(np.float64)


def _mean_over_classes(
    by_class: Callable[[Floats, Array], Floats], by_case: Callable[[Floats], Floats]
) -> CaseTable:
    """Return the table of the mean of what each class has, over those that have it."""
    return CaseTable(
        answers,
        lambda table, weights: _mean_of_known(by_class(table, weights)),
        lambda table, names: _named(by_class(table, np.ones((1, len(table))))[0], names),
        by_case,
    )


ACCURACY = mean_metric(
    "accuracy",
    right_by_case,
    parts=_share_by_class,
    reads=Reads.CLASSES,
    chance=chance.largest_share,
    within=SHARE,
)
BALANCED_ACCURACY = table_metric(
    "balanced_accuracy",
    _mean_over_classes(recall_by_class, _recall_by_case),
    reads=Reads.CLASSES,
    chance=chance.one_of_classes,
    within=SHARE,
)
MACRO_F1 = table_metric(
    "macro_f1",
    _mean_over_classes(f1_by_class, _f1_by_case),
    reads=Reads.CLASSES,
    chance=chance.f1_of_the_largest,
    within=SHARE,
)
F1 = summed_metric(
    "f1",
    hits,
    lambda sums: sums[:, 0] / sums[:, 1],
    reads=Reads.CLASSES,
    chance=chance.f1_of_yes,
    within=SHARE,
)
