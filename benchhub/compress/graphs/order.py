"""Nodes in an order in which each comes after what it reads, also from inside its own graphs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from benchhub.compress.files.plain_graph import graphs

if TYPE_CHECKING:
    import onnx


def put_in_order(model: onnx.ModelProto) -> None:
    """Sort the nodes of a model and of the graphs inside them, as little as it takes.

    Quantizers put what they insert at the end, which runtimes forgive and ONNX does not.
    """
    for graph in list(graphs(model.graph)):
        _sort(graph)


def _sort(graph: onnx.GraphProto) -> None:
    import onnx

    nodes = list(graph.node)
    made_by = {name: index for index, node in enumerate(nodes) for name in node.output if name}
    order: list[int] = []
    state = [0] * len(nodes)  # 1: begun, 2: placed
    for first in range(len(nodes)):
        waiting = [first]
        while waiting:
            index = waiting[-1]
            if state[index] == 0:
                state[index] = 1
                before = {made_by[name] for name in _read(nodes[index]) if name in made_by}
                waiting.extend(sorted((one for one in before if state[one] == 0), reverse=True))
            else:
                waiting.pop()
                if state[index] == 1:
                    state[index] = 2
                    order.append(index)
    if order != list(range(len(nodes))):
        copies = []
        for index in order:
            copy = onnx.NodeProto()
            copy.CopyFrom(nodes[index])
            copies.append(copy)
        del graph.node[:]
        graph.node.extend(copies)


def _read(node: onnx.NodeProto) -> Iterator[str]:
    """Yield what a node reads; names of values inside its graphs may be among them."""
    yield from node.input
    for attribute in node.attribute:
        for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            own = {name for one in inner.node for name in one.output}
            own |= {value.name for value in (*inner.input, *inner.initializer)}
            for one in inner.node:
                yield from (name for name in _read(one) if name not in own)
            yield from (value.name for value in inner.output if value.name not in own)
