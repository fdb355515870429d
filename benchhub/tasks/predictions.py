"""What tasks make of a model's first output before metrics see it: a table of name -> function.

A function takes outputs of shape (cases, ...) and returns an array (cases, ...), small and final (a
map of classes, of instances), each case from that case's output alone. It runs on the controller.
ValueError: it cannot use such outputs. Distributions add theirs through the entry point group
`benchhub.predictions`; stored runs find them by name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchhub.model.arrays import Array, Ints
from benchhub.outside import ExtensionPoint
from benchhub.tasks.lazy import found
from benchhub.tasks.own.code import is_own, own_function

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


@dataclass(frozen=True, slots=True)
class Predictor:
    """What predicts from a model's outputs; `of_all`: from all of them, not from the first."""

    of_outputs: Callable[[Sequence[Array]], Array]
    of_all: bool = False


def get_predictor(name: str, folder: Path, names: Sequence[str] = ()) -> Predictor:
    """Return what predicts: a function of the table, or `file.py:function` below `folder`.

    One of the user's own takes all outputs of a case, by the `names` that they have and without the
    axis of cases, and returns an array. ConfigError: there is no such function.
    """
    if not is_own(name):
        function = get_prediction(name, "data.predict")
        return Predictor(lambda outputs: function(outputs[0]))
    own = own_function(name, folder, "data.predict")

    def of_outputs(outputs: Sequence[Array]) -> Array:
        given = {  # but those that do not run over cases
            key: array[0] for key, array in zip(names, outputs, strict=True) if len(array)
        }
        made = np.asarray(own(given, where="a case"))
        if made.dtype.kind not in "biufU":
            raise ValueError(f"{name} returned {made.dtype}; return an array of numbers")
        return made[None]

    return Predictor(of_outputs, of_all=True)


def predicted(
    predictor: Predictor, outputs: Sequence[Array], clock: Callable[[], int] = time.perf_counter_ns
) -> tuple[Array, Ints]:
    """Return the predictions of `outputs`, the model's in order, and how long each case took.

    Cases are predicted one by one, as an application would. ValueError: the function cannot use
    them, or does not give every case one prediction of the same shape.
    """

    def predict(index: int) -> Array:
        return predictor.of_outputs([array[index : index + 1] for array in outputs])

    cases = max(map(len, outputs if predictor.of_all else outputs[:1]))
    if not cases:
        raise ValueError("it does not run over cases")
    predict(0)  # imports and tables are made ready in here, not while timed
    made: list[Array] = []
    took_ns = np.empty(cases, dtype=np.int64)
    for index in range(cases):
        begun_ns = clock()
        one = predict(index)
        took_ns[index] = clock() - begun_ns
        if not one.ndim or len(one) != 1 or one.shape != (made[0] if made else one).shape:
            raise ValueError(
                f"the prediction of case {index} has shape {one.shape}: every case must have one of"
                " the same shape"
            )
        made.append(one)
    return np.concatenate(made), took_ns
