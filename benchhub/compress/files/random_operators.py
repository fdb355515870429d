"""Which operators of a model draw at random, or behave as in training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchhub.model.cell import Variant

_DRAW = frozenset(
    {
        "Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform",
        "RandomUniformLike",
    }
)  # fmt: skip
#: Where the input of Dropout stands that turns training on, from opset 12.
_TRAINING_INPUT = 2


def random_operators(variant: Variant) -> tuple[str, ...]:
    """Return the types of such operators in an ONNX file, sorted; empty for other formats."""
    if variant.format != "onnx":
        return ()
    import onnx

    model = onnx.load(str(variant.path), load_external_data=False)
    graphs = [model.graph, *model.functions]
    return tuple(sorted({kind for graph in graphs for kind in _of(graph)}))


def _of(graph: Any) -> Iterator[str]:
    for node in graph.node:
        if node.op_type in _DRAW or (node.op_type == "Dropout" and _in_training(node)):
            yield str(node.op_type)
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _of(inner)


def _in_training(node: Any) -> bool:
    return len(node.input) > _TRAINING_INPUT and bool(node.input[_TRAINING_INPUT])
