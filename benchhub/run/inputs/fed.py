"""What a model file is called with: arrays that are given or made to fit, at one batch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchhub.backends import every
from benchhub.compress.trial.tryout import Tryout, meant_for
from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.model.cell import Variant
from benchhub.outside.foreign.arrays import archive
from benchhub.run.inputs.asked_shapes import AskedShapes, shape_text
from benchhub.run.inputs.axes import says_batch
from benchhub.run.inputs.cases import set_apart, whole
from benchhub.run.inputs.given import given_inputs
from benchhub.run.inputs.made import made_inputs
from benchhub.run.inputs.room import check_room
from benchhub.run.inputs.signature import ModelInput, signature
from benchhub.run.inputs.sizes import OpenSizes, Sized, sized


@dataclass(frozen=True, slots=True)
class Fed:
    """A model with the inputs of some of its cells, their sizes, and in words what they are."""

    variant: Variant
    sized: Sized
    inputs: Mapping[str, Array]
    said: str


def taken(
    variant: Variant, sweep: Sequence[AskedShapes], given: Path | None
) -> tuple[ModelInput, ...]:
    """Return the inputs of a model, by the shapes asked for or those of the arrays given."""
    inputs = signature(variant)
    if given is None:
        return set_apart(inputs, sweep)
    shapes = {name: array.shape for name, array in archive(given).items() if array.ndim}
    return set_apart(inputs, [AskedShapes(shapes)], nameless=False)


def arranged(variant: Variant, inputs: Sequence[ModelInput]) -> Variant:
    """Return a variant whose inputs that are the same for all cases are told to be."""
    apart = whole(inputs)
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
    try:
        found = sized(name, inputs, mine, batch)
    except OpenSizes as error:
        raise _with_example(error, variant, inputs, batch or 1) from None
    firsts = [] if found.text else [*batches, *(sizes[0] for sizes in asked.sizes.values())]
    made, said = made_inputs(name, inputs, found, max([cases, *firsts]))
    return Fed(variant, found, made, said)


def given_to(variant: Variant, inputs: Sequence[ModelInput], file: Path, batch: int | None) -> Fed:
    """Return an arranged model with the arrays of `file`; ConfigError where they do not fit."""
    name = variant.path.name
    arrays = given_inputs(file, variant)
    per_case = [spec for spec in variant.inputs if not spec.whole]
    running = [spec.name for spec in per_case]
    told = [
        size
        for one in inputs
        if one.name not in running
        for axis, size in zip(one.axes or (), arrays[one.name].shape, strict=False)
        if says_batch(axis)
    ]
    fixed = [spec.shape[0] for spec in per_case if spec.shape and spec.shape[0]]
    batch = batch or next(iter((*told, *fixed)), 1)
    of_one = {
        key: (batch, *array.shape[1:]) if key in running else array.shape
        for key, array in arrays.items()
    }
    found = sized(name, inputs, AskedShapes(of_one), batch)
    for key, array in arrays.items():
        sizes = found.sizes[key]
        if key not in running and sizes != array.shape:
            raise ConfigError(
                f"{file}: {key} is {shape_text(array.shape)}, and {shape_text(sizes)} at batch"
                f" {batch}; give it for that batch, or another --batch"
            )
        check_room(name, key, sizes, array.itemsize)
    cases = len(arrays[running[0]]) if running else 1
    return Fed(variant, found, arrays, f"{file.name}, {cases} cases")


def _with_example(
    error: OpenSizes, variant: Variant, inputs: Sequence[ModelInput], batch: int
) -> ConfigError:
    """Return what to write, tried in a process of its own where a runtime for it is here."""
    names = [one.name for one in every()[0]]
    meant = meant_for(names, variant.format)
    numbers = all(len(one.axes or ()) > 0 for one in inputs)
    if not meant or not numbers:
        return error
    file, refused = (variant.path, variant.format), None
    cut = {one.name for one in inputs if one.axes and not isinstance(one.axes[0], int)}
    cut -= whole(inputs)
    with Tryout() as tryout:
        for example in error.examples:
            try:
                sizes = Sized(batch, example.sizes, example.words)
                arrays, _ = made_inputs(variant.path.name, inputs, sizes)
            except ConfigError as reason:
                refused = reason
                continue
            call = {key: one[:1] if key in cut else one for key, one in arrays.items()}
            if not tryout(meant[0].name, file, None, [call]).cause:
                return error.of_what_runs(example)
    return refused or error.of_what_runs(None)
