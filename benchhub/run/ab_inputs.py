"""What two models are compared on: the user's own inputs, or random ones of the models' shapes."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchhub.compress.build.reference import check_cases_fit
from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.model.cell import TensorSpec, Variant

_SEED = 14
#: Indices into tables (tokens, say) are small enough for any table; images fill their range.
_LARGEST = {"uint8": 255, "int8": 127}


def fixed_batch(variant: Variant) -> int | None:
    """Return the batch that a model was exported for; None where it takes any."""
    return next((t.shape[0] for t in variant.inputs if t.shape and t.shape[0]), None)


def random_inputs(variant: Variant, cases: int) -> dict[str, Array]:
    """Return `cases` random cases by input name, the same every time.

    Floats are standard normal, bytes fill their range, other integers are 0 or 1. ConfigError for
    an input that is open beyond its first axis, or of no numbers.
    """
    rng = np.random.default_rng(_SEED)
    return {spec.name: _random(variant, spec, cases, rng) for spec in variant.inputs}


def _random(variant: Variant, spec: TensorSpec, cases: int, rng: np.random.Generator) -> Array:
    if None in spec.shape[1:] or not spec.shape:
        sizes = "x".join("?" if size is None else str(size) for size in spec.shape) or "a scalar"
        raise ConfigError(
            f"{variant.path}: input {spec.name} is {sizes}; random cases need every size but the"
            " first: give --inputs FILE.npz"
        )
    shape = (cases, *(size for size in spec.shape[1:] if size is not None))
    try:
        dtype = np.dtype(spec.dtype)
    except TypeError:
        dtype = np.dtype(object)
    if dtype.kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    if dtype.kind in "iub":
        return rng.integers(0, _LARGEST.get(spec.dtype, 1), shape, endpoint=True).astype(dtype)
    raise ConfigError(
        f"{variant.path}: input {spec.name} is {spec.dtype}; give --inputs FILE.npz with its cases"
    )


def given_inputs(path: Path, variant: Variant) -> Mapping[str, Array]:
    """Return the arrays of an `.npz` file that are inputs of the model; ConfigError if unusable.

    Other arrays (labels, say) are left out. Cases run along the first axis.
    """
    names = [spec.name for spec in variant.inputs]
    try:
        with np.load(path, allow_pickle=False) as archive:
            inputs = {name: archive[name] for name in archive.files if name in names}
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; give the cases as an .npz archive") from None
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, AttributeError) as error:
        raise ConfigError(
            f"{path}: not an .npz archive of plain arrays ({error}); write it with numpy.savez"
        ) from error
    check_cases_fit(variant, inputs)
    lengths = {len(array) for array in inputs.values()}
    if len(lengths) > 1 or 0 in lengths:
        raise ConfigError(f"{path}: inputs hold {sorted(lengths)} cases; all need as many, not 0")
    return inputs
