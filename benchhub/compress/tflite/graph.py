"""A TFLite file's first graph as plain tuples; the flatbuffer is read by the `tflite` package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class GraphTensor:
    """A tensor; `sizes` as stored, `shape` with None where it is open; `content` if constant.

    `scales` and `zero_points` are empty where it is not quantized; they run along `axis`.
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
    """The graph that an interpreter runs; inputs and outputs are (name, tensor index)."""

    tensors: tuple[GraphTensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, int], ...]


#: Names in the schema that numpy does not have.
_DTYPES = {"RESOURCE": "resource", "VARIANT": "variant", "STRING": "string"}
#: What lies in a file is named so often at most; and no runtime has tensors of more axes.
_OFTEN, _MOST_AXES = 4, 32


def read_graph(blob: bytes) -> Graph:
    """Return the first graph; errors of the flatbuffer reader come as they are.

    Inputs and outputs have the names of the file's signature if it has exactly one, else those of
    their tensors without the prefix `serving_default_` and the suffix `:0`, as on the device.
    """
    import tflite

    held = _Flatbuffer(blob)
    model = tflite.Model.GetRootAs(blob, 0)
    if not model.SubgraphsLength():
        raise ValueError("it has no graph")
    graph = model.Subgraphs(0)
    dtypes = {v: _DTYPES.get(k, k.lower()) for k, v in _constants(tflite.TensorType)}
    kinds = {value: key for key, value in _constants(tflite.BuiltinOperator)}
    tensors = tuple(
        _tensor(held, model, graph.Tensors(at), dtypes)
        for at in range(held.counted(graph.TensorsLength()))
    )
    operators = tuple(
        _operator(held, model, graph.Operators(at), kinds)
        for at in range(held.counted(graph.OperatorsLength()))
    )
    inputs = held.listed(graph.Inputs, graph.InputsLength())
    outputs = held.listed(graph.Outputs, graph.OutputsLength())
    if not all(0 <= at < len(tensors) for at in (*inputs, *outputs)):
        raise ValueError("an input or output of its graph is none of its tensors")
    if any(not -1 <= at < len(tensors) for one in operators for at in (*one.inputs, *one.outputs)):
        raise ValueError("an operator takes what is none of its tensors")
    if not operators or not outputs:
        raise ValueError("its graph computes nothing")
    for at in (*inputs, *outputs):
        held.counted(len(tensors[at].name))
    of_inputs, of_outputs = _signature(model)
    return Graph(
        tensors,
        operators,
        tuple((of_inputs.get(index) or _plain(tensors[index].name), index) for index in inputs),
        tuple((of_outputs.get(index) or _plain(tensors[index].name), index) for index in outputs),
    )


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
        dtype=dtypes[tensor.Type()],
        sizes=sizes,
        shape=tuple(None if size < 0 else size for size in declared or sizes),
        content=held.content(model, tensor.Buffer()),
        scales=scales if any(scales) else (),
        zero_points=points,
        axis=quantization.QuantizedDimension() if quantization is not None else 0,
        sparse=tensor.Sparsity() is not None,
    )


def _operator(held: _Flatbuffer, model: Any, operator: Any, kinds: dict[int, str]) -> Operator:
    code = model.OperatorCodes(operator.OpcodeIndex())
    kind = kinds[_builtin(code)]
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


def _plain(name: str) -> str:
    return name.removeprefix("serving_default_").partition(":")[0]
