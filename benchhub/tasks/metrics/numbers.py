"""How far numbers lie from the true ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array
from benchhub.tasks.case_tables import weighted_mean

Floats = NDArray[np.float64]


def mean_absolute_error(outputs: Array, labels: Array, weights: Array) -> Floats:
    """Return the mean over cases of a case's mean absolute difference from its label."""
    return weighted_mean(error_by_case(outputs, labels), weights)


def error_by_case(outputs: Array, labels: Array) -> Floats:
    """Return each case's mean absolute difference from its label: (cases,)."""
    return np.asarray(_absolute_error(outputs, labels).mean(axis=1), dtype=np.float64)


def error_by_column(outputs: Array, labels: Array, names: tuple[str, ...]) -> dict[str, float]:
    """Return the mean absolute error of each named output column; none without names."""
    return dict(zip(names, _absolute_error(outputs, labels).mean(axis=0).tolist(), strict=False))


def _columns(values: Array) -> Array:
    return values.reshape(len(values), -1)


def _absolute_error(outputs: Array, labels: Array) -> Floats:
    mine, truth = _columns(outputs).astype(np.float64), _columns(labels)
    if mine.shape != truth.shape:  # numpy would stretch one column over many
        raise ValueError(f"outputs of shape {outputs.shape} have no error against {labels.shape}")
    difference = mine - truth
    return np.asarray(np.abs(difference), dtype=np.float64)
