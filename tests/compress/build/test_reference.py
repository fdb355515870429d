"""What the controller answers: by which runtime, at which batch, and what is refused before."""

import dataclasses

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from repository import ROOT

from benchhub.compress.build.reference import answered, reference_outputs
from benchhub.compress.files.look import inspect_model, inspect_onnx
from benchhub.compress.files.random_operators import random_operators
from benchhub.errors import ConfigError

WEIGHT = np.arange(1, 7, dtype=np.float32).reshape(3, 2)
QUICKSTART = ROOT / "suites" / "quickstart"


def model_of(path, nodes, shape, initializers=(), inputs=("N", 3)):
    """Write a model of float32 input x and output y."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, inputs)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(array, name) for name, array in dict(initializers).items()],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    return inspect_onnx("v", path)


def reshaping(path, sizes):
    """x @ w, in a shape that the graph says whatever the batch."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Reshape", ["a", "sizes"], ["y"]),
    ]
    held = {"w": WEIGHT, "sizes": np.array(sizes)}
    return model_of(path, nodes, ["M", "K"], held)


def cases_of(count):
    return {"x": np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)}


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("shape", [("n", 3), (1, 3), (4, 3)])
def test_outputs_for_open_and_fixed_batches(linear, shape):
    variant = inspect_onnx("v", linear(shape=shape))
    cases = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)
    (found,) = reference_outputs(variant, {"x": cases}, batch=3)
    np.testing.assert_allclose(found, cases @ WEIGHT, rtol=1e-5)


@pytest.mark.parametrize(
    ("inputs", "wanted"),
    [
        ({"y": np.zeros((2, 3), np.float32)}, "no array for model input 'x'"),
        (
            {"x": np.zeros((2, 3), np.float32), "z": np.zeros((2, 3), np.float32)},
            "the data has an array 'z'",
        ),
        ({"x": np.zeros((2, 3))}, "float64 in the data and float32 in the model"),
        ({"x": np.zeros((2, 5), np.float32)}, "has shape 5 per case in the data and 3"),
        ({"x": np.zeros((2, 3, 1), np.float32)}, "has shape 3x1 per case"),
    ],
)
def test_cases_that_do_not_fit(linear, inputs, wanted):
    with pytest.raises(ConfigError) as caught:
        reference_outputs(inspect_onnx("v", linear()), inputs)
    assert wanted in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("sizes", [[1, -1], [1, 2]])
