"""Multiply-accumulates of TFLite operators by hand, from graphs made by hand."""

import pytest
import tflite

from benchhub.compress.files.counting.macs import Count
from benchhub.compress.files.counting.tflite import FREE, PRODUCTS, count_tflite_macs
from benchhub.compress.tflite.graph import Graph, GraphTensor, Operator


def _tensor(shape):
    sizes = tuple(1 if size is None else size for size in shape)
    return GraphTensor("t", "float32", sizes, tuple(shape), None, (), (), 0, False)


def _graph(kind, inputs, output, swapped=False, custom=""):
    """One operator; an input of None is absent."""
    tensors = [_tensor(shape) for shape in inputs if shape is not None] + [_tensor(output)]
    at = iter(range(len(tensors)))
    positions = tuple(-1 if shape is None else next(at) for shape in inputs)
    last = len(tensors) - 1
    operator = Operator(kind, positions, (last,), swapped, custom)
    return Graph(tuple(tensors), (operator,), (("x", 0),), (("y", last),))


def _lstm(gates=4, projected=False):
    """Inputs of 16, a state of 8 (6 if projected) in 8 cells; with 3 gates one is coupled."""
    state = 6 if projected else 8
    into, own = [(8, 16)] * 4, [(8, state)] * 4
    if gates == 3:
        into[0] = own[0] = None
    peepholes, biases = [None] * 3, [(8,)] * 4
    projection = [(6, 8), (6,)] if projected else [None, None]
    return [*into, *own, *peepholes, *biases, *projection]


STATES = [(2, 8), (2, 8)]
ONE_WAY = 8 * 16 + 8 * 8


@pytest.mark.parametrize(
    ("graph", "wanted"),
    [
        (_graph("CONV_2D", [(None, 9, 9, 4), (6, 3, 3, 4), (6,)], (None, 7, 7, 6)), 49 * 6 * 36),
        (_graph("CONV_2D", [(1, 9, 9, 4), (6, 3, 3, 2), (6,)], (1, 7, 7, 6)), 49 * 6 * 18),
        (_graph("DEPTHWISE_CONV_2D", [(1, 9, 9, 4), (1, 3, 3, 8)], (1, 7, 7, 8)), 49 * 8 * 9),
        (_graph("FULLY_CONNECTED", [(1, 16), (5, 16), (5,)], (1, 5)), 80),
        (_graph("TRANSPOSE_CONV", [(4,), (3, 2, 2, 4), (1, 9, 9, 4)], (1, 18, 18, 3)), 81 * 4 * 12),
        (_graph("CONV_3D", [(1, 5, 6, 7, 2), (2, 2, 2, 2, 3)], (1, 4, 5, 6, 3)), 360 * 16),
        (
            _graph("CONV_3D_TRANSPOSE", [(5,), (2, 2, 2, 3, 4), (1, 2, 3, 5, 4)], (1, 4, 6, 10, 3)),
            120 * 24,
        ),
        (_graph("BATCH_MATMUL", [(1, 3, 16), (1, 16, 5)], (1, 3, 5)), 240),
        (_graph("BATCH_MATMUL", [(1, 16, 3), (1, 16, 5)], (1, 3, 5), swapped=True), 240),
        (_graph("SVDF", [(1, 40), (32, 40), (32, 10), (32,), (1, 320)], (1, 32)), 32 * 50),
        (_graph("RNN", [(1, 16), (8, 16), (8, 8), (8,), (1, 8)], (1, 8)), ONE_WAY),
        (
            _graph(
                "UNIDIRECTIONAL_SEQUENCE_RNN",
                [(1, 20, 16), (8, 16), (8, 8), (8,), (1, 8)],
                (1, 20, 8),
            ),
            20 * ONE_WAY,
        ),
        (
            _graph(
                "BIDIRECTIONAL_SEQUENCE_RNN",
                [(1, 20, 16), *[(8, 16), (8, 8), (8,), (1, 8)] * 2, None, None, None],
                (1, 20, 16),
            ),
            2 * 20 * ONE_WAY,
        ),
        (
            _graph("UNIDIRECTIONAL_SEQUENCE_LSTM", [(1, 20, 16), *_lstm(), *STATES], (1, 20, 8)),
            20 * 4 * ONE_WAY,
        ),
        (
            _graph("UNIDIRECTIONAL_SEQUENCE_LSTM", [(1, 20, 16), *_lstm(3), *STATES], (1, 20, 8)),
            20 * 3 * ONE_WAY,
        ),
        (
            _graph(
                "UNIDIRECTIONAL_SEQUENCE_LSTM",
                [(1, 20, 16), *_lstm(projected=True), *STATES],
                (1, 20, 6),
            ),
            20 * (4 * (8 * 16 + 8 * 6) + 6 * 8),
        ),
        (
            _graph(
                "BIDIRECTIONAL_SEQUENCE_LSTM",
                [(1, 20, 16), *_lstm(), *_lstm(), *STATES, *STATES, *[None] * 9],
                (1, 20, 16),
            ),
            2 * 20 * 4 * ONE_WAY,
        ),
        (_graph("LSTM", [(1, 16), (1, 8), (32, 24), (32,), (1, 8)], (1, 8)), 32 * 24),
        (_graph("LSTM", [(1, 16), *_lstm(), *STATES], (1, 8)), 4 * ONE_WAY),
        (_graph("FULLY_CONNECTED", [(8, 16), (5, 16), (5,)], (8, 5)), 80),  # a batch of 8
        (_graph("RELU", [(1, 16)], (1, 16)), 0),
    ],
)
def test_an_operator_by_hand(graph, wanted):
    assert count_tflite_macs(graph) == Count(wanted)


def test_a_count_is_divided_by_the_cases_that_are_said():
    steps_first = _graph("FULLY_CONNECTED", [(6, 8, 16), (5, 16), (5,)], (6, 8, 5))
    assert count_tflite_macs(steps_first, cases=8) == Count(6 * 80)


@pytest.mark.parametrize(
    ("graph", "name"),
    [
        (_graph("CUSTOM", [(1, 4)], (1, 4), custom="MyOp"), "CUSTOM MyOp"),
        (_graph("WHILE", [(1, 4)], (1, 4)), "WHILE"),
        (_graph("CONV_2D", [(1, 9, 9, 4), (6, 3, 3, 4)], ()), "CONV_2D of unknown shape"),
        (
            _graph("CONV_2D", [(1, None, 9, 4), (6, 3, 3, 4)], (1, None, 7, 6)),
            "CONV_2D of unknown shape",
        ),
    ],
)
def test_what_cannot_be_counted_is_named(graph, name):
    assert count_tflite_macs(graph) == Count(None, (name,))


def test_every_operator_of_the_schema_is_decided_once():
    schema = {name for name in vars(tflite.BuiltinOperator) if not name.startswith("_")}
    assert schema >= FREE
    assert not FREE & PRODUCTS.keys()
    left = {name for name in schema - FREE - PRODUCTS.keys() if not name.startswith("STABLEHLO")}
    assert left == {
        "CALL", "CONCAT_EMBEDDINGS", "CUSTOM", "DELEGATE", "EMBEDDING_LOOKUP_SPARSE", "IF",
        "LSH_PROJECTION", "PLACEHOLDER_FOR_GREATER_OP_CODES", "RFFT2D", "SKIP_GRAM", "WHILE",
    }  # fmt: skip
