"""A project whose task predicts: a model of class scores a pixel, judged by its map of classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from project import Project, make_project

CASES, SIZE, CLASSES = 12, 8, 4
#: Slices of a volume; the metric scores volumes.
SLICES = 2

SUITE = """\
[suite]
name = "tiny"
task = "npz"
baseline = "fp32"
backends = ["onnxruntime"]
[data]
inputs = "cases.npz"
metric = "dice"
also = ["dice_worst5"]
predict = "argmax-labels"
[[variants]]
name = "fp32"
model = "model.onnx"
[[variants]]
name = "coarse"
model = "coarse.onnx"
[scenarios.latency]
launches = 1
iterations = 20
[scenarios.quality]
batch = 4
[scenarios.profile]
"""


def write_segmenter(path: Path, shift: float = 0.0) -> Path:
    """Write scores that are largest for the class nearest to a pixel's value plus `shift`."""
    classes = np.arange(CLASSES, dtype=np.float32)
    weight = (2 * classes).reshape(CLASSES, 1, 1, 1)
    bias = 2 * classes * np.float32(shift) - classes**2
    shape = ["n", 1, SIZE, SIZE]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "w", "b"], ["scores"])],
        "segmenter",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", CLASSES, SIZE, SIZE])],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
    return path


def write_slices(path: Path, swapped: int | None = None) -> Path:
    """Write noisy maps of classes and their labels; `swapped`: one case has other pixels."""
    rng = np.random.default_rng(3)
    truth = rng.integers(0, CLASSES, (CASES, SIZE, SIZE))
    image = (truth[:, None] + rng.normal(0, 0.3, (CASES, 1, SIZE, SIZE))).astype(np.float32)
    if swapped is not None:
        image[swapped] = 0.2 * image[swapped]
    volumes = np.arange(CASES) // SLICES
    labels = (truth + CLASSES * volumes[:, None, None]).astype(np.int16)
    np.savez(path, image=image, labels=labels, groups=volumes)
    return path


def make_segmenting(folder: Path) -> Project:
    """Write the folder: a baseline, and a variant that tells classes apart less well."""
    project = make_project(folder)
    suite = project.suite
    suite.write_text(SUITE)
    write_segmenter(suite.parent / "model.onnx")
    write_segmenter(suite.parent / "coarse.onnx", shift=0.35)
    write_slices(suite.parent / "cases.npz")
    return project