def test_a_model_that_works_at_batch_1_only_is_answered_at_batch_1(tmp_path, capfd, sizes):
    variant = reshaping(tmp_path / "m.onnx", sizes)
    cases = cases_of(6)
    (found,) = reference_outputs(variant, cases, batch=1)
    np.testing.assert_allclose(found, cases["x"] @ WEIGHT, rtol=1e-5)
    with pytest.raises(ConfigError) as caught:
        reference_outputs(variant, cases, batch=4)
    said = str(caught.value)
    assert "fix the batch at 1 (batch = 1), or export it again" in said
    assert "\n" not in said
    if sizes == [1, -1]:
        assert "output y is 1x8 for a batch of 4, and cases should run along its axis 0" in said
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("processes")
def test_sizes_that_hang_on_the_values_are_told(tmp_path):
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["most"], keepdims=0),
        helper.make_node("Cast", ["most"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Unsqueeze", ["whole", "zero"], ["columns"]),
        helper.make_node("Shape", ["x"], ["rows"], end=1),
        helper.make_node("Concat", ["rows", "columns"], ["sizes"], axis=0),
        helper.make_node("ConstantOfShape", ["sizes"], ["y"]),
    ]
    variant = model_of(tmp_path / "m.onnx", nodes, ["N", "K"], {"zero": np.array([0])})
    cases = {"x": np.repeat(np.array([[2.0], [2.0], [5.0]], np.float32), 3, axis=1)}
    with pytest.raises(ConfigError, match="output y is 2 a case in the first batch, and 5 in"):
        reference_outputs(variant, cases, batch=1)


@pytest.mark.usefixtures("processes")
def test_what_draws_at_random_answers_otherwise_the_second_time(tmp_path):
    nodes = [
        helper.make_node("RandomNormalLike", ["x"], ["drawn"]),
        helper.make_node("Dropout", ["drawn", "ratio", "on"], ["kept"]),
        helper.make_node("Add", ["x", "kept"], ["y"]),
    ]
    held = {"ratio": np.float32(0.5), "on": np.array(True)}
    variant = model_of(tmp_path / "m.onnx", nodes, ["N", 3], held)
    assert random_operators(variant) == ("Dropout", "RandomNormalLike")
    found = answered(variant, cases_of(20), 4, again=10)
    assert found.again[0].shape == (10, 3)
    assert np.abs(found.again[0] - found.outputs[0][:10]).max() > 0.1
    steady = answered(reshaping(tmp_path / "s.onnx", [-1, 2]), cases_of(20), 4, again=10)
    np.testing.assert_array_equal(steady.again[0], steady.outputs[0][:10])


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("file", ["chest_xray-fp32.tflite", "chest_xray-int8.tflite"])
def test_tflite_is_answered_by_its_own_runtime(file):
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    variant = inspect_model("v", QUICKSTART / file)
    images = np.random.default_rng(1).random((5, 1, 64, 64), dtype=np.float32)
    (found,) = reference_outputs(variant, {"image": images})
    work = interpreter.Interpreter(str(variant.path))
    work.allocate_tensors()
    (taken,), (given,) = work.get_input_details(), work.get_output_details()
    for image, answer in zip(images, found, strict=True):
        scale, zero = taken["quantization"]
        stored = np.clip(np.rint(image / scale) + zero, -128, 127) if scale else image
        work.set_tensor(taken["index"], stored[None].astype(taken["dtype"]))
        work.invoke()
        scale, zero = given["quantization"]
        told = work.get_tensor(given["index"])[0].astype(np.float32)
        np.testing.assert_allclose(answer, (told - zero) * scale if scale else told, atol=1e-5)


@pytest.mark.usefixtures("processes")
def test_an_exported_program_is_answered_by_torch(torch, tmp_path):
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Tanh()).eval()
    open_batch = {"input": {0: torch.export.Dim("batch")}}
    exported = torch.export.export(net, (torch.zeros(2, 3),), dynamic_shapes=open_batch)
    torch.export.save(exported, str(tmp_path / "m.pt2"))
    variant = inspect_model("v", tmp_path / "m.pt2")
    cases = {spec.name: cases_of(7)["x"] for spec in variant.inputs}
    (found,) = reference_outputs(variant, cases, batch=2)
    with torch.no_grad():
        wanted = net(torch.from_numpy(cases_of(7)["x"])).numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.usefixtures("processes")
def test_a_file_that_is_gone_is_one_line(linear):
    variant = inspect_onnx("v", linear())
    gone = dataclasses.replace(variant, path=variant.path.with_name("gone.onnx"))
    with pytest.raises(ConfigError, match=r"variant v: onnxruntime cannot run .*gone.onnx"):
        reference_outputs(gone, cases_of(2))


@pytest.mark.usefixtures("processes")
def test_a_large_output_is_mapped_and_right(tmp_path):
    nodes = [helper.make_node("Expand", ["x", "sizes"], ["y"])]
    held = {"sizes": np.array([1, 3000, 1, 3])}
    variant = model_of(tmp_path / "m.onnx", nodes, ["N", 3000, "A", 3], held, inputs=("N", 1, 1, 3))
    x = np.random.default_rng(0).random((2000, 1, 1, 3), dtype=np.float32)
    (found,) = reference_outputs(variant, {"x": x}, batch=500)
    assert isinstance(found, np.memmap)
    assert found.nbytes > 64 << 20
    np.testing.assert_array_equal(found[:, -1], x[:, 0])
