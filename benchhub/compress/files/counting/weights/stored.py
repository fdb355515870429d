"""How many elements of a stored tensor are not zero, without loading large ones whole."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchhub.compress.files.external import array_of, count_nonzero
from benchhub.model.arrays import Array

if TYPE_CHECKING:
    import onnx


def nonzero_of(
    tensor: onnx.TensorProto, zero: onnx.TensorProto | None, axis: int | None, folder: Path | None
) -> int | None:
    """Return how many elements differ from zero, or from the zero point that stands for it.

    `zero` holds one for all, one for each channel along `axis` (None: the first axis of its length,
    else the last), or one for each block. None where they do not fit, or the tensor is in another
    file and its `folder` is not told.
    """
    values, points = (None if one is None else _array(one, folder) for one in (tensor, zero))
    if values is None or (zero is not None and points is None):
        return None
    if points is None or not np.any(points):
        return count_nonzero(values)
    spread = _spread(points, values.shape, axis)
    return None if spread is None else count_nonzero(values, spread)


def _array(tensor: onnx.TensorProto, folder: Path | None) -> Array | None:
    if tensor.data_location == tensor.EXTERNAL and folder is None:
        return None
    return array_of(tensor, folder or Path())


def _spread(point: Array, shape: tuple[int, ...], axis: int | None) -> Array | None:
    """Return zero points in a form that broadcasts to `shape`."""
    if point.size == 1:
        return point.reshape(())
    if point.ndim == len(shape):  # blocks along the axes on which there are fewer of them
        for at, (few, size) in enumerate(zip(point.shape, shape, strict=True)):
            if few not in (1, size):
                point = np.repeat(point, math.ceil(size / few), at)
                point = point[tuple(slice(size if k == at else None) for k in range(len(shape)))]
        return point
    if point.ndim != 1 or not shape:
        return None
    if axis is None:
        axis = 0 if shape[0] == point.size else -1
    if not -len(shape) <= axis < len(shape) or shape[axis] != point.size:
        return None
    along = [1] * len(shape)
    along[axis] = point.size
    return point.reshape(along)
