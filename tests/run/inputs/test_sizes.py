"""The sizes of a model's inputs: asked for, following from others, or refused in one line."""

from __future__ import annotations

import pytest

from benchhub.errors import ConfigError
from benchhub.run.inputs.asked_shapes import AskedShapes, check_known, shape_sweep
from benchhub.run.inputs.signature import ModelInput
from benchhub.run.inputs.sizes import sized, whole

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
