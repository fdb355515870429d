"""Weights of quantized files by hand: neither scales nor zero points count, wherever they are."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.numpy_helper import from_array

from benchhub.compress.files.counting.weights.count import count_weights

node = helper.make_node
WEIGHT = np.arange(64).reshape(16, 4)  # one is zero
BYTES = WEIGHT.astype(np.uint8)
POINT, POINTS = np.uint8(3), np.array([0, 1, 2, 3], np.uint8)  # weights that stand for zero: 1, 4
SCALE, SCALES = np.float32(0.5), np.full(4, 0.5, np.float32)
MICROSOFT = {"domain": "com.microsoft"}


def value(name, shape=None):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def counted(nodes, x=("n", 16), **held):
    tensors = [from_array(np.asarray(array), name) for name, array in held.items()]
    graph = helper.make_graph(nodes, "g", [value("x", x)], [value("y")], tensors)
    imports = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    return count_weights(helper.make_model(graph, ir_version=10, opset_imports=imports))


QUANTIZED = [
    node("DynamicQuantizeLinear", ["x"], ["q", "xs", "xz"]),
    node("MatMulInteger", ["q", "w", "xz", "wz"], ["sum"]),
    node("Cast", ["sum"], ["c"], to=1),
]
SCALED = [*QUANTIZED, node("Mul", ["xs", "ws"], ["s"]), node("Mul", ["c", "s"], ["y"])]


@pytest.mark.parametrize("turned", [False, True], ids=["", "turned"])
@pytest.mark.parametrize(("point", "scale"), [(POINT, SCALE), (POINTS, SCALES)], ids=["1", "4"])
def test_as_dynamic_quantization_writes_it(point, scale, turned):
    nodes = [*QUANTIZED, node("Mul", ["ws", "xs"] if turned else ["xs", "ws"], ["s"])]
    nodes.append(node("Mul", ["s", "c"] if turned else ["c", "s"], ["y"]))
    zeros = np.count_nonzero(point == BYTES)
    assert counted(nodes, w=BYTES, wz=point, ws=scale) == (64, 64 - zeros)


def test_scales_one_after_the_other_and_as_constant_nodes():
    apart = [node("Mul", ["c", "xs"], ["s"]), node("Mul", ["s", "ws"], ["y"])]
    assert counted([*QUANTIZED, *apart], w=BYTES, wz=POINT, ws=SCALES) == (64, 63)
    other = [node("Mul", ["c", "ws"], ["s"]), node("Mul", ["s", "xs"], ["y"])]
    assert counted([*QUANTIZED, *other], w=BYTES, wz=POINT, ws=SCALES) == (64, 63)
    held = node("Constant", [], ["ws"], value=from_array(SCALES))
    assert counted([held, *SCALED], w=BYTES, wz=POINT) == (64, 63)
    known = [node("Mul", ["c", "both"], ["y"])]  # of inputs whose scale is in the file, too
    nodes = [node("QuantizeLinear", ["x", "xs", "xz"], ["q"]), *QUANTIZED[1:], *known]
    held = {"w": BYTES, "wz": POINT, "xs": SCALE, "xz": POINT, "both": SCALES}
    assert counted(nodes, **held) == (64, 63)


def test_a_factor_of_the_layers_own_counts_behind_the_scales():
    """A layer's scale, as networks have it, is as long as that of the quantization."""
    nodes = [*SCALED[:-1], node("Mul", ["c", "s"], ["h"]), node("Mul", ["h", "gamma"], ["y"])]
    assert counted(nodes, w=BYTES, wz=POINT, ws=SCALES, gamma=SCALES) == (68, 67)
    apart = [node("Mul", ["c", "xs"], ["s"]), node("Mul", ["s", "ws"], ["h"]), nodes[-1]]
    held = {"w": BYTES, "wz": POINT, "ws": SCALES, "gamma": SCALES}
    assert counted([*QUANTIZED, *apart], **held) == (68, 67)


def test_products_of_what_is_computed_have_no_scale_in_the_file():
    nodes = [
        node("DynamicQuantizeLinear", ["x"], ["a", "as", "az"]),
        node("Transpose", ["x"], ["t"]),
        node("DynamicQuantizeLinear", ["t"], ["b", "bs", "bz"]),
        node("MatMulInteger", ["a", "b", "az", "bz"], ["sum"]),
        node("Cast", ["sum"], ["c"], to=1),
        node("Mul", ["as", "bs"], ["s"]),
        node("Mul", ["c", "s"], ["h"]),
        node("Mul", ["h", "gamma"], ["y"]),
    ]
    assert counted(nodes, gamma=SCALES) == (4, 4)


