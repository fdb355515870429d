"""Multiply-accumulate operations of one pass over one case, from inferred shapes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

Shape = tuple[int, ...]

#: op -> (position of the weight or right-hand side among its inputs)
_CONVS = {"Conv": 1, "ConvInteger": 1, "QLinearConv": 3}
_TRANSPOSED = {"ConvTranspose": 1}
#: Operators outside the standard that multiply nothing worth counting.
_FREE = ("QuantizeLinear", "DequantizeLinear")
_MATMULS = {"MatMul": (0, 1), "MatMulInteger": (0, 1), "QLinearMatMul": (0, 3), "Gemm": (0, 1)}


def count_macs(model: onnx.ModelProto) -> int | None:
    """Return the multiply-accumulates of convolutions and matrix products at batch 1.

    None if a shape that is needed cannot be inferred, or a subgraph or an operator outside the
    standard could hide some: an unknown count is not a small one. Other operators count nothing.
    """
    import onnx

    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    for value in fixed.graph.input:
        dims = value.type.tensor_type.shape.dim
        if dims and not dims[0].dim_value:
            dims[0].dim_value = 1
    for value in fixed.graph.output:
        # a named batch axis of an output would contradict the batch of 1
        dims = value.type.tensor_type.shape.dim
        for dim in dims:
            dim.ClearField("dim_param")
    try:
        inferred = onnx.shape_inference.infer_shapes(fixed)
    except (onnx.shape_inference.InferenceError, RuntimeError):
        return None
    shapes = _shapes(inferred.graph)
    total = 0
    for node in inferred.graph.node:
        hidden = any(attribute.HasField("g") for attribute in node.attribute)
        macs = None if hidden else _macs(node, shapes)
        if macs is None:
            return None
        total += macs
    return total


def _shapes(graph: onnx.GraphProto) -> dict[str, Shape]:
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        kind = value.type.tensor_type
        if kind.HasField("shape") and all(dim.dim_value for dim in kind.shape.dim):
            shapes[value.name] = tuple(dim.dim_value for dim in kind.shape.dim)
    return shapes


def _macs(node: onnx.NodeProto, shapes: dict[str, Shape]) -> int | None:
    operator = node.op_type
    if node.domain not in ("", "ai.onnx") and operator not in _FREE:
        return None
    if operator in _CONVS or operator in _TRANSPOSED:
        weight = shapes.get(node.input[(_CONVS | _TRANSPOSED)[operator]])
        # each element of the output (transposed: of the input) meets one filter
        swept = shapes.get(node.input[0] if operator in _TRANSPOSED else node.output[0])
        if weight is None or swept is None:
            return None
        return math.prod(swept) * math.prod(weight[1:])
    if operator in _MATMULS:
        left, _right = (shapes.get(node.input[at]) for at in _MATMULS[operator])
        result = shapes.get(node.output[0])
        if left is None or result is None or not left:
            return None
        transposed = any(a.name == "transA" and a.i for a in node.attribute)
        return math.prod(result) * (left[0] if transposed else left[-1])
    return 0
