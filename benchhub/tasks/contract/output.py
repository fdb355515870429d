"""An output of the reference, as readings are found from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchhub.model.arrays import Array


@dataclass(frozen=True, slots=True)
class Output:
    """An output of the reference, cases on axis 0."""

    position: int
    name: str
    values: Array


def by_position(outputs: Sequence[Output]) -> list[Array]:
    """Return the outputs in the model's order; those that are not there have no cases."""
    found: list[Array] = [np.empty(0)] * (1 + max(one.position for one in outputs))
    for one in outputs:
        found[one.position] = one.values
    return found
