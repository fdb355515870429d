import dataclasses
import gzip
import hashlib
import json

import numpy as np
import pytest
from ingredients import calibrating
from repository import ROOT, TESTS

from benchhub.compress.build.cached import build
from benchhub.compress.files.arranged import arranged
from benchhub.compress.files.look import (
    FORMATS,
    check_inputs_match,
    check_outputs_match,
    inspect_model,
    with_macs,
)
from benchhub.errors import ConfigError
from benchhub.model.asked import Arrangement, VariantSpec
from benchhub.model.cell import TensorSpec
from benchhub.model.recipe import Recipe
from benchhub.ondevice.backends import LoadOptions, find
from benchhub.ondevice.backends.tflite.tensors import labels

QUICKSTART = ROOT / "suites" / "quickstart"
MODELS = TESTS / "contracts" / "models"
SHIPPED = ["chest_xray-fp32", "chest_xray-fp16", "chest_xray-int8-dynamic", "chest_xray-int8"]


def _refused(act, *wanted):
    with pytest.raises(ConfigError) as caught:
        act()
    assert "\n" not in str(caught.value)
    for text in wanted:
        assert text in str(caught.value)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_files_are_the_baselines_network(baseline, name):
    path = QUICKSTART / f"{name}.tflite"
    variant = inspect_model("v", path)
    assert variant.format == "tflite"
    assert (variant.params, variant.macs) == (baseline.params, baseline.macs)
    assert 0.98 * baseline.params < variant.nonzero_params <= baseline.params
    assert (variant.inputs, variant.outputs) == (baseline.inputs, baseline.outputs)
    check_inputs_match(variant, baseline)
    check_outputs_match(variant, baseline)
    blob = path.read_bytes()
    assert variant.sha256 == hashlib.sha256(blob).hexdigest()
    assert variant.model_bytes == len(blob)
    assert variant.gzip_bytes == len(gzip.compress(blob, 6, mtime=0))


def test_shipped_files_are_those_of_the_provenance():
    made = json.loads((QUICKSTART / "tflite.provenance.json").read_text())
    files = {path.name: path.read_bytes() for path in QUICKSTART.glob("*.tflite")}
    assert {name: one["sha256"] for name, one in made["files"].items()} == {
        name: hashlib.sha256(blob).hexdigest() for name, blob in files.items()
    }
    (source,) = made["source"].items()
    assert hashlib.sha256((QUICKSTART / source[0]).read_bytes()).hexdigest() == source[1]


def test_facts_of_a_model_known_by_hand():
    variant = inspect_model("v", MODELS / "tiny.tflite")
    assert variant.inputs == (TensorSpec("image", "float32", (None, 3, 12, 12)),)
    assert variant.outputs == (TensorSpec("scores", "float32", (None, 5)),)
    kernels = 5 * 3 * 3 * 3
    assert variant.macs == 12 * 12 * kernels
    # the converter gives the convolution a bias of zeros
    assert (variant.params, variant.nonzero_params) == (kernels + 5, kernels)


def test_depthwise_and_linear_layers_are_counted():
    variant = inspect_model("v", MODELS / "depthwise.tflite")
    onnx = inspect_model("v", MODELS / "depthwise.onnx")
    assert variant.macs == onnx.macs == 8 * 8 * 8 * 9 + 8 * 3
    assert variant.params == onnx.params == 8 * 9 + 8 + 8 * 3 + 3


def test_the_format_is_told_by_content_and_not_by_name(tmp_path):
    model = tmp_path / "model.onnx"
    model.write_bytes((MODELS / "tiny.tflite").read_bytes())
    assert inspect_model("v", model).format == "tflite"
    model.write_bytes((MODELS / "depthwise.onnx").read_bytes())
    assert inspect_model("v", model).format == "onnx"
    assert len(FORMATS) >= 3


def test_what_is_no_model_is_named(tmp_path):
    other = tmp_path / "model.tflite"
    other.write_bytes(b"\x89PNG\r\n\x1a\n")
    _refused(
        lambda: inspect_model("v", other),
        "variant v",
        "neither an ONNX, a TFLite nor a torch file",
        "89 50 4e 47",
    )
    _refused(lambda: inspect_model("v", tmp_path / "no.tflite"), "no.tflite", "no such")
    other.write_bytes(b"")
    _refused(lambda: inspect_model("v", other), "empty")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
def test_a_file_cut_short_is_damaged(tmp_path, share):
    blob = (QUICKSTART / "chest_xray-int8.tflite").read_bytes()
    (tmp_path / "cut.tflite").write_bytes(blob[: int(share * len(blob))])
    _refused(lambda: inspect_model("v", tmp_path / "cut.tflite"), "cut.tflite", "cut short")


def test_other_inputs_than_the_baselines_are_refused(baseline):
    other = inspect_model("tiny", MODELS / "tiny.tflite")
    _refused(lambda: check_inputs_match(other, baseline), "variant tiny", "float32 ?x3x12x12")


def test_outputs_must_come_in_the_baselines_order(baseline):
    a, b, c = (TensorSpec(name, "float32", (None,)) for name in "abc")
    wanted = dataclasses.replace(baseline, outputs=(a, b))
    swapped = dataclasses.replace(baseline, outputs=(b, a))
    check_outputs_match(wanted, wanted)
    _refused(lambda: check_outputs_match(swapped, wanted), "in order", "b, a", "a, b")
    _refused(lambda: check_outputs_match(baseline, wanted), "logits")
    # One name of both at another place: by position another output would stand for it.
    shared = dataclasses.replace(baseline, outputs=(b, c))
    _refused(lambda: check_outputs_match(shared, wanted), "b, c")
    check_outputs_match(dataclasses.replace(baseline, outputs=(a, c)), wanted)


