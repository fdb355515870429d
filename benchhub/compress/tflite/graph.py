"""A TFLite file's first graph as plain tuples; the flatbuffer is read by the `tflite` package."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchhub.ondevice.backends.tflite.tensors import labels


@dataclass(frozen=True, slots=True)
class GraphTensor:
    """A tensor; `sizes` as stored, `shape` with None where it is open; `content` if constant.

    `scales` and `zero_points` are empty where it is not quantized; they run along `axis`. Tensors
    of one `buffer` have one content.
    """

    name: str
    dtype: str
    sizes: tuple[int, ...]
    shape: tuple[int | None, ...]
    content: bytes | None
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int
    sparse: bool
    buffer: int = 0


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator by its schema name; absent inputs are -1. `swapped`: its left side is adjoint.

    `custom` is the name that a CUSTOM one goes by; `version` that of its definition, from 1 on.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    swapped: bool = False
    custom: str = ""
    version: int = 1


@dataclass(frozen=True, slots=True)
class Graph:
    """The graph that an interpreter runs; inputs and outputs are (name, tensor index).

    `inner` are those that its operators run, as branches and loops do, and theirs.
    """

    tensors: tuple[GraphTensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, int], ...]
    inner: tuple[Graph, ...] = ()


#: Names in the schema that numpy does not have.
_DTYPES = {"RESOURCE": "resource", "VARIANT": "variant", "STRING": "string"}
#: What lies in a file is named so often at most; and no runtime has tensors of more axes.
_OFTEN, _MOST_AXES = 4, 32
#: Operators that run other graphs: their options, and what of these says which.
_RUNNING = {
    "IF": ("IfOptions", ("ThenSubgraphIndex", "ElseSubgraphIndex")),
    "WHILE": ("WhileOptions", ("CondSubgraphIndex", "BodySubgraphIndex")),
    "CALL": ("CallOptions", ("Subgraph",)),
    "CALL_ONCE": ("CallOnceOptions", ("InitSubgraphIndex",)),
}
#: Numbers that the schema may give to types and operators which the package does not know yet.
_MOST_TYPES, _MOST_OPERATORS = 64, 1024


def read_graph(blob: bytes) -> Graph:
    """Return the first graph; errors of the flatbuffer reader come as they are.

    Inputs and outputs have the names of the file's signature if it has exactly one, else those of
    their tensors, as on the device: see `labels`.
    """
    import tflite

    held = _Flatbuffer(blob)
    model = tflite.Model.GetRootAs(blob, 0)
    if not model.SubgraphsLength():
        raise ValueError("it has no graph")
    reader = _Reader(held, model)
    graph, called = reader.graph(0, *_signature(model))
    if not graph.operators or not graph.outputs:
        raise ValueError("its graph computes nothing")
    inner: dict[int, Graph] = {}
    while called:
        index = called.pop()
        if index and index not in inner:
            inner[index], more = reader.graph(index)
            called |= more
    return replace(graph, inner=tuple(inner[index] for index in sorted(inner)))


class _Reader:
    """The graphs of a file by their index."""

    def __init__(self, held: _Flatbuffer, model: Any) -> None:
        import tflite

        self._held, self._model = held, model
        self._dtypes = {v: _DTYPES.get(k, k.lower()) for k, v in _constants(tflite.TensorType)}
        self._kinds = {value: key for key, value in _constants(tflite.BuiltinOperator)}

    def graph(
        self,
        index: int,
        of_inputs: Mapping[int, str] | None = None,
        of_outputs: Mapping[int, str] | None = None,
    ) -> tuple[Graph, set[int]]:
        """Return a graph, and the indices of those that its operators run."""
        held, model = self._held, self._model
        if not 0 <= index < model.SubgraphsLength():
            raise ValueError("an operator runs a graph that is not there")
        graph = model.Subgraphs(index)
        tensors = tuple(
            _tensor(held, model, graph.Tensors(at), self._dtypes)
            for at in range(held.counted(graph.TensorsLength()))
        )
        found = held.listed(graph.Operators, graph.OperatorsLength())
        operators = tuple(_operator(held, model, one, self._kinds) for one in found)
        inputs = held.listed(graph.Inputs, graph.InputsLength())
        outputs = held.listed(graph.Outputs, graph.OutputsLength())
        if not all(0 <= at < len(tensors) for at in (*inputs, *outputs)):
            raise ValueError("an input or output of its graph is none of its tensors")
        given = (at for one in operators for at in (*one.inputs, *one.outputs))
        if any(not -1 <= at < len(tensors) for at in given):
            raise ValueError("an operator takes what is none of its tensors")
        for at in (*inputs, *outputs):
            held.counted(len(tensors[at].name))
        sides = _named(tensors, inputs, of_inputs or {}), _named(tensors, outputs, of_outputs or {})
        kinds = zip(found, operators, strict=True)
        called = {at for one, told in kinds for at in _called(one, told.kind)}
        return Graph(tensors, operators, *sides), called


def _called(operator: Any, kind: str) -> tuple[int, ...]:
    """Return the indices of the graphs that an operator runs."""
    import tflite

    table = operator.BuiltinOptions()
    if table is None or kind not in _RUNNING:
        return ()
    name, fields = _RUNNING[kind]
    options = getattr(tflite, name)()
    options.Init(table.Bytes, table.Pos)
    return tuple(int(getattr(options, field)()) for field in fields)


class _Flatbuffer:
    """What has been read of a file: no more of it than there is.

    The bytes of a flatbuffer may be named as often as it likes, so that a small file could stand
    for more than fits into memory.
    """

    def __init__(self, blob: bytes) -> None:
        self.blob = blob
        self._left = _OFTEN * len(blob)
        self._contents: dict[int, bytes | None] = {}

    def counted(self, size: int) -> int:
        """Return `size`, of elements or bytes that lie in the file; ValueError past its end."""
        self._left -= size
        if self._left < 0:
            raise ValueError("it names more than it holds")
        return size

    def text(self, raw: bytes | None) -> str:
        """Return a name."""
        return (raw or b"")[: self.counted(len(raw or b""))].decode("utf-8", "replace")

    def listed(self, of: Callable[[int], Any], size: int) -> tuple[Any, ...]:
        """Return the elements of a list."""
        return tuple(of(at) for at in range(self.counted(size)))

    def content(self, model: Any, at: int) -> bytes | None:
        """Return the bytes of a buffer, None for an empty one; tensors may share them."""
        if at not in self._contents:
            self._contents[at] = self._content(model.Buffers(at))
        return self._contents[at]

    def _content(self, buffer: Any) -> bytes | None:
        if buffer.Offset() > 1:  # behind the flatbuffer, as in files too large for one
            end = buffer.Offset() + self.counted(buffer.Size())
            if end > len(self.blob):
                raise ValueError("a buffer reaches beyond the end of the file")
            return self.blob[buffer.Offset() : end]
        size = self.counted(buffer.DataLength())
        return bytes(buffer.DataAsNumpy()) if size else None


def _constants(enum: Any) -> list[tuple[str, int]]:
    return [(key, value) for key, value in vars(enum).items() if not key.startswith("_")]


def _tensor(held: _Flatbuffer, model: Any, tensor: Any, dtypes: dict[int, str]) -> GraphTensor:
    if max(tensor.ShapeLength(), tensor.ShapeSignatureLength()) > _MOST_AXES:
        raise ValueError(f"a tensor has {tensor.ShapeLength()} axes")
    sizes = held.listed(tensor.Shape, tensor.ShapeLength())
    declared = held.listed(tensor.ShapeSignature, tensor.ShapeSignatureLength())
    quantization = tensor.Quantization()
    scales: tuple[float, ...] = ()
    points: tuple[int, ...] = ()
    if quantization is not None:
        scales = held.listed(quantization.Scale, quantization.ScaleLength())
        points = held.listed(quantization.ZeroPoint, quantization.ZeroPointLength())
    return GraphTensor(
        name=held.text(tensor.Name()),
        dtype=_schema_name(dtypes, tensor.Type(), _MOST_TYPES, "type"),
        sizes=sizes,
        shape=tuple(None if size < 0 else size for size in declared or sizes),
        content=held.content(model, tensor.Buffer()),
        scales=scales if any(scales) else (),
        zero_points=points,
        axis=quantization.QuantizedDimension() if quantization is not None else 0,
        sparse=tensor.Sparsity() is not None,
        buffer=int(tensor.Buffer()),
    )


def _schema_name(names: Mapping[int, str], number: int, most: int, what: str) -> str:
    """Return what the schema calls a number; one that is newer than the package goes by itself."""
    if number not in names and 0 <= number < most:
        return f"{what}_{number}"
    return names[number]


def _operator(held: _Flatbuffer, model: Any, operator: Any, kinds: dict[int, str]) -> Operator:
    code = model.OperatorCodes(operator.OpcodeIndex())
    kind = _schema_name(kinds, _builtin(code), _MOST_OPERATORS, "OPERATOR")
    inputs = held.listed(operator.Inputs, operator.InputsLength())
    outputs = held.listed(operator.Outputs, operator.OutputsLength())
    custom = held.text(code.CustomCode())
    swapped = kind == "BATCH_MATMUL" and _adjoint(operator)
    return Operator(kind, inputs, outputs, swapped, custom, code.Version())


def _builtin(code: Any) -> int:
    """Return an operator's code, which files of an older schema keep in a byte of its own.

    The package's own reading prefers that byte, and calls what a quantizer adds without it ADD.
    """
    from flatbuffers.number_types import Int32Flags

    table = code._tab
    place = table.Offset(10)
    of_field = int(table.Get(Int32Flags, place + table.Pos)) if place else 0
    return max(of_field, int(code.DeprecatedBuiltinCode()))


def _adjoint(operator: Any) -> bool:
    import tflite

    table = operator.BuiltinOptions()
    if table is None:
        return False
    options = tflite.BatchMatMulOptions()
    options.Init(table.Bytes, table.Pos)
    return bool(options.AdjX())


def _signature(model: Any) -> tuple[dict[int, str], dict[int, str]]:
    if model.SignatureDefsLength() != 1:
        return {}, {}
    signature = model.SignatureDefs(0)
    inputs = (signature.Inputs(position) for position in range(signature.InputsLength()))
    outputs = (signature.Outputs(position) for position in range(signature.OutputsLength()))
    of_inputs, of_outputs = (
        {entry.TensorIndex(): entry.Name().decode() for entry in side} for side in (inputs, outputs)
    )
    return of_inputs, of_outputs


def _named(
    tensors: Sequence[GraphTensor], side: Sequence[int], known: Mapping[int, str]
) -> tuple[tuple[str, int], ...]:
    told = labels([(index, tensors[index].name) for index in side], known)
    return tuple(zip(told, side, strict=True))
