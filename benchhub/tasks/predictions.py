"""What tasks make of a model's first output before metrics see it: a table of name -> function.

A function takes outputs of shape (cases, ...) and returns an array (cases, ...), small and final (a
map of classes, of instances), each case from that case's output alone. It runs on the controller.
ValueError: it cannot use such outputs. Distributions add theirs through the entry point group
`benchhub.predictions`; stored runs find them by name.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from benchhub.model.arrays import Array, Ints
from benchhub.outside import ExtensionPoint
from benchhub.tasks.lazy import found

Predict = Callable[[Array], Array]

#: Name -> "module:attribute", imported where it is asked for.
PREDICTIONS: dict[str, str] = {
    "argmax-labels": "benchhub.tasks.cardiac.metric:class_map",
    "pathology": "benchhub.tasks.pathology.watershed:nuclei",
    "nuclei": "benchhub.tasks.nuclei.watershed:predict",
}


def get_prediction(name: str, where: str = "") -> Predict:
    """Return a function of the table; ConfigError naming the nearest, and `where` it was asked."""
    kind = f"{where}: prediction" if where else "prediction"
    function: Predict = found(kind, ExtensionPoint.PREDICTIONS, PREDICTIONS, name)
    return function


def predicted(
    predict: Predict, outputs: Array, clock: Callable[[], int] = time.perf_counter_ns
) -> tuple[Array, Ints]:
    """Return the predictions of `outputs`, and how long each case took.

    Cases are predicted one by one, as an application would. ValueError: the function cannot use
    them, or does not give every case one prediction of the same shape.
    """
    predict(outputs[:1])  # imports and tables are made ready in here, not while timed
    made: list[Array] = []
    took_ns = np.empty(len(outputs), dtype=np.int64)
    for index in range(len(outputs)):
        begun_ns = clock()
        one = predict(outputs[index : index + 1])
        took_ns[index] = clock() - begun_ns
        if not one.ndim or len(one) != 1 or one.shape != (made[0] if made else one).shape:
            raise ValueError(
                f"the prediction of case {index} has shape {one.shape}: every case must have one of"
                " the same shape"
            )
        made.append(one)
    return np.concatenate(made), took_ns
