"""Model files as the data have them, and the line where that cannot be."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchhub.compress.build.calls import Calls
from benchhub.compress.files.arranged import (
    arranged,
    forms,
    in_order_of,
    like,
    output_names,
    starting_state,
    with_whole,
)
from benchhub.compress.files.look import check_inputs_match, check_outputs_match
from benchhub.errors import ConfigError
from benchhub.model.asked import Arrangement
from benchhub.model.cell import TensorSpec, Variant
from benchhub.ondevice.job import Form

X = TensorSpec("x", "float32", (None, 12, 12, 3))
Y = TensorSpec("y", "float32", (None, 12, 12, 2))


def variant(
    inputs: tuple[TensorSpec, ...] = (X,), outputs: tuple[TensorSpec, ...] = (Y,), name: str = "v"
) -> Variant:
    return Variant(name, Path(f"{name}.onnx"), "a" * 64, "onnx", 1, 1, inputs, outputs)


def refused(act: Any, *wanted: str) -> None:
    with pytest.raises(ConfigError) as caught:
        act()
    assert "\n" not in str(caught.value)
    for text in wanted:
        assert text in str(caught.value)


def test_a_file_that_is_as_the_data_are_stays_as_it_is() -> None:
    plain = variant()
    assert arranged(plain, Arrangement()) == plain
    assert forms(plain) == {}
    assert output_names(plain) == ()


def test_names_and_layouts_of_both_sides() -> None:
    said = Arrangement(
        inputs={"image": "x"},
        outputs={"mask": "y"},
        layout={"image": "NCHW->NHWC", "mask": "NHWC->NCHW"},
    )
    found = arranged(variant(), said)
    (image,), (mask,) = found.inputs, found.outputs
    assert (image.name, image.in_file, image.shape) == ("image", "x", (None, 3, 12, 12))
    assert image.own_shape == X.shape
    assert (mask.name, mask.in_file, mask.shape) == ("mask", "y", (None, 2, 12, 12))
    assert output_names(found) == ("y",)
    batch = np.random.default_rng(0).normal(size=(5, 3, 12, 12)).astype(np.float32)
    assert batch.transpose(forms(found)["x"].order).shape == (5, 12, 12, 3)
    calls = Calls(found, {"image": batch}, {}).first()
    given = np.concatenate([call["x"] for call in calls])
    assert np.array_equal(given, np.moveaxis(batch, 1, 3))


def test_tensorflow_s_names_are_known_without_what_is_around_them() -> None:
    found = arranged(variant(), Arrangement(inputs={"image": "serving_default_x:0"}))
    assert found.inputs[0].in_file == "x"


@pytest.mark.parametrize(
    ("said", "order"),
    [
        (Arrangement(batch_axis={"x": 1}), (1, 0, 2)),
        (Arrangement(batch_axis={"x": 2}), (1, 2, 0)),
        (Arrangement(layout={"x": "NTC->TNC"}), (1, 0, 2)),
        (Arrangement(batch_axis={"x": 0}), ()),
        (Arrangement(layout={"x": "NTC->NTC"}), ()),
    ],
    ids=["second", "last", "by layout", "first", "as it is"],
)
def test_cases_along_another_axis(said: Arrangement, order: tuple[int, ...]) -> None:
    """Cases come first in the data, the file's other axes follow in their order."""
    own = TensorSpec("x", "float32", (7, 8, 9))
    (spec,) = arranged(variant((own,)), said).inputs
    assert spec.order == order
    assert spec.own_shape == own.shape
    data = np.zeros([size or 0 for size in spec.shape])
    assert (data.transpose(order) if order else data).shape == own.shape


