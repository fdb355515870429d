"""Recipes on models of other people's exporters: old opsets, listed weights, subgraphs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from benchhub.compress import Ingredients
from benchhub.compress.build.cached import build
from benchhub.compress.build.trials import MadeBy, refused
from benchhub.compress.files.look import inspect_model
from benchhub.compress.trial.tryout import Tryout
from benchhub.errors import RecipeFailed
from benchhub.model.asked import VariantSpec
from benchhub.model.cell import Variant
from benchhub.model.recipe import Recipe

pytestmark = pytest.mark.usefixtures("processes")
RUNTIMES = ("onnxruntime", "openvino")
RNG = np.random.default_rng(5)
START = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def _same_numbers():
    """Whatever ran before: how near int8 comes hangs on the numbers that are drawn."""
    RNG.bit_generator.state = START


node = helper.make_node


@pytest.fixture(scope="module")
def tryout() -> Iterator[Tryout]:
    with Tryout() as trying:
        yield trying


def tensor(name: str, shape: Sequence[Any], kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def normal(*shape: int, scale: float = 0.2) -> Any:
    return (RNG.standard_normal(shape) * scale).astype(np.float32)


def written(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    x: onnx.ValueInfoProto,
    y: onnx.ValueInfoProto,
    opset: int = 17,
    ir: int = 8,
    listed: bool = False,
    **weights: Any,
) -> Variant:
    """A model file; `listed` has weights among the inputs, as all of IR 3 do."""
    held = [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()]
    also = [tensor(one.name, list(one.dims), one.data_type) for one in held] if listed else []
    graph = helper.make_graph(nodes, "foreign", [x, *also], [y], held)
    sets = [helper.make_opsetid("", opset)]
    onnx.save(helper.make_model(graph, opset_imports=sets, ir_version=ir), str(path))
    return inspect_model("fp32", path)


def conv_net(path: Path, opset: int, ir: int = 6) -> Variant:
    nodes = [
        node("Conv", ["x", "w"], ["c"], kernel_shape=[3, 3], pads=[1] * 4),
        node("GlobalAveragePool", ["c"], ["p"]),
        node("Flatten", ["p"], ["f"]),
        node("MatMul", ["f", "w2"], ["y"]),
    ]
    x, y = tensor("x", ["N", 1, 8, 8]), tensor("y", ["N", 4])
    return written(
        path, nodes, x, y, opset, ir, w=normal(8, 1, 3, 3, scale=1), w2=normal(8, 4, scale=1)
    )


def linear(path: Path, ir: int, listed: bool = True, weight: Any = None) -> Variant:
    weight = normal(256, 256, scale=0.1) if weight is None else weight
    rows, columns = weight.shape
    x, y = tensor("x", ["N", rows]), tensor("y", ["N", columns])
    return written(path, [node("MatMul", ["x", "w"], ["y"])], x, y, 13, ir, listed, w=weight)


def made(
    source: Variant, recipe: str, feeds: Mapping[str, Any], tryout: Tryout, **options: Any
) -> Variant:
    def cases(count: int) -> Mapping[str, Any]:
        return {name: array[:count] for name, array in feeds.items()}

    using = Ingredients(cases, None, "npz", source.path.parent, lambda line: None, examples=cases)
    if recipe == "int8-static":
        options.setdefault("calibration_cases", 16)
    spec = VariantSpec(recipe, source="fp32", recipe=Recipe(recipe, options))
    return build(spec, source, using, source.path.parent / "cache", RUNTIMES, tryout)


def answers(variant: Variant, feeds: Mapping[str, Any]) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(variant.path), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, dict(feeds))[0]


def error(variant: Variant, source: Variant, feeds: Mapping[str, Any]) -> float:
    found, wanted = answers(variant, feeds), answers(source, feeds)
    return float(np.sqrt(((found - wanted) ** 2).mean()) / wanted.std())


def runs_everywhere(variant: Variant) -> bool:
    by = MadeBy(variant.name, variant.name, "fp32", "")
    tried = [one.partition(" ")[0] for one in variant.provenance["tried"].split(", ")]
    return tried == list(RUNTIMES) and not refused(variant, RUNTIMES, by)


@pytest.mark.parametrize("opset", [7, 9, 10, 11, 12])
def test_per_channel_below_opset_13(opset, tryout, tmp_path):
    source = conv_net(tmp_path / "fp32.onnx", opset)
    feeds = {"x": normal(16, 1, 8, 8, scale=1)}
    variant = made(source, "int8-static", feeds, tryout)
    assert runs_everywhere(variant)
    assert error(variant, source, feeds) < 0.1
    graph = onnx.load(str(variant.path))
    assert [one.version for one in graph.opset_import if one.domain == ""] == [13]
    scales = {one.name: list(one.dims) for one in graph.graph.initializer}
    assert [8] in scales.values()  # one a channel of the convolution
    told = f"opset {opset} was converted to 13: a scale a channel needs that"
    assert variant.provenance["told"] == told
    assert variant.provenance["quantized"] == "per channel, simplified, at opset 13"


def test_per_tensor_is_made_at_the_opset_there_is(tryout, tmp_path):
    source = conv_net(tmp_path / "fp32.onnx", 11)
    feeds = {"x": normal(16, 1, 8, 8, scale=1)}
    variant = made(source, "int8-static", feeds, tryout, per_channel=False)
    assert onnx.load(str(variant.path)).opset_import[0].version == 11
    assert "told" not in variant.provenance


@pytest.mark.parametrize("recipe", ["int8-dynamic", "int8-static", "int8-weights"])
@pytest.mark.parametrize("ir", [3, 8])
def test_weights_listed_as_inputs(recipe, ir, tryout, tmp_path):
    source, feeds = linear(tmp_path / "fp32.onnx", ir), {"x": normal(16, 256, scale=1)}
    variant = made(source, recipe, feeds, tryout)
    assert runs_everywhere(variant)
    assert source.model_bytes / variant.model_bytes > 3
    assert error(variant, source, feeds) < 0.1
    assert [one.name for one in onnx.load(str(variant.path)).graph.input] == ["x"]


@pytest.mark.parametrize("ir", [3, 8])
def test_half_of_weights_listed_as_inputs_is_half(ir, tryout, tmp_path):
    source, feeds = linear(tmp_path / "fp32.onnx", ir), {"x": normal(16, 256, scale=1)}
    variant = made(source, "fp16", feeds, tryout)
    assert runs_everywhere(variant)
    assert source.model_bytes / variant.model_bytes == pytest.approx(2, abs=0.02)
    assert 0 < error(variant, source, feeds) < 2e-3
    facts = variant.provenance
    assert (facts["converted_weights"], facts["clipped_weights"]) == ("65536", "0")


def tied(path: Path) -> Variant:
    nodes = [
        node("Gather", ["E", "x"], ["e"]),
        node("ReduceMean", ["e"], ["p"], axes=[1], keepdims=0),
        node("Gemm", ["p", "E"], ["y"], transB=1),
    ]
    x, y = tensor("x", ["N", 5], TensorProto.INT64), tensor("y", ["N", 12])
    return written(path, nodes, x, y, E=normal(12, 6, scale=1))


def test_a_tied_embedding_is_made_per_tensor_and_says_so(tryout, tmp_path):
    source, feeds = tied(tmp_path / "fp32.onnx"), {"x": RNG.integers(0, 12, (16, 5))}
    variant = made(source, "int8-static", feeds, tryout)
    assert runs_everywhere(variant)
    assert error(variant, source, feeds) < 0.1
    assert variant.provenance["told"].startswith("made per tensor, since per channel failed: ")
    assert variant.provenance["told"].endswith("scale must be 1D tensor with size 5")


def test_what_is_asked_for_is_kept_and_fails_with_the_way_out(tryout, tmp_path):
    source, feeds = tied(tmp_path / "fp32.onnx"), {"x": RNG.integers(0, 12, (16, 5))}
    with pytest.raises(RecipeFailed, match=r"size 5.*; set per_channel = false, or name in nodes"):
        made(source, "int8-static", feeds, tryout, per_channel=True)
    excluded = made(
        source, "int8-static", feeds, tryout, per_channel=True, nodes_to_exclude=["Gather_0"]
    )
    assert runs_everywhere(excluded)
    assert not list((tmp_path / "cache").rglob("*.partial"))


def branches(inner: str) -> list[onnx.NodeProto]:
    def branch(name: str) -> onnx.GraphProto:
        nodes = [
            node("MatMul", ["x", f"w_{name}"], [f"m_{name}"]),
            node(inner, [f"m_{name}", "zero"], [f"k_{name}"]),
            node("Mul", [f"k_{name}", f"m_{name}"], ["z"]),
        ]
        weight = numpy_helper.from_array(normal(32, 32), f"w_{name}")
        return helper.make_graph(nodes, name, [], [tensor("z", ["N", 32])], [weight])

    return [
        node("ReduceSum", ["x"], ["s"], keepdims=0),
        node("Greater", ["s", "zero"], ["positive"]),
        node("If", ["positive"], ["i"], then_branch=branch("then"), else_branch=branch("else")),
        node("MatMul", ["i", "w"], ["y"]),
    ]


@pytest.mark.parametrize("inner", ["Add", "Max"])  # the latter stays in float32
@pytest.mark.parametrize("recipe", ["fp16", "int8-dynamic", "int8-static"])
def test_graphs_inside_nodes(inner, recipe, tryout, tmp_path):
    weights = {"zero": np.float32(0), "w": normal(32, 4)}
    x, y = tensor("x", ["N", 32]), tensor("y", ["N", 4])
    source = written(tmp_path / "fp32.onnx", branches(inner), x, y, **weights)
    feeds = {"x": normal(16, 32, scale=1)}
    variant = made(source, recipe, feeds, tryout)
    assert runs_everywhere(variant)
    most = 0.01 if recipe == "fp16" else 0.3  # of inputs beyond those calibrated with
    for sign in (1, -1):
        assert error(variant, source, {"x": sign * np.abs(feeds["x"])}) < most
    if recipe == "fp16":
        assert int(variant.provenance["converted_weights"]) == 2 * 32 * 32 + 32 * 4 + 1


def test_weights_that_float16_cannot_hold_are_counted_and_told(tryout, tmp_path):
    weight = normal(32, 32)
    weight[0, :2], weight[1, 0] = (1e5, -7e4), 1e-9
    source = linear(tmp_path / "fp32.onnx", 8, listed=False, weight=weight)
    variant = made(source, "fp16", {"x": normal(16, 32, scale=1e-3)}, tryout)
    facts = variant.provenance
    assert (facts["clipped_weights"], facts["raised_weights"]) == ("2", "1")
    told = "2 weights beyond 65,504 clipped to it; 1 weight below 5.96e-08 raised to it"
    assert facts["told"] == told
    (held,) = onnx.load(str(variant.path)).graph.initializer
    half = numpy_helper.to_array(held)
    assert half.dtype == np.float16
    assert (half[0, 0], half[0, 1]) == (np.float16(65504), np.float16(-65504))
    assert half[1, 0] == np.float16(6e-8)
    rest = np.delete(weight.ravel(), [0, 1, 32])
    assert np.array_equal(np.delete(half.ravel(), [0, 1, 32]), rest.astype(np.float16))


def test_masks_as_exporters_write_them_stay_numbers(tryout, tmp_path):
    """What is masked gets the lowest float32: infinite in float16, and 0 times that is none."""
    lowest = np.full(1, np.finfo(np.float32).min)
    nodes = [
        node("Constant", [], ["one"], value=numpy_helper.from_array(np.float32(1))),
        node("Constant", [], ["lowest"], value=numpy_helper.from_array(lowest[0])),
        node("MatMul", ["x", "w"], ["s"]),
        node("GreaterOrEqual", ["s", "s"], ["all"]),
        node("Cast", ["all"], ["mask"], to=TensorProto.FLOAT),
        node("Sub", ["one", "mask"], ["away"]),
        node("Mul", ["away", "lowest"], ["added"]),
        node("Shape", ["s"], ["sizes"]),
        node("ConstantOfShape", ["sizes"], ["full"], value=numpy_helper.from_array(lowest)),
        node("Mul", ["away", "full"], ["more"]),
        node("Add", ["s", "added"], ["masked"]),
        node("Add", ["masked", "more"], ["y"]),
    ]
    x, y = tensor("x", ["N", 32]), tensor("y", ["N", 32])
    source = written(tmp_path / "fp32.onnx", nodes, x, y, w=normal(32, 32))
    feeds = {"x": normal(16, 32, scale=1)}
    variant = made(source, "fp16", feeds, tryout)
    assert runs_everywhere(variant)
    assert error(variant, source, feeds) < 0.01
    assert variant.provenance["clipped_weights"] == "2"
    assert variant.provenance["converted_weights"] == str(32 * 32)


@pytest.mark.parametrize("recipe", ["fp16", "int8-dynamic", "int8-static", "int8-weights"])
def test_what_is_quantized_already_is_said_to_be(recipe, tryout, tmp_path):
    first = tmp_path / "first"
    first.mkdir()
    feeds = {"x": normal(16, 1, 8, 8, scale=1)}
    once = made(conv_net(first / "fp32.onnx", 13), "int8-static", feeds, tryout)
    source = inspect_model("fp32", once.path)
    (tmp_path / "cache").mkdir()
    with pytest.raises(RecipeFailed, match=r"is quantized already \(\d+ DequantizeLinear.*; meas"):
        made(source, recipe, feeds, tryout)


@pytest.mark.parametrize("recipe", ["fp16", "int8-dynamic"])
def test_what_is_float16_already_is_said_to_be(recipe, tryout, tmp_path):
    feeds = {"x": normal(16, 256, scale=1)}
    half = made(linear(tmp_path / "fp32.onnx", 8), "fp16", feeds, tryout)
    with pytest.raises(RecipeFailed, match=r"is float16 already \(65,536 weights\); measure it"):
        made(inspect_model("fp32", half.path), recipe, feeds, tryout)


@pytest.mark.parametrize(
    ("recipe", "reason"),
    [
        ("fp16", "there is nothing to convert: it has no float32 weights"),
        ("int8-dynamic", "nothing in it can be quantized: its operators are Erf, Softplus"),
        ("int8-static", "nothing in it can be quantized: its operators are Erf, Softplus"),
        ("int8-weights", "nothing in it can be quantized: it has no float32 weights of Conv"),
    ],
)
def test_a_model_in_which_nothing_changes_is_not_a_variant(recipe, reason, tryout, tmp_path):
    nodes = [node("Erf", ["x"], ["e"]), node("Softplus", ["e"], ["y"])]
    x, y = tensor("x", ["N", 32]), tensor("y", ["N", 32])
    source = written(tmp_path / "fp32.onnx", nodes, x, y)
    with pytest.raises(RecipeFailed) as caught:
        made(source, recipe, {"x": normal(16, 32)}, tryout)
    assert caught.value.reason.startswith(f"recipe {recipe}: {reason}")
    assert not list((tmp_path / "cache").rglob("*.onnx"))


def test_which_nodes_and_operators_are_quantized(tryout, tmp_path):
    source = conv_net(tmp_path / "fp32.onnx", 13)
    feeds = {"x": normal(16, 1, 8, 8, scale=1)}

    def quantized(**options: Any) -> set[str]:
        graph = onnx.load(str(made(source, "int8-static", feeds, tryout, **options).path)).graph
        packed = {one.output[0] for one in graph.node if one.op_type == "DequantizeLinear"}
        return {one.op_type for one in graph.node if len(one.input) > 1 and one.input[1] in packed}

    assert quantized() == {"Conv", "MatMul"}
    assert quantized(op_types_to_quantize=["Conv"]) == {"Conv"}
    assert quantized(nodes_to_exclude=["Conv_0"]) == {"MatMul"}
    with pytest.raises(RecipeFailed, match="there is no node 'Conv_1'; did you mean Conv_0"):
        quantized(nodes_to_exclude=["Conv_1"])
    with pytest.raises(RecipeFailed, match="'Comv' cannot be quantized; did you mean Conv"):
        quantized(op_types_to_quantize=["Comv"])


def test_what_is_in_the_cache_is_not_tried_again(tryout, tmp_path):
    source, feeds = linear(tmp_path / "fp32.onnx", 8), {"x": normal(16, 256, scale=1)}
    first = made(source, "fp16", feeds, tryout)
    trials = first.path.with_name("trials.json")
    before = trials.stat().st_mtime_ns
    assert made(source, "fp16", feeds, tryout) == first
    assert trials.stat().st_mtime_ns == before


def test_a_bias_that_layers_share_under_a_name_like_anothers(tryout, tmp_path):
    nodes = [
        node("Relu", ["x"], ["bias2"]),  # what the quantizer would call the second layer's bias
        *(node("Gemm", ["bias2", f"w{i}", "bias"], [f"h{i}"]) for i in range(4)),
        node("Sum", ["h0", "h1", "h2", "h3"], ["s"]),
        node("Mul", ["s", "bias2"], ["y"]),
    ]
    x, y = tensor("x", ["N", 16]), tensor("y", ["N", 16])
    weights = {f"w{i}": normal(16, 16) for i in range(4)}
    source = written(tmp_path / "fp32.onnx", nodes, x, y, bias=normal(16), **weights)
    feeds = {"x": normal(16, 16, scale=1)}
    variant = made(source, "int8-static", feeds, tryout)
    assert runs_everywhere(variant)
    assert error(variant, source, feeds) < 0.1
