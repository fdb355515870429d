"""How often the class that a model answers is the true one."""

from __future__ import annotations

import numpy as np

from benchhub.model.arrays import Array
from benchhub.tasks.case_tables import Floats, weighted_mean


def accuracy(outputs: Array, labels: Array, weights: Array) -> Floats:
    """Return the share of cases whose largest output is their class; `labels` is (cases,)."""
    return weighted_mean(right_by_case(outputs, labels), weights)


def right_by_case(outputs: Array, labels: Array) -> Floats:
    """Return 1 for each case whose largest output is its class, else 0: (cases,)."""
    return np.asarray(_classes(outputs) == labels.reshape(-1), dtype=np.float64)


def accuracy_by_class(outputs: Array, labels: Array, names: tuple[str, ...]) -> dict[str, float]:
    """Return the accuracy within each true class (its recall); absent classes are left out."""
    right, truth = _classes(outputs) == labels.reshape(-1), labels.reshape(-1).astype(int)
    names = names or tuple(str(k) for k in range(outputs.shape[1]))
    return {
        name: float(right[truth == k].mean()) for k, name in enumerate(names) if (truth == k).any()
    }


def _columns(values: Array) -> Array:
    return values.reshape(len(values), -1)


def _classes(outputs: Array) -> Array:
    scores = _columns(outputs)
    # NaN compares as largest in argmax: a broken output must not score by luck
    return np.where(np.isnan(scores).any(axis=1), -1, scores.argmax(axis=1))
