"""A small ONNX model, and one that TensorRT's fake cannot take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def tiny_model(path: Path, operator: str = "Conv", batch: int | str = "n") -> Path:
    """Write (batch, 3, 4, 4) > conv 1x1 > (batch, 2, 4, 4), or something TensorRT cannot."""
    weights = np.random.default_rng(7).normal(size=(2, 3, 1, 1)).astype(np.float32)
    node = helper.make_node("Conv", ["image", "weights"], ["maps"])
    if operator == "Einsum":
        node = helper.make_node("Einsum", ["image"], ["maps"], equation="nchw->nhwc")
    graph = helper.make_graph(
        [node],
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, 4, 4])],
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, [batch, 2, 4, 4])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path


def images(batch: int, seed: int = 0) -> dict[str, Any]:
    return {"image": np.random.default_rng(seed).normal(size=(batch, 3, 4, 4)).astype(np.float32)}
