"""Inputs for a model about which nothing is known but what it declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from benchhub.model.arrays import Array
from benchhub.ondevice.backends import TensorInfo

#: Sizes that open dimensions are given in turn, until the source takes them.
SIZES = (1, 8, 32, 64, 224)


def made_up(inputs: Sequence[TensorInfo], batch: int) -> Iterator[Mapping[str, Array]]:
    """Yield feeds of one batch, smallest open sizes first; integers are 0 and 1, which index all.

    An open first axis is `batch`. Empty where an input is of a type that is no number.
    """
    if any(one.dtype == "string" or np.dtype(one.dtype).kind not in "biuf" for one in inputs):
        return
    open_axes = any(size is None for one in inputs for size in one.shape[1:])
    for size in SIZES if open_axes else SIZES[:1]:
        rng = np.random.default_rng(0)
        yield {one.name: _array(one, batch, size, rng) for one in inputs}


def _array(one: TensorInfo, batch: int, size: int, rng: np.random.Generator) -> Array:
    shape = [
        known if known is not None else (batch if axis == 0 else size)
        for axis, known in enumerate(one.shape)
    ]
    dtype = np.dtype(one.dtype)
    if dtype.kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    return rng.integers(0, 2, shape).astype(dtype)
