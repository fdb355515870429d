"""Second answers to the first cases, held against the first ones by numpy alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchhub.ondevice.backends import TensorInfo
from benchhub.ondevice.job import Form, Job
from benchhub.ondevice.measure.answering import answers
from benchhub.ondevice.measure.batches import Batches

X = np.random.default_rng(3).normal(size=(9, 4)).astype(np.float32)


class Function:
    """A session that computes with numpy; it counts its calls."""

    def __init__(self, of: Callable[[Any, int], Any], inputs: Any = None) -> None:
        self.inputs = inputs or [TensorInfo("x", "float32", (None, 4))]
        self.outputs = [TensorInfo("y", "float32", (None, 4))]
        self._of, self.calls = of, 0

    def run(self, feeds: dict[str, Any]) -> list[Any]:
        self.calls += 1
        return [self._of(feeds["x"], self.calls)]


def asked(session: Function, batch: int, scenario: str = "quality", cases: int = -1) -> Any:
    job = Job("cell", 0, "numpy", scenario, None, "none", {}, batch=batch, output_cases=cases)
    batches = Batches({"x": X}, batch)
    batches.fit(session.inputs)
    told: dict[str, Any] = {}
    events = list(answers(job, session, batches, told))
    brought = sum(event["shape"][0] for event in events)
    assert brought == (len(X) if cases < 0 else cases)
    return told.get("repeated")


@pytest.mark.parametrize("batch", [1, 2, 3, 4, 8, 16])
def test_a_function_of_a_case_answers_alike(batch: int) -> None:
    session = Function(lambda x, _: x * 2)
    found = asked(session, batch)
    assert found["again"] == [0.0]
    assert found.get("turned", [0.0]) == [0.0]
    assert ("turned" in found) == (batch > 1)
    assert found["cases"] == 4
    once, repeats = -(-len(X) // batch), -(-4 // batch)
    assert session.calls == once + repeats + (batch > 1)


@pytest.mark.parametrize("batch", [1, 4])
def test_what_is_added_at_each_call_is_how_far_answers_lie_off(batch: int) -> None:
    calls = -(-len(X) // batch)  # the first call of the second pass is that many later
    found = asked(Function(lambda x, call: x + np.float32(call)), batch)
    assert found["again"] == pytest.approx([calls])


@pytest.mark.parametrize("batch", [2, 4, 8])
def test_a_running_sum_over_the_batch_hangs_on_the_place(batch: int) -> None:
    found = asked(Function(lambda x, _: x.cumsum(0, dtype=np.float32)), batch)
    assert found["again"] == [0.0]
    order = [*range(batch - 1, -1, -2), *range(batch - 2, -1, -2)]
    turned = np.empty_like(X[:batch])
    turned[order] = X[order].cumsum(0)
    gap = (turned - X[:batch].cumsum(0))[:4]
    assert found["turned"] == pytest.approx([np.sqrt(np.mean(gap**2))], rel=1e-5)
    assert found["turned"][0] > 0.1


def test_what_is_taken_of_the_whole_batch_moves_with_its_cases() -> None:
    found = asked(Function(lambda x, _: x / np.abs(x).max()), 4)
    assert found["turned"] == pytest.approx([0.0], abs=1e-6)


def test_infinities_at_the_same_places_say_nothing_and_at_others_all() -> None:
    def some(x: Any, call: int) -> Any:
        return np.where(x > 0, x, -np.inf).astype(np.float32)

    assert asked(Function(some), 4)["again"] == [0.0]

    def other(x: Any, call: int) -> Any:
        return np.where(x > 0, x, -np.inf if call < 2 else 0).astype(np.float32)

    assert asked(Function(other), 16)["again"] == [None]


def test_only_quality_is_asked_again() -> None:
    session = Function(lambda x, _: x)
    assert asked(session, 1, "latency", 4) is None
    assert session.calls == 4


def test_state_begins_anew_and_is_not_turned() -> None:
    forms = {"h": Form(whole=True, fed_from="hn")}

    class Summing:
        def __init__(self) -> None:
            self.inputs = [
                TensorInfo("x", "float32", (None, 4)),
                TensorInfo("h", "float32", (1, 4)),
            ]
            self.outputs = [
                TensorInfo("y", "float32", (None, 4)), TensorInfo("hn", "float32", (1, 4)),
            ]  # fmt: skip

        def run(self, feeds: dict[str, Any]) -> list[Any]:
            total = feeds["x"] + feeds["h"]
            return [total, total]

    job = Job(
        "cell", 0, "numpy", "quality", None, "none", {}, output_cases=-1,
        forms={name: form._asdict() for name, form in forms.items()},
    )  # fmt: skip
    batches = Batches({"x": X, "h": np.zeros((1, 4), np.float32)}, 1, forms)
    session = Summing()
    batches.fit(session.inputs)
    told: dict[str, Any] = {}
    list(answers(job, session, batches, told))
    assert told["repeated"] == {"cases": 4, "again": [0.0, 0.0]}


def test_rows_in_another_order_are_told_from_other_rows() -> None:
    rows = np.random.default_rng(4).normal(size=(9, 7, 2)).astype(np.float32)
    inputs = [TensorInfo("x", "float32", (None, 4))]

    def session(change: Callable[[Any], Any]) -> Function:
        calls = -(-len(X) // 4)
        found = Function(lambda x, call: change(rows[: len(x)]) if call > calls else rows[: len(x)])
        found.outputs = [TensorInfo("y", "float32", (None, 7, 2))]
        found.inputs = inputs
        return found

    moved = asked(session(lambda found: found[:, ::-1]), 4)
    assert moved["again"][0] > 0.5
    assert moved["again_any_order"] == [0.0]
    assert asked(session(lambda found: found + 1), 4)["again_any_order"] == pytest.approx([1])
    assert "again_any_order" not in asked(session(lambda found: found), 4)
