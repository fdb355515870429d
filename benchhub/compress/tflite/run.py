"""Runs a TFLite file on the controller, to see what it computes. Needs ai-edge-litert."""

from __future__ import annotations

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from benchhub.model.arrays import Array


def run(model: bytes, images: Array) -> Array:
    """Return the first output for one batch, as float32; int8 is scaled on both sides."""
    work = Interpreter(model_content=model, num_threads=1)
    (source,), sink = work.get_input_details(), work.get_output_details()[0]
    work.resize_tensor_input(source["index"], images.shape)
    work.allocate_tensors()
    scale, zero = source["quantization"]
    if scale:
        limits = np.iinfo(source["dtype"])
        images = np.clip(np.rint(images / scale + zero), limits.min, limits.max)
    work.set_tensor(source["index"], images.astype(source["dtype"]))
    work.invoke()
    found: Array = work.get_tensor(sink["index"])
    scale, zero = sink["quantization"]
    if not scale:
        return found
    return np.asarray((found.astype(np.float32) - zero) * np.float32(scale))


def relative_error(found: Array, wanted: Array) -> float:
    """Return the root mean square difference over the spread of the wanted values."""
    return float(np.sqrt(((found - wanted) ** 2).mean()) / max(wanted.std(), 1e-12))
