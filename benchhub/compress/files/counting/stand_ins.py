"""Output shapes of onnxruntime's own operators, at which ONNX's inference stops.

Where an operator of the standard would give outputs of the same shapes for some of the inputs, it
is asked instead; for the others `own_shapes` has a rule.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchhub.compress.files.counting.call import Call, Scope
from benchhub.compress.files.counting.own_shapes import OWN_SHAPES

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True, slots=True)
class StandIn:
    """A standard operator, and which inputs it is given: positions, or every third from one on."""

    operator: str
    inputs: tuple[int, ...] = (0,)
    third_from: int | None = None


def _table(operators: str, stand_in: StandIn) -> dict[str, StandIn]:
    return dict.fromkeys(operators.split(), stand_in)


_BOTH = (0, 1)
#: operator of com.microsoft -> what gives the same shapes.
STAND_INS: Mapping[str, StandIn] = {
    **_table(
        "BiasAdd BiasGelu BiasSoftmax DequantizeLinear FastGelu Gelu GroupNorm QLinearLeakyRelu "
        "QLinearSigmoid QLinearSoftmax QuantizeLinear QuickGelu SkipLayerNormalization "
        "SkipSimplifiedLayerNormalization BitmaskDropout",
        StandIn("Identity"),
    ),
    **_table("RotaryEmbedding GemmaRotaryEmbedding", StandIn("Identity")),
    **_table("DynamicQuantizeMatMul MatMulIntegerToFloat", StandIn("MatMul", _BOTH)),
    **_table("MatMulInteger16 GemmFastGelu", StandIn("MatMul", _BOTH)),
    **_table("FusedConv NhwcFusedConv", StandIn("Conv", _BOTH)),
    "DynamicQuantizeLSTM": StandIn("LSTM"),
    "FusedGemm": StandIn("Gemm", _BOTH),
    "QGemm": StandIn("Gemm", (0, 3)),
    "QLinearAdd": StandIn("Add", (0, 3)),
    "QLinearMul": StandIn("Mul", (0, 3)),
    "QLinearConcat": StandIn("Concat", (), third_from=2),
    "QLinearAveragePool": StandIn("AveragePool"),
    "QLinearConv": StandIn("Conv", (0, 3)),
    "QLinearGlobalAveragePool": StandIn("GlobalAveragePool"),
    "NhwcMaxPool": StandIn("MaxPool"),
}
#: Attributes of operators that keep channels last, which the standard does not.
_CHANNELS_LAST = ("channels_last",)
_LAST = ("NhwcFusedConv", "NhwcMaxPool")


def add_shapes(model: onnx.ModelProto) -> bool:
    """Add the output shapes that stand-ins tell to a graph; return whether there were new ones."""
    scope = Scope().inside(model.graph)
    new = False
    for node in model.graph.node:
        if node.domain != "com.microsoft" or all(n in scope.shapes for n in node.output if n):
            continue
        for value in _outputs(Call(node, scope)):
            if value.name not in scope.shapes and is_whole(value):
                model.graph.value_info.append(value)
                new = True
    return new


def is_whole(value: onnx.ValueInfoProto) -> bool:
    """Return whether all sizes of a tensor are known."""
    kind = value.type.tensor_type
    return kind.HasField("shape") and all(dim.HasField("dim_value") for dim in kind.shape.dim)


def _outputs(call: Call) -> list[onnx.ValueInfoProto]:
    from onnx import TensorProto
    from onnx.helper import make_tensor_value_info

    operator = call.node.op_type
    if operator in STAND_INS:
        return _stood_in(call, STAND_INS[operator])
    shape = OWN_SHAPES[operator](call) if operator in OWN_SHAPES else None
    if shape is None:
        return []
    return [make_tensor_value_info(call.node.output[0], TensorProto.FLOAT, shape)]


def _stood_in(call: Call, stand_in: StandIn) -> list[onnx.ValueInfoProto]:
    import onnx
    from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info

    node = call.node
    if node.op_type in _LAST or any(call.attribute(name, 0) for name in _CHANNELS_LAST):
        return []
    positions = stand_in.inputs
    if stand_in.third_from is not None:
        positions = tuple(range(stand_in.third_from, len(node.input), 3))
    shapes = [call.shape(position) for position in positions]
    if any(shape is None for shape in shapes):
        return []
    schema = onnx.defs.get_schema(stand_in.operator, 17)
    own = make_node(
        stand_in.operator,
        [f"in{at}" for at in range(len(shapes))],
        [*node.output][: schema.max_output],
    )
    own.attribute.extend(one for one in node.attribute if one.name in schema.attributes)
    floats = onnx.TensorProto.FLOAT
    graph = make_graph(
        [own],
        "one",
        [make_tensor_value_info(f"in{at}", floats, shape) for at, shape in enumerate(shapes)],
        [make_tensor_value_info(name, floats, None) for name in own.output if name],
    )
    model = make_model(graph, opset_imports=[make_opsetid("", 17)])
    with contextlib.suppress(onnx.shape_inference.InferenceError, RuntimeError, ValueError):
        return list(onnx.shape_inference.infer_shapes(model, data_prop=True).graph.output)
    return []
