"""A model in the form that everything here reads: weights are initializers, and no inputs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchhub.compress.graphs.inside import inner_graphs

if TYPE_CHECKING:
    import onnx

#: Since this version of the format an initializer need not be listed as an input.
_UNLISTED_SINCE = 4
#: More nodes than any network has, once its functions are put in.
_MOST_NODES = 10_000_000
_MOST_AXES = 32


def plain(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy that computes the same: every weight an initializer that is no input.

    Initializers leave the inputs (a file of IR 3 becomes one of IR 4), Constant nodes become
    initializers, in subgraphs too, and functions that the file defines are put in where they are
    called. A Constant stays a node that is an output of its graph, sparse, or one real number: a
    factor of a formula is no weight.
    """
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    if copy.functions:
        from onnx.inliner import inline_local_functions

        copy = inline_local_functions(copy)
    copy.ir_version = max(copy.ir_version, _UNLISTED_SINCE)
    for graph in graphs(copy.graph):
        _lower_constants(graph)
    held = {tensor.name for tensor in copy.graph.initializer}
    held |= {tensor.values.name for tensor in copy.graph.sparse_initializer}
    kept = [value for value in copy.graph.input if value.name not in held]
    del copy.graph.input[:]
    copy.graph.input.extend(kept)
    return copy


def check_bounds(model: onnx.ModelProto) -> None:
    """Raise ValueError for what no network has and nobody could count: see the two below."""
    _check_sizes(model)
    _check_calls(model)


def _check_sizes(model: onnx.ModelProto) -> None:
    """Raise ValueError for a tensor of less than nothing, or of more axes than anybody has."""
    for holder in (*graphs(model.graph), *model.functions):
        for node in holder.node:
            for one in node.attribute:
                _check_dims(node.name, one.t.dims)
                _check_dims(node.name, one.sparse_tensor.dims)
    for graph in graphs(model.graph):
        for tensor in graph.initializer:
            _check_dims(tensor.name, tensor.dims)
        for sparse in graph.sparse_initializer:
            _check_dims(sparse.values.name, sparse.dims)


def _check_dims(name: str, dims: Sequence[int]) -> None:
    if len(dims) > _MOST_AXES or min(dims, default=0) < 0:
        raise ValueError(f"{name or 'a constant'} has {len(dims)} axes, or a size below 0")


def _check_calls(model: onnx.ModelProto) -> None:
    """Raise ValueError where functions of a file call themselves, or stand for too many nodes.

    A few kB can stand for more nodes than fit into memory: each function calls the next one twice.
    """
    known = {(one.domain, one.name): one for one in model.functions}
    counts: dict[tuple[str, str], int | None] = {}

    def count(nodes: Iterable[onnx.NodeProto]) -> int:
        total = 0
        for node in nodes:
            called = node.domain, node.op_type
            total += 1 + (of(called) if called in known else 0)
            total += sum(count(inner.node) for inner in inner_graphs(node))
        return total

    def of(called: tuple[str, str]) -> int:
        if called not in counts:
            counts[called] = None
            counts[called] = count(known[called].node)
        found = counts[called]
        if found is None:
            raise ValueError(f"its function {called[1]} calls itself")
        return found

    if known and count(model.graph.node) > _MOST_NODES:
        raise ValueError(f"its functions stand for more than {_MOST_NODES:,} nodes")


def graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """Yield a graph, then those inside its nodes, at any depth."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from graphs(attribute.g)
            for inner in attribute.graphs:
                yield from graphs(inner)


def constant(node: onnx.NodeProto) -> onnx.TensorProto | None:
    """Return the tensor of a Constant node under its output's name; None if it has no dense one."""
    import onnx

    if node.op_type != "Constant" or node.domain not in ("", "ai.onnx") or not node.attribute:
        return None
    attribute = node.attribute[0]
    match attribute.name:
        case "value":
            tensor = onnx.TensorProto()
            tensor.CopyFrom(attribute.t)
            tensor.name = node.output[0]
            return tensor
        case "value_float" | "value_floats":
            values = np.array(onnx.helper.get_attribute_value(attribute), np.float32)
        case "value_int" | "value_ints":
            values = np.array(onnx.helper.get_attribute_value(attribute), np.int64)
        case "value_string" | "value_strings":
            values = np.array(onnx.helper.get_attribute_value(attribute), object)
        case _:
            return None
    return onnx.numpy_helper.from_array(values, node.output[0])


def _lower_constants(graph: onnx.GraphProto) -> None:
    outputs = {value.name for value in graph.output}
    kept = []
    for node in graph.node:
        tensor = None if set(node.output) & outputs else constant(node)
        if tensor is None or _is_factor(tensor):
            kept.append(node)
        else:
            graph.initializer.append(tensor)
    if len(kept) < len(graph.node):
        kept = [_copied(node) for node in kept]
        del graph.node[:]
        graph.node.extend(kept)


def _is_factor(tensor: onnx.TensorProto) -> bool:
    return math.prod(tensor.dims) == 1 and tensor.data_type in (
        tensor.FLOAT, tensor.DOUBLE, tensor.FLOAT16, tensor.BFLOAT16,
    )  # fmt: skip


def _copied(node: onnx.NodeProto) -> onnx.NodeProto:
    import onnx

    own = onnx.NodeProto()
    own.CopyFrom(node)
    return own
