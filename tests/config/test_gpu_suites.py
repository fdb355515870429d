"""The GPU suites as files, and their models at the sizes they claim; no GPU, no run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from repository import ROOT

from benchhub.config.request import RunRequest, resolve
from benchhub.config.suite import load_suite

pytestmark = pytest.mark.usefixtures("torch")

FOLDER = ROOT / "suites" / "gpu"
NAMES = ("classifier", "unet-1m", "unet-30m")
LOCALHOST = str(FOLDER.parents[1] / "device_profiles" / "localhost.toml")


@pytest.fixture(scope="module")
def scripts() -> Any:
    sys.path.insert(0, str(FOLDER))
    try:
        import make
        import run
        import unet

        yield {"make": make, "run": run, "unet": unet}
    finally:
        sys.path.remove(str(FOLDER))
        for name in ("make", "run", "unet"):
            sys.modules.pop(name, None)


@pytest.mark.parametrize("device", ["cuda", "cpu"])
@pytest.mark.parametrize("name", NAMES)
def test_suites_are_valid(
    scripts: dict[str, ModuleType], tmp_path: Path, name: str, device: str
) -> None:
    path = scripts["run"].write_suite(name, tmp_path, device == "cpu")
    found = resolve(RunRequest(str(path), (LOCALHOST,))).suite
    assert {"torch", "onnxruntime"} <= set(found.backends)
    assert found.options["torch"]["device"] == device
    wanted = ("f32", "tf32", "f16", "bf16") if device == "cuda" else ("f32",)
    assert found.precisions == wanted
    assert ("cuda-graphs" in found.options["torch"]["mode"]) == (device == "cuda")
    assert load_suite(path).baseline == "onnx"
    assert scripts["make"].SUITES == NAMES


@pytest.mark.usefixtures("processes")
def test_without_a_gpu_it_says_so_before_any_work(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    done = subprocess.run(
        [sys.executable, str(FOLDER / "run.py"), "--output", str(tmp_path / "out")],
        env={**os.environ, "PYTHONPATH": str(FOLDER.parents[1])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3
    assert "finds no usable GPU" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("name", "millions"), [("unet-1m", 1.09), ("unet-30m", 31.0)])
def test_unets_have_the_parameters_they_are_named_for(
    scripts: dict[str, ModuleType], name: str, millions: float
) -> None:
    with torch.device("meta"):
        model = scripts["unet"].UNet(scripts["make"].WIDTHS[name])
    count = sum(parameter.numel() for parameter in model.parameters())
    assert count / 1e6 == pytest.approx(millions, rel=0.01)


def test_unet_keeps_the_size_and_its_signal(scripts: dict[str, ModuleType]) -> None:
    model = scripts["unet"].seeded(4)
    with torch.inference_mode():
        found = model(torch.randn(2, 1, 32, 48))
    assert found.shape == (2, 1, 32, 48)
    assert 0.1 < float(found.std()) < 100


@pytest.mark.usefixtures("processes")
def test_classifier_is_the_quickstarts(scripts: dict[str, ModuleType], tmp_path: Path) -> None:
    from benchhub.compress.build.reference import reference_outputs
    from benchhub.compress.files.look import inspect_model
    from benchhub.ondevice import backends
    from benchhub.ondevice.backends import LoadOptions

    scripts["make"].make("classifier", tmp_path)
    onnx = inspect_model("onnx", tmp_path / "model.onnx")
    feeds = {"image": np.random.default_rng(0).normal(size=(2, 1, 64, 64)).astype(np.float32)}
    (expected,) = reference_outputs(onnx, feeds)
    for file, kind in (("model.pt2", "exported"), ("model.pt", "torchscript")):
        variant = inspect_model(kind, tmp_path / file)
        assert (variant.format, variant.macs, variant.params) == (kind, onnx.macs, onnx.params)
        assert (variant.inputs, variant.outputs) == (onnx.inputs, onnx.outputs)
        session = backends.find("torch").load(str(tmp_path / file), LoadOptions(kind, batch=2))
        np.testing.assert_allclose(session.run(feeds)[0], expected, rtol=1e-3, atol=1e-4)
