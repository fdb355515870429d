"""How far numbers lie from the true ones, and vectors from the true direction.

`outputs` and `labels` are (cases, n). Cases are resampled.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array
from benchhub.model.quality import NOT_NEGATIVE, CaseTable, Reads
from benchhub.tasks.case_tables import mean_metric, summed_metric, table_metric
from benchhub.tasks.metrics import chance

Floats = NDArray[np.float64]


def errors(outputs: Array, labels: Array) -> Floats:
    """Return each case's mean absolute error, and that of each number: (cases, 1 + n).

    ValueError: they are of another shape, which numpy would stretch.
    """
    error = np.abs(_differences(outputs, labels))
    return np.column_stack([error.mean(axis=1), error])


def squares(outputs: Array, labels: Array) -> Floats:
    """Return each case's mean squared error, and 1: (cases, 2)."""
    squared = (_differences(outputs, labels) ** 2).mean(axis=1)
    return np.stack([squared, np.ones(len(squared))], axis=1)


def moments(outputs: Array, labels: Array) -> Floats:
    """Return of each number the true one, its square and the squared error: (cases, 3 n)."""
    true = labels.reshape(len(labels), -1).astype(np.float64)
    return np.concatenate([true, true**2, _differences(outputs, labels) ** 2], axis=1)


def explained(table: Floats, weights: Array) -> Floats:
    """Return 1 - SSE / SST of each number, the mean over numbers: (resamples,).

    SST is about the mean of a resample. NaN where a number's truth is the same in all its cases.
    """
    # About some value near them squares lose no digits.
    n = table.shape[1] // 3
    centre = table[:, :n].mean(axis=0)
    true, error = table[:, :n] - centre, table[:, 2 * n :]
    counts = np.asarray(weights, dtype=np.float64)
    total = counts.sum(axis=1, keepdims=True)
    about = counts @ true**2 - (counts @ true) ** 2 / total
    known = about > 1e-12 * np.maximum(counts @ true**2, 1e-300)
    share = np.divide(counts @ error, about, out=np.full(about.shape, np.nan), where=known)
    return np.asarray(1 - share.mean(axis=1), dtype=np.float64)


def cosines(outputs: Array, labels: Array) -> Floats:
    """Return the cosine between each case's vector and the true one, (cases, 1).

    A vector of zeros has 0; NaN where the true one is of zeros: the case does not count.
    """
    mine, true = (np.asarray(one, np.float64).reshape(len(one), -1) for one in (outputs, labels))
    if mine.shape != true.shape:
        raise ValueError(f"vectors of shape {outputs.shape} for labels of shape {labels.shape}")
    sizes = np.linalg.norm(mine, axis=1) * np.linalg.norm(true, axis=1)
    none = np.where(true.any(axis=1), 0.0, np.nan)
    found = np.divide((mine * true).sum(axis=1), sizes, out=none, where=sizes > 0)
    return np.asarray(found, dtype=np.float64)[:, None]


def _differences(outputs: Array, labels: Array) -> Floats:
    mine, truth = (one.reshape(len(one), -1).astype(np.float64) for one in (outputs, labels))
    if mine.shape != truth.shape:  # numpy would stretch one column over many
        raise ValueError(f"outputs of shape {outputs.shape} have no error against {labels.shape}")
    return np.asarray(mine - truth, dtype=np.float64)


def _error_by_column(table: Floats, names: tuple[str, ...]) -> dict[str, float]:
    return dict(zip(names, table[:, 1:].mean(axis=0).tolist(), strict=False))


MEAN_ABSOLUTE_ERROR = mean_metric(
    "mean_absolute_error",
    errors,
    higher_is_better=False,
    parts=_error_by_column,
    reads=Reads.NUMBERS,
    chance=chance.error_of_the_mean,
    within=NOT_NEGATIVE,
)
RMSE = summed_metric(
    "rmse",
    squares,
    lambda sums: np.sqrt(sums[:, 0] / sums[:, 1]),
    higher_is_better=False,
    reads=Reads.NUMBERS,
    chance=chance.spread_of_labels,
    within=NOT_NEGATIVE,
)
R2_SCORE = table_metric(
    "r2_score",
    CaseTable(moments, explained),
    reads=Reads.NUMBERS,
    chance=lambda labels: 0.0,
    within=(-math.inf, 1.0),
)
COSINE = mean_metric(
    "cosine_similarity",
    cosines,
    reads=Reads.DIRECTIONS,
    chance=chance.cosine_of_the_mean,
    within=(-1.0, 1.0),
)
