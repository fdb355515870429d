"""ONNX files: sound ones, and those that claim what cannot be."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from repository import TESTS

from ..target import Target
from .model_files import looked_at

_FLOAT, _INT = TensorProto.FLOAT, TensorProto.INT64


def _value(name: str, kind: int, shape: Any) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def _model(graph: Any, opset: int = 17, functions: Any = (), more: Any = ()) -> bytes:
    imports = [helper.make_opsetid("", opset), *more]
    made = helper.make_model(graph, opset_imports=imports, ir_version=9, functions=functions)
    content: bytes = made.SerializeToString()
    return content


def _weight(name: str, shape: tuple[int, ...], kind: Any = np.float32) -> Any:
    rng = np.random.default_rng(len(name))
    return numpy_helper.from_array((rng.normal(size=shape) * 3).astype(kind), name)


def _network() -> Any:
    """A convolution, shapes computed from shapes, a table, and constants of every kind."""
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1], group=1),
        node("Relu", ["c"], ["r"]),
        node("Shape", ["r"], ["s"]),
        node("Constant", [], ["at"], value=numpy_helper.from_array(np.array([0]), "at")),
        node("Gather", ["s", "at"], ["n"], axis=0),
        node("Constant", [], ["rest"], value_ints=[-1]),
        node("Concat", ["n", "rest"], ["to"], axis=0),
        node("Reshape", ["r", "to"], ["flat"]),
        node("MatMul", ["flat", "m"], ["y"]),
        node("Gather", ["table", "ids"], ["z"]),
    ]
    weights = [_weight("w", (4, 3, 3, 3)), _weight("m", (4 * 8 * 8, 5)), _weight("table", (10, 4))]
    inputs = [_value("x", _FLOAT, ("n", 3, 8, 8)), _value("ids", _INT, ("n", "t"))]
    outputs = [_value("y", _FLOAT, ("n", 5)), _value("z", _FLOAT, ("n", "t", 4))]
    return helper.make_graph(nodes, "network", inputs, outputs, weights)


def _quantized() -> Any:
    node = helper.make_node
    nodes = [
        node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
        node("DequantizeLinear", ["q", "scale", "zero"], ["d"]),
        node("DequantizeLinear", ["w", "scales", "zeros"], ["dw"], axis=0),
        node("Conv", ["d", "dw"], ["y"]),
        node("DynamicQuantizeLinear", ["x"], ["a", "b", "c"]),
    ]
    weights = [
        numpy_helper.from_array(np.float32(0.1), "scale"),
        numpy_helper.from_array(np.uint8(3), "zero"),
        _weight("w", (4, 3, 1, 1), np.int8),
        numpy_helper.from_array(np.full(4, 0.2, np.float32), "scales"),
        numpy_helper.from_array(np.array([0, 1, 2, 3], np.int8), "zeros"),
    ]
    inputs, outputs = [_value("x", _FLOAT, (2, 3, 4, 4))], [_value("y", _FLOAT, (2, 4, 4, 4))]
    return helper.make_graph(nodes, "quantized", inputs, outputs, weights)


def _branch(name: str, depth: int = 0) -> Any:
    nodes = [helper.make_node("Identity", ["x"], [name])]
    if depth:
        inner = _branch(f"{name}{depth}", depth - 1), _branch(f"{name}e{depth}", depth - 1)
        nodes = [helper.make_node("If", ["on"], [name], then_branch=inner[0], else_branch=inner[1])]
    return helper.make_graph(nodes, name, [], [_value(name, _FLOAT, None)])


def _if(name: str, then: Any) -> Any:
    return helper.make_node("If", ["on"], [name], then_branch=then, else_branch=_branch("e"))


def _controlled() -> Any:
    """Branches, a loop, and a sparse weight."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["going"]),
         helper.make_node("MatMul", ["h", "w"], ["ho"])],
        "body",
        [_value("i", _INT, ()), _value("go", TensorProto.BOOL, ()), _value("h", _FLOAT, (2, 4))],
        [_value("going", TensorProto.BOOL, ()), _value("ho", _FLOAT, (2, 4))],
    )  # fmt: skip
    nodes = [
        helper.make_node("Constant", [], ["on"], value=numpy_helper.from_array(np.array(True), "")),
        _if("f", _branch("t", 1)),
        helper.make_node("Loop", ["times", "on", "f"], ["y"], body=body),
        helper.make_node("LSTM", ["seq", "lw", "lr"], ["", "lh"], hidden_size=2),
    ]
    weights = [
        _weight("w", (4, 4)), numpy_helper.from_array(np.array(3), "times"),
        _weight("lw", (1, 8, 4)), _weight("lr", (1, 8, 2)),
    ]  # fmt: skip
    inputs = [_value("x", _FLOAT, (2, 4)), _value("seq", _FLOAT, (5, 2, 4))]
    outputs = [_value("y", _FLOAT, (2, 4)), _value("lh", _FLOAT, (1, 2, 2))]
    return helper.make_graph(nodes, "controlled", inputs, outputs, weights)


def _of_others() -> bytes:
    node = helper.make_node
    nodes = [
        node("FusedMatMul", ["x", "w"], ["f"], domain="com.microsoft", transB=1),
        node("MatMulNBits", ["f", "p", "s"], ["y"], domain="com.microsoft", K=4, N=6, bits=4),
    ]
    weights = [_weight("w", (4, 4)), _weight("p", (6, 1, 16), np.uint8), _weight("s", (6,))]
    inputs, outputs = [_value("x", _FLOAT, (1, 4))], [_value("y", _FLOAT, (1, 6))]
    graph = helper.make_graph(nodes, "others", inputs, outputs, weights)
    return _model(graph, more=[helper.make_opsetid("com.microsoft", 1)])


