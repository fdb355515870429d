"""Files of one function in several formats, with names and layouts of their own, in one suite."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from measured_suite import CASES, FLOAT, Suite, node, same, value, variant
from models_torch import build_tiny_exported, build_tiny_torchscript
from subjects import build_tiny_model, expected_scores, images

from benchhub.errors import ConfigError

pytestmark = pytest.mark.usefixtures("native", "processes")


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite(tmp_path)


def channels_last(suite: Suite, name: str) -> None:
    """Write the tiny model with pixels of (n, 12, 12, 3) for its input and `probs` for scores."""
    inner = onnx.load(build_tiny_model(suite.folder / "inner.onnx"))
    weights = {one.name: onnx.numpy_helper.to_array(one) for one in inner.graph.initializer}
    suite.save(
        name,
        [
            node("Transpose", ["pixels"], ["image"], perm=[0, 3, 1, 2]),
            *inner.graph.node,
            node("Identity", ["scores"], ["probs"]),
        ],
        [value("pixels", FLOAT, ["n", 12, 12, 3])],
        [value("probs", FLOAT, ["n", 5])],
        weights,
    )


def given() -> dict[str, Any]:
    return images(CASES)


def test_a_tflite_twin_of_an_onnx_file_that_keeps_channels_last(suite: Suite) -> None:
    channels_last(suite, "base.onnx")
    models = Path(__file__).parent / "models"
    for name in ("tiny", "tiny-int8"):
        shutil.copyfile(models / f"{name}.tflite", suite.folder / f"{name}.tflite")
    twin = {
        "inputs": '{ pixels = "serving_default_image:0" }',
        "outputs": '{ probs = "scores" }',
        "layout": '{ pixels = "NHWC->NCHW" }',
    }
    variants = variant() + variant("lite", "tiny.tflite", **twin)
    ready = suite.ready(
        {"pixels": np.moveaxis(given()["image"], 1, 3)},
        variants,
        backends=("onnxruntime", "openvino", "tflite"),
    )
    found = suite.measure(ready)
    same(found, expected_scores(given()), cells=9, atol=1e-4)
    assert {cell.backend for cell in found if cell.variant == "lite"} == {"tflite"}


def test_without_the_keys_it_is_said_what_to_write(suite: Suite) -> None:
    channels_last(suite, "base.onnx")
    build_tiny_model(suite.folder / "other.onnx")
    with pytest.raises(ConfigError) as caught:
        suite.ready(
            {"pixels": np.moveaxis(given()["image"], 1, 3)},
            variant() + variant("other", "other.onnx"),
        )
    assert 'write inputs = { pixels = "image" }, layout = { pixels = "NHWC->NCHW" }' in str(
        caught.value
    )


@pytest.mark.usefixtures("torch")
def test_torch_twins(suite: Suite) -> None:
    channels_last(suite, "base.onnx")
    build_tiny_torchscript(suite.folder / "script.pt")
    build_tiny_exported(suite.folder / "exported.pt2")
    twin = {
        "inputs": '{ pixels = "image" }',
        "outputs": '{ probs = "scores" }',
        "layout": '{ pixels = "NHWC->NCHW" }',
    }
    variants = (
        variant()
        + variant("script", "script.pt", **twin)
        + variant("exported", "exported.pt2", **twin)
    )
    ready = suite.ready(
        {"pixels": np.moveaxis(given()["image"], 1, 3)},
        variants,
        backends=("onnxruntime", "torch"),
    )
    same(suite.measure(ready), expected_scores(given()), cells=9, atol=1e-4)
