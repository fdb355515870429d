"""Writes the models and cases of the GPU suites; needs PyTorch, on the CPU or not."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import torch
from onnx.numpy_helper import to_array
from unet import seeded

from benchhub.compress.files.look import inspect_model
from benchhub.compress.files.torch_archive import save_exported, save_torchscript

HERE = Path(__file__).parent
QUICKSTART = HERE.parent / "quickstart"
SUITES = ("classifier", "unet-1m", "unet-30m")
WIDTHS = {"unet-1m": 12, "unet-30m": 64}
CASES, SIDE = 64, 128


def make(name: str, folder: Path) -> None:
    """Write `model.onnx`, `model.pt2`, `model.pt` and, for a U-Net, `cases.npz` to `folder`.

    What is there already is kept: its sha256 identifies it in runs that are to be resumed.
    """
    if (folder / "model.pt").is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    if name == "classifier":
        module, output, shape = quickstart_classifier(), "logits", (1, 64, 64)
        shutil.copyfile(QUICKSTART / "chest_xray.onnx", folder / "model.onnx")
    else:
        module, output, shape = seeded(WIDTHS[name]), "logits", (1, SIDE, SIDE)
        export_onnx(module, shape, folder / "model.onnx")
        write_cases(module, shape, folder / "cases.npz")
    examples = {"image": torch.zeros(2, *shape)}
    macs = inspect_model(name, folder / "model.onnx").macs
    save_exported(module, examples, [output], folder / "model.pt2", macs)
    save_torchscript(module, examples, [output], folder / "model.pt", macs)


def quickstart_classifier() -> Any:
    """Return the quickstart's network with the weights of its ONNX file."""
    model = imported(QUICKSTART / "train.py").Classifier().eval()
    model.fold()
    graph = onnx.load(str(QUICKSTART / "chest_xray.onnx")).graph
    weights = {
        tensor.name: torch.from_numpy(to_array(tensor).copy()) for tensor in graph.initializer
    }
    model.load_state_dict(weights)
    return model


def imported(path: Path) -> ModuleType:
    """Return a script as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def export_onnx(module: Any, shape: tuple[int, ...], path: Path) -> None:
    """Write ONNX with an open batch axis, weights inside."""
    axes: Mapping[str, Any] = {"image": {0: "batch"}, "logits": {0: "batch"}}
    torch.onnx.export(
        module,
        (torch.zeros(2, *shape),),
        str(path),
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )


def write_cases(module: Any, shape: tuple[int, ...], path: Path) -> None:
    """Write smooth random images, and the module's own float32 outputs as their labels."""
    noise = torch.from_numpy(np.random.default_rng(2015).normal(size=(CASES, *shape)))
    images = torch.nn.functional.avg_pool2d(noise.float(), 9, stride=1, padding=4) * 9
    with torch.inference_mode():
        labels = torch.cat([module(part) for part in images.split(8)])
    np.savez(path, image=images.numpy(), labels=labels.numpy())
