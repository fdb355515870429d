"""How many weights an ONNX file holds, and how many of them are not zero.

A weight is an element of a tensor that the file stores, wherever it does: an initializer (listed as
an input, sparse, in another file) or a Constant node, of the graph, of branches and loops, and of
functions. Not weights are

- what only says how to compute: scales and zero points of quantization, shapes, axes, paddings and
  limits, which `roles` lists by operator and position, and those scales at plain operators that
  `scales` follows; and what nothing uses;
- integers of 16 bits or more, truth values and text, but for biases of quantized layers: they
  count, index or compare;
- a Constant node of one element, unless a layer multiplies by it: a factor of a formula.

A tensor counts once however often it is used, as it is stored or cast and reshaped before. Packed
weights count by element.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchhub.compress.files.counting.weights import roles
from benchhub.compress.files.counting.weights.scales import Flow, Kind, follow
from benchhub.compress.files.counting.weights.stored import nonzero_of
from benchhub.compress.files.plain_graph import constant

if TYPE_CHECKING:
    import onnx

#: Operators that give a tensor another type or shape, and its elements as they are.
_SAME = frozenset(["Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"])
_SMALL = frozenset(["INT8", "UINT8", "INT4", "UINT4", "INT2", "UINT2"])


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
    #: It has several zero points, and it or they were reshaped before they met.
    unclear: bool = False


@dataclass(slots=True)
class _Nameable:
    """What can be named at a place of a graph: tensors, those that were reshaped, and flows."""

    held: dict[str, _Held] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)
    flows: dict[str, Flow] = field(default_factory=dict)
    #: By its name what two tensors multiply to, which may turn out to be a scale.
    products: dict[str, onnx.NodeProto] = field(default_factory=dict)

    def inside(self, own: Iterable[_Held]) -> _Nameable:
        """Return what can be named in a graph that holds `own`."""
        new = {one.tensor.name: one for one in own}
        flows = {name: flow for name, flow in self.flows.items() if name not in new}
        flows |= {name: Flow(Kind.STORED) for name, one in new.items() if _is_small(one)}
        products = {name: node for name, node in self.products.items() if name not in new}
        return _Nameable(self.held | new, self.moved - new.keys(), flows, products)


def count_weights(model: onnx.ModelProto, folder: Path | None = None) -> tuple[int, int | None]:
    """Return the weights of a model, and those that are not zero (quantized: not the zero point).

    Tensors in other files count by the sizes that the model tells; their zeros are read piece by
    piece from `folder`. None for the nonzero ones where a tensor's cannot be told.
    """
    held: list[_Held] = []
    _walk(model.graph, _Nameable(), held)
    for function in model.functions:
        _walk_nodes(function.node, _Nameable(), held, set(function.output))
    total = nonzero = 0
    unknown = False
    for one in held:
        if not _is_weight(one):
            continue
        packed = roles.elements_packed(one.uses, one.sizes, one.tensor.data_type)
        total += math.prod(one.sizes) if packed is None else packed
        known = packed is None and not one.unclear
        found = nonzero_of(one.tensor, one.zero, one.axis, folder) if known else None
        nonzero += found or 0
        unknown |= found is None
    return total, None if unknown else nonzero


def _walk(graph: onnx.GraphProto, around: _Nameable, held: list[_Held]) -> None:
    """Gather what a graph and those inside it hold; `around` is seen from inside by name."""
    own = [_Held(tensor, tuple(tensor.dims)) for tensor in graph.initializer]
    own += [_Held(one.values, tuple(one.dims), sparse=True) for one in graph.sparse_initializer]
    held += own
    _walk_nodes(graph.node, around.inside(own), held, {value.name for value in graph.output})


def _walk_nodes(
    nodes: Iterable[onnx.NodeProto], seen: _Nameable, held: list[_Held], results: Collection[str]
) -> None:
    for node in nodes:
        own = _in_node(node)
        if own is not None:
            held.append(own)
            seen.held[node.output[0]] = own
            if _is_small(own):
                seen.flows[node.output[0]] = Flow(Kind.STORED)
        flows, scale = follow(node, seen.flows, seen.held)
        handed_on = _handed_on(node, seen, results)
        for at, name in enumerate(node.input):
            if name in seen.held and at != scale and not (at == 0 and handed_on):
                _use(seen, node, at)
        _multiplied(node, scale, seen)
        seen.flows |= flows
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.node:
                    _walk(inner, seen, held)


def _handed_on(node: onnx.NodeProto, seen: _Nameable, results: Collection[str]) -> bool:
    """Have a constant's other name known, where a node only gives it another type or shape."""
    if node.op_type not in _SAME or node.input[0] not in seen.held or node.output[0] in results:
        return False
    given, made = node.input[0], node.output[0]
    seen.held[made] = seen.held[given]
    if given in seen.moved or node.op_type not in ("Cast", "Identity"):
        seen.moved.add(made)
    return True


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


def _use(seen: _Nameable, node: onnx.NodeProto, at: int) -> None:
    one = seen.held[node.input[at]]
    one.uses.append((node, at))
    point_at = roles.ZERO_POINT.get(node.op_type, {}).get(at)
    if point_at is None or point_at >= len(node.input) or one.zero is not None:
        return
    point = seen.held.get(node.input[point_at])
    if point is not None:
        one.zero = point.tensor
        one.axis = roles.channel_axis(node)
        moved = {node.input[at], node.input[point_at]} & seen.moved
        one.unclear = bool(moved) and math.prod(point.sizes) > 1


def _multiplied(node: onnx.NodeProto, scale: int | None, seen: _Nameable) -> None:
    """Note what two tensors multiply to; where that turns out to be a scale, they are scales."""
    if scale is not None and (product := seen.products.get(node.input[scale])) is not None:
        for name in product.input:
            one = seen.held[name]
            one.uses = [use for use in one.uses if use[0] is not product]
    if node.op_type == "Mul" and all(name in seen.held for name in node.input):
        seen.held[node.output[0]] = _Held(seen.held[node.input[0]].tensor, ())
        seen.products[node.output[0]] = node


def _is_small(one: _Held) -> bool:
    """Whether a tensor holds integers that may stand for other numbers."""
    from onnx import TensorProto

    return TensorProto.DataType.Name(one.tensor.data_type) in _SMALL


def _is_weight(one: _Held) -> bool:
    uses = [(node.op_type, at) for node, at in one.uses]
    if all(roles.is_argument(operator, at) for operator, at in uses):
        return False
    if not roles.is_number(one.tensor.data_type):
        return any(use in roles.INTEGER_BIASES for use in uses)
    if one.in_node and math.prod(one.sizes) == 1:
        return any(operator in roles.LAYERS for operator, _ in uses)
    return True
