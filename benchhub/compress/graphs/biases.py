"""Biases that several layers share, given to each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

#: Where an operator has its bias.
_BIAS = {"Conv": 2, "ConvTranspose": 2, "Gemm": 2}


def share_no_bias(model: onnx.ModelProto) -> None:
    """Give each layer of the outer graph a bias of its own, under a name that nothing else has.

    A quantized bias has the scale of its layer's input. onnxruntime's quantizer numbers the copies
    that this takes, and may hit the name of another value.
    """
    import onnx

    graph = model.graph
    held = {tensor.name: tensor for tensor in graph.initializer}
    taken = {name for node in graph.node for name in (*node.input, *node.output)} | held.keys()
    used: set[str] = set()
    for node in graph.node:
        at = _BIAS.get(node.op_type, len(node.input))
        if at >= len(node.input) or node.input[at] not in held:
            continue
        name = node.input[at]
        if name not in used:
            used.add(name)
            continue
        own, count = f"{name}_own", 1
        while own in taken:
            count += 1
            own = f"{name}_own{count}"
        taken.add(own)
        copy = onnx.TensorProto()
        copy.CopyFrom(held[name])
        copy.name = own
        graph.initializer.append(copy)
        node.input[at] = own
