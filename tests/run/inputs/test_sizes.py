"""The sizes of a model's inputs: asked for, following from others, or refused in one line."""

from __future__ import annotations

import pytest

from benchhub.errors import ConfigError
from benchhub.run.inputs.asked_shapes import AskedShapes, check_known, shape_sweep
from benchhub.run.inputs.axes import is_formula_of, says_batch
from benchhub.run.inputs.cases import of_one_case, set_apart, whole
from benchhub.run.inputs.signature import ModelInput
from benchhub.run.inputs.sizes import sized

IMAGE = ModelInput("img", "float32", ("n", 3, "height", "width"))
IDS = ModelInput("input_ids", "int64", ("b", "s"))
MASK = ModelInput("attention_mask", "int64", ("b", "s"))
UNNAMED = ModelInput("mask2", "int64", (None, None))
STATE = ModelInput("state", "float32", (2, "b", 64))


def test_several_values_are_a_sweep_and_go_together() -> None:
    sweep = shape_sweep(["a=1x3,1x4", "b=1x5", "c=2x1", "c=2x2"])
    assert [one.sizes for one in sweep] == [
        {"a": (1, 3), "b": (1, 5), "c": (2, 1)},
        {"a": (1, 4), "b": (1, 5), "c": (2, 2)},
    ]
    assert [one.sizes for one in shape_sweep([])] == [{}]
    assert shape_sweep(["x:0=1X3,y=2"])[0].sizes == {"x:0": (1, 3), "y": (2,)}


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("1x3x224x224", "should be NAME=1x3x224x224"),
        ("x:1x3", "should be NAME="),
        ("x=1x0x3", "1x0x3 is no shape"),
        ("x=", "nothing is no shape"),
        ("x=1x-3", "1x-3 is no shape"),
        ("x=1x3.5", "1x3.5 is no shape"),
        ("x=1,x3", "x3 is no shape"),
        pytest.param(f"x=1x{5_000 * '9'}", "is no shape", id="long"),
    ],
)
def test_what_is_no_shape_is_refused(text: str, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        shape_sweep([text])


def test_sweeps_of_different_lengths_are_refused() -> None:
    with pytest.raises(ConfigError, match="gives 2 of a, 3 of b"):
        shape_sweep(["a=1,2", "b=1,2,3"])


def test_an_input_that_no_model_has_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        ConfigError, match=r"--shape imag: m.onnx has no such input; did you mean img"
    ):
        check_known(shape_sweep(["imag=1x3"]), {"img", "scale"}, "m.onnx")


def test_a_name_that_axes_share_is_one_size() -> None:
    found = sized("m", (IDS, MASK, STATE), AskedShapes({"input_ids": (4, 128)}))
    assert found.batch == 4
    assert found.sizes == {"input_ids": (4, 128), "attention_mask": (4, 128), "state": (2, 4, 64)}
    assert found.text == "input_ids=4x128 attention_mask=4x128 state=2x4x64"


def test_integers_open_alike_are_as_long_as_each_other_and_floats_are_not() -> None:
    nameless = (ModelInput("ids", "int64", (None, None)), UNNAMED)
    assert sized("m", nameless, AskedShapes({"ids": (1, 9)})).sizes["mask2"] == (1, 9)
    features = ModelInput("x", "float32", (None, None))
    with pytest.raises(ConfigError, match=r"input x is \?x\?.*--shape x=1x128"):
        sized("m", (nameless[0], features), AskedShapes({"ids": (1, 9)}))


def test_the_batch_is_what_is_asked_for_then_of_the_shape_then_the_models() -> None:
    asked = AskedShapes({"img": (1, 3, 8, 8)})
    assert sized("m", (IMAGE,), asked, batch=16).sizes["img"] == (16, 3, 8, 8)
    assert sized("m", (IMAGE,), AskedShapes({"img": (2, 3, 8, 8)})).batch == 2
    fixed = ModelInput("x", "float32", (32, 7))
    assert sized("m", (fixed,), AskedShapes()).batch == 32
    assert sized("m", (ModelInput("x", "float32", (None, 7)),), AskedShapes()).batch == 1


