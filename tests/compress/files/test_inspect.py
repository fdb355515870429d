import gzip
import hashlib

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from benchhub.compress.files.look import check_inputs_match, inspect_onnx
from benchhub.errors import ConfigError
from benchhub.model.cell import TensorSpec


def _refused(act, *wanted):
    with pytest.raises(ConfigError) as caught:
        act()
    assert "\n" not in str(caught.value)
    for text in wanted:
        assert text in str(caught.value)


def test_facts_of_a_model_known_by_hand(linear):
    path = linear(zeros=2)
    variant = inspect_onnx("v", path)
    blob = path.read_bytes()
    assert variant.sha256 == hashlib.sha256(blob).hexdigest()
    assert variant.model_bytes == len(blob)
    assert variant.gzip_bytes == len(gzip.compress(blob, 6, mtime=0))
    assert variant.inputs == (TensorSpec("x", "float32", (None, 3)),)
    assert variant.outputs == (TensorSpec("y", "float32", (None, 2)),)
    assert (variant.params, variant.nonzero_params, variant.macs) == (6, 4, 6)


def test_an_output_without_a_shape_has_the_one_that_follows_from_the_graph(linear, tmp_path):
    model = onnx.load(str(linear()))
    model.graph.output[0].type.tensor_type.ClearField("shape")
    onnx.save(model, str(tmp_path / "bare.onnx"))
    bare, whole = inspect_onnx("v", tmp_path / "bare.onnx"), inspect_onnx("v", linear())
    assert bare.outputs == whole.outputs == (TensorSpec("y", "float32", (None, 2)),)
    assert (bare.params, bare.macs) == (whole.params, whole.macs)
    assert bare.sha256 == hashlib.sha256((tmp_path / "bare.onnx").read_bytes()).hexdigest()


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("left", ["a type", "nothing"])
def test_an_output_behind_operators_of_a_runtime_is_what_that_runtime_says(left, tmp_path):
    weight = numpy_helper.from_array(np.ones((16, 4), np.float32), "w")
    nodes = [
        helper.make_node("FusedMatMul", ["x", "w"], ["m"], domain="com.microsoft"),
        helper.make_node("Gelu", ["m"], ["y"], domain="com.microsoft"),
    ]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    if left == "nothing":
        output.ClearField("type")
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 16])
    graph = helper.make_graph(nodes, "g", [given], [output], [weight])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    path = tmp_path / "fused.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(path))
    found = inspect_onnx("v", path)
    assert found.outputs == (TensorSpec("y", "float32", (None, 4)),)
    assert found.params == 64


def test_what_has_no_shape_is_named_where_none_follows_from_the_graph(linear, tmp_path):
    model = onnx.load(str(linear()))
    model.graph.input[0].type.tensor_type.ClearField("shape")
    onnx.save(model, str(tmp_path / "bare.onnx"))
    wanted = "x has no shape, and none follows from the graph; give it one"
    _refused(lambda: inspect_onnx("v", tmp_path / "bare.onnx"), wanted)


def test_facts_of_the_quickstart_model(baseline):
    assert baseline.model_bytes <= 2_000_000
    assert baseline.inputs == (TensorSpec("image", "float32", (None, 1, 64, 64)),)
    assert baseline.outputs == (TensorSpec("logits", "float32", (None, 14)),)
    widths, maps = [(1, 24), (24, 48), (48, 96)], [32 * 32, 16 * 16, 8 * 8]
    convs = sum(area * 9 * (a * b + 2 * b * b) for (a, b), area in zip(widths, maps, strict=True))
    assert baseline.macs == convs + 96 * 4 * 14
    weights = sum(9 * (a * b + 2 * b * b) + 3 * b for a, b in widths) + 96 * 4 * 14 + 14
    assert baseline.params == weights


def test_unknown_operators_leave_macs_unknown(linear, tmp_path):
    model = onnx.load(str(linear()))
    model.graph.node[1].domain = "example.org"
    model.opset_import.append(helper.make_opsetid("example.org", 1))
    onnx.save(model, str(tmp_path / "custom.onnx"))
    assert inspect_onnx("v", tmp_path / "custom.onnx").macs is None


def test_missing_empty_and_corrupt_files(linear, tmp_path):
    _refused(lambda: inspect_onnx("v", tmp_path / "no.onnx"), "variant v", "no.onnx", "no such")
    _refused(lambda: inspect_onnx("v", tmp_path), "cannot read model")
    (tmp_path / "empty.onnx").touch()
    _refused(lambda: inspect_onnx("v", tmp_path / "empty.onnx"), "empty")
    (tmp_path / "text.onnx").write_text("this is not a model")
    _refused(lambda: inspect_onnx("v", tmp_path / "text.onnx"), "not an ONNX file")
    (tmp_path / "cut.onnx").write_bytes(linear().read_bytes()[:-30])
    _refused(lambda: inspect_onnx("v", tmp_path / "cut.onnx"), "cut.onnx")


def test_outputs_that_are_no_tensors(tmp_path):
    """What scikit-learn's exporter writes by default, and an optional one."""
    maps = helper.make_sequence_type_proto(
        helper.make_map_type_proto(
            TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, [])
        )
    )
    maybe = helper.make_optional_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, [2]))
    several = helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, [2]))
    zipped = helper.make_node(
        "ZipMap", ["x"], ["q"], domain="ai.onnx.ml", classlabels_int64s=[0, 1, 2]
    )
    for kind, node, wanted in (
        (maps, zipped, "output q of {} is a sequence of maps, not a tensor; export it with zipmap"),
        (several, helper.make_node("SplitToSequence", ["x"], ["q"]), "is a sequence, not a tensor"),
        (maybe, helper.make_node("Optional", ["x"], ["q"]), "is optional, not a tensor"),
    ):
        graph = helper.make_graph(
            [node],
            "graph",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])],
            [helper.make_value_info("q", kind)],
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
        path = tmp_path / "model.onnx"
        model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
        path.write_bytes(model.SerializeToString())
        _refused(lambda path=path: inspect_onnx("v", path), "variant v", wanted.format(path))


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"name": "image"}, "no input 'x'"),
        ({"kind": TensorProto.INT32}, "int32 ?x3"),
        ({"shape": ("n", 1, 3)}, "float32 ?x1x3"),
    ],
)
def test_inputs_must_match_the_baseline(linear, change, wanted):
    base = inspect_onnx("base", linear())
    other = inspect_onnx("other", linear("other.onnx", **change))
    _refused(lambda: check_inputs_match(other, base), "variant other", wanted)


def test_a_fixed_batch_matches_an_open_one(linear):
    base = inspect_onnx("base", linear())
    fixed = inspect_onnx("fixed", linear("fixed.onnx", shape=(1, 3)))
    check_inputs_match(fixed, base)
    assert fixed.inputs[0].shape == (1, 3)


def test_a_type_that_is_not_known(linear, tmp_path):
    model = onnx.load(str(linear()))
    model.graph.input[0].type.tensor_type.elem_type = 99
    (tmp_path / "odd.onnx").write_bytes(model.SerializeToString())
    _refused(lambda: inspect_onnx("v", tmp_path / "odd.onnx"), "variant v", "x", "99")