def test_a_convolution_of_integers():
    nodes = [
        node("DynamicQuantizeLinear", ["x"], ["q", "xs", "xz"]),
        node("ConvInteger", ["q", "w", "xz", "wz"], ["sum"]),
        node("Cast", ["sum"], ["c"], to=1),
        node("Mul", ["xs", "ws"], ["s"]),
        node("Mul", ["c", "s"], ["h"]),
        node("Reshape", ["bias", "to"], ["b"]),
        node("Add", ["h", "b"], ["y"]),
    ]
    held = {"w": BYTES.reshape(4, 4, 2, 2), "wz": POINT, "ws": SCALE}
    held |= {"bias": np.ones(4, np.float32), "to": np.array([1, 4, 1, 1])}
    assert counted(nodes, ("n", 4, 8, 8), **held) == (68, 67)


def test_stored_integers_that_plain_operators_make_numbers_of():
    nodes = [
        node("Cast", ["w"], ["c"], to=1),
        node("Cast", ["z"], ["zero"], to=1),
        node("Sub", ["c", "zero"], ["d"]),
        node("Mul", ["d", "s"], ["m"]),
        node("MatMul", ["x", "m"], ["y"]),
    ]
    assert counted(nodes, w=BYTES, z=POINT, s=SCALES)[0] == 64
    without = [nodes[0], node("Mul", ["s", "c"], ["m"]), nodes[-1]]
    assert counted(without, w=BYTES.astype(np.int8), s=SCALES) == (64, 63)
    table = [
        node("Cast", ["x"], ["ids"], to=7),
        node("Gather", ["w", "ids"], ["g"]),
        node("Cast", ["g"], ["c"], to=1),
        node("Mul", ["c", "s"], ["m"]),
        node("Mul", ["m", "gamma"], ["y"]),
    ]
    assert counted(table, ("n",), w=BYTES, s=SCALE, gamma=SCALES) == (68, 67)


def test_what_is_given_another_name_type_or_shape_first_is_what_it_was():
    nodes = [
        node("Identity", ["s"], ["ws"]),
        node("Reshape", ["z", "four"], ["wz"]),
        node("DequantizeLinear", ["w", "ws", "wz"], ["m"], axis=1),
        node("MatMul", ["x", "m"], ["y"]),
    ]
    held = {"w": BYTES, "s": SCALES, "z": POINTS.reshape(2, 2), "four": np.array([4])}
    assert counted(nodes, **held) == (64, None), "which of them stand for zero is not followed"
    moved = [node("Reshape", ["w", "to"], ["r"]), nodes[0], nodes[1]]
    moved.append(node("DequantizeLinear", ["r", "ws", "wz"], ["m"], axis=1))
    held |= {"w": BYTES.reshape(64), "to": np.array([16, 4])}
    assert counted([*moved, nodes[-1]], **held) == (64, None)
    both = node("If", ["c"], ["m"], **{
        name: helper.make_graph([node("Identity", [name], ["m"])], name, [], [value("m")])
        for name in ("then_branch", "else_branch")
    })  # fmt: skip
    weights = {"then_branch": np.ones((16, 4), np.float32), "c": np.bool_(True)}
    weights["else_branch"] = np.full((16, 5), 2, np.float32)
    assert counted([both, nodes[-1]], **weights) == (144, 144)


