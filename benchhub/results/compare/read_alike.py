"""Whether two runs read outputs and labels alike, so that their answers may be paired; pure."""

from __future__ import annotations

import dataclasses

import numpy as np

from benchhub.model.arrays import Array
from benchhub.model.quality import Metric, Reading
from benchhub.tasks.contract.scale import depends_on_scale

#: Two readings that differ in nothing else say the same of an output.
_NO_MATTER = frozenset({"name", "integers"})


def read_otherwise(one: Reading | None, other: Reading | None, metric: Metric) -> str:
    """Return in what two readings of a metric differ; empty: in nothing that is known.

    Not in where the output is: see `in_place`.
    """
    if one is None or other is None:
        return ""
    free = set(_NO_MATTER)
    if one.boxes is None:
        free.add("output")
    if one.scores == other.scores == "class":
        free.add("columns")  # as many as labels and answers go up to
    if not depends_on_scale(metric, other.columns, other.labels):
        free.add("scores")
    differs = [
        field.name
        for field in dataclasses.fields(Reading)
        if getattr(one, field.name) != getattr(other, field.name)
    ]
    return ", ".join(name for name in differs if name not in free)


def in_place(
    outputs: tuple[Array, ...], one: Reading | None, other: Reading | None
) -> tuple[Array, ...]:
    """Return outputs that one reading is of so that the other finds its output among them."""
    if one is None or other is None or one.output == other.output or one.output >= len(outputs):
        return outputs
    placed = [*outputs, *[np.empty(0)] * (other.output + 1 - len(outputs))]
    placed[other.output] = outputs[one.output]
    return tuple(placed)
