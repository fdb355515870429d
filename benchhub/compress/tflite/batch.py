"""The batch axis of a TFLite file, opened and closed. Needs ai-edge-litert for the file format.

Converters fix the batch wherever a reshape has a constant shape, and the quantizer wants a fixed
one; what runs on devices has the batch open.
"""

from __future__ import annotations

from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np

from benchhub.compress.tflite.tree import Aligned, kind_of, only_graph, packed, read_tree
from benchhub.model.arrays import Array


def open_batch(model: bytes) -> bytes:
    """Return a file of batch 1 with an open batch axis.

    Everything computed from the input has the batch on its first axis: it is declared open there,
    and a reshape that names the batch of 1 gets -1 instead. ValueError for a reshape that moves
    the batch elsewhere.
    """
    tree = read_tree(model)
    graph = only_graph(tree)
    computed, reshapes = _computed(tree, graph)
    for constant, options in reshapes:
        if constant is None:
            raise ValueError("a reshape has its sizes in its options alone")
        sizes = _sizes(tree, constant)
        if sizes[0] not in (1, -1):
            raise ValueError(f"a reshape to {sizes.tolist()} does not begin with the batch")
        if sizes[0] == 1:
            sizes[0] = -1
            tree.buffers.append(Aligned(sizes.view(np.uint8)))  # equal constants share a buffer
            constant.buffer = len(tree.buffers) - 1
        if options is not None:
            options.newShape = sizes
    for index in computed:
        tensor = graph.tensors[index]
        if tensor.shape[0] != 1:
            raise ValueError(f"{tensor.name!r} has no batch of 1 on its first axis")
        tensor.shapeSignature = np.array([-1, *tensor.shape[1:]], np.int32)
    return packed(tree, len(model))


def is_open(model: bytes) -> bool:
    """Return whether the batch of a file's first input is open."""
    graph = only_graph(read_tree(model))
    signature = graph.tensors[graph.inputs[0]].shapeSignature
    return signature is not None and len(signature) > 0 and int(signature[0]) == -1


def is_closable(model: bytes) -> bool:
    """Return whether every reshape of what the input gives has its sizes written down.

    Converters other than ours compute them from the batch: such a file is not closed, and a
    quantizer has to take it as it is.
    """
    tree = read_tree(model)
    graph = only_graph(tree)
    return all(
        constant is not None and tree.buffers[constant.buffer].data is not None
        for constant, _ in _computed(tree, graph)[1]
    )


def close_batch(model: bytes) -> bytes:
    """Return a file with an open batch axis as it was at batch 1: the inverse of `open_batch`.

    A constant goes back to the buffer with its content, if there is one, and buffers that nothing
    uses any more go from the end, so that what is made of it does not depend on the way here.
    """
    tree = read_tree(model)
    graph = only_graph(tree)
    computed, reshapes = _computed(tree, graph)
    for constant, options in reshapes:
        sizes = _sizes(tree, constant)
        if sizes[0] == -1:
            sizes[0] = 1
            _store(tree, constant, sizes)
        if options is not None:
            options.newShape = sizes
    for index in computed:
        graph.tensors[index].shapeSignature = None
    used = {tensor.buffer for one in tree.subgraphs for tensor in one.tensors}
    used |= {entry.buffer for entry in tree.metadata or ()}
    while len(tree.buffers) - 1 not in used:
        tree.buffers.pop()
    return packed(tree, len(model))


def _computed(tree: Any, graph: Any) -> tuple[set[int], list[tuple[Any, Any]]]:
    """Return the tensors that depend on the input, and the reshapes: constant and options.

    None for a constant where the sizes are among the options alone, as older converters had it.
    """
    computed = set(graph.inputs)
    reshapes = []
    for operator in graph.operators:
        if computed.isdisjoint(operator.inputs):
            continue  # a constant that is cast
        computed.update(operator.outputs)
        if kind_of(tree, operator) == schema.BuiltinOperator.RESHAPE:
            sizes = graph.tensors[operator.inputs[1]] if len(operator.inputs) > 1 else None
            reshapes.append((sizes, operator.builtinOptions))
    return computed, reshapes


def _sizes(tree: Any, constant: Any) -> Array:
    return np.array(tree.buffers[constant.buffer].data.view(np.int32))


def _store(tree: Any, constant: Any, sizes: Array) -> None:
    wanted = sizes.view(np.uint8)
    for index, buffer in enumerate(tree.buffers):
        if buffer.data is not None and np.array_equal(buffer.data, wanted):
            constant.buffer = index
            return
    tree.buffers[constant.buffer] = Aligned(wanted)
