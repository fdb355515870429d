"""Write the quickstart's classifier as TensorFlow Lite: fp32, fp16, dynamic range and full int8.

The weights are those of chest_xray.onnx, so nothing is trained. Run in the checkout, in an
environment with the `export` extra, which is large and not what people work in:

    tox -e export

The batch axis of every file is open. The converter fixes it wherever a reshape has a constant
shape, so it is opened in the finished file, and the file is then run at several batches against
the ONNX model. The same versions on the same machine give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx.numpy_helper import to_array
from onnxruntime import InferenceSession
from torch import nn

from benchhub.cli.project import cache
from benchhub.compress.recipes import tflite_export
from benchhub.compress.tflite.batch import open_batch
from benchhub.compress.tflite.run import relative_error, run
from benchhub.compress.tflite.schemes import quantize
from benchhub.tasks.chest_xray.dataset import open_dataset
from benchhub.tasks.chest_xray.model import Classifier, Down, ResidualBlock

HERE = Path(__file__).parent
#: The data of suite.toml; only its training patients, in order, are used to calibrate.
DATA = {"seed": 14, "size": 64, "train_patients": 60, "test_patients": 300}
CALIBRATION_CASES = 64
#: How far fp32 may be from ONNX, at any of the batches at which a written file is run.
MOST_DIFFERENCE = 1e-4
SHIPPED = ("fp16", "int8-dynamic", "int8")
LIBRARIES = ("litert-torch", "ai-edge-quantizer", "ai-edge-litert", "torch", "numpy")

# The names of classes stand in the file. These are those of the first export, made when the
# network was defined in train.py, so that the bytes stay what they were.
for kind in (Classifier, ResidualBlock, Down):
    kind.__module__ = "train"


class Named(tflite_export.Named):
    """The network under the names of the ONNX file; its class is __main__.Named."""


def check(model: bytes, onnx_file: Path, images: np.ndarray, exact: bool) -> float:
    """Return the relative error against ONNX; ValueError if it runs at one batch but not another.

    `exact` asks for agreement within MOST_DIFFERENCE.
    """
    session = InferenceSession(onnx_file, providers=["CPUExecutionProvider"])
    wanted = session.run(None, {"image": images})[0]
    for batch in tflite_export.BATCHES:
        found = run(model, images[:batch])
        worst = float(np.abs(found - wanted[:batch]).max())
        if exact and not worst <= MOST_DIFFERENCE:
            raise ValueError(f"differs from {onnx_file.name} by {worst:.3g} at batch {batch}")
    return relative_error(run(model, images), wanted)


def classifier(onnx_file: Path) -> nn.Module:
    """Return the quickstart's classifier with the weights of its ONNX export."""
    net = Classifier().eval()
    net.fold()
    tensors = onnx.load(onnx_file).graph.initializer
    net.load_state_dict({t.name: torch.from_numpy(to_array(t).copy()) for t in tensors})
    return net


def export(onnx_file: Path, folder: Path, cached: Path) -> dict[str, Any]:
    """Write the files beside each other in `folder`; return what they are and what made them."""
    data = open_dataset(DATA, HERE, None, cached)
    images = data.calibration(CALIBRATION_CASES)["image"]
    named = Named(classifier(onnx_file), "logits")
    base = tflite_export.convert(named, "image", images.shape[1:])
    files: dict[str, Any] = {}
    for name in ("fp32", *SHIPPED):
        cases = ({"image": images[row : row + 1]} for row in range(len(images)))
        model = open_batch(base if name == "fp32" else quantize(base, name, cases))
        error = check(model, onnx_file, images, exact=name == "fp32")
        path = folder / f"{onnx_file.stem}-{name}.tflite"
        path.write_bytes(model)
        digest = hashlib.sha256(model).hexdigest()
        print(f"{path.name}: {len(model)} bytes, relative error {error:.2g}, sha256 {digest}")
        files[path.name] = {"sha256": digest, "bytes": len(model)}
    return {
        "source": {onnx_file.name: hashlib.sha256(onnx_file.read_bytes()).hexdigest()},
        "libraries": {library: version(library) for library in LIBRARIES},
        "calibration": {**DATA, "cases": CALIBRATION_CASES},
        "files": files,
    }


def main() -> None:
    """Export, and write down the provenance."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=cache())
    parser.add_argument("--output", type=Path, default=HERE)
    asked = parser.parse_args()
    made = export(HERE / "chest_xray.onnx", asked.output, asked.cache)
    text = json.dumps(made, indent=1) + "\n"
    (asked.output / "tflite.provenance.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
