from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from told_events import Gathering

from benchhub.ondevice.backends import TensorInfo
from benchhub.ondevice.job import PIECE_BYTES, Form, Job
from benchhub.ondevice.measure import outputs
from benchhub.ondevice.measure.batches import Batches
from benchhub.ondevice.measure.plain import told

ASKED = Job("cell", 0, "null", "quality", None, "none", {}, output_cases=-1)
STAGES = [{"event": "stage", "stage": "outputs"}]
SCORES = TensorInfo("scores", "float32", (None, 3))


ALL = outputs.wanted([SCORES], (), {})


def bring(arrays: list[Any], batch: int, which: outputs.Wanted = ALL) -> list[Any]:
    found = outputs.chosen([SCORES], arrays, which)
    outputs.check(which, found, batch)
    return found


def test_large_outputs_cross_in_pieces_and_come_back_whole() -> None:
    array = np.random.default_rng(0).normal(size=(7, 3, 100_000)).astype(">f4")
    which = outputs.wanted([TensorInfo("maps", "float32", (None, 3, 100_000))], (), {})
    gathering = Gathering(ASKED).take_all(STAGES)
    events = list(outputs.events(which, [array], 5))
    for event in events:
        assert len(event["data"]) <= PIECE_BYTES * 4 // 3 + 4
        gathering.take(event)
    assert [event["event"] for event in events] == ["outputs", "more"] * 5
    (found,) = gathering.outcome().outputs
    assert (found.dtype, found.shape) == ("<f4", (5, 3, 100_000))
    assert np.array_equal(np.frombuffer(found.data, "<f4").reshape(found.shape), array[:5])


@pytest.mark.parametrize(
    ("shape", "batch", "words"),
    [((2, 4), 2, "?x3 and came as 2x4"), ((2, 3, 1), 2, "2x3x1"), ((3, 3), 2, "batch of 2")],
)
def test_other_shapes_are_refused(shape: tuple[int, ...], batch: int, words: str) -> None:
    with pytest.raises(outputs.ShapeError) as caught:
        bring([np.zeros(shape, np.float32)], batch)
    assert words in str(caught.value)


def test_other_numbers_of_outputs_are_refused() -> None:
    with pytest.raises(outputs.ShapeError, match="1 outputs declared, 0 came"):
        bring([], 1)


def test_nan_is_no_shape_error() -> None:
    bring([np.full((1, 3), np.nan, np.float32)], 1)


def test_outputs_come_in_the_order_asked_for_cases_first() -> None:
    declared = [TensorInfo("a", "float32", (2, None)), TensorInfo("b", "float32", (None, 3))]
    forms = {"a": Form(order=(1, 0)), "b": Form(left_out=True)}
    which = outputs.wanted(declared, ("b", "a"), forms)
    array = np.arange(8, dtype=np.float32).reshape(2, 4)
    found = outputs.chosen(declared, [array, np.array("text")], which)
    outputs.check(which, found, 4)
    gathering = Gathering(ASKED).take_all(STAGES)
    for _ in range(2):
        gathering.take_all(outputs.events(which, found, 3))
    left, brought = gathering.outcome().outputs
    assert (left.name, left.shape) == ("b", (0,))
    assert brought.shape == (6, 2)
    whole = np.frombuffer(brought.data, "<f4").reshape(6, 2)
    assert np.array_equal(whole, np.concatenate([array.T[:3], array.T[:3]]))
    with pytest.raises(outputs.ShapeError, match="has outputs a, b, not c"):
        outputs.wanted(declared, ("c",), {})
    with pytest.raises(outputs.ShapeError, match=r"along its axis 1; say batch_axis\.a"):
        outputs.check(which, found, 5)


def test_rows_that_were_found_are_filled_up_with_zeros() -> None:
    declared = [TensorInfo("a", "int64", (None, None)), TensorInfo("b", "float32", (None, 4))]
    forms = {"a": Form(rows=5), "b": Form(whole=True, rows=3)}
    which = outputs.wanted(declared, (), forms)
    arrays = [np.arange(1, 5).reshape(1, 4), np.ones((2, 4), np.float32)]
    found = outputs.chosen(declared, arrays, which)
    outputs.check(which, found, 1)
    assert found[0].tolist() == [[1, 2, 3, 4, 0]]
    assert found[1].tolist() == [[[1] * 4, [1] * 4, [0] * 4]]
    assert [one.dtype.name for one in found] == ["int64", "float32"]
    none = outputs.chosen(declared, [arrays[0][:, :0], arrays[1][:0]], which)
    assert [(one.shape, one.any()) for one in none] == [((1, 5), False), ((1, 3, 4), False)]
    with pytest.raises(outputs.ShapeError, match=r"a has 6 rows for a case, and rows\.a is 5"):
        outputs.chosen(declared, [np.zeros((1, 6), np.int64), arrays[1]], which)
    flat = [TensorInfo("c", "float32", (None,))]
    with pytest.raises(outputs.ShapeError, match=r"say batch_axis\.c = false if they are all of"):
        outputs.chosen(flat, [np.zeros(4)], outputs.wanted(flat, (), {"c": Form(rows=5)}))
    with pytest.raises(outputs.ShapeError, match="for a batch of 2"):
        outputs.check(which, found, 2)


