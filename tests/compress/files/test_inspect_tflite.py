import dataclasses
import gzip
import hashlib
import json

import pytest
from ingredients import calibrating
from repository import ROOT, TESTS

from benchhub.compress.build.cached import build
from benchhub.compress.files.look import (
    FORMATS,
    check_inputs_match,
    check_outputs_match,
    inspect_model,
)
from benchhub.errors import ConfigError
from benchhub.model.asked import VariantSpec
from benchhub.model.cell import TensorSpec
from benchhub.model.recipe import Recipe

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