def test_mistakes_are_one_line() -> None:
    for said, *wanted in (
        (Arrangement(inputs={"image": "z"}), "inputs.image: v.onnx has no 'z'"),
        (Arrangement(outputs={"mask": "yy"}), "outputs.mask", "did you mean y?"),
        (Arrangement(layout={"xx": "NCHW->NHWC"}), "layout.xx", "did you mean x?"),
        (Arrangement(layout={"x": "NCHW->NCCW"}), "the same axes twice, like NCHW->NHWC"),
        (Arrangement(layout={"x": "NCHW"}), "layout.x = 'NCHW'", "the same axes twice"),
        (Arrangement(layout={"x": "NCHW->NHW"}), "the same axes twice"),
        (Arrangement(layout={"x": "NTC->NCT"}), "has 3 axes, and x has 4: float32 ?x12x12x3"),
        (Arrangement(batch_axis={"x": 4}), "batch_axis.x = 4: it has 4 axes, from 0 to 3"),
        (Arrangement(batch_axis={"z": 1}), "batch_axis.z: v.onnx has no such input or output"),
        (Arrangement(layout={"x": "NCHW->NHWC"}, batch_axis={"x": 1}), "layout and a batch_axis"),
        (Arrangement(rows={"x": 9}), "rows.x: v.onnx has no such output; known: y"),
        (Arrangement(state={"h": "y"}), "state.h: v.onnx has no input 'h'"),
        (Arrangement(state={"x": "hn"}), "state.x: v.onnx has no output 'hn'"),
        (Arrangement(state={"x": "y"}), "y is float32 ?x12x12x2 and x takes float32 ?x12x12x3"),
    ):  # fmt: skip
        refused(lambda said=said: arranged(variant(), said), "variant v", *wanted)
    two = variant((X, dataclasses.replace(X, name="z")))
    refused(lambda: arranged(two, Arrangement(inputs={"a": "x", "b": "x"})), "a and b are both")
    refused(lambda: arranged(two, Arrangement(inputs={"z": "x"})), "z is the name of another one")


STATE = TensorSpec("h", "float32", (2, None, 4))


def test_state_starts_with_zeros_or_what_the_data_hold() -> None:
    made = variant((X, STATE), (Y, dataclasses.replace(STATE, name="hn")))
    found = arranged(made, Arrangement(state={"h": "hn"}, batch_axis={"h": 1}))
    spec = found.inputs[1]
    assert (spec.fed_from, spec.whole) == ("hn", True)
    assert forms(found)["h"] == Form((), True, "hn", False)
    start = starting_state(found, {})["h"]
    assert (start.shape, start.dtype.name, start.any()) == ((2, 1, 4), "float32", False)
    ones = np.ones((2, 1, 4), np.float32)
    assert np.array_equal(starting_state(found, {"h": ones})["h"], ones)
    several = np.stack([ones * 3, ones * 4]).astype(np.float32)
    assert np.array_equal(starting_state(found, {"h": several})["h"], ones * 3)
    for wrong in (ones.astype(np.float64), np.ones((1, 2, 4), np.float32)):
        refused(lambda wrong=wrong: starting_state(found, {"h": wrong}), "state 'h'", "zeros")


def test_what_a_recipe_makes_is_arranged_as_its_source() -> None:
    source = arranged(variant(), Arrangement(inputs={"image": "x"}, layout={"image": "NCHW->NHWC"}))
    made = like(variant(name="int8"), source)
    assert made.inputs == source.inputs
    check_inputs_match(made, source)


def test_outputs_of_another_order_are_told_apart_by_name() -> None:
    one, two = Y, TensorSpec("score", "float32", (None, 5))
    other = variant(outputs=(two, one))
    ordered = in_order_of(other, variant(outputs=(one, two)))
    assert [spec.name for spec in ordered.outputs] == ["y", "score"]
    assert output_names(ordered) == ("y", "score")


def test_what_is_the_same_for_all_cases_has_no_cases_to_arrange() -> None:
    assert with_whole(variant(), ["x"]).inputs[0].whole
    laid = arranged(variant(), Arrangement(layout={"x": "NCHW->NHWC"}))
    refused(lambda: with_whole(laid, ["x"]), "the same for all cases in the data")
    refused(lambda: Calls(laid, {}, {"x": np.zeros(3)}), "the same for all cases in the data")
    refused(lambda: Calls(variant(), {"y": np.zeros((3, 4))}, {}), "input x of v.onnx has no array")


def test_near_misses_say_what_to_write() -> None:
    image = TensorSpec("image", "float32", (None, 3, 12, 12))
    base = variant((image,), (TensorSpec("y", "float32", (None, 2, 12, 12)),), "base")
    same = dataclasses.replace(image, name="x")
    refused(
        lambda: check_inputs_match(variant((same,)), base),
        'if that is the same input, write inputs = { image = "x" } in the variant',
    )
    refused(
        lambda: check_inputs_match(variant(), base),
        'write inputs = { image = "x" }, layout = { image = "NCHW->NHWC" } in the variant',
    )
    refused(
        lambda: check_inputs_match(variant((dataclasses.replace(X, name="image"),)), base),
        'if only its axes lie otherwise, write layout = { image = "NCHW->NHWC" }',
    )
    refused(
        lambda: check_outputs_match(variant(), base),
        'if only its axes lie otherwise, write layout = { y = "NHWC->NCHW" }',
    )
    other = TensorSpec("x", "int64", (None, 5))
    refused(lambda: check_inputs_match(variant((other,)), base), "export it with the same names")
