"""What a model file says of its inputs beside dtype and shape: names of axes, and what reads them.

Integers that index a table must stay below its rows, and a scalar that is compared with a constant
must be that constant, or the model is measured on a way that it never takes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchhub.compress.files.external import array_of
from benchhub.compress.files.plain_graph import constant
from benchhub.model.cell import TensorSpec, Variant
from benchhub.outside.foreign.reading import reading
from benchhub.run.inputs.axes import is_formula_of, says_batch

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
    table has that it indexes, `constants` are numbers that it is compared with. `apart`: its first
    axis is none of cases: it is computed from others, stands before the batch, or see `set_apart`.
    """

    name: str
    dtype: str
    axes: tuple[int | str | None, ...] | None
    rows: int | None = None
    constants: tuple[float, ...] = ()
    apart: bool = False


def signature(variant: Variant) -> tuple[ModelInput, ...]:
    """Return the inputs of a model file, in its order; ConfigError where it cannot be read."""
    plain = tuple(ModelInput(one.name, one.dtype, one.shape) for one in variant.inputs)
    several = sum(one.shape[:1] == (None,) for one in variant.inputs) > 1  # by names, one batch
    if not several and all(_says_it_all(one) for one in variant.inputs):
        return plain
    where = f"variant {variant.name}: model {variant.path}"
    with reading(where, "cannot be looked into", "export it again"):
        if variant.format == "onnx":
            return _of_onnx(variant, plain)
        if variant.format == "tflite":
            return tuple(_of_tflite(variant, plain))
    return plain


def within_tables(
    inputs: Sequence[ModelInput], others: Sequence[ModelInput]
) -> tuple[ModelInput, ...]:
    """Return inputs whose indices stay within the tables of another model, too, by their names."""
    rows = {one.name: one.rows for one in others}
    found = []
    for one in inputs:
        known = [size for size in (one.rows, rows.get(one.name)) if size is not None]
        found.append(replace(one, rows=min(known, default=None)))
    return tuple(found)


def _says_it_all(spec: TensorSpec) -> bool:
    """Whether nothing is to be asked of the file: floats of known sizes but for the batch."""
    return spec.dtype.startswith("float") and len(spec.shape) > 0 and None not in spec.shape[1:]


def _of_onnx(variant: Variant, plain: tuple[ModelInput, ...]) -> tuple[ModelInput, ...]:
    import onnx

    model = onnx.load(str(variant.path), load_external_data=False)
    declared = {value.name: value for value in model.graph.input}
    graph = _OnnxGraph(model.graph, variant.path.parent)
    axes_of = {one.name: _axes_of(one, declared.get(one.in_file)) for one in variant.inputs}
    named = {axis for axes in axes_of.values() for axis in axes or () if isinstance(axis, str)}
    found = []
    for one, spec in zip(plain, variant.inputs, strict=True):
        rows, constants = graph.readers(spec.in_file)
        axes = axes_of[one.name]
        apart = axes is not None and len(axes) > 0 and _is_apart(axes, named)
        found.append(replace(one, axes=axes, rows=rows, constants=constants, apart=apart))
    return tuple(found)


def _is_apart(axes: tuple[int | str | None, ...], named: Collection[str]) -> bool:
    """Return whether the first axis is of no cases: computed from others, or before the batch."""
    first, *others = axes
    later = isinstance(first, str) and not says_batch(first) and any(map(says_batch, others))
    return later or is_formula_of(first, named)


def _axes_of(
    spec: TensorSpec, value: onnx.ValueInfoProto | None
) -> tuple[int | str | None, ...] | None:
    """Return the axes that a file declares for an input, in the order of the data."""
    axes = spec.shape if value is None else _axes(value)
    if axes is None or value is None or not spec.order:
        return axes
    return tuple(axes[spec.order.index(axis)] for axis in range(len(axes)))


def _axes(value: onnx.ValueInfoProto) -> tuple[int | str | None, ...] | None:
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        return None
    return tuple(
        dim.dim_value
        if dim.HasField("dim_value") and dim.dim_value >= (not place)
        else dim.dim_param or None
        for place, dim in enumerate(kind.shape.dim)
    )


class _OnnxGraph:
    """Who reads which value, subgraphs included, and the constants, in other files of a folder."""

    def __init__(self, graph: onnx.GraphProto, folder: Path) -> None:
        self._folder = folder
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
            held = constant(node)
            if held is not None:
                self._constants[node.output[0]] = held
            for attribute in node.attribute:
                for inner in (
                    *([attribute.g] if attribute.HasField("g") else []),
                    *attribute.graphs,
                ):
                    self._read(inner)

    def readers(self, name: str) -> tuple[int | None, tuple[float, ...]]:
        """Return the rows of the smallest table that a value indexes, and what it is equal to."""
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
                        constants += array_of(other, self._folder).reshape(-1)[:4].tolist()
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
            if -len(sizes) <= axis < len(sizes) and sizes[axis] > 0:
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
        tables = (graph.tensors[table].sizes for table in _tflite_tables(graph, index))
        rows = [sizes[0] for sizes in tables if sizes and sizes[0] > 0]
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
