"""Multiply-accumulates of one operator at a time, held against what onnxruntime executed."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.numpy_helper import from_array
from profiled import feeds_of, macs_executed

from benchhub.compress.files.counting.einsum import products as einsum_products
from benchhub.compress.files.counting.free import FREE
from benchhub.compress.files.counting.macs import Count, count_macs
from benchhub.compress.files.counting.products import PRODUCTS

FLOAT, INT8, UINT8 = TensorProto.FLOAT, TensorProto.INT8, TensorProto.UINT8
RNG = np.random.default_rng(3)


def value(name, shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def weights(*shape, dtype=np.float32):
    if np.dtype(dtype).kind == "f":
        return (RNG.standard_normal(shape) / 10).astype(dtype)
    return RNG.integers(0, 100, shape).astype(dtype)


def model(nodes, inputs, initializers=(), outputs=("y",), opset=17, kind=FLOAT):
    graph = helper.make_graph(
        nodes,
        "g",
        [one if not isinstance(one, tuple) else value(*one) for one in inputs],
        [helper.make_tensor_value_info(name, kind, None) for name in outputs],
        [from_array(np.asarray(array), name) for name, array in dict(initializers).items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, ir_version=9, opset_imports=opsets)


def one(operator, inputs, initializers=(), domain="", kind=FLOAT, opset=17, **attributes):
    """A model of one node, which takes all of `inputs` and `initializers` in order of name."""
    names = sorted([name for name, *_ in inputs] + list(dict(initializers)))
    node = helper.make_node(operator, names, ["y"], domain=domain, **attributes)
    return model([node], inputs, initializers, kind=kind, opset=opset)


def _recurrent(operator, gates, outputs, **attributes):
    directions = 2 if attributes.get("direction") == "bidirectional" else 1
    node = helper.make_node(operator, ["x", "w", "r"], outputs, hidden_size=8, **attributes)
    held = {"w": weights(directions, gates * 8, 16), "r": weights(directions, gates * 8, 8)}
    return model([node], [("x", [20, 1, 16])], held, [name for name in outputs if name])


def _quantized_convolution():
    scale, zero = np.float32(0.1), np.uint8(7)
    held = {"b": scale, "c": zero, "d": weights(6, 2, 3, 3, dtype=np.uint8), "e": scale, "f": zero}
    held |= {"g": scale, "h": zero}
    given = [("a", ["n", 4, 9, 9], UINT8)]
    return one("QLinearConv", given, held, group=2, strides=[2, 2], kind=UINT8)


def _quantized_product(operator, domain=""):
    scale, zero = np.float32(0.1), np.uint8(7)
    held = {"b": scale, "c": zero, "d": weights(16, 5, dtype=np.uint8), "e": scale, "f": zero}
    if operator == "QLinearMatMul":
        held |= {"g": scale, "h": zero}
        return one(operator, [("a", ["n", 16], UINT8)], held, kind=UINT8)
    held |= {"g": weights(5).astype(np.int32), "h": scale, "i": zero}
    return one(operator, [("a", ["n", 16], UINT8)], held, domain=domain, kind=UINT8)


def _dynamic_lstm():
    scale, zero = np.full((1,), 0.1, np.float32), np.zeros((1,), np.uint8)
    held = {"w": weights(1, 16, 32, dtype=np.uint8), "r": weights(1, 8, 32, dtype=np.uint8)}
    names = ["x", "w", "r", *[""] * 5, "s", "z", "s", "z"]
    node = helper.make_node(
        "DynamicQuantizeLSTM", names, ["", "h"], hidden_size=8, domain="com.microsoft"
    )
    after = [
        helper.make_node("Squeeze", ["h", "ax"], ["s2"]),
        helper.make_node("MatMul", ["s2", "v"], ["y"]),
    ]
    held |= {"s": scale, "z": zero, "ax": np.array([0]), "v": weights(8, 3)}
    return model([node, *after], [("x", [20, 1, 16])], held)


def _blockwise_product():
    return one(
        "MatMulNBits",
        [("a", ["n", 7, 64])],
        {"b": weights(10, 2, 16, dtype=np.uint8), "c": weights(20)},
        domain="com.microsoft",
        K=64,
        N=10,
        bits=4,
        block_size=32,
    )


def _shapes_of_shapes():
    """A Reshape to what Shape, Gather and Concat compute, as torch writes a flatten."""
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["n"]),
        helper.make_node("Unsqueeze", ["n", "axis"], ["n1"]),
        helper.make_node("Concat", ["n1", "rest"], ["to"], axis=0),
        helper.make_node("Reshape", ["x", "to"], ["f"]),
        helper.make_node("MatMul", ["f", "w"], ["y"]),
    ]
    held = {"zero": np.array(0), "axis": np.array([0]), "rest": np.array([-1])}
    return model(nodes, [("x", ["n", 3, 4, 5])], held | {"w": weights(60, 7)})


def _looped(times):
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["state", "w"], ["next"]),
            helper.make_node("Identity", ["going"], ["goes"]),
        ],
        "body",
        [
            value("i", [], TensorProto.INT64),
            value("going", [], TensorProto.BOOL),
            value("state", [1, 6]),
        ],
        [value("goes", [], TensorProto.BOOL), value("next", [1, 6])],
    )
    node = helper.make_node("Loop", ["times", "", "x"], ["y"], body=body)
    return model([node], [("x", [1, 6])], {"times": np.array(times), "w": weights(6, 6)})


def _scanned():
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["state", "w"], ["a"]),
            helper.make_node("Add", ["a", "step"], ["next"]),
            helper.make_node("Identity", ["next"], ["out"]),
        ],
        "body",
        [value("state", [1, 6]), value("step", [1, 6])],
        [value("next", [1, 6]), value("out", [1, 6])],
    )
    node = helper.make_node("Scan", ["s0", "x"], ["last", "y"], body=body, num_scan_inputs=1)
    return model([node], [("x", [9, 1, 6])], {"s0": weights(1, 6), "w": weights(6, 6)})


def _branched(widths, condition=None):
    branches = {}
    for name, wide in zip(("then_branch", "else_branch"), widths, strict=True):
        constant = helper.make_node("Constant", [], ["w"], value=from_array(weights(6, wide)))
        product = helper.make_node("MatMul", ["x", "w"], ["o"])
        branches[name] = helper.make_graph([constant, product], name, [], [value("o", ["a", "b"])])
    held = {} if condition is None else {"c": np.array(condition)}
    inputs = [("x", [1, 6])] + ([("c", [], TensorProto.BOOL)] if condition is None else [])
    return model([helper.make_node("If", ["c"], ["y"], **branches)], inputs, held)


def _function():
    opset = helper.make_opsetid("", 17)
    nodes = [helper.make_node("MatMul", ["a", "b"], ["c"]), helper.make_node("Relu", ["c"], ["d"])]
    function = helper.make_function("own", "Layer", ["a", "b"], ["d"], nodes, [opset])
    calls = [
        helper.make_node("Layer", ["x", "w"], ["h"], domain="own"),
        helper.make_node("Layer", ["h", "v"], ["y"], domain="own"),
    ]
    made = model(calls, [("x", ["n", 6])], {"w": weights(6, 5), "v": weights(5, 4)})
    made.functions.append(function)
    made.opset_import.append(helper.make_opsetid("own", 1))
    return made


X = [("a", ["n", 4, 9, 9])]
MODELS = {
    "conv": lambda: one("Conv", X, {"b": weights(6, 2, 3, 3)}, group=2, pads=[1, 1, 1, 1]),
    "conv-1d": lambda: one("Conv", [("a", ["n", 4, 9])], {"b": weights(6, 4, 3)}, strides=[2]),
    "conv-3d": lambda: one("Conv", [("a", ["n", 2, 5, 6, 7])], {"b": weights(3, 2, 2, 2, 2)}),
    "conv-transpose": lambda: one("ConvTranspose", X, {"b": weights(4, 3, 3, 3)}, group=2),
    "conv-integer": lambda: one(
        "ConvInteger",
        [("a", ["n", 4, 9, 9], UINT8)],
        {"b": weights(6, 4, 3, 3, dtype=np.uint8)},
        kind=TensorProto.INT32,
    ),
    "conv-fused": lambda: one(
        "FusedConv", X, {"b": weights(6, 4, 3, 3)}, domain="com.microsoft", activation="Relu"
    ),
    "qlinear-conv": _quantized_convolution,
    "matmul": lambda: one("MatMul", [("a", ["n", 3, 16])], {"b": weights(16, 5)}),
    "matmul-vector": lambda: one("MatMul", [("a", ["n", 16])], {"b": weights(16)}),
    "matmul-broadcast": lambda: one("MatMul", [("a", ["n", 1, 3, 16])], {"b": weights(4, 16, 5)}),
    "matmul-integer": lambda: one(
        "MatMulInteger",
        [("a", ["n", 16], UINT8)],
        {"b": weights(16, 5, dtype=np.uint8)},
        kind=TensorProto.INT32,
    ),
    "matmul-dynamic": lambda: one(
        "DynamicQuantizeMatMul",
        [("a", ["n", 16])],
        {"b": weights(16, 5, dtype=np.uint8), "c": np.float32(0.1)},
        domain="com.microsoft",
    ),
    "matmul-fused": lambda: one(
        "FusedMatMul", [("a", [1, 16, 3]), ("b", [4, 16, 5])], domain="com.microsoft", transA=1
    ),
    "matmul-4-bits": _blockwise_product,
    "qlinear-matmul": lambda: _quantized_product("QLinearMatMul"),
    "qgemm": lambda: _quantized_product("QGemm", "com.microsoft"),
    "gemm": lambda: one("Gemm", [("a", ["n", 16])], {"b": weights(5, 16)}, transB=1),
    "gemm-transposed": lambda: one("Gemm", [("a", [16, 2])], {"b": weights(16, 5)}, transA=1),
    "lstm": lambda: _recurrent("LSTM", 4, ["y"]),
    "lstm-state-only": lambda: _recurrent("LSTM", 4, ["", "h", ""]),
    "lstm-both-ways": lambda: _recurrent("LSTM", 4, ["y"], direction="bidirectional"),
    "lstm-reverse": lambda: _recurrent("LSTM", 4, ["y"], direction="reverse"),
    "lstm-dynamic": _dynamic_lstm,
    "gru": lambda: _recurrent("GRU", 3, ["y"]),
    "gru-both-ways": lambda: _recurrent("GRU", 3, ["y", "h"], direction="bidirectional"),
    "rnn": lambda: _recurrent("RNN", 1, ["y"]),
    "shapes-of-shapes": _shapes_of_shapes,
    "loop": lambda: _looped(7),
    "scan": _scanned,
    "branches-alike": lambda: _branched((5, 5)),
    "branch-known": lambda: _branched((5, 3), condition=False),
    "function": _function,
}


@pytest.mark.parametrize("name", MODELS)
def test_it_is_what_onnxruntime_executes(name, tmp_path):
    made = MODELS[name]()
    feeds = feeds_of(made, {})
    executed = macs_executed(made, feeds, tmp_path)
    assert executed > 0
    # sequences come first in recurrent layers; all else has cases there
    assert count_macs(made) == Count(executed)
    shapes = {key: array.shape for key, array in feeds.items()}
    assert count_macs(made, shapes) == Count(executed)


def test_a_recurrent_net_by_hand():
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
        helper.make_node("LSTM", ["t", "w", "r"], ["", "hn", ""], hidden_size=8),
        helper.make_node("Squeeze", ["hn", "ax"], ["s"]),
        helper.make_node("MatMul", ["s", "v"], ["y"]),
    ]
    held = {"w": weights(1, 32, 16), "r": weights(1, 32, 8), "v": weights(8, 4)}
    made = model(nodes, [("x", ["n", 20, 16])], held | {"ax": np.array([0])})
    assert count_macs(made) == Count(20 * 4 * 8 * (16 + 8) + 8 * 4) == Count(15_392)


@pytest.mark.parametrize(
    ("equation", "shapes", "wanted"),
    [
        ("bi,ij->bj", [(1, 8), (8, 4)], 32),
        ("bi,ij", [(1, 8), (8, 4)], 32),
        ("bhqd,bhkd->bhqk", [(2, 3, 5, 4), (2, 3, 7, 4)], 2 * 3 * 5 * 7 * 4),
        ("...qd,...kd->...qk", [(2, 3, 5, 4), (3, 7, 4)], 2 * 3 * 5 * 7 * 4),
        ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)], 2 * 3 * 4 + 2 * 4 * 5),
        ("ii,ij->j", [(4, 4), (4, 6)], 24),
        ("i,j->ij", [(3,), (5,)], 15),
        ("ij,jk->ik", [(2, 1), (6, 5)], 2 * 6 * 5),
        ("ab,cd->ad", [(2, 3), (4, 5)], 10),  # b and c are summed before
        ("ii->i", [(4, 4)], 0),
        ("ij->", [(4, 5)], 0),
        (" b i , i j -> b j ", [(1, 8), (8, 4)], 32),
    ],
)
def test_an_einsum_by_hand(equation, shapes, wanted):
    assert einsum_products(equation, shapes) == wanted
    made = one("Einsum", [(f"x{k}", shape) for k, shape in enumerate(shapes)], equation=equation)
    made.graph.input.append(value("no case", []))  # sizes that agree by chance are no batch
    assert count_macs(made) == Count(wanted)


@pytest.mark.parametrize("equation", ["ijk,kl->il", "i,j,k->i"])
def test_an_equation_that_does_not_fit_is_not_counted(equation):
    assert einsum_products(equation, [(2, 3), (3, 4)]) is None


def _attention(keys, past):
    """Queries of 5 steps, 4 heads of 8; 2 heads of keys; values of 3 a head."""
    inputs = [("q", [1, 5, 32]), ("k", [1, keys, 16]), ("v", [1, keys, 6])]
    names, outputs = ["q", "k", "v"], ["y"]
    if past:
        inputs += [("pk", [1, 2, past, 8]), ("pv", [1, 2, past, 3])]
        names, outputs = [*names, "", "pk", "pv"], ["y", "nk", "nv"]
    node = helper.make_node("Attention", names, outputs, q_num_heads=4, kv_num_heads=2)
    return model([node], inputs, outputs=outputs, opset=23)


@pytest.mark.parametrize(("keys", "past"), [(6, 0), (6, 4)])
def test_attention_of_the_standard(keys, past):
    wanted = 4 * 5 * (keys + past) * (8 + 3)
    assert count_macs(_attention(keys, past)) == Count(wanted)


def test_attention_of_four_axes():
    node = helper.make_node("Attention", ["q", "k", "v"], ["y"])
    inputs = [("q", ["n", 4, 5, 8]), ("k", ["n", 4, 6, 8]), ("v", ["n", 4, 6, 3])]
    assert count_macs(model([node], inputs, opset=23)) == Count(4 * 5 * 6 * (8 + 3))


def _microsoft(operator, inputs, names=None, initializers=(), **attributes):
    names = names or [name for name, *_ in inputs]
    node = helper.make_node(operator, names, ["y"], domain="com.microsoft", **attributes)
    return model([node], inputs, initializers)


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (
            lambda: _microsoft(
                "Attention",
                [("x", ["n", 5, 32])],
                ["x", "w", "b"],
                {"w": weights(32, 96), "b": weights(96)},
                num_heads=4,
            ),
            5 * 32 * 96 + 2 * 5 * 5 * 32,
        ),
        (
            lambda: _microsoft(
                "MultiHeadAttention",
                [("q", ["n", 5, 32]), ("k", ["n", 7, 32]), ("v", ["n", 7, 24])],
                num_heads=4,
            ),
            5 * 7 * (32 + 24),
        ),
        (
            lambda: _microsoft(
                "GroupQueryAttention",
                [
                    ("q", ["n", 5, 32]),
                    ("k", ["n", 5, 16]),
                    ("v", ["n", 5, 16]),
                    ("s", ["n"], TensorProto.INT32),
                    ("t", [], TensorProto.INT32),
                ],
                ["q", "k", "v", "", "", "s", "t"],
                num_heads=4,
                kv_num_heads=2,
            ),
            4 * 5 * 5 * 2 * 8,
        ),
    ],
    ids=["attention", "multi-head", "grouped"],
)
def test_attention_of_onnxruntime(made, wanted):
    assert count_macs(made()) == Count(wanted)


def test_a_deformable_convolution():
    held = {"b": weights(6, 4, 3, 3)}
    inputs = [("a", ["n", 4, 9, 9]), ("c", ["n", 18, 7, 7])]
    assert count_macs(one("DeformConv", inputs, held, opset=19)) == Count(6 * 49 * 36)


def test_a_fixed_batch_is_divided_and_a_fixed_sequence_is_not():
    batch = model(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], [("x", [8, 6])], {"w": weights(6, 5)}
    )
    assert count_macs(batch) == Count(30)
    sequence = model(
        [
            helper.make_node("MatMul", ["x", "w"], ["a"]),
            helper.make_node("ReduceSum", ["a", "ax"], ["y"], keepdims=0),
        ],
        [("x", [8, 6])],
        {"w": weights(6, 5), "ax": np.array([0])},
    )
    assert count_macs(sequence) == Count(8 * 30)


def test_a_fixed_batch_of_sequences_is_divided():
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
        helper.make_node("GRU", ["t", "w", "r"], ["", "h"], hidden_size=8),
        helper.make_node("Squeeze", ["h", "ax"], ["y"]),
    ]
    held = {"w": weights(1, 24, 16), "r": weights(1, 24, 8), "ax": np.array([0])}
    made = model(nodes, [("x", [6, 20, 16])], held)
    assert count_macs(made) == Count(20 * 3 * 8 * (16 + 8))


def test_recorded_shapes_of_another_batch_are_not_believed():
    made = model(
        [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("MatMul", ["r", "w"], ["y"])],
        [("x", ["n", 6])],
        {"w": weights(6, 5)},
    )
    made.graph.value_info.append(value("r", [64, 6]))
    made.graph.output[0].CopyFrom(value("y", [64, 5]))
    assert count_macs(made) == Count(30)


def test_sizes_that_became_known_late_reach_the_last_node():
    """The shape of an Expand is known once the Shape before it is; the product ends the graph."""
    nodes = [
        helper.make_node("Slice", ["x", "start", "end"], ["cut"]),
        helper.make_node("Shape", ["cut"], ["s"]),
        helper.make_node("Expand", ["one", "s"], ["wide"]),
        helper.make_node("MatMul", ["wide", "w"], ["y"]),
    ]
    held = {"start": np.array([0, 2]), "end": np.array([9, 6]), "one": np.float32(1)}
    made = model(nodes, [("x", [1, 20])], held | {"w": weights(4, 7)})
    assert count_macs(made) == Count(28)


def test_what_cannot_be_counted_is_named():
    assert count_macs(_looped(7)).macs == 7 * 36
    unknown = _looped(7)
    del unknown.graph.initializer[0]
    unknown.graph.input.append(value("times", [], TensorProto.INT64))
    assert count_macs(unknown) == Count(None, ("Loop",))
    assert count_macs(unknown, {}, {"times": np.array(5)}) == Count(5 * 36)
    assert count_macs(_branched((5, 3))) == Count(None, ("If",))
    assert count_macs(_branched((5, 3)), {}, {"c": np.array(True)}) == Count(30)
    assert count_macs(one("Det", [("a", ["n", 3, 3])])) == Count(None, ("Det",))
    own = one("Relu", [("a", ["n", 3])], domain="example.org")
    assert count_macs(own) == Count(None, ("example.org.Relu",))
    opened = one("MatMul", [("a", ["n", "m", 6])], {"b": weights(6, 5)})
    assert count_macs(opened) == Count(None, ("MatMul of unknown shape",))
    assert count_macs(opened, {"a": (1, 4, 6)}) == Count(120)


def test_a_scan_of_opset_8_has_cases_before_steps(tmp_path):
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["state", "w"], ["a"]),
            helper.make_node("Add", ["a", "step"], ["next"]),
            helper.make_node("Identity", ["next"], ["out"]),
        ],
        "body",
        [value("state", [1, 6]), value("step", [1, 6])],
        [value("next", [1, 6]), value("out", [1, 6])],
    )
    node = helper.make_node("Scan", ["", "s0", "x"], ["last", "y"], body=body, num_scan_inputs=1)
    held = {"s0": weights(2, 1, 6), "w": weights(6, 6)}
    made = model([node], [("x", [2, 9, 1, 6])], held, opset=8)
    assert macs_executed(made, feeds_of(made, {}), tmp_path) == 2 * 9 * 36
    assert count_macs(made) == Count(9 * 36)


@pytest.mark.parametrize(
    ("given", "begins", "runs"),
    [
        ("held", True, 7),
        ("node", True, 7),
        ("node", None, 7),
        ("stops", True, 1),
        ("node", False, 0),
    ],
)
def test_a_loop_runs_as_often_as_its_conditions_say(given, begins, runs, tmp_path):
    made = _looped(7)
    (loop,) = made.graph.node
    body = loop.attribute[0].g
    del body.node[1]
    goes = from_array(np.array(given != "stops"), "goes")
    if given == "node":
        body.node.append(helper.make_node("Constant", [], ["goes"], value=goes))
    else:
        body.node.append(helper.make_node("Identity", ["kept"], ["goes"]))
        goes.name = "kept"
        body.initializer.append(goes)
    if begins is not None:
        loop.input[1] = "begins"
        made.graph.initializer.append(from_array(np.array(begins), "begins"))
    assert count_macs(made) == Count(runs * 36)
    assert macs_executed(made, feeds_of(made, {}), tmp_path) == runs * 36


@pytest.mark.parametrize(
    ("operator", "sizes"),
    [("ConstantOfShape", [6_000, 6_000]), ("Range", [0, 40_000_000, 1]), ("Tile", [9_000_000])],
)
def test_what_would_be_large_is_not_computed_to_find_out(operator, sizes, monkeypatch):
    from onnx import reference

    ran = []

    class Told(reference.ReferenceEvaluator):
        def __init__(self, proto, **more):
            ran.extend(node.op_type for node in proto.graph.node)
            super().__init__(proto, **more)

    monkeypatch.setattr(reference, "ReferenceEvaluator", Told)
    given = {"Tile": ["one", "t"], "Range": ["t0", "t1", "t2"]}.get(operator, ["t"])
    held = {"w": weights(6, 5), "one": np.ones(1, np.float32)}
    held |= {f"s{at}": np.array(size) for at, size in enumerate(sizes)}
    nodes = [
        helper.make_node("Abs", ["s"], ["t"]),  # shapes are not told through this one
        *(helper.make_node("Abs", [f"s{at}"], [f"t{at}"]) for at in range(len(sizes))),
        helper.make_node(operator, given, ["large"]),
        helper.make_node("Size", ["large"], ["z"]),
        helper.make_node("MatMul", ["x", "w"], ["y"]),
    ]
    made = model(nodes, [("x", [1, 6])], held | {"s": np.array(sizes)})
    assert count_macs(made) == Count(30)
    assert "Abs" in ran
    assert operator not in ran


def test_weights_that_are_outputs_or_sparse_hinder_no_shapes():
    made = one("MatMul", [("a", ["n", 6])], {"b": weights(6, 5)})
    made.graph.output.append(value("b", [6, 5]))
    assert count_macs(made) == Count(30)
    sparse = one("MatMul", [("a", ["n", 6])], {"b": weights(6, 5)})
    del sparse.graph.initializer[:]
    held = helper.make_sparse_tensor(
        from_array(weights(2), "b"), from_array(np.array([1, 7]), "at"), [6, 5]
    )
    sparse.graph.sparse_initializer.append(held)
    assert count_macs(sparse) == Count(30)


#: Of the standard up to 1.23, what is neither counted nor known to be free.
UNKNOWN = {
    "Adagrad", "Adam", "CausalConvWithState", "DFT", "Det", "FlexAttention", "Gradient", "If",
    "LinearAttention", "Loop", "Momentum", "STFT", "SVMClassifier", "SVMRegressor", "Scan",
    "SequenceMap",
}  # fmt: skip


def test_every_operator_of_the_standard_is_decided_once():
    assert not FREE & PRODUCTS.keys()
    decided = FREE | PRODUCTS.keys()
    known = {(schema.domain, schema.name) for schema in onnx.defs.get_all_schemas()}
    assert {name for domain, name in known - decided} <= UNKNOWN
    assert not {name for _, name in decided} & UNKNOWN
