"""The shape of the first output of operators of onnxruntime like none of the standard."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchhub.compress.files.counting.call import Call, Shape


def _fused_product(call: Call) -> Shape | None:
    left, right = call.shape(0), call.shape(1)
    if left is None or right is None or min(len(left), len(right)) < 2:
        return None
    if call.attribute("transBatchA", 0) or call.attribute("transBatchB", 0):
        return None
    batch = _broadcast(left[:-2], right[:-2])
    rows = left[-1] if call.attribute("transA", 0) else left[-2]
    columns = right[-2] if call.attribute("transB", 0) else right[-1]
    return None if batch is None else (*batch, rows, columns)


def _broadcast(one: Shape, other: Shape) -> Shape | None:
    import numpy as np

    try:
        return tuple(np.broadcast_shapes(one, other))
    except ValueError:
        return None


def _packed_product(call: Call) -> Shape | None:
    left, wide = call.shape(0), call.attribute("N")
    return None if left is None or wide is None else (*left[:-1], wide)


def _projecting(call: Call) -> Shape | None:
    given, weight = call.shape(0), call.shape(1)
    if given is None or weight is None:
        return None
    sizes = call.attribute("qkv_hidden_sizes") or [weight[1] // 3] * 3
    return (*given[:2], sizes[2])


def _multi_head(call: Call) -> Shape | None:
    query, value = call.shape(0), call.shape(2)
    if query is None or (call.has(2) and value is None):
        return None
    if len(query) == 5:
        return (*query[:2], query[2] * query[4])
    if value is None:
        return query
    return (*query[:2], value[1] * value[3] if len(value) == 4 else value[2])


def _grouped(call: Call) -> Shape | None:
    query, heads = call.shape(0), call.attribute("num_heads")
    if query is None or not heads:
        return None
    if call.has(1):
        return query
    return (*query[:2], query[2] // (heads + 2 * call.attribute("kv_num_heads", heads)) * heads)


def _embedded(call: Call) -> Shape | None:
    tokens, table = call.shape(0), call.shape(2)
    return None if tokens is None or table is None else (*tokens, table[-1])


#: operator of com.microsoft -> the shape of its first output; None where it cannot be told.
OWN_SHAPES: Mapping[str, Callable[[Call], Shape | None]] = {
    "Attention": _projecting,
    "EmbedLayerNormalization": _embedded,
    "FusedMatMul": _fused_product,
    "FusedMatMulActivation": _fused_product,
    "GroupQueryAttention": _grouped,
    "MatMulBnb4": _packed_product,
    "MatMulNBits": _packed_product,
    "MultiHeadAttention": _multi_head,
    "QAttention": _projecting,
    "QEmbedLayerNormalization": _embedded,
    "TransposeMatMul": _fused_product,
}