@pytest.mark.parametrize(
    ("nodes", "held", "wanted"),
    [
        (
            [node("DynamicQuantizeMatMul", ["x", "w", "s", "z", "b"], ["y"], **MICROSOFT)],
            {"w": BYTES, "s": SCALES, "z": POINTS, "b": np.ones(4, np.float32)},
            (68, None),
        ),
        (
            [
                node("QuantizeLinear", ["x", "s", "z"], ["q"]),
                node("QLinearMatMul", ["q", "s", "z", "w", "s", "z", "s", "z"], ["p"]),
                node("DequantizeLinear", ["p", "s", "z"], ["y"]),
            ],
            {"w": BYTES, "s": SCALE, "z": POINT},
            (64, 63),
        ),
        (
            [
                node("QuantizeLinear", ["x", "s", "z"], ["q"]),
                node("QLinearAdd", ["q", "s", "z", "w", "s", "z", "s", "z"], ["p"], **MICROSOFT),
                node("DequantizeLinear", ["p", "s", "z"], ["y"]),
            ],
            {"w": BYTES[0], "s": SCALE, "z": POINT},
            (4, None),
        ),
        (
            [
                node("MatMulNBits", ["x", "w", "s", "z", "", "b"], ["y"], **MICROSOFT,
                     K=64, N=10, bits=4, block_size=32),
            ],
            {
                "w": np.ones((10, 2, 16), np.uint8), "s": np.ones(20, np.float32),
                "z": np.ones(10, np.uint8), "b": np.ones(10, np.float32),
            },
            (650, None),
        ),
        (
            [
                node("QuantizeLinear", ["x", "s", "z"], ["q"]),
                node("DequantizeLinear", ["q", "s", "z"], ["d"]),
                node("DequantizeLinear", ["w", "ss", "zz"], ["m"], axis=1),
                node("DequantizeLinear", ["b", "ss"], ["n"], axis=0),
                node("MatMul", ["d", "m"], ["h"]),
                node("Add", ["h", "n"], ["y"]),
            ],
            {"w": BYTES, "ss": SCALES, "zz": POINTS, "s": SCALE, "z": POINT,
             "b": np.ones(4, np.int32)},
            (68, 64),
        ),
    ],
    ids=["DynamicQuantizeMatMul", "QLinearMatMul", "QLinearAdd", "MatMulNBits", "QDQ"],
)  # fmt: skip
def test_operators_of_quantization(nodes, held, wanted):
    params, nonzero = counted(nodes, **held)
    assert params == wanted[0]
    assert wanted[1] is None or nonzero == wanted[1]


@pytest.mark.parametrize("per_channel", [False, True], ids=["tensor", "channel"])
def test_what_onnxruntime_quantizes_keeps_its_count(per_channel, tmp_path, native):
    from onnxruntime.quantization import QuantType, quantize_dynamic

    rng = np.random.default_rng(3)
    held = {
        "k": rng.normal(size=(4, 3, 3, 3)), "kb": rng.normal(size=4), "w": rng.normal(size=(4, 5)),
        "wb": rng.normal(size=5), "gamma": rng.normal(size=5),
    }  # fmt: skip
    tensors = [from_array(array.astype(np.float32), name) for name, array in held.items()]
    nodes = [
        node("Conv", ["x", "k", "kb"], ["c"]),
        node("GlobalAveragePool", ["c"], ["p"]),
        node("Flatten", ["p"], ["f"]),
        node("Gemm", ["f", "w", "wb"], ["g"]),
        node("Mul", ["g", "gamma"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "g", [value("x", ("n", 3, 8, 8))], [value("y")], tensors)
    opset = helper.make_opsetid("", 17)
    source, made = tmp_path / "float.onnx", tmp_path / "int8.onnx"
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[opset]), source)
    quantize_dynamic(source, made, per_channel=per_channel, weight_type=QuantType.QUInt8)
    kinds = {one.op_type for one in onnx.load(made).graph.node}
    assert {"ConvInteger", "MatMulInteger"} <= kinds
    params = 4 * 27 + 4 + 20 + 5 + 5
    assert [count_weights(onnx.load(path))[0] for path in (source, made)] == [params, params]


@pytest.mark.parametrize("sums", [True, False], ids=["sums", "numbers"])
def test_two_scales_multiplied_are_none_where_sums_of_integers_are_multiplied_by_them(sums):
    """A stored table is looked up, and multiplied by stored integers: the file has both scales."""
    made = "c" if sums else "x"
    nodes = [
        node("Gather", ["t", "ids"], ["e"]),
        node("Mul", ["ts", "ws"], ["s"]),
        node("MatMulInteger", ["e", "w", "p", "p"], ["sum"]),
        node("Cast", ["sum"], ["c"], to=1),
        node("Mul", [made, "s"], ["y"]),
    ]
    held = {"t": BYTES, "ids": np.array([1]), "w": BYTES.T, "p": np.uint8(0)}
    params, _ = counted(nodes, **held, ts=SCALE, ws=SCALE)
    assert params == 64 + 64 + (0 if sums else 2)


def test_a_table_of_types_of_fewer_bits_counts_by_element():
    found = helper.make_tensor("t", TensorProto.INT4, [16, 4], np.zeros(64, np.int8))
    gather = node(
        "GatherBlockQuantized", ["t", "x", "s"], ["y"], **MICROSOFT, bits=4, block_size=16
    )
    scales = from_array(np.ones((16, 1), np.float32), "s")
    graph = helper.make_graph([gather], "g", [value("x", ("n",))], [value("y")], [found, scales])
    imports = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, ir_version=10, opset_imports=imports)
    assert count_weights(model) == (64, None)
