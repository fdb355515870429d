"""What a TFLite file is: its digest, size, tensors, weights and arithmetic. Needs no runtime."""

from __future__ import annotations

import gzip
import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np

from benchhub.compress.files.counting.tflite import count_tflite_macs
from benchhub.compress.files.model_file import read_model
from benchhub.compress.tflite.graph import Graph, GraphTensor, read_graph
from benchhub.model.cell import TensorSpec, Variant
from benchhub.outside.foreign.reading import reading


def inspect_tflite(name: str, path: Path) -> Variant:
    """Return the variant `name` as found in a TFLite file.

    Quantized inputs and outputs count as float32: the harness scales them. `params` counts the
    elements of constants but for shapes and axes, `nonzero_params` those that do not stand for
    zero, None where that cannot be told. Raises ConfigError if the file is missing, empty or
    damaged.
    """
    blob = read_model(name, path)
    with reading(
        f"variant {name}: model {path}",
        "a TFLite file that is damaged or cut short",
        "export it again",
    ):
        graph = read_graph(blob)
        params, nonzero = _weights(graph)
        count = count_tflite_macs(graph)
        inputs, outputs = (
            tuple(_spec(graph, label, index) for label, index in side)
            for side in (graph.inputs, graph.outputs)
        )
    return Variant(
        name=name,
        path=path,
        sha256=hashlib.sha256(blob).hexdigest(),
        format="tflite",
        model_bytes=len(blob),
        gzip_bytes=len(gzip.compress(blob, compresslevel=6, mtime=0)),
        inputs=inputs,
        outputs=outputs,
        params=params,
        nonzero_params=nonzero,
        macs=count.macs,
        uncounted=count.uncounted,
    )


def _spec(graph: Graph, label: str, index: int) -> TensorSpec:
    tensor = graph.tensors[index]
    scaled = tensor.scales and tensor.dtype.startswith(("int", "uint"))
    return TensorSpec(label, "float32" if scaled else tensor.dtype, tensor.shape)


def _weights(graph: Graph) -> tuple[int, int | None]:
    """Return the weights of a graph and of those inside it, and those that are not zero.

    None for the latter where a type is not known here. What a graph and one inside it both hold,
    of two axes or more, counts once.
    """
    total = nonzero = 0
    unknown = False
    before: set[int] = set()
    for one in (graph, *graph.inner):
        used = {index for operator in one.operators for index in operator.inputs if index >= 0}
        held = [one.tensors[index] for index in sorted(used)]
        weights = [t for t in held if t.content is not None and not _is_argument(t)]
        for tensor in weights:
            if tensor.buffer in before and len(tensor.sizes) > 1:
                continue
            count = math.prod(tensor.sizes)
            values = _values(tensor, count)
            total += count
            if values is None:
                unknown = True
            else:
                nonzero += int(np.count_nonzero(values != _zero(tensor, values)))
        before |= {tensor.buffer for tensor in weights}
    return total, None if unknown else nonzero


def _is_argument(tensor: GraphTensor) -> bool:
    """Whether a constant is a shape, axes or paddings: integers that stand for no real numbers."""
    return tensor.dtype in ("int32", "int64", "bool", "string") and not tensor.scales


def _values(tensor: GraphTensor, count: int) -> np.ndarray[Any, Any] | None:
    """Return the elements of a constant, of a bfloat16 its bits; None: numpy has no such type."""
    assert tensor.content is not None
    if tensor.dtype == "int4":  # two to a byte, the lower half first
        packed = np.frombuffer(tensor.content, np.int8)
        both = np.stack([packed << 4 >> 4, packed >> 4], axis=1).reshape(-1)
        values = both[:count]
    elif tensor.dtype == "bfloat16":
        values = np.frombuffer(tensor.content, np.uint16) & 0x7FFF  # 0 has a sign
    else:
        try:
            values = np.frombuffer(tensor.content, np.dtype(tensor.dtype))
        except TypeError:
            return None
    if tensor.sparse:
        return values
    if values.size != count:
        raise ValueError(f"tensor {tensor.name} has {values.size} elements, not {count}")
    return values.reshape(tensor.sizes)


def _zero(tensor: GraphTensor, values: np.ndarray[Any, Any]) -> Any:
    points = np.array(tensor.zero_points or (0,))
    if points.size == 1 or tensor.sparse:
        return points[0]
    if values.shape[tensor.axis] != points.size:
        raise ValueError(f"tensor {tensor.name} has {points.size} zero points for its axis")
    shape = [1] * values.ndim
    shape[tensor.axis] = points.size
    return points.reshape(shape)
