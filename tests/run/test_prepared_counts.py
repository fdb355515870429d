"""Counts of weights and arithmetic in a suite made ready, where files or data keep them apart."""

import numpy as np
import onnx
from onnx import helper
from onnx.numpy_helper import from_array

from benchhub.config.suite import load_suite
from benchhub.run.prepare import prepare

CONSTANT = """
[[variants]]
name = "fp32"
model = "fp32.onnx"
[[variants]]
name = "w8"
from = "fp32"
recipe = "int8-weights"
[[variants]]
name = "pr"
from = "fp32"
recipe = "prune-magnitude"
"""
RNG = np.random.default_rng(5)


def _save(path, nodes, inputs, outputs, held=()):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "g",
        [value(name, 1, shape) for name, shape in inputs.items()],
        [value(name, 1, shape) for name, shape in outputs.items()],
        [from_array(array, name) for name, array in dict(held).items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), str(path))


def _prepared(folder, variants, missing=(), batch=4):
    text = f"""
[suite]
name = "counts"
task = "npz"
baseline = "fp32"
effort = "quick"
backends = ["onnxruntime"]
[data]
inputs = "cases.npz"
metric = "accuracy"
output = "y"
{variants}
[scenarios.quality]
batch = {batch}
"""
    (folder / "suite.toml").write_text(text)
    made = prepare(load_suite(folder / "suite.toml"), None, folder / "cache", lambda line: None)
    unbuilt = {name: str(reason) for name, reason in made.unbuilt.items()}
    assert unbuilt.keys() == set(missing), unbuilt
    return {variant.name: variant for variant in made.variants} | unbuilt


def test_weights_in_a_constant_node_stay_as_many_in_every_variant(tmp_path, processes):
    weight = RNG.standard_normal((16, 4)).astype(np.float32)
    x = RNG.standard_normal((80, 16)).astype(np.float32)
    nodes = [
        helper.make_node("Constant", [], ["w"], value=from_array(weight, "w")),
        helper.make_node("MatMul", ["x", "w"], ["y"]),
    ]
    _save(tmp_path / "fp32.onnx", nodes, {"x": ["N", 16]}, {"y": ["N", 4]})
    labels = (x @ weight).argmax(1)
    np.savez(tmp_path / "cases.npz", x=x, labels=labels, calibration_x=x)
    found = _prepared(tmp_path, CONSTANT)
    assert {name: variant.params for name, variant in found.items()} == dict.fromkeys(
        ("fp32", "w8", "pr"), 64
    )
    assert {variant.macs for variant in found.values()} == {64}
    assert found["fp32"].nonzero_params == 64
    assert found["pr"].nonzero_params == 16


def test_a_recurrent_net_of_open_length_is_counted_by_the_cases(tmp_path, processes):
    held = {"W": (1, 32, 16), "R": (1, 32, 8), "v": (8, 4)}
    weights = {name: RNG.standard_normal(size).astype(np.float32) for name, size in held.items()}
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
        helper.make_node("LSTM", ["t", "W", "R"], ["", "hn", ""], hidden_size=8),
        helper.make_node("Squeeze", ["hn", "ax"], ["s"]),
        helper.make_node("MatMul", ["s", "v"], ["y"]),
    ]
    weights["ax"] = np.array([0])
    _save(tmp_path / "fp32.onnx", nodes, {"x": ["N", "L", 16]}, {"y": ["N", 4]}, weights)
    x = RNG.standard_normal((64, 20, 16)).astype(np.float32)
    np.savez(tmp_path / "cases.npz", x=x, labels=np.arange(64) % 4)
    found = _prepared(tmp_path, "[[variants]]\nname = 'fp32'\nmodel = 'fp32.onnx'\n")
    assert (found["fp32"].macs, found["fp32"].uncounted) == (15_392, ())
    assert found["fp32"].params == 32 * 24 + 32


def test_state_is_counted_with_in_what_recipes_make(tmp_path, processes):
    weights = {name: RNG.standard_normal((8, 8)).astype(np.float32) for name in ("w", "r")}
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("MatMul", ["h", "r"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["s"]),
        helper.make_node("Tanh", ["s"], ["hn"]),
        helper.make_node("Identity", ["hn"], ["y"]),
    ]
    tensors = {"x": ["N", 8], "h": ["N", 8]}, {"y": ["N", 8], "hn": ["N", 8]}
    _save(tmp_path / "fp32.onnx", nodes, *tensors, weights)
    x = RNG.standard_normal((64, 8)).astype(np.float32)
    cases = {"x": x, "calibration_x": x, "labels": np.arange(64) % 8}
    np.savez(tmp_path / "cases.npz", **cases)
    variants = """
[[variants]]
name = "fp32"
model = "fp32.onnx"
state = { h = "hn" }
[[variants]]
name = "half"
from = "fp32"
recipe = "fp16"
[[variants]]
name = "int8"
from = "fp32"
recipe = { name = "int8-static", calibration_cases = 16 }
"""
    found = _prepared(tmp_path, variants, batch=1)
    assert {name: one.macs for name, one in found.items()} == {
        "fp32": 128,
        "half": 128,
        "int8": 128,
    }
