"""What a model file is called with: arrays that are given or made to fit, at one batch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchhub.model.arrays import Array
from benchhub.model.cell import Variant
from benchhub.run.inputs.asked_shapes import AskedShapes
from benchhub.run.inputs.given import given_inputs
from benchhub.run.inputs.made import made_inputs
from benchhub.run.inputs.room import check_room
from benchhub.run.inputs.signature import ModelInput, signature
from benchhub.run.inputs.sizes import Sized, sized, whole


@dataclass(frozen=True, slots=True)
class Fed:
    """A model with the inputs of some of its cells, their sizes, and in words what they are."""

    variant: Variant
    sized: Sized
    inputs: Mapping[str, Array]
    said: str


def arranged(variant: Variant) -> Variant:
    """Return a variant whose inputs that are the same for all cases are told to be."""
    apart = whole(signature(variant))
    specs = (dataclasses.replace(s, whole=s.name in apart) for s in variant.inputs)
    return dataclasses.replace(variant, inputs=tuple(specs))


def made_for(
    variant: Variant,
    inputs: Sequence[ModelInput],
    asked: AskedShapes,
    batch: int | None,
    batches: Sequence[int] = (),
    cases: int = 1,
) -> Fed:
    """Return an arranged model with inputs made at the shapes that are asked for.

    They are `cases` or more, and of sizes that the file fixes enough for each of the `batches`.
    """
    name = variant.path.name
    mine = asked.of({one.name for one in inputs})
    found = sized(name, inputs, mine, batch)
    firsts = [] if found.text else [*batches, *(sizes[0] for sizes in asked.sizes.values())]
    made, said = made_inputs(name, inputs, found, max([cases, *firsts]))
    return Fed(variant, found, made, said)


def given_to(variant: Variant, inputs: Sequence[ModelInput], file: Path, batch: int | None) -> Fed:
    """Return an arranged model with the arrays of `file`; ConfigError where they do not fit."""
    name = variant.path.name
    arrays = given_inputs(file, variant)
    per_case = [spec for spec in variant.inputs if not spec.whole]
    batch = batch or next((spec.shape[0] for spec in per_case if spec.shape and spec.shape[0]), 1)
    running = [spec.name for spec in per_case]
    of_one = {
        key: (batch, *array.shape[1:]) if key in running else array.shape
        for key, array in arrays.items()
    }
    found = sized(name, inputs, AskedShapes(of_one), batch)
    for key, array in arrays.items():
        check_room(name, key, found.sizes[key], array.itemsize)
    cases = len(arrays[running[0]]) if running else 1
    return Fed(variant, found, arrays, f"{file.name}, {cases} cases")
