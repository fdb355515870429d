"""What a model file says of its inputs beside dtype and shape: names of axes, and what reads them.

Integers that index a table must stay below its rows, and a scalar that is compared with a constant
must be that constant, or the model is measured on a way that it never takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from benchhub.model.cell import TensorSpec, Variant
from benchhub.outside.foreign.reading import reading

if TYPE_CHECKING:
    import onnx

#: Operators behind which the values of an integer input are still its own.
_PASSING = frozenset(
    {"Cast", "Reshape", "Unsqueeze", "Squeeze", "Identity", "Transpose", "Flatten", "Expand"}
    | {"CAST", "RESHAPE", "EXPAND_DIMS", "SQUEEZE", "TRANSPOSE"}
)


@dataclass(frozen=True, slots=True)
class ModelInput:
    """An input: its axes as sizes, names (open ones that have one) or None.

    `axes` None: the file says not even how many there are. `rows` is how many rows the smallest
    table has that it indexes, `constants` are numbers that it is compared with.
    """

    name: str
    dtype: str
    axes: tuple[int | str | None, ...] | None
    rows: int | None = None
    constants: tuple[float, ...] = ()


def signature(variant: Variant) -> tuple[ModelInput, ...]:
    """Return the inputs of a model file, in its order; ConfigError where it cannot be read."""
    plain = tuple(ModelInput(one.name, one.dtype, one.shape) for one in variant.inputs)
    if all(_says_it_all(one) for one in variant.inputs):
        return plain
    where = f"variant {variant.name}: model {variant.path}"
    with reading(where, "cannot be looked into", "export it again"):
        if variant.format == "onnx":
            return _of_onnx(variant, plain)
        if variant.format == "tflite":
            return tuple(_of_tflite(variant, plain))
    return plain


def _says_it_all(spec: TensorSpec) -> bool:
    """Whether nothing is to be asked of the file: floats of known sizes but for the batch."""
    return spec.dtype.startswith("float") and len(spec.shape) > 0 and None not in spec.shape[1:]


def _of_onnx(variant: Variant, plain: tuple[ModelInput, ...]) -> tuple[ModelInput, ...]:
    import onnx

    model = onnx.load(str(variant.path), load_external_data=False)
    declared = {value.name: value for value in model.graph.input}
    graph = _OnnxGraph(model.graph)
    in_file = {spec.name: spec.in_file for spec in variant.inputs}
    found = []
    for one in plain:
        name = in_file[one.name]
        rows, constants = graph.readers(name)
        axes = _axes(declared[name]) if name in declared else one.axes
        found.append(replace(one, axes=axes, rows=rows, constants=constants))
    return tuple(found)


def _axes(value: onnx.ValueInfoProto) -> tuple[int | str | None, ...] | None:
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        return None
    return tuple(
        dim.dim_value if dim.dim_value > 0 else dim.dim_param or None for dim in kind.shape.dim
    )


class _OnnxGraph:
    """Who reads which value, subgraphs included, and the constants."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._readers: dict[str, list[onnx.NodeProto]] = {}
        self._constants: dict[str, onnx.TensorProto] = {}
        self._inputs_of: dict[str, onnx.NodeProto] = {}
        self._read(graph)

    def _read(self, graph: onnx.GraphProto) -> None:
        self._constants |= {tensor.name: tensor for tensor in graph.initializer}
        for node in graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)
            for name in node.output:
                self._inputs_of[name] = node
            for attribute in node.attribute:
                if node.op_type == "Constant" and attribute.name == "value":
                    self._constants[node.output[0]] = attribute.t
                for inner in (
                    *([attribute.g] if attribute.HasField("g") else []),
                    *attribute.graphs,
                ):
                    self._read(inner)

    def readers(self, name: str) -> tuple[int | None, tuple[float, ...]]:
        """Return the rows of the smallest table that a value indexes, and what it is equal to."""
        from onnx.numpy_helper import to_array

        rows: list[int] = []
        constants: list[float] = []
        todo, seen = [name], {name}
        while todo:
            value = todo.pop()
            for node in self._readers.get(value, ()):
                if node.op_type in _PASSING and node.input[0] == value:
                    todo += [one for one in node.output if one not in seen]
                    seen |= set(node.output)
                elif node.op_type == "Equal":
                    other = self._constants.get(next((i for i in node.input if i != value), ""))
                    if other is not None and other.data_type != 8:  # no strings
                        constants += to_array(other).reshape(-1)[:4].tolist()
                else:
                    rows += self._tables(node, value)
        return min(rows, default=None), tuple(map(float, constants))

    def _tables(self, node: onnx.NodeProto, value: str) -> Iterator[int]:
        places: Mapping[int, int] = {}
        if node.op_type == "Gather":
            places = {1: 0}
        elif node.op_type == "EmbedLayerNormalization":  # ids, segments: words, segments
            places = {0: 2, 1: 4}
        for of, table in places.items():
            if len(node.input) <= max(of, table) or node.input[of] != value:
                continue
            sizes = self._sizes(node.input[table])
            axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
            if sizes and -len(sizes) <= axis < len(sizes):
                yield sizes[axis]

    def _sizes(self, name: str) -> tuple[int, ...]:
        for _ in range(4):  # a table may be dequantized or cast on its way
            if name in self._constants:
                return tuple(self._constants[name].dims)
            node = self._inputs_of.get(name)
            if node is None or node.op_type not in ("DequantizeLinear", "Cast", "Identity"):
                return ()
            name = node.input[0]
        return ()


def _of_tflite(variant: Variant, plain: tuple[ModelInput, ...]) -> Iterator[ModelInput]:
    from benchhub.compress.tflite.graph import read_graph

    graph = read_graph(variant.path.read_bytes())
    for one, (_, index) in zip(plain, graph.inputs, strict=True):
        rows = [graph.tensors[table].sizes[0] for table in _tflite_tables(graph, index)]
        yield replace(one, rows=min(rows, default=None))


def _tflite_tables(graph: Any, index: int) -> Iterator[int]:
    known = {index}
    for operator in graph.operators:  # in the order of execution
        if operator.kind in _PASSING and operator.inputs and operator.inputs[0] in known:
            known |= set(operator.outputs)
        elif operator.kind == "GATHER" and operator.inputs[1] in known:
            yield operator.inputs[0]
        elif operator.kind == "EMBEDDING_LOOKUP" and operator.inputs[0] in known:
            yield operator.inputs[1]
