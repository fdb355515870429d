"""A network as TensorFlow Lite, through litert-torch. Needs torch and litert-torch.

litert-torch is large and holds other packages back, so it has an extra, `export`, that belongs
into an environment of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchhub.compress.build.reference import reference_outputs
from benchhub.compress.files.architecture import read_net
from benchhub.compress.files.onnx import inspect_onnx
from benchhub.compress.recipe import Ingredients
from benchhub.compress.recipes.quiet import quiet_natively
from benchhub.compress.tflite.batch import open_batch
from benchhub.compress.tflite.run import relative_error, run
from benchhub.errors import ConfigError
from benchhub.model.arrays import Array, Settings

#: Batches at which a written file is run, and how far it may be from ONNX there.
BATCHES, MOST_DIFFERENCE = (1, 3, 8), 1e-3


class Named(nn.Module):
    """A network whose input and output have names; the file's are theirs."""

    def __init__(self, net: nn.Module, output: str) -> None:
        super().__init__()
        self.net, self.output = net, output

    def forward(self, **inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the one output by its name; the one input comes by its own."""
        (images,) = inputs.values()
        return {self.output: self.net(images)}


def convert(named: Named, source: str, shape: tuple[int, ...]) -> bytes:
    """Return a network as a float32 TFLite file of batch 1; one case of `source` has `shape`."""
    example = {source: torch.zeros(1, *shape)}
    with quiet_natively():
        import litert_torch

        model = litert_torch.convert(named.eval(), sample_kwargs=example)
        return bytes(model.model_content())


def make_tflite(
    source: Path | None, output: Path, options: Settings, ingredients: Ingredients
) -> Mapping[str, str]:
    """Write a benchhub ONNX file as float32 TFLite, its batch open where the file bears it.

    It is run at several batches and compared with the ONNX file; a converter that fixed the batch
    inside leaves a file of batch 1, and the facts say so. Raises ConfigError for an ONNX file that
    cannot be taken apart, or when the outputs differ.
    """
    assert source is not None  # the table says that it reads ONNX
    given = inspect_onnx(source.name, source)
    (image,), (result,) = given.inputs, given.outputs
    shape = tuple(size for size in image.shape[1:] if size is not None)
    if len(shape) < len(image.shape) - 1:
        raise ConfigError(f"{source}: input {image.name!r} has an open size; only the batch may be")
    ingredients.progress("converting to TFLite")
    net, _ = read_net(source)
    fixed = convert(Named(net, result.name), image.name, shape)
    rng = np.random.default_rng(0)
    images = rng.standard_normal((max(BATCHES), *shape)).astype(np.float32)
    (wanted,) = reference_outputs(given, {image.name: images})
    batch = "open"
    try:
        model = open_batch(fixed)
        error = max(_error(model, images[:count], wanted[:count]) for count in BATCHES)
    except (ValueError, RuntimeError) as reason:
        batch, model = f"fixed at 1: {str(reason).splitlines()[0]}", fixed
        error = _error(fixed, images[:1], wanted[:1])
    if not error <= MOST_DIFFERENCE:
        raise ConfigError(
            f"{source}: the TFLite file's outputs differ from it by {error:.2g} of their spread;"
            " litert-torch converts an operator wrongly, so deploy another format"
        )
    output.write_bytes(model)
    return {"batch": batch, "relative_error": f"{error:.3g}"}


def _error(model: bytes, images: Array, wanted: Array) -> float:
    found = run(model, images)
    if found.shape != wanted.shape:
        raise ValueError(f"{len(images)} cases come out as {len(found)}")
    return relative_error(found, wanted)
