"""An ONNX file as it lies on the disk: protobuf, read by the field numbers of onnx.proto."""

from __future__ import annotations

import struct
from typing import Any, Iterator, NamedTuple

import numpy as np

_DTYPES = {
    1: "float32", 2: "uint8", 3: "int8", 5: "int16", 6: "int32", 7: "int64", 9: "bool",
    10: "float16", 11: "float64",
}  # fmt: skip


class Node(NamedTuple):
    """One operator with the names of what goes in and comes out."""

    operator: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]


class Value(NamedTuple):
    """An input or output of the graph; an open size is None."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]


class Graph(NamedTuple):
    """What a model computes; nodes are in an order that works."""

    nodes: list[Node]
    weights: dict[str, Any]
    inputs: list[Value]
    outputs: list[Value]


def read(path: str) -> Graph:
    """Return the graph of an ONNX file; ValueError where it is none."""
    with open(path, "rb") as file:
        content = memoryview(file.read())
    try:
        graphs = _all(content, 7)
        if len(graphs) != 1:
            raise ValueError("%s is no ONNX model: it has %d graphs" % (path, len(graphs)))
        graph = graphs[0]
        weights = dict(_weight(one) for one in _all(graph, 5))
        inputs = [_value(one) for one in _all(graph, 11)]
        nodes = [_node(one) for one in _all(graph, 1)]
        return Graph(
            nodes=_in_order(nodes, {*weights, *(one.name for one in inputs)}),
            weights=weights,
            inputs=[one for one in inputs if one.name not in weights],
            outputs=[_value(one) for one in _all(graph, 12)],
        )
    except (IndexError, KeyError, TypeError, UnicodeDecodeError, struct.error) as error:
        raise ValueError("%s is no ONNX model: %r" % (path, error)) from error


def _in_order(nodes: list[Node], known: set[str]) -> list[Node]:
    """Return the nodes so that each comes after those it needs, as not every writer has them."""
    found: list[Node] = []
    while len(found) < len(nodes):
        ready = [one for one in nodes if one not in found and known.issuperset(one.inputs)]
        if not ready:
            raise ValueError("a node waits for what nobody gives")
        found += ready
        known.update(name for one in ready for name in one.outputs)
    return found


def _node(message: Any) -> Node:
    attributes = dict(_attribute(one) for one in _all(message, 5))
    return Node(_text(message, 4), _texts(message, 1), _texts(message, 2), attributes)


def _attribute(message: Any) -> tuple[str, Any]:
    whole, several = _numbers(message, 3), _numbers(message, 8)
    real = [struct.unpack("<f", one)[0] for one in _all(message, 2)]
    return _text(message, 1), several or (whole or real or [_text(message, 4)])[0]


def _weight(message: Any) -> tuple[str, Any]:
    dtype = np.dtype(_DTYPES[_numbers(message, 2)[0]])
    if _numbers(message, 14) == [1]:
        raise ValueError("weights in a file of their own are not read; save them inside")
    raw = b"".join(_all(message, 9)) or b"".join(_all(message, 4))
    if raw:
        array = np.frombuffer(raw, dtype)
    elif dtype == np.float16:  # as bit patterns
        array = np.array(_numbers(message, 5), np.uint16).view(np.float16)
    else:
        array = np.array(_numbers(message, 5) or _numbers(message, 7), dtype)
    return _text(message, 8), array.reshape(_numbers(message, 1))


def _value(message: Any) -> Value:
    (kind,) = _all(message, 2)
    (tensor,) = _all(kind, 1)
    sizes = [_numbers(one, 1) for shape in _all(tensor, 2) for one in _all(shape, 1)]
    shape = tuple(size[0] if size else None for size in sizes)
    return Value(_text(message, 1), _DTYPES[_numbers(tensor, 1)[0]], shape)


def _text(message: Any, field: int) -> str:
    return "".join(_texts(message, field))


def _texts(message: Any, field: int) -> list[str]:
    return [bytes(one).decode("utf-8") for one in _all(message, field)]


def _numbers(message: Any, field: int) -> list[int]:
    """Return the integers of a field, packed or not."""
    found: list[int] = []
    for one in _all(message, field):
        if isinstance(one, int):
            found.append(one)
            continue
        at = 0
        while at < len(one):
            number, at = _varint(one, at)
            found.append(number)
    return [one - (1 << 64) if one >> 63 else one for one in found]


def _all(message: Any, field: int) -> list[Any]:
    return [value for number, value in _fields(message) if number == field]


def _fields(message: Any) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        value, size = None, {1: 8, 5: 4}.get(key & 7)
        if key & 7 == 0:
            value, at = _varint(message, at)
        elif key & 7 == 2:
            size, at = _varint(message, at)
        elif size is None:
            raise ValueError("no protobuf: wire type %d" % (key & 7))
        if size is not None:
            value, at = message[at : at + size], at + size
        yield key >> 3, value
    if at != len(message):
        raise ValueError("cut short")


def _varint(message: Any, at: int) -> tuple[int, int]:
    number = shift = 0
    while message[at] & 0x80:
        number |= (message[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
    return number | message[at] << shift, at + 1