def test_recipes_need_onnx(tmp_path):
    variant = inspect_model("lite", QUICKSTART / "chest_xray-fp32.tflite")
    spec = VariantSpec("half", source="lite", recipe=Recipe("fp16"))
    _refused(
        lambda: build(spec, variant, calibrating(dict), tmp_path), "variant half", "reads ONNX"
    )


def test_tensors_that_differ_in_their_suffix_keep_it():
    pairs = [(3, "TFLite_Detection_PostProcess"), (7, "TFLite_Detection_PostProcess:1"), (9, "n:0")]
    assert labels(pairs, {}) == [pairs[0][1], pairs[1][1], "n"]
    assert labels(pairs, {3: "boxes", 7: "scores"}) == ["boxes", "scores", "n"]
    assert labels([(1, "serving_default_x:0"), (2, "x:1")], {}) == ["x:0", "x:1"]
    assert labels([(1, "serving_default_x:0"), (2, "y")], {}) == ["x", "y"]
    assert labels([(1, "x"), (2, ""), (2, ""), (1, "x")], {}) == ["x#0", "#1", "#2", "x#3"]


def test_outputs_of_one_operator_are_told_apart_as_on_the_device(tmp_path, native):
    from benchhub.compress.tflite.tree import packed, read_tree

    blob = (MODELS / "tiny.tflite").read_bytes()
    tree = read_tree(blob)
    (graph,) = tree.subgraphs
    tree.signatureDefs = None
    graph.outputs = [graph.outputs[0], graph.operators[0].outputs[0]]
    for place, index in enumerate(graph.outputs):
        graph.tensors[index].name = f"StatefulPartitionedCall:{place}".encode()
    path = tmp_path / "two.tflite"
    path.write_bytes(packed(tree, len(blob)))
    variant = inspect_model("two", path)
    names = [f"StatefulPartitionedCall:{place}" for place in range(2)]
    assert [one.name for one in variant.outputs] == names
    session = find("tflite").load(str(path), LoadOptions(format="tflite"))
    assert [one.name for one in session.outputs] == names
    renamed = arranged(variant, Arrangement(outputs={"scores": names[1]}))
    assert [one.name for one in renamed.outputs] == [names[0], "scores"]


def _joined(blob, other):
    """A file with the graph of another as its second, which an IF of the first one runs."""
    import ai_edge_litert.schema_py_generated as schema

    from benchhub.compress.tflite.tree import packed, read_tree

    tree, more = read_tree(blob), read_tree(other)
    (graph,), (inner,) = tree.subgraphs, more.subgraphs
    for tensor in inner.tensors:
        tensor.buffer += len(tree.buffers)
    for operator in inner.operators:
        operator.opcodeIndex += len(tree.operatorCodes)
    tree.buffers += more.buffers
    branch = schema.OperatorCodeT(
        builtinCode=schema.BuiltinOperator.IF, deprecatedBuiltinCode=schema.BuiltinOperator.IF
    )
    tree.operatorCodes = [*tree.operatorCodes, *more.operatorCodes, branch]
    graph.operators.append(
        schema.OperatorT(
            opcodeIndex=len(tree.operatorCodes) - 1,
            inputs=[graph.inputs[0]],
            outputs=[graph.outputs[0]],
            builtinOptionsType=schema.BuiltinOptions.IfOptions,
            builtinOptions=schema.IfOptionsT(thenSubgraphIndex=1, elseSubgraphIndex=1),
        )
    )
    tree.subgraphs.append(inner)
    tree.signatureDefs = None
    return packed(tree, len(blob) + len(other))


def test_weights_of_branches_count_and_what_they_compute_is_not_told(tmp_path, native):
    one, other = (MODELS / f"{name}.tflite" for name in ("tiny", "depthwise"))
    (tmp_path / "both.tflite").write_bytes(_joined(one.read_bytes(), other.read_bytes()))
    outer, inner = inspect_model("v", one), inspect_model("v", other)
    both = inspect_model("v", tmp_path / "both.tflite")
    assert both.params == outer.params + inner.params
    assert both.nonzero_params == outer.nonzero_params + inner.nonzero_params
    assert (both.macs, both.uncounted) == (None, ("IF",))


@pytest.mark.parametrize(
    ("kind", "size", "nonzero"), [(18, 2, 1), (60, 4, None)], ids=["bfloat16", "newer"]
)
def test_weights_of_types_that_numpy_lacks(kind, size, nonzero, tmp_path, native):
    from benchhub.compress.tflite.tree import Aligned, packed, read_tree

    blob = (MODELS / "tiny.tflite").read_bytes()
    tree = read_tree(blob)
    (graph,) = tree.subgraphs
    (kernel,) = [one for one in graph.tensors if list(one.shape) == [5, 3, 3, 3]]
    content = np.zeros(135 * size // 2, np.uint16)
    content[:2] = 0x3F80, 0x8000  # one and minus zero
    tree.buffers[kernel.buffer] = Aligned(content.view(np.uint8))
    kernel.type = kind
    (tmp_path / "m.tflite").write_bytes(packed(tree, len(blob)))
    variant = inspect_model("v", tmp_path / "m.tflite")
    assert (variant.params, variant.nonzero_params) == (135 + 5, nonzero)


def test_a_count_is_of_one_case_along_the_axis_that_is_said():
    variant = inspect_model("lite", QUICKSTART / "chest_xray-fp32.tflite")
    rows = arranged(variant, Arrangement(batch_axis={"image": 2}))  # 64 rows of one picture
    assert rows.inputs[0].shape[0] == 64
    assert with_macs(rows, {}).macs == variant.macs // 64
    assert with_macs(variant, {}) is variant
