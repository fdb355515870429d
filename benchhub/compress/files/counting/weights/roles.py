"""What an ONNX operator takes its inputs for: weights, their zero points, or arguments."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

#: op -> {position of a quantized weight: position of its zero point}
ZERO_POINT: dict[str, dict[int, int]] = {
    "ConvInteger": {1: 3},
    "DequantizeLinear": {0: 2},
    "DynamicQuantizeLSTM": {1: 9, 2: 11},
    "DynamicQuantizeMatMul": {1: 3},
    "MatMulInteger": {1: 3},
    "MatMulIntegerToFloat": {1: 5},
    "QAttention": {1: 7},
    "QGemm": {3: 5},
    "QLinearConv": {3: 5},
    "QLinearMatMul": {3: 5},
}
#: Positions of scales, zero points, shapes, axes, limits and the like.
_ARGUMENTS: dict[str, tuple[int, ...]] = {
    "Clip": (1, 2),
    "ConstantOfShape": (0,),
    "ConvInteger": (2, 3),
    "DequantizeLinear": (1, 2),
    "DequantizeWithOrder": (1,),
    "Dropout": (1, 2),
    "DynamicQuantizeLSTM": (4, 8, 9, 10, 11),
    "DynamicQuantizeMatMul": (2, 3),
    "Expand": (1,),
    "Gather": (1,),
    "GatherBlockQuantized": (1, 2, 3),
    "If": (0,),
    "Loop": (0, 1),
    "MatMulBnb4": (2,),
    "MatMulInteger": (2, 3),
    "MatMulIntegerToFloat": (2, 3, 4, 5),
    "MatMulNBits": (2, 3, 4),
    "MulInteger": (1, 3),
    "NonMaxSuppression": (2, 3, 4),
    "OneHot": (0, 1, 2),
    "Pad": (1, 2, 3),
    "QAttention": (3, 4, 5, 6, 7),
    "QEmbedLayerNormalization": tuple(range(8, 18)),
    "QGemm": (1, 2, 4, 5, 7, 8),
    "QLinearAdd": (1, 2, 4, 5, 6, 7),
    "QLinearAveragePool": (1, 2, 3, 4),
    "QLinearConv": (1, 2, 4, 5, 6, 7),
    "QLinearGlobalAveragePool": (1, 2, 3, 4),
    "QLinearLeakyRelu": (1, 2, 3, 4),
    "QLinearMatMul": (1, 2, 4, 5, 6, 7),
    "QLinearMul": (1, 2, 4, 5, 6, 7),
    "QLinearReduceMean": (1, 2, 3, 4),
    "QLinearSigmoid": (1, 2, 3, 4),
    "QLinearSoftmax": (1, 2, 3, 4),
    "QLinearWhere": (2, 3, 5, 6, 7, 8),
    "QOrderedGelu": (1, 2),
    "QOrderedMatMul": (1, 3, 4, 7),
    "QuantizeLinear": (1, 2),
    "QuantizeWithOrder": (1,),
    "Range": (0, 1, 2),
    "Reshape": (1,),
    "Resize": (1, 2, 3),
    "Slice": (1, 2, 3, 4),
    "Squeeze": (1,),
    "Tile": (1,),
    "Unsqueeze": (1,),
    "Upsample": (1,),
}
#: 32-bit integers that are weights: a bias, in units of what it is added to.
INTEGER_BIASES = frozenset({("DequantizeLinear", 0), ("QLinearConv", 8), ("QGemm", 6)})
#: Operators whose constant inputs are weights however small.
LAYERS = frozenset(
    [
        "Attention",
        "BatchNormalization",
        "Conv",
        "ConvInteger",
        "ConvTranspose",
        "DeformConv",
        "DequantizeLinear",
        "DynamicQuantizeLSTM",
        "DynamicQuantizeMatMul",
        "Einsum",
        "FusedConv",
        "FusedGemm",
        "FusedMatMul",
        "GRU",
        "Gather",
        "Gemm",
        "GroupNormalization",
        "InstanceNormalization",
        "LSTM",
        "LayerNormalization",
        "MatMul",
        "MatMulInteger",
        "MatMulIntegerToFloat",
        "PRelu",
        "QAttention",
        "QGemm",
        "QLinearConv",
        "QLinearMatMul",
        "RMSNormalization",
        "RNN",
        "SimplifiedLayerNormalization",
        "SkipLayerNormalization",
        "SkipSimplifiedLayerNormalization",
    ]
)
#: Types of tensors that are never weights but as biases: integers that count, truth values, text.
_NO_NUMBERS = frozenset(["UINT16", "INT16", "INT32", "INT64", "UINT32", "UINT64", "BOOL", "STRING"])


def is_argument(operator: str, at: int) -> bool:
    """Return whether an operator's input only says how to compute."""
    if operator == "QLinearConcat":  # a scale and a zero point of the result, then of each input
        return at % 3 != 2
    return at in _ARGUMENTS.get(operator, ())


def is_number(data_type: int) -> bool:
    """Return whether a tensor of this type may stand for real numbers."""
    from onnx import TensorProto

    return TensorProto.DataType.Name(data_type) not in _NO_NUMBERS


def channel_axis(node: onnx.NodeProto) -> int | None:
    """Return the axis along which a node has its zero points; None: as its sizes say."""
    if node.op_type != "DequantizeLinear":
        return None
    return next((one.i for one in node.attribute if one.name == "axis"), 1)


def elements_packed(
    uses: Iterable[tuple[onnx.NodeProto, int]], sizes: tuple[int, ...], data_type: int
) -> int | None:
    """Return how many weights a tensor has that holds several in a byte; None: it does not.

    Of a type of fewer bits than a byte each element is one.
    """
    for node, at in uses:
        numbers = {one.name: one.i for one in node.attribute}
        if (node.op_type, at) in (("MatMulNBits", 1), ("MatMulBnb4", 1)):
            return int(numbers.get("K", 0) * numbers.get("N", 0))
        if (node.op_type, at) == ("GatherBlockQuantized", 0) and "bits" in numbers:
            in_bytes = data_type in (2, 3)  # UINT8, INT8
            return math.prod(sizes) * (int(8 // numbers["bits"]) if in_bytes else 1)
    return None
