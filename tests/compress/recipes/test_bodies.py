"""Weights in branches and bodies of loops: pruned like others, and told where they are left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from ingredients import calibrating
from onnx import TensorProto, helper
from onnx.numpy_helper import from_array
from project import write_model

from benchhub.compress.build.cached import build
from benchhub.compress.files.look import inspect_onnx
from benchhub.compress.networks.prunable import held, prunable_weights
from benchhub.model.asked import VariantSpec
from benchhub.model.cell import Variant
from benchhub.model.recipe import Recipe

node = helper.make_node
RNG = np.random.default_rng(11)
WEIGHTS = {
    name: RNG.normal(size=shape).astype(np.float32)
    for name, shape in {
        "first": (16, 16), "turn": (16, 16), "then": (16, 4), "else": (16, 4),
    }.items()
}  # fmt: skip
X = RNG.normal(size=(5, 16)).astype(np.float32)
TIMES = 3


def value(name: str, kind: int = TensorProto.FLOAT, shape: Any = None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def branched(path: Path) -> Variant:
    """A layer, one in a loop of three turns, and by the sum one of two, both called `w`."""
    turn = helper.make_graph(
        [
            node("MatMul", ["h", "turn"], ["p"]),
            node("Tanh", ["p"], ["next"]),
            node("Identity", ["going"], ["goes_on"]),
        ],
        "turn",
        [value("i", TensorProto.INT64, []), value("going", TensorProto.BOOL, []), value("h")],
        [value("goes_on", TensorProto.BOOL, []), value("next")],
        [from_array(WEIGHTS["turn"], "turn")],
    )
    one = node("Constant", [], ["w"], value=from_array(WEIGHTS["then"]))
    then = helper.make_graph([one, node("MatMul", ["t", "w"], ["s"])], "a", [], [value("s")])
    other = helper.make_graph(
        [node("MatMul", ["t", "w"], ["s"])],
        "b",
        [],
        [value("s")],
        [from_array(WEIGHTS["else"], "w")],
    )
    nodes = [
        node("MatMul", ["x", "first"], ["f"]),
        node("Loop", ["times", "", "f"], ["t"], name="again", body=turn),
        node("ReduceSum", ["x"], ["sum"], keepdims=0),
        node("Greater", ["sum", "zero"], ["c"]),
        node("If", ["c"], ["y"], name="pick", then_branch=then, else_branch=other),
    ]
    held = {"first": WEIGHTS["first"], "times": np.int64(TIMES), "zero": np.float32(0)}
    graph = helper.make_graph(
        nodes, "g", [value("x", shape=["n", 16])], [value("y", shape=["n", 4])],
        [from_array(np.asarray(array), name) for name, array in held.items()],
    )  # fmt: skip
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[opset]), str(path))
    return inspect_onnx("fp32", path)


def by_hand(weights: Mapping[str, Any], x: Any) -> Any:
    h = x @ weights["first"]
    for _ in range(TIMES):
        h = np.tanh(h @ weights["turn"])
    return h @ weights["then" if x.sum() > 0 else "else"]


def made(source: Variant, folder: Path, recipe: str, **options: Any) -> Variant:
    spec = VariantSpec("v", source="fp32", recipe=Recipe(recipe, options))
    return build(spec, source, calibrating(lambda count: {"x": X}), folder / "cache")


def answers(variant: Variant, x: Any) -> Any:
    session = onnxruntime.InferenceSession(str(variant.path), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def kept(weight: Any, count: int) -> Any:
    return weight * (np.abs(weight) >= np.sort(np.abs(weight), axis=None)[-count])


@pytest.mark.usefixtures("processes", "native")
def test_branches_and_bodies_are_pruned(tmp_path: Path) -> None:
    source = branched(tmp_path / "m.onnx")
    sparse = made(source, tmp_path, "prune-magnitude", compression=4)
    wanted = {name: kept(weight, weight.size // 4) for name, weight in WEIGHTS.items()}
    for x in (X, -X):  # one sign for each branch
        np.testing.assert_allclose(answers(sparse, x), by_hand(wanted, x), rtol=1e-4, atol=1e-5)
    facts = sparse.provenance
    total = 256 + 256 + 64 + 64
    assert (facts["prunable_weights"], facts["prunable_layers"]) == (str(total), "4")
    assert facts["params"] == str(source.params)
    assert source.params == total + 1, "the limit that the sum is held against"
    assert sparse.nonzero_params == total // 4
    one = made(source, tmp_path, "prune-magnitude", compression=4, only="pick.then_branch")
    wanted = {**WEIGHTS, "then": kept(WEIGHTS["then"], 16)}
    for x in (X, -X):
        np.testing.assert_allclose(answers(one, x), by_hand(wanted, x), rtol=1e-4, atol=1e-5)


def test_weights_within_are_named_after_where_they_are(tmp_path: Path) -> None:
    from benchhub.compress.files.plain_graph import plain

    graph = plain(onnx.load(str(branched(tmp_path / "m.onnx").path))).graph
    found = {weight.name: weight.head for weight in prunable_weights(graph, inside=True)}
    assert found == {
        "first": False, "again.body.turn": False, "pick.then_branch.w": True,
        "pick.else_branch.w": True,
    }  # fmt: skip
    assert [weight.name for weight in prunable_weights(graph)] == ["first"]
    assert found.keys() <= held(graph).keys()


@pytest.mark.usefixtures("processes", "native")
@pytest.mark.parametrize("recipe", ["int8-static", "int8-dynamic", "int8-weights"])
def test_what_quantization_leaves_in_bodies_is_told(recipe: str, tmp_path: Path) -> None:
    source = branched(tmp_path / "m.onnx")
    options = {"calibration_cases": 5} if recipe == "int8-static" else {}
    small = made(source, tmp_path, recipe, **options)
    assert small.provenance["layers_quantized"] == "1 of 4"
    told = "3 of 4 layers stand in bodies of If, Loop or Scan, and stay in float32"
    assert told in small.remarks


@pytest.mark.usefixtures("processes", "native")
def test_a_file_that_is_larger_than_its_source_is_told(tmp_path: Path) -> None:
    small = inspect_onnx("fp32", write_model(tmp_path / "small.onnx", hidden=2))
    grown = made(small, tmp_path, "int8-dynamic")
    assert grown.model_bytes > small.model_bytes
    (told,) = grown.remarks
    assert told.endswith(f"{grown.model_bytes:,} bytes, and {small.model_bytes:,} of fp32")
    large = inspect_onnx("fp32", write_model(tmp_path / "large.onnx", hidden=2000))
    assert made(large, tmp_path, "int8-dynamic").remarks == ()
