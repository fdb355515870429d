"""The weights of convolutions and linear layers in an ONNX graph, and which of them are heads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

#: Where an operator has its weight. Normalisation, embeddings and biases are not prunable.
_WEIGHTS = {"Conv": (1,), "ConvTranspose": (1,), "Gemm": (1, 0), "MatMul": (1, 0)}


@dataclass(frozen=True, slots=True)
class PrunableWeight:
    """A weight: its initializer, the axis of its output channels, and whether it is a head's.

    A head's outputs reach an output of the model past no other weight. `name` is a key of `held`.
    """

    name: str
    operator: str
    axis: int
    head: bool


@dataclass(frozen=True, slots=True)
class _Scope:
    """A graph, and the tensors that can be named in it: name -> key in `held`."""

    graph: onnx.GraphProto
    keys: Mapping[str, str]
    #: Of the node that holds the graph, from the outermost: graph number and place there.
    holder: tuple[int, int] | None


def held(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    """Return the initializers of a graph and of those inside it.

    Keys are their names; within a branch or body the node's name and which one it is come before.
    """
    return {
        scope.keys[tensor.name]: tensor
        for scope in _scopes(graph)
        for tensor in scope.graph.initializer
    }


def prunable_weights(graph: onnx.GraphProto, inside: bool = False) -> tuple[PrunableWeight, ...]:
    """Return the float32 weights of two or more axes, in the order of the graph.

    With `inside` those of layers in branches and bodies, too. A weight that several layers share
    is there once. Weights that the graph computes (casts, dequantized integers) are not: they are
    no initializers of their own.
    """
    import onnx

    scopes = list(_scopes(graph)) if inside else [next(_scopes(graph))]
    tensors = held(graph)
    floats = {
        key
        for key, tensor in tensors.items()
        if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) >= 2
    }
    layers = [_layers(scope, floats) for scope in scopes]
    heads = _heads(scopes, layers)
    weights: dict[str, PrunableWeight] = {}
    for number, (scope, of_node) in enumerate(zip(scopes, layers, strict=True)):
        for index, position in of_node.items():
            node = scope.graph.node[index]
            name = scope.keys[node.input[position]]
            head = (number, index) in heads or (name in weights and weights[name].head)
            axis = _output_axis(node, position, len(tensors[name].dims))
            weights[name] = PrunableWeight(name, node.op_type, axis, head)
    return tuple(weights.values())


def _scopes(graph: onnx.GraphProto) -> Iterator[_Scope]:
    """Yield a graph, then those inside its nodes, each before those inside of it."""
    taken: set[str] = set()
    waiting: list[tuple[onnx.GraphProto, str, Mapping[str, str], tuple[int, int] | None]]
    waiting = [(graph, "", {}, None)]
    number = 0
    while waiting:
        here, prefix, around, holder = waiting.pop(0)
        computed = {value.name for value in here.input}
        computed |= {name for node in here.node for name in node.output}
        keys = {name: key for name, key in around.items() if name not in computed}
        for tensor in here.initializer:
            key = prefix + tensor.name
            while key in taken:
                key += "'"
            taken.add(key)
            keys[tensor.name] = key
        yield _Scope(here, keys, holder)
        for index, node in enumerate(here.node):
            label = node.name or f"{node.op_type}_{index}"
            for attribute in node.attribute:
                for inner in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                    below = f"{prefix}{label}.{attribute.name}."
                    waiting.append((inner, below, keys, (number, index)))
        number += 1


def _layers(scope: _Scope, floats: set[str]) -> dict[int, int]:
    """Return, by the place of its node, where a layer has its weight."""
    found = {}
    for index, node in enumerate(scope.graph.node):
        if node.domain not in ("", "ai.onnx"):
            continue
        for position in _WEIGHTS.get(node.op_type, ()):
            if position < len(node.input) and scope.keys.get(node.input[position]) in floats:
                found[index] = position
                break
    return found


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


def _heads(scopes: list[_Scope], layers: list[dict[int, int]]) -> set[tuple[int, int]]:
    """Return the nodes with a weight that are the last before an output: graph and place.

    What holds a weight inside is the last if it is; so is then what is the last inside of it.
    """
    heavy = {scope.holder for scope, of_node in zip(scopes, layers, strict=True) if of_node}
    for number in range(len(scopes) - 1, 0, -1):  # what is inside comes later
        if any(at is not None and at[0] == number for at in heavy):
            heavy.add(scopes[number].holder)
    heads: set[tuple[int, int]] = set()
    for number, (scope, of_node) in enumerate(zip(scopes, layers, strict=True)):
        if scope.holder is None or scope.holder in heads:
            ends = {*of_node, *(at[1] for at in heavy if at is not None and at[0] == number)}
            heads |= {(number, index) for index in _last(scope.graph, ends)}
    return heads


def _last(graph: onnx.GraphProto, ends: set[int]) -> set[int]:
    """Return those of the nodes `ends` that reach an output past no other of them."""
    makers = {name: index for index, node in enumerate(graph.node) for name in node.output}
    open_names = [output.name for output in graph.output]
    seen: set[str] = set()
    found: set[int] = set()
    while open_names:
        name = open_names.pop()
        if name in seen or name not in makers:
            continue
        seen.add(name)
        index = makers[name]
        if index in ends:
            found.add(index)
        else:
            open_names.extend(graph.node[index].input)
    return found
