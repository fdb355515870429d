from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchhub.ondevice import wire
from benchhub.ondevice.backends import TensorInfo
from benchhub.ondevice.measure import outputs
from benchhub.ondevice.measure.batches import Batches

SCORES = TensorInfo("scores", "float32", (None, 3))


def test_large_outputs_cross_in_pieces_and_come_back_whole() -> None:
    array = np.random.default_rng(0).normal(size=(7, 3, 100_000)).astype(">f4")
    tensor = TensorInfo("maps", "float32", (None, 3, 100_000))
    outcome = wire.Outcome()
    events = list(outputs.events([tensor], [array], 5))
    for event in events:
        assert len(event["data"]) <= outputs.EVENT_BYTES * 2
        wire.fold(outcome, event)
    assert len(events) == 5
    (found,) = outcome.outputs
    assert (found.dtype, found.shape) == ("<f4", (5, 3, 100_000))
    assert np.array_equal(np.frombuffer(found.data, "<f4").reshape(found.shape), array[:5])


@pytest.mark.parametrize(
    ("shape", "batch", "words"),
    [((2, 4), 2, "?x3 and came as 2x4"), ((2, 3, 1), 2, "2x3x1"), ((3, 3), 2, "batch of 2")],
)
def test_other_shapes_are_refused(shape: tuple[int, ...], batch: int, words: str) -> None:
    with pytest.raises(outputs.ShapeError) as caught:
        outputs.check([SCORES], [np.zeros(shape, np.float32)], batch)
    assert words in str(caught.value)


def test_other_numbers_of_outputs_are_refused() -> None:
    with pytest.raises(outputs.ShapeError, match="1 outputs declared, 0 came"):
        outputs.check([SCORES], [], 1)


def test_nan_is_no_shape_error() -> None:
    outputs.check([SCORES], [np.full((1, 3), np.nan, np.float32)], 1)


@pytest.fixture
def seven(tmp_path: Path) -> str:
    np.save(tmp_path / "x.npy", np.arange(7, dtype=np.float64).reshape(7, 1))
    return str(tmp_path / "x.npy")


def test_batches_wrap_around_in_the_dtype_of_the_model(seven: str) -> None:
    batches = Batches({"x": seven}, [TensorInfo("x", "float32", (None, 1))], 3)
    feeds = [batches.feeds(index)["x"] for index in range(3)]
    assert [feed.ravel().tolist() for feed in feeds] == [[0, 1, 2], [3, 4, 5], [6, 0, 1]]
    assert {feed.dtype.name for feed in feeds} == {"float32"}
    assert [batches.sizes(n) for n in (-1, 4, 0, 99)] == [[3, 3, 1], [3, 1], [], [3, 3, 1]]


def test_cases_that_do_not_fit_are_refused(seven: str) -> None:
    for tensor, words in (
        (TensorInfo("x", "float32", (1, 1)), "is declared as 1x1; a batch of the cases is 3x1"),
        (TensorInfo("x", "float32", (None, 2)), r"\?x2"),
        (TensorInfo("x", "int64", (None, 1)), "int64; the cases are float64"),
    ):
        with pytest.raises(ValueError, match=words):
            Batches({"x": seven}, [tensor], 3)
