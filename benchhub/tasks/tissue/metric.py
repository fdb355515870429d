"""How tissue classes are judged: accuracy, and the F1 score of each class, averaged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array
from benchhub.model.quality import CaseTable, Reads
from benchhub.tasks.case_tables import ratio, table_metric
from benchhub.tasks.metrics.chance import f1_of_the_largest

Floats = NDArray[np.float64]


def answers(outputs: Array, labels: Array) -> Floats:
    """Return the true class of each case, the answered one (-1: not a number), and how many.

    Shape (cases, 3). `outputs` (cases, classes) are scores, `labels` (cases,) the classes.
    ValueError for outputs of another shape.
    """
    if outputs.ndim != 2:
        raise ValueError(f"outputs of shape {outputs.shape} are no scores of classes")
    # NaN compares as largest in argmax: a broken output must not score by luck
    found = np.where(np.isnan(outputs).any(axis=1), -1, outputs.argmax(axis=1))
    classes = np.full(len(outputs), outputs.shape[1])
    return np.stack([labels.reshape(-1), found, classes], axis=1).astype(np.float64)


def f1_by_class(table: Floats, weights: Array) -> Floats:
    """Return each class's F1 = 2 TP / (2 TP + FP + FN), (resamples, classes).

    NaN where a class is neither true nor answered in a resample.
    """
    classes = np.arange(int(table[:, 2].max(initial=1)))
    true, found = (table[:, column, None] == classes for column in (0, 1))
    counts = np.asarray(weights, dtype=np.float64)
    both = counts @ (true & found)
    either = counts @ true.astype(np.float64) + counts @ found.astype(np.float64)
    undefined = np.full(both.shape, np.nan)
    return np.asarray(np.divide(2 * both, either, out=undefined, where=either > 0), np.float64)


def _macro(table: Floats, weights: Array) -> Floats:
    values = f1_by_class(table, weights)
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0.0).sum(axis=1), known.sum(axis=1))


def _parts(table: Floats, names: tuple[str, ...]) -> dict[str, float]:
    values = f1_by_class(table, np.ones((1, len(table))))[0]
    return {
        name: float(value)
        for name, value in zip(names, values, strict=False)
        if not np.isnan(value)
    }


def _by_case(table: Floats) -> Floats:
    """Return what each case adds: F1 = 2 TP / (T + P) changes by (2 tp - F1 (t + p)) / (T + P)."""
    values = f1_by_class(table, np.ones((1, len(table))))[0]
    known = np.flatnonzero(~np.isnan(values))
    if not known.size:
        return np.full(len(table), np.nan)
    true, found = (np.asarray(table[:, column, None] == known, np.float64) for column in (0, 1))
    either = (true + found).sum(axis=0)
    change = (2 * true * found - values[known] * (true + found)) / either
    return np.asarray(values[known].mean() + len(table) * change.mean(axis=1), dtype=np.float64)


MACRO_F1 = table_metric(
    "macro_f1",
    CaseTable(answers, _macro, _parts, _by_case),
    reads=Reads.CLASSES,
    chance=f1_of_the_largest,
)
