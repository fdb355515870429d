"""int8 by nncf: an ONNX file that onnxruntime and OpenVINO both run."""

import pytest
from blobs_unet import IMAGES, distance, make, run_onnx, trained
from ingredients import calibrating

from benchhub.compress.build.cached import build
from benchhub.errors import ConfigError
from benchhub.model.asked import VariantSpec
from benchhub.model.recipe import Recipe

pytestmark = pytest.mark.usefixtures("torch", "nncf")


@pytest.fixture(scope="module")
def nncf(native):
    return pytest.importorskip("nncf", reason="the extra nncf is not installed")


@pytest.fixture(scope="module")
def unet(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("unet"))


def test_it_runs_on_both_and_agrees(unet, tmp_path, capfd):
    import openvino

    small = make(unet, tmp_path, "int8-nncf", calibration_cases=8)
    assert capfd.readouterr() == ("", "")
    assert small.format == "onnx"
    assert unet.model_bytes / small.model_bytes > 1.8
    assert (small.inputs, small.outputs, small.macs) == (unet.inputs, unet.outputs, unet.macs)
    assert small.provenance["nncf"].startswith("3.")
    compiled = openvino.Core().compile_model(
        str(small.path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    for batch in (1, 5):
        wanted = run_onnx(unet.path, IMAGES[:batch])
        assert 0 < distance(run_onnx(small.path, IMAGES[:batch]), wanted) < 0.25
        assert 0 < distance(compiled(IMAGES[:batch])[0], wanted) < 0.25
    again = make(unet, tmp_path / "again", "int8-nncf", calibration_cases=8)
    assert again.sha256 == small.sha256


def test_without_calibration_cases(unet, tmp_path):
    spec = VariantSpec("v", source="fp32", recipe=Recipe("int8-nncf", {"calibration_cases": 4}))
    empty = calibrating(lambda count: {"image": IMAGES[:0]})
    with pytest.raises(
        ConfigError,
        match="int8-nncf calibrates, and the calibration set of task npz is empty",
    ):
        build(spec, unet, empty, tmp_path)


def test_what_is_float16_already_is_said_to_be(unet, tmp_path):
    half = make(unet, tmp_path / "half", "fp16")
    with pytest.raises(ConfigError, match=r"is float16 already \([\d,]+ weights\); measure it"):
        make(half, tmp_path, "int8-nncf", calibration_cases=4)
