"""What is inside the nodes of a graph: graphs of branches and bodies, and the names they take."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx


def inner_graphs(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    """Return the graphs that a node holds itself."""
    found = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    return [*found, *(inner for attribute in node.attribute for inner in attribute.graphs)]


def all_names(graph: onnx.GraphProto) -> set[str]:
    """Return every name of a value or a node in a graph, at any depth."""
    taken = {value.name for value in (*graph.input, *graph.output, *graph.initializer)}
    for node in graph.node:
        taken |= {*node.input, *node.output, node.name}
        for inner in inner_graphs(node):
            taken |= all_names(inner)
    return taken
