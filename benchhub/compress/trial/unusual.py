"""Whether a model file holds what a runtime may lack: then it is worth loading before measuring.

To load a model takes a process and about a second for each runtime, to read what it holds some
milliseconds. What is not on these lists is loaded, and then the runtime says: they save time, and
tell nothing about a model.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from benchhub.compress.files.counting.call import STANDARD
from benchhub.compress.files.plain_graph import graphs
from benchhub.compress.tflite.graph import read_graph
from benchhub.model.cell import Variant

if TYPE_CHECKING:
    import onnx

#: What has been read by all releases for two years and more.
_OPSET, _IR_VERSION, _VERSION = 21, 10, 9
#: Larger ones take long to read, let alone to load: their first launch tells.
_LOOKED_AT_BYTES = 256 << 20
_OPERATORS = """
Abs Acos Add And ArgMax ArgMin Asin Atan AveragePool BatchNormalization Cast Ceil Clip Concat
Constant ConstantOfShape Conv ConvInteger ConvTranspose Cos Cosh CumSum DepthToSpace
DequantizeLinear Div Dropout DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand EyeLike Flatten
Floor GRU Gather GatherElements GatherND Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual
GridSample HardSigmoid HardSwish Identity If InstanceNormalization IsInf IsNaN LRN LSTM
LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax Loop LpNormalization MatMul
MatMulInteger Max MaxPool MeanVarianceNormalization Min Mod Mul Neg NonMaxSuppression NonZero Not
OneHot Or PRelu Pad Pow QuantizeLinear RNN Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum
ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape
Resize ReverseSequence RoiAlign Round ScatterElements ScatterND Selu Shape Sigmoid Sign Sin Sinh
Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh
ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Upsample Where Xor
"""
#: (domain, operator); the last is what onnxruntime's quantizer makes of an LSTM.
_PLAIN = frozenset(
    {(domain, name) for name in _OPERATORS.split() for domain in STANDARD}
    | {("com.microsoft", "DynamicQuantizeLSTM")}
)
#: UNDEFINED is not told, as of what a branch returns.
_PLAIN_TYPES = frozenset(["FLOAT", "INT64", "INT32", "BOOL", "UINT8", "INT8", "UNDEFINED"])


def is_unusual(variant: Variant) -> bool:
    """Return whether a runtime that reads the format might not load the file."""
    if variant.path.stat().st_size > _LOOKED_AT_BYTES:
        return False
    try:
        match variant.format:
            case "onnx":
                return _unusual_onnx(variant)
            case "tflite":
                return _unusual_tflite(variant)
    except Exception:  # noqa: BLE001 - a type that nobody knows, for one: the runtime says
        return True
    return False  # torch reads what torch wrote


def _unusual_onnx(variant: Variant) -> bool:
    import onnx

    model = onnx.load(str(variant.path), load_external_data=False)
    if model.ir_version > _IR_VERSION or model.functions:
        return True
    opsets = {one.domain: one.version for one in model.opset_import}
    if any(version > _OPSET for domain, version in opsets.items() if domain in STANDARD):
        return True
    whole = list(graphs(model.graph))
    nodes = (node for graph in whole for node in graph.node)
    if any((node.domain, node.op_type) not in _PLAIN for node in nodes):
        return True
    return not set(_types(whole)) <= _PLAIN_TYPES


def _types(whole: Iterable[onnx.GraphProto]) -> Iterable[str]:
    """Yield the types of numbers that graphs take, hold, and turn others into."""
    from onnx import TensorProto

    for graph in whole:
        for value in (*graph.input, *graph.output):
            yield TensorProto.DataType.Name(value.type.tensor_type.elem_type)
        for tensor in graph.initializer:
            yield TensorProto.DataType.Name(tensor.data_type)
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.name == "to":
                    yield TensorProto.DataType.Name(attribute.i)
                elif attribute.HasField("t"):
                    yield TensorProto.DataType.Name(attribute.t.data_type)


def _unusual_tflite(variant: Variant) -> bool:
    graph = read_graph(variant.path.read_bytes())
    return any(
        one.custom or one.kind.startswith(("STABLEHLO", "OPERATOR_")) or one.version > _VERSION
        for part in (graph, *graph.inner)
        for one in part.operators
    )