def _calling(levels: int, each: int = 2, itself: bool = False) -> bytes:
    """Functions of which each calls the next one `each` times: a few kB for any number of nodes."""
    own = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    functions = []
    for level in range(levels):
        last = level == levels - 1
        name, domain = ("Relu", "") if last else (f"f{level + 1}", "own")
        if itself and last:
            name, domain = f"f{level}", "own"
        steps = ["a", *(f"b{at}" for at in range(each - 1)), "y"]
        nodes = [
            helper.make_node(name, [one], [other], domain=domain)
            for one, other in itertools.pairwise(steps)
        ]
        functions.append(helper.make_function("own", f"f{level}", ["a"], ["y"], nodes, own))
    call = helper.make_node("f0", ["x"], ["y"], domain="own")
    graph = helper.make_graph(
        [call], "calling", [_value("x", _FLOAT, (1, 4))], [_value("y", _FLOAT, (1, 4))]
    )
    return _model(graph, functions=functions, more=[helper.make_opsetid("own", 1)])


def _onnx_files() -> Iterator[bytes]:
    yield _model(_network())
    yield _model(_quantized())
    yield _model(_controlled())
    yield _of_others()
    yield _calling(3)
    yield (TESTS / "contracts" / "models" / "depthwise.onnx").read_bytes()


def _changed(change: Any) -> bytes:
    """A sound network with something in it changed."""
    made = onnx.load_model_from_string(_model(_network()))
    change(made)
    content: bytes = made.SerializeToString()
    return content


def _broken_text() -> bytes:
    return _model(_network()).replace(b"network", b"netw\xffrk").replace(b"Relu", b"R\xfflu")


def _growing(operator: str, *values: Any) -> bytes:
    """A few numbers that ask for more elements than fit into memory."""
    held = [numpy_helper.from_array(np.array(v), f"c{at}") for at, v in enumerate(values)]
    nodes = [
        helper.make_node(operator, [f"c{at}" for at in range(len(held))], ["big"]),
        helper.make_node("ReduceSum", ["big"], ["s"], keepdims=0),
        helper.make_node("Add", ["x", "s"], ["y"]),
    ]
    kind = _FLOAT if operator == "ConstantOfShape" else _INT
    inputs, outputs = [_value("x", kind, (1, 4))], [_value("y", kind, (1, 4))]
    return _model(helper.make_graph(nodes, "growing", inputs, outputs, held))


def _dims(*dims: int) -> Any:
    def change(made: Any) -> None:
        made.graph.initializer[0].dims[:] = dims

    return change


def _outside(made: Any) -> None:
    weight = made.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../../../../etc/passwd")


def _unknown_type(made: Any) -> None:
    made.graph.initializer[0].data_type = 4242


def _without_inputs(made: Any) -> None:
    for one in made.graph.node:
        del one.input[:]


def _deep() -> bytes:
    return _model(
        helper.make_graph(
            [_if("y", _branch("t", 7))],
            "deep", [_value("on", TensorProto.BOOL, ()), _value("x", _FLOAT, (1,))],
            [_value("y", _FLOAT, (1,))],
        )
    )  # fmt: skip


def _nested(levels: int) -> bytes:
    """Messages in messages, past what protobuf takes: graph, node, attribute, and again."""
    inner = b""
    for _ in range(levels):
        attribute = b"\x0a\x01g\x32" + _size(inner) + inner + b"\xa0\x01\x05"
        node = b"\x22\x02If\x2a" + _size(attribute) + attribute
        inner = b"\x0a" + _size(node) + node
    return b"\x08\x09\x3a" + _size(inner) + inner + b"\x42\x02\x10\x11"


def _size(content: bytes) -> bytes:
    size, parts = len(content), []
    while size > 0x7F:
        parts.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*parts, size])


TARGETS = (
    Target(
        "onnx", looked_at, _onnx_files, ".onnx",
        (b"Conv", b"If", b"Loop", b"Scan", b"Constant", b"value", b"Reshape", b"com.microsoft",
         b"x", b"w", b"then_branch", b"axis", b"MatMul", b"Einsum", b"equation", b"LSTM",
         b"Gather", b"to"),
        form="protobuf", native=True,
        hard={
            "text that is none": (_broken_text, ""),
            "a size below 0": (lambda: _changed(_dims(-4, 3, 3, 3)), "a size below 0"),
            "very many axes": (lambda: _changed(_dims(*[1] * 20_000)), "20000 axes"),
            "sizes that overflow": (lambda: _changed(_dims(2**62, 2**62)), ""),
            "more than is there": (lambda: _changed(_dims(4096, 4096)), ""),
            "a weight elsewhere": (lambda: _changed(_outside), "outside its own folder"),
            "an unknown type": (lambda: _changed(_unknown_type), ""),
            "nodes without inputs": (lambda: _changed(_without_inputs), ""),
            "branches in branches": (_deep, None),
            "messages in messages": (lambda: _nested(60), ""),
            "functions of functions": (lambda: _calling(40), "stand for more than"),
            "a function that calls itself": (lambda: _calling(3, itself=True), "calls itself"),
            "a constant of all memory": (
                lambda: _growing("ConstantOfShape", [2**20, 2**20]), None
            ),
            "a range of all memory": (lambda: _growing("Range", 0, 2**40, 1), None),
            "tiles of all memory": (lambda: _growing("Tile", [1, 2], [2**36]), None),
            "cut short": (lambda: _model(_network())[:-30], ""),
            "nothing but a head": (lambda: b"\x08\x09", "holds no ONNX graph"),
            "nothing": (lambda: b"", "is empty"),
        },
    ),
)  # fmt: skip
