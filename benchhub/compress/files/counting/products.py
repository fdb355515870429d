"""Multiply-accumulates of one call of an ONNX operator, by its shapes: a function each.

Every function returns None where a shape that it needs is not known. Taps that fall on padding
count, masked positions of attention count, and biases do not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from benchhub.compress.files.counting.attention import ATTENTION
from benchhub.compress.files.counting.call import STANDARD, Call
from benchhub.compress.files.counting.einsum import einsum

Product = Callable[[Call], int | None]


def _convolution(weight_at: int) -> Product:
    """Each element of the output meets one filter."""

    def product(call: Call) -> int | None:
        weight, output = call.shape(weight_at), call.out()
        if weight is None or output is None:
            return None
        return math.prod(output) * math.prod(weight[1:])

    return product


def _transposed(call: Call) -> int | None:
    """Each element of the input meets one filter."""
    weight, swept = call.shape(1), call.shape(0)
    if weight is None or swept is None:
        return None
    return math.prod(swept) * math.prod(weight[1:])


def _matrices(left_at: int, right_at: int, transposed: str = "") -> Product:
    """Each element of the result is a sum along the axis that the two share."""

    def product(call: Call) -> int | None:
        left, right, result = call.shape(left_at), call.shape(right_at), call.out()
        turned = transposed and call.attribute(transposed, 0) and left and len(left) > 1
        if left:
            shared = left[-2] if turned else left[-1]
        elif right:  # of one axis, or of several and not transposed
            shared = right[-2] if len(right) > 1 else right[0]
            if call.attribute("transB", 0):
                shared = right[-1]
        else:
            return None
        return None if result is None else math.prod(result) * shared

    return product


def _fused_matrices(call: Call) -> int | None:
    """As a matrix product; transposed batch axes are not looked into."""
    if call.attribute("transBatchA", 0) or call.attribute("transBatchB", 0):
        return None
    return _matrices(0, 1, "transA")(call)


def _packed_matrix(call: Call) -> int | None:
    """A matrix product whose right side is packed, with its sizes as attributes."""
    left, deep, wide = call.shape(0), call.attribute("K"), call.attribute("N")
    if left is None or deep is None or wide is None:
        return None
    return int(math.prod(left[:-1]) * deep * wide)


def _recurrent(gates: int) -> Product:
    """Each step of each direction: gates of the input and of the state; peepholes not."""

    def product(call: Call) -> int | None:
        swept, weight, state = call.shape(0), call.shape(1), call.shape(2)
        if swept is None or len(swept) != 3 or (weight is None and state is None):
            return None
        directions = 2 if call.attribute("direction", "forward") == "bidirectional" else 1
        hidden = call.attribute("hidden_size") or (state[-1] if state else None)
        if hidden is None:
            return None
        steps = swept[0] * swept[1]
        return steps * directions * gates * hidden * (swept[2] + hidden)

    return product


def _linear(call: Call) -> int | None:
    """A linear model of ai.onnx.ml: as many products a case as coefficients."""
    given, weights = call.shape(0), call.attribute("coefficients")
    if given is None or weights is None:
        return None
    return (given[0] if len(given) > 1 else 1) * len(weights)


_STANDARD: dict[str, Product] = {
    "Attention": ATTENTION["", "Attention"],
    "Conv": _convolution(1),
    "ConvInteger": _convolution(1),
    "ConvTranspose": _transposed,
    "DeformConv": _convolution(1),
    "Einsum": einsum,
    "GRU": _recurrent(3),
    "Gemm": _matrices(0, 1, "transA"),
    "LSTM": _recurrent(4),
    "MatMul": _matrices(0, 1),
    "MatMulInteger": _matrices(0, 1),
    "QLinearConv": _convolution(3),
    "QLinearMatMul": _matrices(0, 3),
    "RNN": _recurrent(1),
}
_MICROSOFT: dict[str, Product] = {
    "ConvTransposeWithDynamicPads": _transposed,
    "DynamicQuantizeLSTM": _recurrent(4),
    "DynamicQuantizeMatMul": _matrices(0, 1),
    "FusedConv": _convolution(1),
    "FusedGemm": _matrices(0, 1, "transA"),
    "FusedMatMul": _fused_matrices,
    "FusedMatMulActivation": _fused_matrices,
    "GemmFastGelu": _matrices(0, 1),
    "MatMulBnb4": _packed_matrix,
    "MatMulInteger16": _matrices(0, 1),
    "MatMulIntegerToFloat": _matrices(0, 1),
    "MatMulNBits": _packed_matrix,
    "NhwcConv": _convolution(1),
    "NhwcFusedConv": _convolution(1),
    "QGemm": _matrices(0, 3, "transA"),
    "QLinearConv": _convolution(3),
    "TransposeMatMul": _fused_matrices,
}
#: Operators whose steps are an axis of their input.
RECURRENT = ("LSTM", "GRU", "RNN", "DynamicQuantizeLSTM")
#: (domain, operator) -> what it multiplies.
PRODUCTS: Mapping[tuple[str, str], Product] = {
    **{(domain, name): product for name, product in _STANDARD.items() for domain in STANDARD},
    **{("com.microsoft", name): product for name, product in _MICROSOFT.items()},
    **{key: product for key, product in ATTENTION.items() if key[0]},
    ("ai.onnx.ml", "LinearClassifier"): _linear,
    ("ai.onnx.ml", "LinearRegressor"): _linear,
}
