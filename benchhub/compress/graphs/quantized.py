"""Whether a model is quantized, or in float16, already."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchhub.compress.files.plain_graph import graphs
from benchhub.errors import ConfigError

if TYPE_CHECKING:
    import onnx

_OPERATORS = frozenset(
    {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger"}
    | {"ConvInteger", "QAttention", "QGemm", "MatMulNBits", "MatMulBnb4", "QMoE"}
    | {
        "DynamicQuantizeMatMul",
        "DynamicQuantizeLSTM",
        "MatMulIntegerToFloat",
        "GatherBlockQuantized",
    }
)
_LAYERS = frozenset(["Conv", "ConvTranspose", "Gemm", "LSTM", "MatMul"])
_INTEGER_LAYERS = frozenset(
    ["ConvInteger", "DynamicQuantizeLSTM", "MatMulInteger", "QGemm", "QLinearConv", "QLinearMatMul"]
)
_FLOAT, _UINT8, _INT8, _HALF = 1, 2, 3, 10


def quantizing_nodes(model: onnx.ModelProto) -> Counter[str]:
    """Return how many operators of each kind compute with quantized values or unpack them."""
    return Counter(
        node.op_type
        for graph in graphs(model.graph)
        for node in graph.node
        if node.op_type in _OPERATORS or node.op_type.startswith("QLinear")
    )


class Layers(NamedTuple):
    """How many convolutions and matrix products a model has, by what they compute with."""

    quantized: int
    in_float: int
    #: Of those in float, the ones in bodies of If, Loop and Scan.
    inside: int

    def facts(self) -> dict[str, str]:
        """Return what a variant's provenance says about it."""
        total = self.quantized + self.in_float
        facts = {"layers_quantized": f"{self.quantized} of {total}"}
        if self.inside:
            facts["left_float"] = (
                f"{self.inside} of {total} layers stand in bodies of If, Loop or Scan, and stay in"
                " float32"
            )
        return facts


def layers(model: onnx.ModelProto) -> Layers:
    """Count the layers of a model, those in bodies too; integers may be turned back before one."""
    quantized = in_float = inside = 0
    for number, graph in enumerate(graphs(model.graph)):
        turned = {
            name
            for node in graph.node
            if node.op_type == "DequantizeLinear"
            for name in node.output
        }
        for node in graph.node:
            if node.op_type in _INTEGER_LAYERS or (
                node.op_type in _LAYERS and turned & set(node.input)
            ):
                quantized += 1
            elif node.op_type in _LAYERS:
                in_float += 1
                inside += number > 0
    return Layers(quantized, in_float, inside)


def refuse_quantized(model: onnx.ModelProto) -> None:
    """Raise ConfigError, saying what was found, if a plain model is quantized already."""
    found = quantizing_nodes(model)
    values = _values(model)
    if found:
        listed = ", ".join(f"{count} {name}" for name, count in found.most_common(3))
    elif values[_INT8] + values[_UINT8] > values[_FLOAT] + values[_HALF]:
        listed = f"{values[_INT8] + values[_UINT8]:,} weights of 8 bits"
    else:
        return
    raise ConfigError(
        f"the model is quantized already ({listed}); measure it as it is, or start from the float32"
        " model that it was made of"
    )


def refuse_half(model: onnx.ModelProto) -> None:
    """Raise ConfigError if most weights of a plain model are float16 already."""
    values = _values(model)
    if values[_HALF] > values[_FLOAT]:
        raise ConfigError(
            f"the model is float16 already ({values[_HALF]:,} weights); measure it as it is, or"
            " start from the float32 model that it was made of"
        )


def _values(model: onnx.ModelProto) -> Counter[int]:
    values: Counter[int] = Counter()
    for graph in graphs(model.graph):
        for tensor in graph.initializer:
            values[tensor.data_type] += int(np.prod(tensor.dims))
    return values
