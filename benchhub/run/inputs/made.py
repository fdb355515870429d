"""Inputs made to fit a model's signature, the same every time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.run.inputs.asked_shapes import shape_text
from benchhub.run.inputs.cases import whole
from benchhub.run.inputs.room import check_room
from benchhub.run.inputs.signature import ModelInput
from benchhub.run.inputs.sizes import Sized

_SEED = 14
_BYTES: Mapping[str, tuple[int, int]] = {"uint8": (0, 255), "int8": (-128, 127)}
_MASK = re.compile(r"mask")
_ZERO = re.compile(r"token_type|segment")
_POSITION = re.compile(r"(^|_)pos(ition)?(_ids?)?s?$")
_LENGTH = re.compile(r"(^|_)(len|lens|length|lengths)$")
_TRAINING = re.compile(r"train")


def made_inputs(
    model: str, inputs: Sequence[ModelInput], sized: Sized, cases: int = 1
) -> tuple[dict[str, Array], str]:
    """Return `cases` of every input by name, one batch at least, and in words what they hold.

    Floats are standard normal; bytes fill their range; indices stay below the rows of the table
    that the model looks them up in; masks are all ones, token types zeros, positions count up,
    lengths are full, a scalar is what the model compares it with, other integers are 0 or 1.
    ConfigError for inputs that hold no numbers, and those that no memory is free for.
    """
    rng = np.random.default_rng(_SEED)
    apart = whole(inputs)
    found: dict[str, Array] = {}
    said = []
    for one in inputs:
        shape = sized.sizes[one.name]
        shape = shape if one.name in apart else (max(cases, shape[0]), *shape[1:])
        array, what = _made(model, one, shape, sized.sizes, inputs, rng)
        found[one.name] = np.array(array, order="C")
        said.append(f"{one.name} {one.dtype} {shape_text(shape)} {what}")
    return found, f"made, seed {_SEED}: " + "; ".join(said)


def _made(
    model: str,
    one: ModelInput,
    shape: tuple[int, ...],
    sizes: Mapping[str, tuple[int, ...]],
    inputs: Sequence[ModelInput],
    rng: np.random.Generator,
) -> tuple[Array, str]:
    dtype = _dtype(model, one)
    # floats are drawn in double precision
    check_room(model, one.name, shape, 8 + dtype.itemsize if dtype.kind == "f" else dtype.itemsize)
    name = one.name.lower().rpartition("/")[2].partition(":")[0]
    if _MASK.search(name):
        return np.ones(shape, dtype), "of ones"
    if dtype.kind == "b" and _TRAINING.search(name):
        return np.zeros(shape, dtype), "false"
    if dtype.kind == "f":
        return rng.standard_normal(shape).astype(dtype), "standard normal"
    if dtype.kind in "iu" and (fixed := _told(one, name, shape, sizes, inputs)) is not None:
        return np.broadcast_to(fixed[0], shape).astype(dtype), fixed[1]
    if one.rows is not None:
        return rng.integers(0, one.rows, shape).astype(dtype), f"below {one.rows}"
    if one.dtype in _BYTES:
        low, high = _BYTES[one.dtype]
        return rng.integers(low, high, shape, endpoint=True).astype(dtype), "over their range"
    return rng.integers(0, 1, shape, endpoint=True).astype(dtype), "of 0 and 1"


def _told(
    one: ModelInput,
    name: str,
    shape: tuple[int, ...],
    sizes: Mapping[str, tuple[int, ...]],
    inputs: Sequence[ModelInput],
) -> tuple[Any, str] | None:
    """Return what whole numbers must be, by their name or by what reads them, in words too."""
    if _ZERO.search(name):
        return 0, "of zeros"
    if _LENGTH.search(name):
        full = _full_length(one, sizes, inputs)
        return full, f"of {full}"
    if one.constants and np.prod(shape[1:]) == 1:
        value = int(max(one.constants))
        return value, f"of {value}"
    if _POSITION.search(name) and shape:
        upto = np.minimum(np.arange(shape[-1]), (one.rows or shape[-1]) - 1)
        return upto, "counting up"
    return None


def _dtype(model: str, one: ModelInput) -> np.dtype[np.generic]:
    try:
        dtype = np.dtype(one.dtype)
    except TypeError:
        dtype = np.dtype(object)
    if dtype.kind not in "fiub":
        raise ConfigError(
            f"{model}: input {one.name} is {one.dtype}, which cannot be made up; export the model"
            " with inputs of numbers"
        )
    return dtype


def _full_length(
    one: ModelInput, sizes: Mapping[str, tuple[int, ...]], inputs: Sequence[ModelInput]
) -> int:
    """Return how long what a length is of is: the open axis of an input of floats, or its longest.

    Of several inputs the first is meant; without floats, the first of more than one size.
    """
    others = [other for other in inputs if other is not one and len(sizes[other.name]) > 1]
    others.sort(key=lambda other: not other.dtype.startswith("float"))
    if not others:
        return 1
    first = others[0]
    axes = list(zip(first.axes or (), sizes[first.name], strict=False))[1:]
    return next(
        (size for axis, size in axes if not isinstance(axis, int)), max(sizes[first.name][1:])
    )
