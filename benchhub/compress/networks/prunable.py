"""The weights of convolutions and linear layers in an ONNX graph, and which of them are heads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

#: Where an operator has its weight. Normalisation, embeddings and biases are not prunable.
_WEIGHTS = {"Conv": (1,), "ConvTranspose": (1,), "Gemm": (1, 0), "MatMul": (1, 0)}


@dataclass(frozen=True, slots=True)
class PrunableWeight:
    """A weight: its initializer, the axis of its output channels, and whether it is a head's.

    A head's outputs reach an output of the model past no other weight.
    """

    name: str
    operator: str
    axis: int
    head: bool


def prunable_weights(graph: onnx.GraphProto) -> tuple[PrunableWeight, ...]:
    """Return the float32 weights of two or more axes, in the order of the graph.

    A weight that several layers share is there once. Weights that the graph computes (casts,
    dequantized integers) are not: they are no initializers of their own.
    """
    import onnx

    floats = {
        tensor.name
        for tensor in graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) >= 2
    }
    ranks = {tensor.name: len(tensor.dims) for tensor in graph.initializer}
    of_node = {
        index: found
        for index, node in enumerate(graph.node)
        if (found := _weight(node, floats)) is not None
    }
    heads = _heads(graph, of_node)
    weights: dict[str, PrunableWeight] = {}
    for index, position in of_node.items():
        node = graph.node[index]
        name = node.input[position]
        head = index in heads or (name in weights and weights[name].head)
        weights[name] = PrunableWeight(
            name, node.op_type, _output_axis(node, position, ranks[name]), head
        )
    return tuple(weights.values())


def _weight(node: onnx.NodeProto, floats: set[str]) -> int | None:
    if node.domain not in ("", "ai.onnx"):
        return None
    for position in _WEIGHTS.get(node.op_type, ()):
        if position < len(node.input) and node.input[position] in floats:
            return position
    return None


def _output_axis(node: onnx.NodeProto, position: int, rank: int) -> int:
    flags = {attribute.name: attribute.i for attribute in node.attribute}
    match node.op_type:
        case "Conv":
            return 0
        case "ConvTranspose":
            return 1
        case "Gemm" if position == 1:
            return 0 if flags.get("transB") else 1
        case "Gemm":
            return 1 if flags.get("transA") else 0
    return rank - 1 if position == 1 else rank - 2


def _heads(graph: onnx.GraphProto, of_node: dict[int, int]) -> set[int]:
    """Return the nodes with a weight that are the last before an output."""
    makers = {name: index for index, node in enumerate(graph.node) for name in node.output}
    open_names = [output.name for output in graph.output]
    seen: set[str] = set()
    heads: set[int] = set()
    while open_names:
        name = open_names.pop()
        if name in seen or name not in makers:
            continue
        seen.add(name)
        index = makers[name]
        if index in of_node:
            heads.add(index)
        else:
            open_names.extend(graph.node[index].input)
    return heads
