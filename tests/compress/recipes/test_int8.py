"""Quantized ONNX on a segmentation U-Net with transposed convolutions and an open batch."""

import numpy as np
import onnx
import pytest
from blobs_unet import IMAGES, distance, make, run_onnx, trained
from ingredients import calibrating
from onnx.numpy_helper import to_array
from project import write_model

from benchhub.compress.build.cached import build
from benchhub.compress.files.look import inspect_onnx
from benchhub.compress.recipes.int8_weights import quantize_weight
from benchhub.errors import ConfigError, RecipeFailed
from benchhub.model.asked import VariantSpec
from benchhub.model.recipe import Recipe

pytestmark = pytest.mark.usefixtures("processes")

RECIPES = {
    "fp16": ({}, 0.01, 1.5),
    "int8-dynamic": ({}, 0.25, 1.5),
    "int8-static": ({"calibration_cases": 16, "reduce_range": True}, 0.25, 1.5),
    "int8-weights": ({}, 0.05, 2.0),
}


@pytest.fixture(scope="module")
def unet(tmp_path_factory, torch):
    return trained(tmp_path_factory.mktemp("unet"))


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipes_on_a_segmentation_net(recipe, unet, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options, tolerance, smaller = RECIPES[recipe]
    small = make(unet, tmp_path, recipe, **options)
    assert unet.model_bytes / small.model_bytes > smaller
    assert small.inputs == unet.inputs
    assert small.outputs == unet.outputs
    assert small.macs == unet.macs
    for batch in (1, 3, 9):
        images = IMAGES[:batch]
        error = distance(run_onnx(small.path, images), run_onnx(unet.path, images))
        assert 0 < error < tolerance
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]  # no converter left a file


def test_calibration_options_change_what_is_made(unet, tmp_path):
    def made(**options):
        return make(unet, tmp_path, "int8-static", **{"calibration_cases": 4, **options})

    plain = made()
    others = [made(calibration_cases=8), made(per_channel=False), made(method="percentile")]
    assert len({plain.sha256, *(other.sha256 for other in others)}) == 4
    assert others[1].model_bytes < plain.model_bytes  # one scale a tensor


@pytest.mark.parametrize("per_channel", [True, False])
def test_weights_of_int8_and_scales(unet, tmp_path, per_channel):
    small = make(unet, tmp_path, "int8-weights", per_channel=per_channel)
    graph = onnx.load(str(small.path)).graph
    held = {tensor.name: to_array(tensor) for tensor in graph.initializer}
    unpacked = [node for node in graph.node if node.op_type == "DequantizeLinear"]
    assert len(unpacked) == int(small.provenance["quantized_weights"]) == 11
    for node in unpacked:
        values, scales = held[node.input[0]], held[node.input[1]]
        assert values.dtype == np.int8
        user = next(one for one in graph.node if node.output[0] in one.input)
        axis = 1 if user.op_type == "ConvTranspose" else 0
        assert scales.shape == ((values.shape[axis],) if per_channel else ())
        assert np.abs(values.astype(int)).max() == 127
    assert 0 < float(small.provenance["largest_weight_error"]) <= 0.004
    floats = sum(v.nbytes for v in held.values() if v.dtype == np.float32 and v.ndim > 1)
    assert floats == 0


def test_rounding_of_weights():
    weight = np.array([[1.0, -0.5, 0.0], [0.0, 0.0, 0.0]], np.float32)
    values, scales = quantize_weight(weight, 0)
    assert values.tolist() == [[127, -64, 0], [0, 0, 0]]
    assert scales == pytest.approx([1 / 127, 1])
    values, scale = quantize_weight(weight * 2, None)
    assert values[0].tolist() == [127, -64, 0]
    assert scale == pytest.approx(2 / 127)


def test_linear_weights_and_what_has_none(unet, tmp_path):
    source = inspect_onnx("fp32", write_model(tmp_path / "mlp.onnx"))
    small = make(source, tmp_path, "int8-weights")
    x = np.random.default_rng(0).normal(size=(5, 16)).astype(np.float32)
    assert 0 < distance(run_onnx(small.path, x), run_onnx(source.path, x)) < 0.05
    with pytest.raises(RecipeFailed, match=r"the model is float16 already \(15,211 weights\)"):
        make(make(unet, tmp_path, "fp16"), tmp_path, "int8-weights")
    old = onnx.load(str(source.path))
    old.opset_import[0].version = 11
    onnx.save(old, str(tmp_path / "old.onnx"))
    raised = make(inspect_onnx("old", tmp_path / "old.onnx"), tmp_path, "int8-weights")
    assert raised.provenance["told"] == "opset 11 was converted to 13: a scale a channel needs that"


def test_an_empty_calibration_set(unet, tmp_path):
    spec = VariantSpec("v", source="fp32", recipe=Recipe("int8-static", {}))
    for inputs in ({}, {"image": IMAGES[:0]}):
        using = calibrating(lambda count, inputs=inputs: inputs)
        with pytest.raises(ConfigError, match="the calibration set of task npz is empty"):
            build(spec, unet, using, tmp_path)
    assert not list(tmp_path.rglob("*.onnx"))
