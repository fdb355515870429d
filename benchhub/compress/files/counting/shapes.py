"""The shapes of all tensors of an ONNX graph, inferred; nothing is executed but small arithmetic.

Shapes of real files hang on shapes: what a Reshape is given is computed from what a Shape tells.
So inference and folding take turns until neither finds more: ONNX's own inference with data
propagation, nodes of small constants computed, branches of a known condition put in.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchhub.compress.files.counting.call import Shape
from benchhub.compress.files.counting.folding import fold
from benchhub.compress.files.counting.stand_ins import add_shapes, is_whole
from benchhub.compress.files.external import array_of
from benchhub.compress.files.plain_graph import graphs, plain
from benchhub.model.arrays import Array

if TYPE_CHECKING:
    import onnx

#: Elements of a constant that is kept: shapes, axes and the like. Weights are not looked into.
_SMALL = 4096
_ROUNDS = 20
#: Marks a tensor whose content was left out: the number of TensorProto.EXTERNAL.
_LEFT_OUT = 1


def bare(
    model: onnx.ModelProto,
    shapes: Mapping[str, Shape],
    values: Mapping[str, Array] | None = None,
    folder: Path | None = None,
) -> onnx.ModelProto:
    """Return a copy in plain form without the contents of weights and without recorded shapes.

    An input has the shape that is given for it; else its own, with a first axis of 1 where that is
    open; with a value it is a constant. Large weights become inputs after the model's own: their
    sizes are all that is needed; small ones in other files are read from `folder`. Recorded shapes
    go because they may be of another batch.
    """
    import onnx

    copy = onnx.ModelProto()
    copy.ir_version = model.ir_version
    copy.opset_import.extend(model.opset_import)
    copy.functions.extend(model.functions)
    _copy_graph(model.graph, copy.graph, folder)
    copy = plain(copy)
    for graph in graphs(copy.graph):
        del graph.value_info[:]
        held = {tensor.name for tensor in graph.initializer}
        for value in graph.output:
            if value.type.HasField("tensor_type") and value.name not in held:
                value.type.tensor_type.ClearField("shape")
    for value in copy.graph.input:
        if value.type.HasField("tensor_type"):
            _fix(value.type.tensor_type, shapes.get(value.name))
    large = [tensor for tensor in copy.graph.initializer if tensor.data_location == _LEFT_OUT]
    for tensor in large:
        copy.graph.initializer.remove(tensor)
        copy.graph.input.append(
            onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        )
    for sparse in copy.graph.sparse_initializer:  # inference takes them for no tensors
        own, kind = sparse.values, sparse.values.data_type
        copy.graph.input.append(onnx.helper.make_tensor_value_info(own.name, kind, sparse.dims))
    del copy.graph.sparse_initializer[:]
    given = values or {}
    copy.graph.initializer.extend(
        onnx.numpy_helper.from_array(value, name) for name, value in given.items()
    )
    kept = [value for value in copy.graph.input if value.name not in given]
    del copy.graph.input[:]
    copy.graph.input.extend(kept)
    return copy


def _fix(kind: Any, given: Shape | None) -> None:
    if given is not None:
        kind.ClearField("shape")
        for size in given:
            kind.shape.dim.add().dim_value = size
        return
    for axis, dim in enumerate(kind.shape.dim):
        if not dim.HasField("dim_value") or dim.dim_value < (not axis):
            dim.Clear()
            if not axis:
                dim.dim_value = 1


def _copy_graph(graph: onnx.GraphProto, copy: onnx.GraphProto, folder: Path | None) -> None:
    copy.name = graph.name
    copy.input.extend(graph.input)
    copy.output.extend(graph.output)
    for tensor in graph.initializer:
        _copy_tensor(tensor, copy.initializer.add(), folder)
    for sparse in graph.sparse_initializer:
        own = copy.sparse_initializer.add()
        own.dims.extend(sparse.dims)
        _copy_tensor(sparse.values, own.values, folder)
        _copy_tensor(sparse.indices, own.indices, folder)
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            own_node = copy.node.add(op_type="Constant", name=node.name, domain=node.domain)
            own_node.output.extend(node.output)
            attribute = own_node.attribute.add(name="value", type=node.attribute[0].type)
            _copy_tensor(node.attribute[0].t, attribute.t, folder)
        else:
            copy.node.add().CopyFrom(node)


def _copy_tensor(tensor: onnx.TensorProto, copy: onnx.TensorProto, folder: Path | None) -> None:
    """Copy a tensor; a large one keeps its name, type and sizes only."""
    from onnx.numpy_helper import from_array

    outside = tensor.data_location == tensor.EXTERNAL
    if math.prod(tensor.dims) <= _SMALL and not (outside and folder is None):
        inside = from_array(array_of(tensor, folder), tensor.name) if outside and folder else tensor
        copy.CopyFrom(inside)
        return
    copy.name, copy.data_type = tensor.name, tensor.data_type
    copy.dims.extend(tensor.dims)
    copy.data_location = tensor.EXTERNAL


def inferred(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return `model`, a bare one, with the shapes that can be told."""
    found = _standard(model)
    for _ in range(_ROUNDS):
        # both look at the graph as it was inferred last
        if not (fold(found) | add_shapes(found)):
            break
        found = _standard(found)
    return found


def _standard(model: onnx.ModelProto) -> onnx.ModelProto:
    """Infer anew what is not known: inference keeps names that it gave to open sizes before."""
    import onnx

    for graph in graphs(model.graph):
        known = [value for value in graph.value_info if is_whole(value)]
        del graph.value_info[:]
        graph.value_info.extend(known)
        for value in graph.output:
            if value.type.HasField("tensor_type") and not is_whole(value):
                value.type.tensor_type.ClearField("shape")

    with contextlib.suppress(onnx.shape_inference.InferenceError, RuntimeError, ValueError):
        return onnx.shape_inference.infer_shapes(model, data_prop=True)
    return model