SEVEN = {"x": np.arange(7, dtype=np.float64).reshape(7, 1)}


def test_batches_wrap_around_in_the_dtype_of_the_model() -> None:
    batches = Batches(SEVEN, 3)
    batches.fit([TensorInfo("x", "float32", (None, 1))])
    feeds = [batches.feeds(index)["x"] for index in range(3)]
    assert [feed.ravel().tolist() for feed in feeds] == [[0, 1, 2], [3, 4, 5], [6, 0, 1]]
    assert {feed.dtype.name for feed in feeds} == {"float32"}
    assert [batches.sizes(n) for n in (-1, 4, 0, 99)] == [[3, 3, 1], [3, 1], [], [3, 3, 1]]


def test_cases_that_do_not_fit_are_refused() -> None:
    for tensor, words in (
        (TensorInfo("x", "float32", (1, 1)), "is declared as 1x1; a batch of the cases is 3x1"),
        (TensorInfo("x", "float32", (None, 2)), r"\?x2"),
        (TensorInfo("x", "int64", (None, 1)), "int64; the cases are float64"),
        (TensorInfo("x", "string", (None, 1)), "string; the cases are float64"),
        (TensorInfo("y", "float32", (None, 1)), "the model takes inputs y, the job has x"),
    ):
        with pytest.raises(ValueError, match=words):
            Batches(SEVEN, 3).fit([tensor])


def test_batches_of_every_form() -> None:
    arrays = {
        "moved": np.arange(24, dtype=np.float32).reshape(4, 2, 3),
        "rate": np.array(16000),
        "table": np.arange(6, dtype=np.int8).reshape(2, 3),
        "words": np.array(["a", "bc", "d", "e"]),
    }
    forms = {
        "moved": Form(order=(2, 0, 1)), "rate": Form(whole=True), "table": Form(whole=True),
    }  # fmt: skip
    batches = Batches(arrays, 3, forms)
    assert batches.shapes == {"moved": (3, 3, 2), "rate": (), "table": (2, 3), "words": (3,)}
    batches.fit(
        [
            TensorInfo("moved", "float32", (3, None, 2)),
            TensorInfo("rate", "int64", (1,)),
            TensorInfo("table", "int8", (None, 3)),
            TensorInfo("words", "string", (None,)),
        ]
    )
    feeds = batches.feeds(1)
    rows = [3, 0, 1]
    assert np.array_equal(feeds["moved"], arrays["moved"][rows].transpose(2, 0, 1))
    assert feeds["moved"].flags.c_contiguous
    assert feeds["rate"].tolist() == [16000]
    assert np.array_equal(feeds["table"], arrays["table"])
    assert feeds["words"].dtype == object
    assert feeds["words"].tolist() == ["e", "a", "bc"]


def test_cases_of_other_shapes_in_another_batch_end_the_launch() -> None:
    boxes = TensorInfo("boxes", "float32", (None, None, 4))
    which = outputs.wanted([boxes], (), {})
    brought = outputs.Brought(None)
    brought.add(which, [np.zeros((2, 7, 4), np.float32)], 2)
    with pytest.raises(outputs.ShapeError, match="7x4 a case in one batch and 9x4 in another"):
        brought.add(which, [np.zeros((2, 9, 4), np.float32)], 2)


def test_more_than_the_controller_takes_ends_the_launch() -> None:
    brought = outputs.Brought(100)
    brought.add(ALL, [np.zeros((8, 3), np.float32)], 8)
    with pytest.raises(
        outputs.ShapeError, match="outputs of 108 bytes and more, and 100 is the most"
    ):
        brought.add(ALL, [np.zeros((8, 3), np.float32)], 1)


def test_details_of_any_size_and_kind_stay_within_bounds() -> None:
    deep: list[Any] = []
    for _ in range(50):
        deep = [deep]
    found = told({"a": float("nan"), 2: np.float32(0.5), "deep": deep, "long": "x" * 10_000})
    assert found["a"] == "nan"
    assert found["2"] == 0.5 or found["2"] == "0.5"
    assert len(found["long"]) == 4000
    assert set(told({str(key): "x" * 1000 for key in range(2000)})) == {"unavailable"}
