"""What an ONNX file is: its digest, size, tensors, weights and arithmetic."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchhub.compress.files.external import (
    array_of,
    count_nonzero,
    external_tensors,
    gzipped_bytes,
    identity,
    model_files,
    without_external,
)
from benchhub.compress.files.macs import count_macs
from benchhub.compress.files.model_file import read_model
from benchhub.compress.files.sparse_size import stored_sparsely
from benchhub.errors import ConfigError
from benchhub.model.cell import TensorSpec, Variant

if TYPE_CHECKING:
    import onnx


def inspect_onnx(name: str, path: Path) -> Variant:
    """Return the variant `name` as found in an ONNX file.

    `params` counts the elements of all weights, `nonzero_params` those that are not zero (for a
    quantized weight: not its zero point). Weights in other files are read in pieces. Raises
    ConfigError if a file is missing, empty, or not ONNX, or if weights lie outside its folder.
    """
    blob = read_model(name, path)
    model = _parse(name, path, blob)
    elsewhere = external_tensors(model)
    files = model_files(name, path, blob, elsewhere) if elsewhere else ()
    _check(name, path, model)
    initializers = {tensor.name: tensor for tensor in model.graph.initializer}
    params, nonzero = _weights(model.graph, path.parent)
    model_bytes = sum(file.size_bytes for file in files) or len(blob)
    return Variant(
        name=name,
        path=path,
        sha256=identity(files) if files else hashlib.sha256(blob).hexdigest(),
        format="onnx",
        model_bytes=model_bytes,
        gzip_bytes=gzipped_bytes(path.parent, files)
        if files
        else len(gzip.compress(blob, compresslevel=6, mtime=0)),
        inputs=tuple(_spec(v) for v in model.graph.input if v.name not in initializers),
        outputs=tuple(_spec(value) for value in model.graph.output),
        params=params,
        nonzero_params=nonzero,
        macs=count_macs(model),
        sparse_bytes=stored_sparsely(model, model_bytes, path.parent),
        files=files,
    )


def _parse(name: str, path: Path, blob: bytes) -> onnx.ModelProto:
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx.load_model_from_string(blob)
    except DecodeError as error:
        raise ConfigError(
            f"variant {name}: model {path} is not an ONNX file or is cut short; export it again"
        ) from error
    if not model.graph.node or not model.graph.output or not model.opset_import:
        raise ConfigError(f"variant {name}: model {path} holds no ONNX graph; export it again")
    return model


def _check(name: str, path: Path, model: onnx.ModelProto) -> None:
    import onnx

    try:
        onnx.checker.check_model(without_external(model))
    except onnx.checker.ValidationError as error:
        cause = str(error).strip().splitlines()[0]
        raise ConfigError(f"variant {name}: model {path} is not valid ONNX: {cause}") from error


def _spec(value: onnx.ValueInfoProto) -> TensorSpec:
    from onnx.helper import tensor_dtype_to_np_dtype

    kind = value.type.tensor_type
    shape = tuple(
        dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None
        for dim in kind.shape.dim
    )
    return TensorSpec(value.name, tensor_dtype_to_np_dtype(kind.elem_type).name, shape)


def _weights(graph: onnx.GraphProto, folder: Path) -> tuple[int, int]:
    """Count weights; scales, zero points and shape constants are not weights."""
    roles: dict[str, set[tuple[str, int]]] = {}
    zero_of: dict[str, str] = {}
    for node in graph.node:
        for index, name in enumerate(node.input):
            roles.setdefault(name, set()).add((node.op_type, index))
        zero_at = _ZERO_POINT.get(node.op_type, {})
        for weight_at, point_at in zero_at.items():
            if len(node.input) > point_at:
                zero_of[node.input[weight_at]] = node.input[point_at]
    arrays = {tensor.name: tensor for tensor in graph.initializer}
    total = nonzero = 0
    for name, tensor in arrays.items():
        if all(role in _NOT_WEIGHTS for role in roles.get(name, ())):
            continue
        values = array_of(tensor, folder)
        zero: np.ndarray | int = 0
        if zero_of.get(name) in arrays:
            zero = array_of(arrays[zero_of[name]], folder)
            zero = zero.reshape(-1, *[1] * (values.ndim - 1)) if zero.size > 1 else zero.item()
            if np.ndim(zero) and zero.shape[0] != values.shape[0]:
                zero = 0 if not np.any(zero) else np.moveaxis(zero, 0, -1)
        total += values.size
        nonzero += count_nonzero(values, zero)
    return total, nonzero


#: op -> {position of a quantized weight: position of its zero point}
_ZERO_POINT = {
    "DequantizeLinear": {0: 2},
    "ConvInteger": {1: 3},
    "MatMulInteger": {1: 3},
    "QLinearConv": {3: 5},
    "QLinearMatMul": {3: 5},
}
_NOT_WEIGHTS = frozenset(
    {("DequantizeLinear", 1), ("DequantizeLinear", 2), ("QuantizeLinear", 1)}
    | {("QuantizeLinear", 2), ("ConvInteger", 2), ("ConvInteger", 3), ("MatMulInteger", 2)}
    | {("MatMulInteger", 3), ("Reshape", 1), ("Clip", 1), ("Clip", 2), ("Slice", 1)}
    | {("Slice", 2), ("Slice", 3), ("Slice", 4), ("Unsqueeze", 1), ("Squeeze", 1), ("Pad", 1)}
    | {("Resize", 1), ("Resize", 2), ("Resize", 3), ("Expand", 1), ("Gather", 1), ("Tile", 1)}
    | {("QLinearConv", k) for k in (1, 2, 4, 5, 6, 7)}
    | {("QLinearMatMul", k) for k in (1, 2, 4, 5, 6, 7)}
)
