"""A TFLite file as a tree of objects that can be changed. Needs ai-edge-litert for the format."""

from __future__ import annotations

from typing import Any

import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np

from benchhub.model.arrays import Array


class Aligned(schema.BufferT):  # type: ignore[misc]
    """A buffer whose content begins at a multiple of 16 bytes, as kernels want it."""

    def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802 - the schema's name
        """Write the buffer."""
        if self.data is not None:
            builder.Prep(16, len(self.data))
        return int(super().Pack(builder))


def read_tree(model: bytes) -> Any:
    """Return the `ModelT` of a file; each buffer holds its bytes, wherever they were."""
    tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    tree.buffers = [Aligned(_content(model, buffer)) for buffer in tree.buffers]
    return tree


def only_graph(tree: Any) -> Any:
    """Return the graph of a file that has one; ValueError for branches, loops and several."""
    if len(tree.subgraphs) != 1:
        raise ValueError(
            f"it has {len(tree.subgraphs)} graphs, of branches, loops or several signatures, and"
            " only files of one are handled"
        )
    return tree.subgraphs[0]


def packed(tree: Any, size: int) -> bytes:
    """Return the file of a tree, which has about `size` bytes."""
    builder = flatbuffers.Builder(size + 4096)
    builder.Finish(tree.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def kind_of(tree: Any, operator: Any) -> int:
    """Return the `BuiltinOperator` of an operator; older files keep it in a byte of its own."""
    code = tree.operatorCodes[operator.opcodeIndex]
    return max(int(code.builtinCode), int(code.deprecatedBuiltinCode))


def with_codes(model: bytes) -> bytes:
    """Return a file whose operators are named as they are now; one that does so stays as it is.

    Files of the older schema have a byte each for that; a quantizer reads ADD for all of them.
    """
    tree = read_tree(model)
    old = [one for one in tree.operatorCodes if one.builtinCode < one.deprecatedBuiltinCode]
    for code in old:
        code.builtinCode = code.deprecatedBuiltinCode
    return packed(tree, len(model)) if old else model


def _content(model: bytes, buffer: Any) -> Array | None:
    """Return a buffer's bytes, also where the quantizer put them behind the flatbuffer."""
    if buffer.offset > 1:
        return np.frombuffer(model, np.uint8, buffer.size, buffer.offset)
    return buffer.data if isinstance(buffer.data, np.ndarray) else None
