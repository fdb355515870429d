"""Multiply-accumulates of attention: scores, the sum of values, and projections it does itself.

With b cases, h heads, s queries, t keys, d and v elements a head: b h s t (d + v).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from benchhub.compress.files.counting.call import Call


def _standard(call: Call) -> int | None:
    """ai.onnx since opset 23: (b, h, s, d) or (b, s, h d); a cache comes before the keys."""
    query, key, value = (call.shape(index) for index in range(3))
    if query is None or key is None or value is None:
        return None
    if len(query) == 4:
        batch, heads, steps, deep = query
        keys, wide = key[2], value[3]
    else:
        heads, held = call.attribute("q_num_heads"), call.attribute("kv_num_heads")
        if not heads or not held:
            return None
        batch, steps, deep = query[0], query[1], query[2] // heads
        keys, wide = key[1], value[2] // held
    past = _past(call, 4, 2)
    return None if past is None else batch * heads * steps * (keys + past) * (deep + wide)


def _past(call: Call, index: int, axis: int) -> int | None:
    """Return how many keys a cache holds, none without one; None if it is open."""
    if not call.has(index):
        return 0
    shape = call.shape(index)
    return None if shape is None else shape[axis]


def _projecting(past_at: int, length_at: int) -> Callable[[Call], int | None]:
    """com.microsoft: (b, s, e) times (e, q + k + v), then attention among all heads at once."""

    def product(call: Call) -> int | None:
        given, weight = call.shape(0), call.shape(1)
        past = _past(call, past_at, 3)  # (2, b, h, keys, d)
        if given is None or weight is None or past is None or call.has(length_at):
            return None  # a length that is given says how much of the cache is used
        sizes = call.attribute("qkv_hidden_sizes") or [weight[1] // 3] * 3
        batch, steps, _ = given
        projected = math.prod(given) * weight[1]
        attended: int = batch * steps * (steps + past) * (sizes[0] + sizes[2])
        return projected + attended

    return product


def _multi_head(call: Call) -> int | None:
    """com.microsoft: projected before; key and value apart, or packed on an axis of 2 or 3."""
    query, key, value = (call.shape(index) for index in range(3))
    past = _past(call, 6, 2)  # (b, h, keys, d)
    if query is None or past is None or call.has(8):
        return None  # a length that is given says how much of the cache is used
    if len(query) == 5:  # (b, s, h, 3, d)
        batch, steps, heads, _, deep = query
        return batch * heads * steps * (steps + past) * 2 * deep
    if key is None:
        return None
    batch, steps, hidden = query
    if len(key) == 5:  # (b, t, h, 2, d)
        keys, wide = key[1], hidden
    elif value is None:
        return None
    elif len(key) == 4:  # (b, h, t, d), as a cache keeps them
        keys, wide = key[2], value[1] * value[3]
    else:
        keys, wide = key[1], value[2]
    return batch * steps * (keys + past) * (hidden + wide)


def _grouped(call: Call) -> int | None:
    """com.microsoft: heads share keys; with a cache only where the length of it is written."""
    query, heads = call.shape(0), call.attribute("num_heads")
    if query is None or not heads:
        return None
    batch, steps, wide = query
    deep = wide // heads
    if not call.has(1):  # query, key and value side by side
        deep = wide // (heads + 2 * call.attribute("kv_num_heads", heads))
    keys = _grouped_keys(call, steps)
    return None if keys is None else batch * heads * steps * keys * 2 * deep


def _grouped_keys(call: Call, steps: int) -> int | None:
    past = _past(call, 3, 2)
    if past == 0:
        return steps
    # the cache may be longer than what is in it
    length = call.scalar(6)
    return None if length is None else int(length)


ATTENTION: Mapping[tuple[str, str], Callable[[Call], int | None]] = {
    ("", "Attention"): _standard,
    ("com.microsoft", "Attention"): _projecting(4, 6),
    ("com.microsoft", "QAttention"): _projecting(8, 9),
    ("com.microsoft", "MultiHeadAttention"): _multi_head,
    ("com.microsoft", "GroupQueryAttention"): _grouped,
}