def test_what_the_file_says_needs_no_text() -> None:
    assert sized("m", (ModelInput("x", "float32", (None, 7)),), AskedShapes(), batch=3).text == ""
    assert sized("m", (IMAGE,), AskedShapes({"img": (1, 3, 8, 9)})).text == "img=1x3x8x9"


@pytest.mark.parametrize(
    ("inputs", "asked", "match"),
    [
        ((IMAGE,), {}, r"m: input img is nx3xheightxwidth.*--shape img=1x3x224x224"),
        ((IDS, MASK), {}, r"input_ids is bxs.*write them, for example --shape input_ids=1x128$"),
        (
            (ModelInput("x", "float32", (None, 512)), ModelInput("h", "float32", (2, None, 128))),
            {}, r"h is 2x\?x128.* for example --shape h=2x1x128$",
        ),
        ((IMAGE,), {"img": (1, 4, 8, 8)}, "does not fit m, whose input img is nx3xheightxwidth"),
        ((IMAGE,), {"img": (1, 3, 8)}, "does not fit m"),
        ((IDS, MASK), {"input_ids": (1, 8), "attention_mask": (1, 9)}, "does not fit m: s is 8"),
        ((IDS, MASK), {"input_ids": (1, 8), "attention_mask": (2, 8)}, "batch.*differs"),
        ((ModelInput("x", "float32", None),), {}, "not even say.*--shape x=1x3x224x224"),
    ],
)  # fmt: skip
def test_what_does_not_fit_or_is_not_known_is_one_line(
    inputs: tuple[ModelInput, ...], asked: dict[str, tuple[int, ...]], match: str
) -> None:
    with pytest.raises(ConfigError, match=match) as refused:
        sized("m", inputs, AskedShapes(asked))
    assert "\n" not in str(refused.value)


def test_state_and_scalars_are_the_same_for_all_cases() -> None:
    rate = ModelInput("sr", "int64", ())
    chunk = ModelInput("x", "float32", ("b", 512))
    assert whole((chunk, STATE, rate)) == {"state", "sr"}
    assert whole((STATE, ModelInput("x", "float32", (1, 512)))) == {"state"}
    assert whole((ModelInput("x", "float32", (4, 512)),)) == frozenset()
    found = sized("m", (STATE, chunk, rate), AskedShapes({"state": (2, 3, 64), "x": (3, 512)}))
    assert found.batch == 3
    assert found.sizes == {"state": (2, 3, 64), "x": (3, 512), "sr": ()}


def test_an_axis_called_after_a_computation_is_computed() -> None:
    past = ModelInput("past", "float32", ("b", 8, "past_length", 64))
    ids = ModelInput("ids", "int64", ("b", "length"))
    mask = ModelInput("attention_mask", "int64", ("b", "past_length + length"))
    found = sized("m", (past, ids, mask), AskedShapes({"past": (2, 8, 15, 64), "ids": (2, 1)}))
    assert found.sizes["attention_mask"] == (2, 16)
    for axis, wanted in (
        ("length*2", 10), ("(length + 1)//2", 3), ("2 * length - past_length", 3), ("length-1", 5),
    ):  # fmt: skip
        one = ModelInput("x", "int64", ("b", axis))
        known = AskedShapes({"past": (1, 8, 7, 64), "ids": (1, 5)})
        assert sized("m", (past, ids, one), known).sizes["x"] == (1, wanted), axis


@pytest.mark.parametrize(
    "axis", ["length // 0", "other + 1", "length +", "f(length) + 1", "length ** 2", "1 - length"]
)
def test_what_cannot_be_computed_is_an_open_size(axis: str) -> None:
    ids, x = ModelInput("ids", "int64", ("b", "length")), ModelInput("x", "float32", ("b", axis))
    with pytest.raises(ConfigError, match="nothing says how large its open"):
        sized("m", (ids, x), AskedShapes({"ids": (1, 5)}))


NODES = ModelInput("nodes", "float32", ("nodes", 16))
EDGES = ModelInput("edges", "int64", (2, "edges"))
WEIGHTS = ModelInput("weights", "float32", ("edges", 4))


