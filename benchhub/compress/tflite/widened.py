"""Float16 weights of a TFLite file widened to float32, which is exact, and sparse ones made dense.

Such files hold float16 constants and turn them back by DEQUANTIZE (and DENSIFY before it) at each
load: a quantizer, which looks for float32 constants, finds none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import ai_edge_litert.schema_py_generated as schema
import numpy as np

from benchhub.compress.tflite.sparse import dense
from benchhub.compress.tflite.tree import Aligned, kind_of, packed, read_tree
from benchhub.model.arrays import Array

_TYPES = {schema.TensorType.FLOAT16: np.float16, schema.TensorType.FLOAT32: np.float32}
#: Names operators by their places, which are others once some are gone.
_ORDERS_OPERATORS = b"model_control_dependencies"


class Widened(NamedTuple):
    """A file, and how many of its constants were float16, and sparse."""

    model: bytes
    halves: int
    sparse: int


def widen(model: bytes) -> Widened:
    """Return the file with float32 constants in place of operators that make them of float16.

    What does not fit that pattern stays as it is; a file without any is returned untouched.
    """
    tree = read_tree(model)
    if any(entry.name == _ORDERS_OPERATORS for entry in tree.metadata or ()):
        return Widened(model, 0, 0)
    halves = sparse = 0
    for number, graph in enumerate(tree.subgraphs):
        sparse += _fill(tree, graph)
        folded = _fold(tree, graph)
        halves += folded.widened
        _leave_out(tree, number, folded.unread)
    if not halves and not sparse:
        return Widened(model, 0, 0)
    _empty_unused(tree)
    return Widened(packed(tree, 2 * len(model)), halves, sparse)


def _fill(tree: Any, graph: Any) -> int:
    """Make sparse float constants dense, in place; return how many."""
    filled = 0
    for tensor in graph.tensors:
        data = tree.buffers[tensor.buffer].data
        if tensor.sparsity is None or data is None or tensor.type not in _TYPES:
            continue
        try:
            whole = dense(
                data.view(_TYPES[tensor.type]), tuple(_indices(tensor.shape)), tensor.sparsity
            )
        except ValueError:
            continue  # not understood: left to the interpreter
        tensor.buffer, tensor.sparsity = _stored(tree, whole), None
        filled += 1
    return filled


class _Folded(NamedTuple):
    """How many tensors were widened, and those that nothing reads any more."""

    widened: int
    unread: set[int]


def _fold(tree: Any, graph: Any) -> _Folded:
    """Make constants of what operators only turn back."""
    widened: dict[int, int] = {}
    halves, read, kept = set(), set(), []
    for operator in graph.operators:
        if not _folds(tree, graph, operator):
            kept.append(operator)
            continue
        source, made = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
        if source.type == made.type:
            made.buffer = source.buffer
        else:
            if source.buffer not in widened:
                half = tree.buffers[source.buffer].data.view(np.float16)
                widened[source.buffer] = _stored(tree, half.astype(np.float32))
            made.buffer = widened[source.buffer]
            halves.add(int(operator.inputs[0]))
        read.add(int(operator.inputs[0]))
    graph.operators = kept
    used = {*_indices(graph.inputs), *_indices(graph.outputs)}
    for operator in kept:
        used.update(_indices(operator.inputs))
    return _Folded(len(halves), read - used)


def _folds(tree: Any, graph: Any, operator: Any) -> bool:
    """Return whether an operator only makes a float constant dense, or float32 of float16."""
    kind = kind_of(tree, operator)
    if kind not in (schema.BuiltinOperator.DEQUANTIZE, schema.BuiltinOperator.DENSIFY):
        return False
    source, made = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    data = tree.buffers[source.buffer].data
    if data is None or source.sparsity is not None or source.type not in _TYPES:
        return False
    shape = _indices(source.shape)
    if operator.outputs[0] in _indices(graph.outputs) or shape != _indices(made.shape):
        return False
    whole = len(data) == math.prod(shape) * np.dtype(_TYPES[source.type]).itemsize
    if kind == schema.BuiltinOperator.DENSIFY:
        return whole and bool(made.type == source.type)
    types = (schema.TensorType.FLOAT16, schema.TensorType.FLOAT32)
    return whole and (source.type, made.type) == types


def _leave_out(tree: Any, number: int, gone: set[int]) -> None:
    """Take tensors that nothing reads out of a graph, and number the others anew."""
    graph = tree.subgraphs[number]
    kept = [index for index in range(len(graph.tensors)) if index not in gone]
    now = {-1: -1, **{index: place for place, index in enumerate(kept)}}

    def moved(indices: Any) -> Any:
        return None if indices is None else [now[index] for index in _indices(indices)]

    graph.tensors = [graph.tensors[index] for index in kept]
    graph.inputs, graph.outputs = moved(graph.inputs), moved(graph.outputs)
    for operator in graph.operators:
        operator.inputs, operator.outputs = moved(operator.inputs), moved(operator.outputs)
        operator.intermediates = moved(operator.intermediates)
    for signature in tree.signatureDefs or ():
        if signature.subgraphIndex == number:
            for entry in (*(signature.inputs or ()), *(signature.outputs or ())):
                entry.tensorIndex = now[int(entry.tensorIndex)]


def _empty_unused(tree: Any) -> None:
    used = {int(tensor.buffer) for graph in tree.subgraphs for tensor in graph.tensors}
    used |= {int(entry.buffer) for entry in tree.metadata or ()}
    for index in range(len(tree.buffers)):
        if index not in used:
            tree.buffers[index] = Aligned(None)


def _stored(tree: Any, content: Array) -> int:
    tree.buffers.append(Aligned(np.ascontiguousarray(content).reshape(-1).view(np.uint8)))
    return len(tree.buffers) - 1


def _indices(found: Iterable[Any] | None) -> list[int]:
    return [] if found is None else [int(index) for index in found]
