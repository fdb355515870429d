"""What the user's own metrics make of the outputs of a whole launch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array
from benchhub.tasks.own.metric import OwnMetric

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scoring:
    """What a suite's own metrics make of a model's outputs: `metrics` over `labels`.

    `names` are the outputs' names, in the baseline's order.
    """

    metrics: tuple[OwnMetric, ...]
    names: tuple[str, ...]
    labels: Array

    def __call__(self, outputs: Sequence[Array]) -> Floats:
        """Return the columns of all metrics, (cases, columns); ValueError: one cannot be had."""
        return np.concatenate([part for _, part in self.parts(outputs)], axis=1)

    def parts(self, outputs: Sequence[Array]) -> list[tuple[OwnMetric, Floats]]:
        """Return each metric with its columns."""
        given = {  # but those that do not run over cases
            name: output
            for name, output in zip(self.names, outputs, strict=True)
            if output.shape != (0,)
        }
        cases = min(len(self.labels), *(len(output) for output in given.values()))
        return [(one, one.scores(given, self.labels[:cases])) for one in self.metrics]
