"""What users give a model to work on: the arrays of an `.npz` file, cases on the first axis."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchhub.compress.build.reference import check_cases_fit
from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.model.cell import Variant
from benchhub.outside.foreign.arrays import archive


def given_inputs(path: Path, variant: Variant) -> Mapping[str, Array]:
    """Return the arrays of an `.npz` file that are inputs of the model; ConfigError if unusable.

    Other arrays (labels, say) are left out. Cases run along the first axis.
    """
    names = [spec.name for spec in variant.inputs]
    held = archive(path)
    inputs = {name: array for name, array in held.items() if name in names}
    missing = [name for name in names if name not in inputs]
    if missing:
        raise lacks(path, missing[0], variant.path.name, held)
    check_cases_fit(variant, inputs)
    lengths = {len(inputs[spec.name]) for spec in variant.inputs if not spec.whole}
    if len(lengths) > 1 or 0 in lengths:
        raise ConfigError(f"{path}: inputs hold {sorted(lengths)} cases; all need as many, not 0")
    return inputs


def lacks(path: Path, name: str, model: str, held: Mapping[str, Array]) -> ConfigError:
    """Return the error of an archive without an array for an input."""
    return ConfigError(
        f"{path}: no array for input {name!r} of {model}; the archive holds"
        f" {', '.join(sorted(held)) or 'no arrays'}; name it as in the model"
    )
