"""Multiply-accumulates by the shapes that onnxruntime's own profile tells: an independent count.

Nothing of benchhub is in it. Optimizations are off, so that every node of the file runs as it is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

_FILTERS = {"Conv": 1, "ConvInteger": 1, "FusedConv": 1, "QLinearConv": 3}
_PRODUCTS = (
    "MatMul", "MatMulInteger", "DynamicQuantizeMatMul", "MatMulIntegerToFloat", "QLinearMatMul",
    "MatMulNBits",
)  # fmt: skip
_OF_TWO_AXES = ("Gemm", "QGemm", "FusedMatMul")
_GATES = {"LSTM": 4, "DynamicQuantizeLSTM": 4, "GRU": 3, "RNN": 1}


def executed(
    model: onnx.ModelProto, feeds: Mapping[str, Any], folder: Path
) -> Iterator[tuple[str, list[list[int]], list[list[int]]]]:
    """Yield each call of a kernel: operator, shapes of inputs (constants too) and of outputs."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "profile")
    options.add_session_config_entry("session.disable_prepacking", "1")
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    session.run(None, dict(feeds))
    for event in json.loads(Path(session.end_profiling()).read_text("utf-8")):
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            told = event["args"]
            sides = (told["input_type_shape"], told["output_type_shape"])
            given, made = ([next(iter(one.values())) for one in side] for side in sides)
            yield told["op_name"], given, made


def macs_executed(model: onnx.ModelProto, feeds: Mapping[str, Any], folder: Path) -> int:
    """Return what convolutions, matrix products and recurrent layers multiplied in one pass."""
    return sum(_of_call(*call) for call in executed(model, feeds, folder))


def _of_call(operator: str, given: list[list[int]], made: list[list[int]]) -> int:
    if operator in _FILTERS:  # each element of the output meets one filter
        return math.prod(made[0]) * math.prod(given[_FILTERS[operator]][1:])
    if operator == "ConvTranspose":
        return math.prod(given[0]) * math.prod(given[1][1:])
    if operator in _PRODUCTS:
        return math.prod(made[0]) * given[0][-1]
    if operator in _OF_TWO_AXES:  # either side may be transposed
        return math.prod(given[0]) * math.prod(made[0]) // made[0][-2]
    if operator in _GATES:
        state = next(shape for shape in reversed(made) if shape)
        directions = state[1] if len(state) == 4 else state[0]
        length, batch, width = given[0]
        return length * batch * directions * _GATES[operator] * state[-1] * (width + state[-1])
    return 0


def feeds_of(model: onnx.ModelProto, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Return ones for integers and noise for the rest, by the shapes given or the model's own."""
    held = {tensor.name for tensor in model.graph.initializer}
    rng = np.random.default_rng(0)
    feeds = {}
    for value in model.graph.input:
        if value.name in held:
            continue
        kind = value.type.tensor_type
        own = tuple(max(1, dim.dim_value) for dim in kind.shape.dim)
        shape = shapes.get(value.name, own)
        dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
        noise = rng.standard_normal(shape) / 10
        feeds[value.name] = (noise if dtype.kind == "f" else np.ones(shape)).astype(dtype)
    return feeds