def test_first_axes_of_other_sizes_and_names_are_no_cases() -> None:
    alike = AskedShapes({"nodes": (30, 16), "edges": (2, 30)})
    assert set_apart((NODES, EDGES, WEIGHTS), [alike]) == (NODES, EDGES, WEIGHTS)
    asked = AskedShapes({"nodes": (10, 16), "edges": (2, 30), "weights": (30, 4)})
    graph = set_apart((NODES, EDGES, WEIGHTS), [asked])
    assert whole(graph) == {"nodes", "edges", "weights"}
    found = sized("m", graph, asked)
    assert (found.batch, found.sizes) == (1, asked.sizes)
    assert found.text == "nodes=10x16 edges=2x30 weights=30x4"
    for name in ("edges", "weights"):  # one tells the other
        less = AskedShapes({key: sizes for key, sizes in asked.sizes.items() if key != name})
        assert sized("m", set_apart((NODES, EDGES, WEIGHTS), [less]), less) == found


def test_the_axis_that_says_batch_is_of_cases() -> None:
    image = ModelInput("image", "float32", ("batch_size", 3, 8, 8))
    boxes = ModelInput("boxes", "float32", ("count", 4))
    asked = AskedShapes({"image": (1, 3, 8, 8), "boxes": (5, 4)})
    found = set_apart((image, boxes), [asked])
    assert whole(found) == {"boxes"}
    for batch in (1, 3):
        sizes = sized("m", found, asked, batch)
        assert sizes.sizes == {"image": (batch, 3, 8, 8), "boxes": (5, 4)}
        assert sizes.text == "boxes=5x4"


def test_axes_of_one_name_or_of_none_are_not_told_apart_where_that_may_be_a_mistake() -> None:
    given = [AskedShapes({"input_ids": (1, 8), "attention_mask": (2, 8)})]
    assert set_apart((IDS, MASK), given) == (IDS, MASK)
    one, other = (ModelInput(name, "float32", (None, 4)) for name in "xy")
    given = [AskedShapes({"x": (3, 4), "y": (5, 4)})]
    assert whole(set_apart((one, other), given)) == {"x", "y"}
    assert set_apart((one, other), given, nameless=False) == (one, other)


def test_an_axis_called_a_batch_is_one_wherever_it_stands() -> None:
    steps = ModelInput("x", "float32", ("steps", "batch_size", 64), apart=True)
    state = ModelInput("h", "float32", (2, "batch_size", 32))
    with pytest.raises(ConfigError, match=r"x is stepsxbatch_sizex64.*--shape x=128x1x64$"):
        sized("m", (steps, state), AskedShapes())
    found = sized("m", (steps, state), AskedShapes({"x": (50, 4, 64)}))
    assert (found.batch, found.sizes["h"]) == (4, (2, 4, 32))
    assert whole((steps, state)) == {"x", "h"}
    assert of_one_case((steps, state), found.sizes) == {"x": (50, 1, 64), "h": (2, 1, 32)}
    again = sized("m", (steps, state), AskedShapes({"x": (50, 1, 64)}), batch=8)
    assert again.text == "x=50x8x64 h=2x8x32"
    with pytest.raises(ConfigError, match=r"batch.*differs in inputs of m: x 4, h 2"):
        sized("m", (steps, state), AskedShapes({"x": (50, 4, 64), "h": (2, 2, 32)}))


@pytest.mark.parametrize(
    ("axis", "says"),
    [("batch", True), ("Batch_Size", True), ("decoder.batch", True), ("batch size", True),
     ("bs", True), ("batch*seq", False), ("batch + 1", False), ("n", False), ("abs", False),
     (None, False), (3, False)],
)  # fmt: skip
def test_what_a_name_of_an_axis_says(axis: object, says: bool) -> None:
    assert says_batch(axis) == says


@pytest.mark.parametrize(
    ("axis", "named", "is_one"),
    [("batch*seq", {"batch", "seq"}, True), ("batch*seq", {"batch"}, False),
     ("batch-size", {"batch", "size"}, False), ("seq", {"seq"}, False), (None, set(), False)],
)  # fmt: skip
def test_a_computation_is_with_names_that_there_are(
    axis: object, named: set[str], is_one: bool
) -> None:
    assert is_formula_of(axis, named) == is_one
