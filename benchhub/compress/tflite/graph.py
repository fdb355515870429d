"""A TFLite file's first graph as plain tuples; the flatbuffer is read by the `tflite` package."""

from __future__ import annotations

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


def read_graph(blob: bytes) -> Graph:
    """Return the first graph; errors of the flatbuffer reader come as they are.

    Inputs and outputs have the names of the file's signature if it has exactly one, else those of
    their tensors without the prefix `serving_default_` and the suffix `:0`, as on the device.
    """
    import tflite

    model = tflite.Model.GetRootAs(blob, 0)
    if not model.SubgraphsLength():
        raise ValueError("it has no graph")
    graph = model.Subgraphs(0)
    dtypes = {v: _DTYPES.get(k, k.lower()) for k, v in _constants(tflite.TensorType)}
    kinds = {value: key for key, value in _constants(tflite.BuiltinOperator)}
    tensors = tuple(
        _tensor(blob, model, graph.Tensors(index), dtypes) for index in range(graph.TensorsLength())
    )
    operators = tuple(
        _operator(model, graph.Operators(index), kinds) for index in range(graph.OperatorsLength())
    )
    inputs = tuple(graph.Inputs(position) for position in range(graph.InputsLength()))
    outputs = tuple(graph.Outputs(position) for position in range(graph.OutputsLength()))
    if not operators or not outputs:
        raise ValueError("its graph computes nothing")
    of_inputs, of_outputs = _signature(model)
    return Graph(
        tensors,
        operators,
        tuple((of_inputs.get(index) or _plain(tensors[index].name), index) for index in inputs),
        tuple((of_outputs.get(index) or _plain(tensors[index].name), index) for index in outputs),
    )


def _constants(enum: Any) -> list[tuple[str, int]]:
    return [(key, value) for key, value in vars(enum).items() if not key.startswith("_")]


def _tensor(blob: bytes, model: Any, tensor: Any, dtypes: dict[int, str]) -> GraphTensor:
    sizes = tuple(tensor.Shape(axis) for axis in range(tensor.ShapeLength()))
    declared = tuple(tensor.ShapeSignature(axis) for axis in range(tensor.ShapeSignatureLength()))
    quantization = tensor.Quantization()
    scales: tuple[float, ...] = ()
    points: tuple[int, ...] = ()
    if quantization is not None:
        scales = tuple(quantization.Scale(i) for i in range(quantization.ScaleLength()))
        points = tuple(quantization.ZeroPoint(i) for i in range(quantization.ZeroPointLength()))
    return GraphTensor(
        name=(tensor.Name() or b"").decode("utf-8", "replace"),
        dtype=dtypes[tensor.Type()],
        sizes=sizes,
        shape=tuple(None if size < 0 else size for size in declared or sizes),
        content=_content(blob, model.Buffers(tensor.Buffer())),
        scales=scales if any(scales) else (),
        zero_points=points,
        axis=quantization.QuantizedDimension() if quantization is not None else 0,
        sparse=tensor.Sparsity() is not None,
    )


def _content(blob: bytes, buffer: Any) -> bytes | None:
    if buffer.Offset() > 1:  # behind the flatbuffer, as in files too large for one
        content = blob[buffer.Offset() : buffer.Offset() + buffer.Size()]
        if len(content) < buffer.Size():
            raise ValueError("a buffer reaches beyond the end of the file")
        return content
    return bytes(buffer.DataAsNumpy()) if buffer.DataLength() else None


def _operator(model: Any, operator: Any, kinds: dict[int, str]) -> Operator:
    code = model.OperatorCodes(operator.OpcodeIndex())
    kind = kinds[_builtin(code)]
    inputs = tuple(operator.Inputs(position) for position in range(operator.InputsLength()))
    outputs = tuple(operator.Outputs(position) for position in range(operator.OutputsLength()))
    custom = (code.CustomCode() or b"").decode("utf-8", "replace")
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
