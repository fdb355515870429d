"""`shapes = [..]` of a scenario: its cells once for each shape, on inputs made to fit it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchhub.errors import ConfigError
from benchhub.model.asked import ScenarioSpec, Suite
from benchhub.model.cell import Cell, Plan, Variant
from benchhub.run.inputs.asked_shapes import AskedShapes, shape_sweep
from benchhub.run.inputs.made import made_inputs
from benchhub.run.inputs.signature import ModelInput, signature
from benchhub.run.inputs.sizes import Sized, sized
from benchhub.run.prepare import InputFile, InputsOf, Prepared, write_npy


def with_shapes(plan: Plan, prepared: Prepared, suite: Suite, cache: Path) -> tuple[Plan, Prepared]:
    """Return the plan with its swept cells, and what they are called with.

    ConfigError for a shape that does not fit a variant, or that leaves a size open.
    """
    swept = {spec.scenario: spec for spec in suite.scenarios if spec.shapes}
    if not swept:
        return plan, prepared
    variants = {variant.name: variant for variant in prepared.variants}
    folder = cache / "inputs"
    cells: list[Cell] = []
    files: dict[InputsOf, dict[str, InputFile]] = {}
    for cell in plan.cells:
        spec = swept.get(cell.scenario)
        if spec is None or not cell.runs_model:
            cells.append(cell)
            continue
        inputs = _inputs(variants[cell.variant], variants[suite.baseline])
        for found in _sizes(suite, spec, cell, inputs):
            cells.append(dataclasses.replace(cell, shapes=found.text))
            if (cell.variant, found.text) not in files:
                arrays, _ = made_inputs(cell.variant, inputs, found)
                files[cell.variant, found.text] = {
                    name: write_npy(array, folder) for name, array in arrays.items()
                }
    return Plan(tuple(cells), plan.skips), dataclasses.replace(prepared, inputs_of=files)


def _inputs(variant: Variant, baseline: Variant) -> tuple[ModelInput, ...]:
    """Return the inputs of a variant; of one that is not made yet, those of the baseline."""
    found = signature(variant if variant.path.is_file() else baseline)
    return tuple(dataclasses.replace(one, apart=False) for one in found)  # cases are first in data


def _sizes(
    suite: Suite, spec: ScenarioSpec, cell: Cell, inputs: Sequence[ModelInput]
) -> Iterator[Sized]:
    names = {one.name for one in inputs}
    key = f"{suite.path}: scenarios.{spec.scenario}.shapes"
    try:
        sweep = shape_sweep(spec.shapes)
    except ConfigError as error:
        raise ConfigError(f"{key}: {_without_option(error)}") from None
    for asked in sweep:
        strange = [name for name in asked.sizes if name not in names]
        if strange:
            known = ", ".join(sorted(names))
            raise ConfigError(f"{key}: {cell.variant} has no input {strange[0]}, but {known}")
        try:
            found = sized(cell.variant, inputs, AskedShapes(asked.sizes), cell.batch)
        except ConfigError as error:
            raise ConfigError(f"{key}: {_without_option(error)}") from None
        if not found.text:
            raise ConfigError(
                f"{key}: {cell.variant} leaves no size open but the batch, which `batch` sweeps"
            )
        yield found


def _without_option(error: ConfigError) -> str:
    return str(error).replace("--shape ", "")
