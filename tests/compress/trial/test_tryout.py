"""Models tried in a process of its own: right ones, wrong ones, and those that end it."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from benchhub.compress.files.look import inspect_model
from benchhub.compress.trial.tryout import Tryout, meant_for, versioned
from benchhub.model.cell import Variant

pytestmark = pytest.mark.usefixtures("processes")


@pytest.fixture(scope="module")
def tryout() -> Iterator[Tryout]:
    with Tryout() as trying:
        yield trying


def written(path: Path, nodes: list[Any], **weights: Any) -> Variant:
    """A model of x, 2 columns of float32, to y."""
    graph = helper.make_graph(
        nodes,
        "tried",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", None])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), str(path))
    return inspect_model(path.stem, path)


def linear(path: Path, weight: Any) -> Variant:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    return written(path, nodes, w=np.asarray(weight, np.float32))


GOOD = [[1, 2], [3, 4]]
CASES = [{"x": np.array([row], np.float32)} for row in ([1, 0], [0, 1], [1, 1], [2, 3])]


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("feeds", [CASES, []], ids=["cases", "made-up"])
def test_how_far_a_model_is_from_its_source(backend, feeds, tryout, tmp_path):
    source = linear(tmp_path / "source.onnx", GOOD)
    same = tryout(backend, (source.path, "onnx"), source, feeds, calls=4)
    assert (same.cause, same.known, same.called) == ("", True, True)
    assert same.difference == pytest.approx(0, abs=1e-6)
    other = linear(tmp_path / "other.onnx", [[1, 2], [3, 5]])
    trial = tryout(backend, (other.path, "onnx"), source, CASES, calls=4)
    # y[:, 1] of the cases is 2 4 6 16 and becomes 2 5 7 19; all of y lies between 1 and 16
    assert trial.difference == pytest.approx(3 / 15)


@pytest.mark.parametrize(
    ("weight", "cause"),
    [
        ([[1, np.inf], [3, 4]], "1 of 2 values of output y are not finite, and are in its source"),
        ([[1, 2, 3], [4, 5, 6]], "output y is 1x3, and 1x2 in its source"),
    ],
    ids=["not-finite", "another-shape"],
)
def test_outputs_that_are_not_those_of_the_source(weight, cause, tryout, tmp_path):
    source, made = linear(tmp_path / "source.onnx", GOOD), linear(tmp_path / "made.onnx", weight)
    assert tryout("onnxruntime", (made.path, "onnx"), source, CASES).cause == cause


def test_a_source_that_is_not_finite_either_is_no_fault(tryout, tmp_path):
    source = linear(tmp_path / "source.onnx", [[1, np.inf], [3, 4]])
    made = linear(tmp_path / "made.onnx", [[1, np.inf], [3, 5]])
    assert tryout("onnxruntime", (made.path, "onnx"), source, CASES).cause == ""


def test_a_file_that_does_not_load_keeps_the_end_of_the_cause(tryout, tmp_path):
    source = linear(tmp_path / "source.onnx", GOOD)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    made = written(tmp_path / "made.onnx", nodes, w=np.ones((3, 2), np.float32))
    trial = tryout("onnxruntime", (made.path, "onnx"), source, CASES)
    assert trial.known
    assert trial.cause.endswith("Incompatible dimensions for matrix multiplication")
    assert "\n" not in trial.cause


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="others divide on")
def test_a_runtime_that_dies_costs_one_model_and_the_next_is_tried(tryout, tmp_path):
    source = linear(tmp_path / "source.onnx", GOOD)
    nodes = [
        helper.make_node("Cast", ["x"], ["i"], to=TensorProto.INT32),
        helper.make_node("Mul", ["i", "zero"], ["none"]),
        helper.make_node("Add", ["none", "least"], ["low"]),
        helper.make_node("Div", ["low", "minus"], ["q"]),  # 2**31: the processor itself refuses
        helper.make_node("Cast", ["q"], ["y"], to=TensorProto.FLOAT),
    ]
    least, minus = np.full(2, -(2**31), np.int32), np.full(2, -1, np.int32)
    zero = np.zeros(2, np.int32)
    made = written(tmp_path / "made.onnx", nodes, zero=zero, least=least, minus=minus)
    trial = tryout("onnxruntime", (made.path, "onnx"), source, CASES)
    assert re.match("onnxruntime ended its process with SIG(FPE|ILL|TRAP|SEGV|ABRT)", trial.cause)
    assert trial.known
    assert tryout("onnxruntime", (source.path, "onnx"), source, CASES).cause == ""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    broken = written(tmp_path / "broken.onnx", nodes, w=np.ones((3, 2), np.float32))
    assert not tryout("onnxruntime", (made.path, "onnx"), broken, CASES).known
    # where the source ends it, too, nothing is said of what was made of it
    assert not tryout("onnxruntime", (made.path, "onnx"), made, CASES).known


def test_a_source_that_does_not_run_there_says_nothing(tryout, tmp_path):
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    source = written(tmp_path / "source.onnx", nodes, w=np.ones((3, 2), np.float32))
    trial = tryout("onnxruntime", (source.path, "onnx"), source, CASES)
    assert trial.cause
    assert not trial.known


def test_inputs_are_made_up_in_sizes_that_the_source_takes(tryout, tmp_path):
    shape = ["n", 1, "h", "w"]
    weight = numpy_helper.from_array(np.ones((1, 1, 5, 5), np.float32), "w5")
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w5"], ["y"])],
        "open",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [weight],
    )
    opset = helper.make_opsetid("", 17)
    path = tmp_path / "open.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), str(path))
    trial = tryout("onnxruntime", (path, "onnx"), inspect_model("open", path), [])
    assert trial.called
    assert trial.difference == 0


def test_which_backends_are_asked():
    asked = ("onnxruntime", "openvino", "tflite", "tensorrt", "faulty")
    assert [one.name for one in meant_for(asked, "onnx")] == ["onnxruntime", "openvino"]
    (tflite,) = meant_for(asked, "tflite")
    assert re.fullmatch(r"\S+ \d+\.\S+", versioned(tflite))
    assert re.fullmatch(r"onnxruntime \d+\.\S+", versioned(meant_for(asked, "onnx")[0]))
