"""Numbers in float16: what it can hold, and what became of those that it cannot."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from benchhub.model.arrays import Array

if TYPE_CHECKING:
    import onnx

#: What float16 can hold: the largest finite value, and the smallest above zero.
LARGEST, SMALLEST = 65504.0, 5.960464477539063e-08


@dataclass(slots=True)
class Halved:
    """What became of a model's float32 weights, in values; `kept_by` are operators that read
    weights which stay in float32."""

    converted: int = 0
    kept: int = 0
    clipped: int = 0
    raised: int = 0
    kept_by: Counter[str] = field(default_factory=Counter)

    def tensor(self, tensor: onnx.TensorProto, name: str) -> onnx.TensorProto:
        """Return a float32 tensor in float16 under a name; what is clipped or raised is counted."""
        from onnx import numpy_helper

        values, clipped, raised = halved_values(numpy_helper.to_array(tensor))
        self.clipped += clipped
        self.raised += raised
        return numpy_helper.from_array(values, name)


def is_beyond(tensor: onnx.TensorProto) -> bool:
    """Return whether a float32 tensor holds finite values that float16 has no room for."""
    from onnx import numpy_helper

    return tensor.data_type == tensor.FLOAT and halved_values(numpy_helper.to_array(tensor))[1] > 0


def halved_values(values: Array) -> tuple[Array, int, int]:
    """Return values in float16, and how many were clipped to what it holds and raised from 0.

    A value keeps its sign, stays finite if it was, and is zero only if it was.
    """
    size = np.abs(values)
    over = np.isfinite(values) & (size > LARGEST)
    under = (size > 0) & (size < SMALLEST)
    fitting = np.where(over, np.copysign(LARGEST, values), values)
    fitting = np.where(under, np.copysign(SMALLEST, values), fitting)
    return fitting.astype(np.float16), int(over.sum()), int(under.sum())
