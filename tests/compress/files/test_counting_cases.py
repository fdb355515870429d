"""What the files leave open the suite's cases tell: inputs, and settings that choose a branch."""

import dataclasses

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.numpy_helper import from_array

from benchhub.compress.files.arranged import arranged
from benchhub.compress.files.look import inspect_model, with_macs, with_said_cases
from benchhub.model.asked import Arrangement


def _value(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def _written(path, nodes, inputs, initializers=(), axes=2):
    held = [from_array(np.asarray(array), name) for name, array in dict(initializers).items()]
    graph = helper.make_graph(nodes, "g", inputs, [_value("y", [None] * axes)], held)
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, ir_version=9, opset_imports=opsets), str(path))
    return inspect_model("v", path)


def test_open_sizes_are_those_of_the_cases(tmp_path):
    weight = np.ones((4, 2, 3, 3), np.float32)
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])
    inputs = [_value("x", ["n", 2, "h", "w_"])]
    variant = _written(tmp_path / "m.onnx", [node], inputs, {"w": weight}, axes=4)
    assert (variant.macs, variant.uncounted) == (None, ("Conv of unknown shape",))
    cases = {"x": np.zeros((50, 2, 8, 6), np.float32)}
    counted = with_macs(variant, cases)
    assert counted == dataclasses.replace(variant, macs=8 * 6 * 4 * 18, uncounted=())
    # what is told already needs no data; an input that does not fit tells nothing
    assert with_macs(counted, {"x": np.zeros((50, 8), np.float32)}).macs is None
    closed = dataclasses.replace(counted, inputs=(dataclasses.replace(counted.inputs[0]),))
    assert with_macs(closed, cases).macs == counted.macs


def test_a_setting_that_is_the_same_for_all_chooses_the_branch(tmp_path):
    branches = {
        name: helper.make_graph(
            [helper.make_node("MatMul", ["x", name], ["o"])], name, [], [_value("o", [None, None])]
        )
        for name in ("then_branch", "else_branch")
    }
    nodes = [
        helper.make_node("Equal", ["rate", "wanted"], ["c1"]),
        helper.make_node("Squeeze", ["c1"], ["c"]),
        helper.make_node("If", ["c"], ["y"], **branches),
    ]
    held = {"then_branch": np.ones((6, 5), np.float32), "else_branch": np.ones((6, 3), np.float32)}
    inputs = [_value("x", ["n", 6]), _value("rate", ["n"], TensorProto.INT64)]
    held |= {"wanted": np.array(16_000)}
    variant = _written(tmp_path / "m.onnx", nodes, inputs, held)
    assert (variant.params, variant.macs, variant.uncounted) == (48, None, ("If",))
    x = np.zeros((3, 6), np.float32)
    for rate, wanted in ((16_000, 30), (8_000, 18)):
        assert with_macs(variant, {"x": x, "rate": np.full(3, rate)}).macs == wanted
    assert with_macs(variant, {"x": x, "rate": np.array([16_000, 8_000, 8_000])}).macs is None


def _time_major(path, cases, recurrent):
    """Six steps of `cases` cases of three numbers, by a layer of four: steps first, then cases."""
    held = {"w": np.ones((3, 4), np.float32)}
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    if recurrent:
        held = {
            "w": np.ones((1, 16, 3), np.float32),
            "r": np.ones((1, 16, 4), np.float32),
            "axis": np.array([1]),
        }
        nodes = [
            helper.make_node("LSTM", ["x", "w", "r"], ["h"], hidden_size=4),
            helper.make_node("Squeeze", ["h", "axis"], ["y"]),
        ]
    graph = helper.make_graph(
        nodes,
        "g",
        [_value("x", [6, cases, 3])],
        [_value("y", [6, cases, 4])],
        [from_array(array, name) for name, array in held.items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, ir_version=9, opset_imports=opsets), str(path))
    return inspect_model("v", path)


@pytest.mark.parametrize("said", ["batch_axis", "layout"])
@pytest.mark.parametrize(("recurrent", "wanted"), [(False, 6 * 3 * 4), (True, 6 * 16 * (3 + 4))])
@pytest.mark.parametrize("cases", ["n", 1, 8])
def test_cases_along_another_axis_are_what_a_count_is_divided_by(
    tmp_path, cases, recurrent, wanted, said
):
    how = (
        Arrangement(batch_axis={"x": 1, "y": 1})
        if said == "batch_axis"
        else Arrangement(layout={"x": "NTC->TNC", "y": "TNC->NTC"})
    )
    variant = arranged(_time_major(tmp_path / "m.onnx", cases, recurrent), how)
    counted = with_macs(variant, {"x": np.zeros((50, 6, 3), np.float32)})
    assert (counted.macs, counted.uncounted) == (wanted, ())
    # what the file leaves open is not known without data; what it fixes is
    assert with_said_cases(variant).macs == (None if cases == "n" else wanted)
    plain = inspect_model("v", variant.path)
    assert with_said_cases(plain) is plain
