"""What a model file would take if its zeros were not stored: no runtime here reads such a file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from benchhub.compress.files.external import array_of, count_nonzero

if TYPE_CHECKING:
    import onnx


def sparse_bytes(path: Path) -> int:
    """Return `stored_sparsely` of an ONNX file. Raises what onnx raises for a file that is none."""
    import onnx

    return stored_sparsely(onnx.load(str(path)), path.stat().st_size, path.parent)


def stored_sparsely(model: onnx.ModelProto, model_bytes: int, folder: Path) -> int:
    """Return the bytes of an ONNX model of `model_bytes` if tensors are stored without zeros.

    A tensor so stored is a bitmap, one bit an element rounded up to bytes, followed by its nonzero
    elements in their own type: 4 bytes each for float32. A tensor stays as it is where that is not
    smaller. The rest of the file, graph and names, counts as it is, so that a model without zeros
    has `model_bytes`. Weights in other files lie in `folder`.
    """
    saved = 0
    for tensor in model.graph.initializer:
        elements = math.prod(tensor.dims)
        values = array_of(tensor, folder) if tensor.raw_data or tensor.external_data else None
        if values is None or not elements:
            continue  # weights in typed fields are few: scalars and shapes
        stored = len(tensor.raw_data) or values.nbytes
        nonzero = count_nonzero(values)
        packed = math.ceil(elements / 8) + math.ceil(nonzero * stored / elements)
        saved += max(0, stored - packed)
    return model_bytes - saved
