"""Which type every value of a graph has, those of the graphs inside its nodes too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchhub.compress.files.plain_graph import constant

if TYPE_CHECKING:
    import onnx

#: Of a value that is no tensor: a sequence, a map, an optional.
NO_TENSOR = -1


@dataclass(slots=True)
class Rewritten:
    """A graph as it is rewritten: its nodes so far, and the names that each value has by type.

    A value may be there in float32 and in float16; `names[value]` maps the element type to the
    name. `types` are the element types in the graph as it was, NO_TENSOR where it is no tensor;
    values that are not there are of a type that cannot be told. `factors` are what Constant nodes
    hold, single numbers mostly. `fixed` are values whose name in float32 is given, `shapes` those
    that are computed from shapes alone.
    """

    graph: onnx.GraphProto
    parent: Rewritten | None
    types: dict[str, int]
    tensors: Mapping[str, onnx.TensorProto]
    factors: Mapping[str, onnx.TensorProto]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    names: dict[str, dict[int, str]] = field(default_factory=dict)
    fixed: set[str] = field(default_factory=set)
    shapes: set[str] = field(default_factory=set)

    def owner(self, name: str) -> Rewritten | None:
        """Return the scope that defines a value: this one or one around it."""
        scope: Rewritten | None = self
        while scope is not None and name not in scope.names and name not in scope.tensors:
            scope = scope.parent
        return scope

    def type_of(self, name: str) -> int | None:
        """Return the element type of a value of this graph or one around it, None if unknown."""
        scope: Rewritten | None = self
        while scope is not None:
            if name in scope.types:
                return scope.types[name]
            scope = scope.parent
        return None


def without_shapes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy in which nothing is told of the shapes of values inside: it may be wrong."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for value in copy.graph.value_info:
        if value.type.HasField("tensor_type"):
            value.type.tensor_type.ClearField("shape")
    return copy


def inferred_types(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy in which values have types and shapes, as far as they can be inferred."""
    import onnx

    copy = without_shapes(model)
    for propagated in (True, False):
        try:
            return onnx.shape_inference.infer_shapes(copy, data_prop=propagated)
        except (onnx.shape_inference.InferenceError, RuntimeError, ValueError):
            continue
    return copy


def opened(graph: onnx.GraphProto, parent: Rewritten | None = None) -> Rewritten:
    """Return the scope of a graph whose shapes were inferred, nothing rewritten yet."""
    types: dict[str, int] = {}
    for value in (*graph.value_info, *graph.output, *graph.input):
        kind = value.type.WhichOneof("value")
        if kind == "tensor_type" and value.type.tensor_type.elem_type:
            types[value.name] = value.type.tensor_type.elem_type
        elif kind not in (None, "tensor_type"):
            types[value.name] = NO_TENSOR
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    types |= {name: tensor.data_type for name, tensor in tensors.items()}
    names = {value.name: {types.get(value.name, NO_TENSOR): value.name} for value in graph.input}
    held = (constant(node) for node in graph.node)
    factors = {one.name: one for one in held if one is not None}
    return Rewritten(graph, parent, types, tensors, factors, names=names)


def told_by_runtime(model: onnx.ModelProto, unknown: list[str]) -> dict[str, int]:
    """Return the element types of values of the outer graph as onnxruntime infers them.

    It knows operators that ONNX does not. Empty where it cannot load the model.
    """
    import onnx
    import onnxruntime

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    copy.graph.output.extend(onnx.ValueInfoProto(name=name) for name in unknown)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            copy.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception:  # noqa: BLE001 - then nothing more is known, and the node stays as it is
        return {}
    kinds = {f"tensor({name})": number for name, number in _RUNTIME_NAMES.items()}
    wanted = set(unknown)
    return {
        value.name: kinds.get(value.type, NO_TENSOR)
        for value in session.get_outputs()
        if value.name in wanted
    }


#: How onnxruntime calls the types, by ONNX's numbers.
_RUNTIME_NAMES = {
    "float": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7,
    "string": 8, "bool": 9, "float16": 10, "double": 11, "uint32": 12, "uint64": 13,
    "bfloat16": 16,
}  # fmt: skip
