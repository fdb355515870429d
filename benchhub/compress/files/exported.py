"""Tidies what torch's exporter writes, so that the graph can be read again and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx


def undo_sharing(graph: onnx.GraphProto) -> None:
    """Give every weight its own values again: the exporter keeps one copy of equal ones."""
    import onnx

    held = {tensor.name: tensor for tensor in graph.initializer}
    for node in [node for node in graph.node if node.op_type == "Identity"]:
        if node.input[0] in held:
            own = onnx.TensorProto()
            own.CopyFrom(held[node.input[0]])
            own.name = node.output[0]
            graph.initializer.append(own)
            graph.node.remove(node)


def fold_constants(graph: onnx.GraphProto) -> None:
    """Compute what depends on constants alone, like the scales of a resize; weights stay."""
    from onnx import helper, numpy_helper
    from onnx.reference import ReferenceEvaluator

    known = {node.output[0]: node for node in graph.node if node.op_type == "Constant"}
    for node in list(graph.node):
        if not node.input or not all(name in known for name in node.input if name):
            continue
        feeds = {
            name: numpy_helper.to_array(known[name].attribute[0].t) for name in node.input if name
        }
        (value,) = ReferenceEvaluator(node).run(None, feeds)
        folded = helper.make_node(
            "Constant", [], [node.output[0]], value=numpy_helper.from_array(np.asarray(value))
        )
        node.CopyFrom(folded)
        known[node.output[0]] = node
    used = {name for node in graph.node for name in node.input}
    used |= {value.name for value in graph.output}
    for node in [one for one in graph.node if one.op_type == "Constant"]:
        if node.output[0] not in used:
            graph.node.remove(node)
