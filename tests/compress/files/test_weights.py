"""Weights wherever a file keeps them, by hand."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.numpy_helper import from_array

from benchhub.compress.files.counting.weights.count import count_weights
from benchhub.compress.files.plain_graph import plain

WEIGHT = np.arange(64, dtype=np.float32).reshape(16, 4)  # one is zero


def value(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def model(nodes, initializers=(), inputs=(), **more):
    graph = helper.make_graph(
        nodes,
        "g",
        [value("x", ["n", 16]), *inputs],
        [value("y", None)],
        [from_array(array, name) for name, array in dict(initializers).items()],
        **more,
    )
    return helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 17)])


def product(right="w"):
    return helper.make_node("MatMul", ["x", right], ["y"])


def constant(name, array):
    return helper.make_node("Constant", [], [name], value=from_array(np.asarray(array)))


def _branches():
    branches = {
        name: helper.make_graph(
            [constant("w", np.full((3, size), 2, np.float32)), product()],
            name,
            [],
            [value("y", None)],
            initializer=[from_array(np.ones(4, np.float32), "unused")],
        )
        for name, size in (("then_branch", 4), ("else_branch", 8))
    }
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["s"], keepdims=0),
        helper.make_node("Greater", ["s", "limit"], ["c"]),
        helper.make_node("If", ["c"], ["y"], **branches),
    ]
    return model(nodes, {"limit": np.array(1, np.float32)})


def _outer_weight():
    """A weight of the graph that nothing but a branch uses."""
    branches = {
        name: helper.make_graph([product()], name, [], [value("y", None)])
        for name in ("then_branch", "else_branch")
    }
    return model(
        [helper.make_node("If", ["c"], ["y"], **branches)],
        {"w": WEIGHT},
        [value("c", [], TensorProto.BOOL)],
    )


def _sparse():
    values = helper.make_tensor("w", TensorProto.FLOAT, [3], [1.0, 2.0, 3.0])
    indices = helper.make_tensor("", TensorProto.INT64, [3], [1, 5, 9])
    sparse = helper.make_sparse_tensor(values, indices, [16, 4])
    return model([product()], sparse_initializer=[sparse])


def _formulas():
    """Factors and shapes around one layer: they are no weights."""
    nodes = [
        constant("w", WEIGHT),
        constant("half", np.float32(0.5)),
        constant("to", [-1, 2, 8]),
        constant("offset", np.arange(16)),
        helper.make_node("Mul", ["x", "half"], ["a"]),
        helper.make_node("Reshape", ["a", "to"], ["b"]),
        helper.make_node("Flatten", ["b"], ["c"]),
        helper.make_node("MatMul", ["c", "w"], ["y"]),
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Add", ["s", "offset"], ["unused"]),
    ]
    return model(nodes)


def _quantized(dtype, **attributes):
    zero = np.array([0, 1, 2, 3], dtype)
    held = {"q": WEIGHT.astype(dtype), "s": np.ones(4, np.float32), "z": zero}
    scaled = helper.make_node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=1)
    return model([scaled, product()], held, **attributes)


def _one_of_one():
    return model([constant("w", np.full((16, 1), 3, np.float32)), product()])


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (lambda: model([product()], {"w": WEIGHT}), (64, 63)),
        (lambda: model([constant("w", WEIGHT), product()]), (64, 63)),
        (lambda: model([product()], {"w": WEIGHT}, [value("w", [16, 4])]), (64, 63)),
        (lambda: model([constant("w", WEIGHT), product()], {"unused": WEIGHT}), (64, 63)),
        (_branches, (37, 37)),
        (_outer_weight, (64, 63)),
        (_sparse, (64, 3)),
        (_formulas, (64, 63)),
        (lambda: _quantized(np.uint8), (64, 60)),
        (lambda: _quantized(np.int8), (64, 60)),
        (_one_of_one, (16, 16)),
    ],
    ids=[
        "initializer", "constant", "listed", "unused", "branches", "outer", "sparse", "formulas",
        "uint8", "int8", "column",
    ],
)  # fmt: skip
def test_weights_count_wherever_they_are(made, wanted):
    assert count_weights(made()) == wanted
    assert count_weights(plain(made())) == wanted


def test_packed_weights_count_by_element():
    node = helper.make_node(
        "MatMulNBits", ["x", "b", "s"], ["y"], domain="com.microsoft", K=64, N=10, bits=4
    )
    held = {"b": np.ones((10, 2, 16), np.uint8), "s": np.ones(20, np.float32)}
    assert count_weights(model([node], held)) == (640, None)


def test_weights_in_another_file_are_counted_without_it(tmp_path):
    weight = np.zeros((16, 1000), np.float32)
    weight[:3] = 1
    made = model([product()], {"w": weight})
    onnx.save(
        made,
        str(tmp_path / "outside.onnx"),
        save_as_external_data=True,
        size_threshold=0,
        location="weights.bin",
    )
    read = onnx.load(str(tmp_path / "outside.onnx"), load_external_data=False)
    assert count_weights(read, tmp_path) == (16_000, 3_000)
    assert count_weights(read) == (16_000, None)
