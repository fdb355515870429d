"""One node of an ONNX graph with what is known of its inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import onnx

Shape = tuple[int, ...]

#: The name that the standard's own domain goes by in files.
STANDARD = ("", "ai.onnx")
#: No network has tensors of more.
_MOST_AXES = 32


@dataclass(frozen=True, slots=True)
class Scope:
    """Shapes and small constants by name, of a graph and of those around it."""

    shapes: Mapping[str, Shape] = field(default_factory=dict)
    values: Mapping[str, onnx.TensorProto] = field(default_factory=dict)

    def inside(self, graph: onnx.GraphProto) -> Scope:
        """Return what is known in `graph`, which a node of this scope holds, or the file."""
        shapes = {**self.shapes}
        for value in (*graph.input, *graph.output, *graph.value_info):
            kind = value.type.tensor_type
            dims = kind.shape.dim
            known = kind.HasField("shape") and len(dims) <= _MOST_AXES
            if known and all(dim.HasField("dim_value") and dim.dim_value >= 0 for dim in dims):
                shapes[value.name] = tuple(dim.dim_value for dim in dims)
            else:
                shapes.pop(value.name, None)
        held = {tensor.name: tensor for tensor in graph.initializer}
        shapes |= {name: tuple(tensor.dims) for name, tensor in held.items()}
        shapes |= {t.values.name: tuple(t.dims) for t in graph.sparse_initializer}
        return Scope(shapes, {**self.values, **held})


@dataclass(frozen=True, slots=True)
class Call:
    """A node in its scope."""

    node: onnx.NodeProto
    scope: Scope

    def has(self, index: int) -> bool:
        """Return whether the node is given input `index`."""
        return index < len(self.node.input) and bool(self.node.input[index])

    def shape(self, index: int) -> Shape | None:
        """Return the shape of an input; None if it is not known or not there."""
        return self.scope.shapes.get(self.node.input[index]) if self.has(index) else None

    def out(self, index: int = 0) -> Shape | None:
        """Return the shape of an output; None if it is not known or not there."""
        if index >= len(self.node.output):
            return None
        return self.scope.shapes.get(self.node.output[index])

    def attribute(self, name: str, default: Any = None) -> Any:
        """Return an attribute as Python has it; strings as text."""
        from onnx.helper import get_attribute_value

        for attribute in self.node.attribute:
            if attribute.name == name:
                value = get_attribute_value(attribute)
                return value.decode("utf-8") if isinstance(value, bytes) else value
        return default

    def scalar(self, index: int) -> Any:
        """Return the one element of a constant input; None if it is not known."""
        from onnx.numpy_helper import to_array

        tensor = self.scope.values.get(self.node.input[index]) if self.has(index) else None
        if tensor is None or tensor.data_location == tensor.EXTERNAL:
            return None
        values = to_array(tensor)
        return values.item() if values.size == 1 else None
