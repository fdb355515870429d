"""Multiply-accumulates of a TFLite graph for one case, or which operators are not told."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from benchhub.compress.files.counting.macs import NO_SHAPE, Count
from benchhub.compress.tflite.graph import Graph, GraphTensor, Operator

#: What only moves, compares, looks up, adds or scales elements, pools, normalises or interpolates;
#: and what runs once, before the first call.
FREE = frozenset(
    [
        "ABS",
        "ADD",
        "ADD_N",
        "ARG_MAX",
        "ARG_MIN",
        "ASSIGN_VARIABLE",
        "ATAN2",
        "AVERAGE_POOL_2D",
        "BATCH_TO_SPACE_ND",
        "BITCAST",
        "BITWISE_XOR",
        "BROADCAST_ARGS",
        "BROADCAST_TO",
        "BUCKETIZE",
        "CALL_ONCE",
        "CAST",
        "CEIL",
        "COMPLEX_ABS",
        "CONCATENATION",
        "COS",
        "CUMSUM",
        "DENSIFY",
        "DEPTH_TO_SPACE",
        "DEQUANTIZE",
        "DILATE",
        "DIV",
        "DYNAMIC_UPDATE_SLICE",
        "ELU",
        "EMBEDDING_LOOKUP",
        "EQUAL",
        "EXP",
        "EXPAND_DIMS",
        "FAKE_QUANT",
        "FILL",
        "FLOOR",
        "FLOOR_DIV",
        "FLOOR_MOD",
        "GATHER",
        "GATHER_ND",
        "GELU",
        "GREATER",
        "GREATER_EQUAL",
        "HARD_SWISH",
        "HASHTABLE",
        "HASHTABLE_FIND",
        "HASHTABLE_IMPORT",
        "HASHTABLE_LOOKUP",
        "HASHTABLE_SIZE",
        "IMAG",
        "L2_NORMALIZATION",
        "L2_POOL_2D",
        "LEAKY_RELU",
        "LESS",
        "LESS_EQUAL",
        "LOCAL_RESPONSE_NORMALIZATION",
        "LOG",
        "LOGICAL_AND",
        "LOGICAL_NOT",
        "LOGICAL_OR",
        "LOGISTIC",
        "LOG_SOFTMAX",
        "MATRIX_DIAG",
        "MATRIX_SET_DIAG",
        "MAXIMUM",
        "MAX_POOL_2D",
        "MEAN",
        "MINIMUM",
        "MIRROR_PAD",
        "MUL",
        "MULTINOMIAL",
        "NEG",
        "NON_MAX_SUPPRESSION_V4",
        "NON_MAX_SUPPRESSION_V5",
        "NOT_EQUAL",
        "ONE_HOT",
        "PACK",
        "PAD",
        "PADV2",
        "POW",
        "PRELU",
        "QUANTIZE",
        "RANDOM_STANDARD_NORMAL",
        "RANDOM_UNIFORM",
        "RANGE",
        "RANK",
        "READ_VARIABLE",
        "REAL",
        "REDUCE_ALL",
        "REDUCE_ANY",
        "REDUCE_MAX",
        "REDUCE_MIN",
        "REDUCE_PROD",
        "REDUCE_WINDOW",
        "RELU",
        "RELU6",
        "RELU_0_TO_1",
        "RELU_N1_TO_1",
        "RESHAPE",
        "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR",
        "REVERSE_SEQUENCE",
        "REVERSE_V2",
        "RIGHT_SHIFT",
        "ROUND",
        "RSQRT",
        "SCATTER_ND",
        "SEGMENT_SUM",
        "SELECT",
        "SELECT_V2",
        "SHAPE",
        "SIGN",
        "SIN",
        "SLICE",
        "SOFTMAX",
        "SPACE_TO_BATCH_ND",
        "SPACE_TO_DEPTH",
        "SPARSE_TO_DENSE",
        "SPLIT",
        "SPLIT_V",
        "SQRT",
        "SQUARE",
        "SQUARED_DIFFERENCE",
        "SQUEEZE",
        "STRIDED_SLICE",
        "SUB",
        "SUM",
        "TANH",
        "TILE",
        "TOPK_V2",
        "TRANSPOSE",
        "UNIQUE",
        "UNPACK",
        "UNSORTED_SEGMENT_MAX",
        "UNSORTED_SEGMENT_MIN",
        "UNSORTED_SEGMENT_PROD",
        "UNSORTED_SEGMENT_SUM",
        "VAR_HANDLE",
        "WHERE",
        "ZEROS_LIKE",
    ]
)


class _Call:
    """An operator with its tensors."""

    def __init__(self, graph: Graph, operator: Operator) -> None:
        self.operator = operator
        self.inputs = [graph.tensors[at] if at >= 0 else None for at in operator.inputs]
        self.outputs = [graph.tensors[at] if at >= 0 else None for at in operator.outputs]

    def shape(self, at: int) -> tuple[int, ...]:
        """Return the shape of an input; raises _Unknown where it is open or not there."""
        return _known(self.inputs[at] if at < len(self.inputs) else None)

    def out(self) -> tuple[int, ...]:
        return _known(self.outputs[0] if self.outputs else None)

    def weights(self, positions: Iterable[int]) -> int:
        """Return the elements of those inputs that are there."""
        return sum(
            math.prod(self.shape(at))
            for at in positions
            if at < len(self.inputs) and self.inputs[at] is not None
        )


class _Unknown(Exception):
    """A shape is not known."""


def _known(tensor: GraphTensor | None) -> tuple[int, ...]:
    # a tensor that the runtime sizes has no axes in the file
    if tensor is None or not tensor.sizes or None in tensor.shape[1:] or min(tensor.sizes) < 0:
        raise _Unknown
    return tensor.sizes


def _filters(axes: slice) -> Callable[[_Call], int]:
    """Each element of the output meets the weights on these axes of input 1."""
    return lambda call: math.prod(call.out()) * math.prod(call.shape(1)[axes])


def _transposed(axes: slice) -> Callable[[_Call], int]:
    """Each element of input 2 meets the weights on these axes of input 1."""
    return lambda call: math.prod(call.shape(2)) * math.prod(call.shape(1)[axes])


def _matrices(call: _Call) -> int:
    left = call.shape(0)
    return math.prod(call.out()) * left[-2 if call.operator.swapped else -1]


def _steps(*matrices: int, steps: int = 1) -> Callable[[_Call], int]:
    """Each step multiplies by these matrices; the first `steps` axes of the input say how many."""

    def product(call: _Call) -> int:
        return math.prod(call.shape(0)[:steps]) * call.weights(matrices)

    return product


def _cell(call: _Call) -> int:
    """LSTM: the basic kernel has one matrix, the full one nine."""
    return (_steps(2) if len(call.inputs) == 5 else _steps(*_LSTM))(call)


def _both_ways(
    matrices: tuple[int, ...], beside: int, of_beside: tuple[int, ...]
) -> Callable[[_Call], int]:
    """Forward and backward; a second input, at `beside`, has matrices of its own."""

    def product(call: _Call) -> int:
        own = _steps(*matrices, steps=2)(call)
        if beside >= len(call.inputs) or call.inputs[beside] is None:
            return own
        return own + math.prod(call.shape(beside)[:2]) * call.weights(of_beside)

    return product


#: Positions of the matrices of an LSTM: of input and state for four gates, and the projection.
_LSTM = (*range(1, 9), 16)
#: Weights are (out, height, width, in of a group), depthwise (1, height, width, out), 3-D (depth,
#: height, width, in, out), transposed (out, height, width, in) and (depth, height, width, out, in).
PRODUCTS: Mapping[str, Callable[[_Call], int]] = {
    "CONV_2D": _filters(slice(1, None)),
    "FULLY_CONNECTED": _filters(slice(1, None)),
    "DEPTHWISE_CONV_2D": _filters(slice(1, 3)),
    "CONV_3D": _filters(slice(0, 4)),
    "TRANSPOSE_CONV": _transposed(slice(0, 3)),
    "CONV_3D_TRANSPOSE": _transposed(slice(0, 4)),
    "BATCH_MATMUL": _matrices,
    "LSTM": _cell,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _steps(*_LSTM, steps=2),
    "BIDIRECTIONAL_SEQUENCE_LSTM": _both_ways(
        (*_LSTM, *(at + 17 for at in _LSTM)), 39, tuple(range(40, 48))
    ),
    "RNN": _steps(1, 2),
    "SVDF": _steps(1, 2),
    "UNIDIRECTIONAL_SEQUENCE_RNN": _steps(1, 2, steps=2),
    "BIDIRECTIONAL_SEQUENCE_RNN": _both_ways((1, 2, 5, 6), 9, (10, 11)),
}


def count_tflite_macs(graph: Graph, cases: int | None = None) -> Count:
    """Return the multiply-accumulates of one case; None with the operators that hinder it.

    A custom operator, or one that runs another graph, is not told. Where inputs and outputs have
    the same first axis, of several cases, the count is divided by it, or by `cases`, where it is
    said of how many a call is.
    """
    total, missing = 0, set[str]()
    for operator in graph.operators:
        if operator.kind in FREE:
            continue
        product = PRODUCTS.get(operator.kind)
        if product is None:
            missing.add(f"{operator.kind} {operator.custom}".rstrip())
            continue
        try:
            total += product(_Call(graph, operator))
        except _Unknown:
            missing.add(operator.kind + NO_SHAPE)
    if missing:
        return Count(None, tuple(sorted(missing)))
    if cases is None:
        sides = {graph.tensors[at].sizes[:1] for _, at in (*graph.inputs, *graph.outputs)}
        first = sides.pop() if len(sides) == 1 else ()
        cases = first[0] if first and first[0] > 0 else 1
    return Count(total // cases if total % cases == 0 else total)
