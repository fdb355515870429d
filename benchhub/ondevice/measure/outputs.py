"""Outputs on their way to the controller: checked against what the model declares, then encoded."""

import base64
from typing import Any, Dict, Iterator, Sequence

import numpy as np

from benchhub.ondevice.backends import TensorInfo
from benchhub.ondevice.measure.batches import shape_text

#: Raw bytes of one `outputs` event at most, unless a single case is larger.
EVENT_BYTES = 1 << 20


class ShapeError(Exception):
    """Outputs that are not what the model declares."""


def check(declared: Sequence[TensorInfo], arrays: Sequence[Any], batch: int) -> None:
    """Raise ShapeError unless `arrays` have the declared number, ranks and fixed sizes."""
    if len(declared) != len(arrays):
        raise ShapeError("%d outputs declared, %d came" % (len(declared), len(arrays)))
    for tensor, array in zip(declared, arrays):
        fits = array.ndim == len(tensor.shape) and all(
            want is None or want == have for want, have in zip(tensor.shape, array.shape)
        )
        if not fits:
            raise ShapeError(
                "output %s is declared as %s and came as %s"
                % (tensor.name, shape_text(tensor.shape), shape_text(array.shape))
            )
        if array.ndim == 0 or len(array) != batch:
            raise ShapeError(
                "output %s is %s for a batch of %d; its first axis must run over cases"
                % (tensor.name, shape_text(array.shape), batch)
            )
        if array.dtype.kind not in "biuf":
            raise ShapeError("output %s holds %s, not numbers" % (tensor.name, array.dtype))


def events(
    declared: Sequence[TensorInfo], arrays: Sequence[Any], count: int
) -> Iterator[Dict[str, Any]]:
    """Yield the `outputs` events of the first `count` cases of one batch."""
    for index, (tensor, array) in enumerate(zip(declared, arrays)):
        rows = np.ascontiguousarray(array[:count])
        rows = rows.astype(rows.dtype.newbyteorder("<"), copy=False)
        step = max(1, EVENT_BYTES // max(1, rows[0].nbytes)) if count else 1
        for start in range(0, count, step):
            piece = rows[start : start + step]
            yield {
                "event": "outputs",
                "index": index,
                "count": len(arrays),
                "name": tensor.name,
                "dtype": piece.dtype.str,
                "shape": list(piece.shape),
                "data": base64.b64encode(piece.tobytes()).decode("ascii"),
            }
