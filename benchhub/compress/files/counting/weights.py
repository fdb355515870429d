"""How many weights an ONNX file holds, and how many of them are not zero.

A weight is an element of a tensor that the file stores, wherever it does: an initializer (listed as
an input, sparse, in another file) or a Constant node, of the graph, of branches and loops, and of
functions. Not weights are

- what only says how to compute: scales and zero points of quantization, shapes, axes, paddings and
  limits, which `roles` lists by operator and position; and what nothing uses;
- integers of 16 bits or more, truth values and text, but for biases of quantized layers: they
  count, index or compare;
- a Constant node of one element, unless a layer multiplies by it: a factor of a formula.

A tensor counts once however often it is used. Packed weights count by element.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchhub.compress.files.counting import roles
from benchhub.compress.files.counting.stored import nonzero_of
from benchhub.compress.files.plain_graph import constant

if TYPE_CHECKING:
    import onnx


@dataclass(slots=True)
class _Held:
    """A tensor that a graph holds, and where it is used."""

    tensor: onnx.TensorProto
    sizes: tuple[int, ...]
    in_node: bool = False
    sparse: bool = False
    uses: list[tuple[onnx.NodeProto, int]] = field(default_factory=list)
    #: The zero point of the first use that has one, and the use.
    zero: onnx.TensorProto | None = None
    axis: int | None = None


def count_weights(model: onnx.ModelProto, folder: Path | None = None) -> tuple[int, int | None]:
    """Return the weights of a model, and those that are not zero (quantized: not the zero point).

    Tensors in other files count by the sizes that the model tells; their zeros are read piece by
    piece from `folder`. None for the nonzero ones where a tensor's cannot be told.
    """
    held: list[_Held] = []
    _walk(model.graph, {}, held)
    for function in model.functions:
        _walk_nodes(function.node, {}, held)
    total = nonzero = 0
    unknown = False
    for one in held:
        if not _is_weight(one):
            continue
        packed = roles.elements_packed(one.uses, one.sizes)
        total += math.prod(one.sizes) if packed is None else packed
        found = None if packed is not None else nonzero_of(one.tensor, one.zero, one.axis, folder)
        nonzero += found or 0
        unknown |= found is None
    return total, None if unknown else nonzero


def _walk(graph: onnx.GraphProto, around: dict[str, _Held], held: list[_Held]) -> None:
    """Gather what a graph and those inside it hold; `around` is seen from inside by name."""
    own = [_Held(tensor, tuple(tensor.dims)) for tensor in graph.initializer]
    own += [_Held(one.values, tuple(one.dims), sparse=True) for one in graph.sparse_initializer]
    held += own
    _walk_nodes(graph.node, around | {one.tensor.name: one for one in own}, held)


def _walk_nodes(nodes: Iterable[onnx.NodeProto], seen: dict[str, _Held], held: list[_Held]) -> None:
    seen = dict(seen)
    for node in nodes:
        own = _in_node(node)
        if own is not None:
            held.append(own)
            seen[node.output[0]] = own
        for at, name in enumerate(node.input):
            if name in seen:
                _use(seen, node, at)
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.node:
                    _walk(inner, seen, held)


def _in_node(node: onnx.NodeProto) -> _Held | None:
    """Return what a Constant node holds."""
    if node.op_type != "Constant":
        return None
    for attribute in node.attribute:
        if attribute.name == "sparse_value":
            sparse = attribute.sparse_tensor
            return _Held(sparse.values, tuple(sparse.dims), in_node=True, sparse=True)
    tensor = constant(node)
    return None if tensor is None else _Held(tensor, tuple(tensor.dims), in_node=True)


def _use(seen: dict[str, _Held], node: onnx.NodeProto, at: int) -> None:
    one = seen[node.input[at]]
    one.uses.append((node, at))
    point_at = roles.ZERO_POINT.get(node.op_type, {}).get(at)
    if point_at is None or point_at >= len(node.input) or one.zero is not None:
        return
    point = seen.get(node.input[point_at])
    if point is not None:
        one.zero = point.tensor
        one.axis = roles.channel_axis(node)


def _is_weight(one: _Held) -> bool:
    uses = [(node.op_type, at) for node, at in one.uses]
    if all(roles.is_argument(operator, at) for operator, at in uses):
        return False
    if not roles.is_number(one.tensor.data_type):
        return any(use in roles.INTEGER_BIASES for use in uses)
    if one.in_node and math.prod(one.sizes) == 1:
        return any(operator in roles.LAYERS for operator, _ in uses)
    return True
