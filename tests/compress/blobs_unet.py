"""A U-Net of the task `blobs`, trained for a second or two, and how far a variant is from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from blobs import draw
from ingredients import trainable

from benchhub.compress.build.cached import build
from benchhub.model.arrays import Array
from benchhub.model.asked import VariantSpec
from benchhub.model.cell import Variant
from benchhub.model.recipe import Recipe

#: Cases that nothing was trained or calibrated with.
_CASES = draw(9, 77)
IMAGES, LABELS = _CASES.inputs["image"], _CASES.labels


def trained(folder: Path, **options: Any) -> Variant:
    """Return a U-Net with transposed convolutions, fitted well enough to have outputs."""
    recipe = Recipe("train", {"net": "unet", "epochs": 20, "width": 6, **options})
    return build(VariantSpec("fp32", recipe=recipe), None, trainable(folder), folder / "cache")


def make(source: Variant, folder: Path, recipe: str, **options: Any) -> Variant:
    """Return the variant that a recipe makes, with the task's data."""
    spec = VariantSpec(recipe, source=source.name, recipe=Recipe(recipe, options))
    return build(spec, source, trainable(folder), folder / "cache")


def run_onnx(path: Path, images: Array) -> Array:
    """Return the first output."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found: Array = session.run(None, {session.get_inputs()[0].name: images})[0]
    return found


def distance(found: Array, wanted: Array) -> float:
    """Return the root mean square difference over the spread of the wanted values."""
    assert found.shape == wanted.shape
    return float(np.sqrt(((found - wanted) ** 2).mean()) / wanted.std())
