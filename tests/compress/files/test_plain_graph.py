import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from onnx.numpy_helper import from_array, to_array

from benchhub.compress.files.plain_graph import constant, plain

WEIGHT = np.arange(8, dtype=np.float32).reshape(4, 2) - 3
INPUT = np.array([[1, -2, 3, 0.5]], np.float32)


def _value(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def _model(nodes, initializers=(), more_inputs=(), ir_version=9, **more):
    graph = helper.make_graph(
        nodes,
        "g",
        [_value("x", ["n", 4]), *more_inputs],
        [_value("y", ["m", 2])],
        list(initializers),
    )
    opsets = [helper.make_opsetid("", 17), *more.pop("opsets", ())]
    return helper.make_model(graph, ir_version=ir_version, opset_imports=opsets, **more)


def _weights_in_a_constant():
    node = helper.make_node("Constant", [], ["w"], value=from_array(WEIGHT, "other"))
    return _model([node, helper.make_node("MatMul", ["x", "w"], ["y"])])


def _weights_listed_as_inputs():
    product = helper.make_node("MatMul", ["x", "w"], ["y"])
    return _model([product], [from_array(WEIGHT, "w")], [_value("w", [4, 2])], ir_version=3)


def _weights_in_branches():
    branches = {}
    for name, factor in (("then_branch", 1), ("else_branch", 2)):
        node = helper.make_node("Constant", [], ["w"], value=from_array(factor * WEIGHT))
        product = helper.make_node("MatMul", ["x", "w"], [f"y_{name}"])
        out = _value(f"y_{name}", ["m", 2])
        branches[name] = helper.make_graph([node, product], name, [], [out])
    first = helper.make_node("Constant", [], ["first"], value=from_array(np.array(False)))
    return _model([first, helper.make_node("If", ["first"], ["y"], **branches)])


def _weights_in_a_function():
    node = helper.make_node("Constant", [], ["w"], value=from_array(WEIGHT))
    product = helper.make_node("MatMul", ["a", "w"], ["b"])
    opset = helper.make_opsetid("", 17)
    function = helper.make_function("own", "Layer", ["a"], ["b"], [node, product], [opset])
    call = helper.make_node("Layer", ["x"], ["y"], domain="own")
    return _model([call], functions=[function], opsets=[helper.make_opsetid("own", 1)])


MODELS = [
    _weights_in_a_constant,
    _weights_listed_as_inputs,
    _weights_in_branches,
    _weights_in_a_function,
]


def _ran(model):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {"x": INPUT})[0]


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__.lstrip("_"))
def test_it_computes_the_same_from_initializers(make):
    given = make()
    before = given.SerializeToString()
    found = plain(given)
    onnx.checker.check_model(found, full_check=True)
    assert given.SerializeToString() == before
    assert [value.name for value in found.graph.input] == ["x"]
    assert found.ir_version >= 4
    assert not found.functions
    assert "Constant" not in str(found)
    np.testing.assert_array_equal(_ran(found), _ran(given))
    assert plain(found) == found


def test_a_factor_stays_a_node():
    nodes = [
        helper.make_node("Constant", [], ["half"], value_float=0.5),
        helper.make_node("Constant", [], ["w"], value=from_array(WEIGHT)),
        helper.make_node("Mul", ["x", "half"], ["h"]),
        helper.make_node("MatMul", ["h", "w"], ["y"]),
    ]
    found = plain(_model(nodes))
    assert [one.op_type for one in found.graph.node] == ["Constant", "Mul", "MatMul"]
    assert [tensor.name for tensor in found.graph.initializer] == ["w"]


def test_a_constant_that_is_an_output_stays():
    node = helper.make_node("Constant", [], ["y"], value=from_array(WEIGHT))
    found = plain(_model([node]))
    assert [one.op_type for one in found.graph.node] == ["Constant"]
    np.testing.assert_array_equal(_ran(found), WEIGHT)


@pytest.mark.parametrize(
    ("attribute", "value", "dtype"),
    [
        ("value_float", 0.5, np.float32),
        ("value_floats", [0.5, 2.0], np.float32),
        ("value_int", 3, np.int64),
        ("value_ints", [3, -4], np.int64),
        ("value_string", "a", object),
        ("value_strings", ["a", "b"], object),
    ],
)
def test_every_form_of_a_constant(attribute, value, dtype):
    tensor = constant(helper.make_node("Constant", [], ["c"], **{attribute: value}))
    assert tensor.name == "c"
    array = to_array(tensor)
    assert array.dtype == dtype
    assert array.tolist() == value


def test_what_is_no_dense_constant_has_no_tensor():
    sparse = helper.make_sparse_tensor(
        helper.make_tensor("", TensorProto.FLOAT, [1], [2.0]),
        helper.make_tensor("", TensorProto.INT64, [1], [3]),
        [8],
    )
    assert constant(helper.make_node("Constant", [], ["c"], sparse_value=sparse)) is None
    assert constant(helper.make_node("Relu", ["x"], ["y"])) is None
