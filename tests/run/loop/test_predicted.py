"""A quality launch of a task that predicts: what is kept of it, and what fails it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from builders import make_cell
from scripted import Board, BoardSession, Diary, work

from benchhub.model.device import DeviceProfile
from benchhub.model.launch import Launch
from benchhub.model.scenario import Scenario
from benchhub.ondevice import wire
from benchhub.ondevice.wire import Job, Outcome
from benchhub.run.loop.campaign import measure
from benchhub.tasks.predictions import Predictor

CASES = 9
RAW = np.random.default_rng(0).normal(size=(CASES, 3, 2, 2)).astype(np.float32)


def class_map(outputs: Any) -> Any:
    assert np.isfinite(outputs).all(), "what is not finite is told before anything is predicted"
    if outputs.shape[1] != 3:
        raise ValueError("not three\nclasses")
    return outputs.argmax(axis=1).astype(np.uint8)


class Answering(Board):
    """A board whose model gives these outputs, all of them or those of the cases asked for."""

    outputs: Any = RAW

    def connect(self, profile: DeviceProfile) -> AnsweringSession:
        super().connect(profile)
        return AnsweringSession(self)


class AnsweringSession(BoardSession):
    """One connection to it."""

    def expects(self, left_s: float) -> int:
        return 0

    def launch(self, job: Job, **_more: Any) -> Outcome:
        assert isinstance(self._board, Answering)
        outcome = super().launch(job)
        whole = self._board.outputs
        given = whole if job.output_cases < 0 else whole[: job.output_cases]
        data = np.ascontiguousarray(given).tobytes()
        outcome.outputs.append(wire.Array("scores", given.dtype.str, given.shape, data))
        return outcome


def launched(outputs: Any, scenario: Scenario, predict: Any = class_map) -> Launch:
    cell = make_cell(device="board", launches=1, iterations=3, scenario=scenario)
    board = Answering()
    board.outputs = outputs
    predictor = None if predict is None else Predictor(lambda outputs: predict(outputs[0]))
    asked = dataclasses.replace(work((cell,)), reference=(RAW,), predict=predictor)
    (launch,) = measure(asked, board.connect, Diary())
    return launch


def test_predictions_of_all_cases_are_kept_and_raw_outputs_of_the_check_cases() -> None:
    launch = launched(RAW, Scenario.QUALITY)
    assert launch.status == "finished"
    np.testing.assert_array_equal(launch.predictions, RAW.argmax(axis=1))
    np.testing.assert_array_equal(launch.outputs[0], RAW[:4])
    assert launch.postprocess_ns.shape == (CASES,)
    assert (launch.postprocess_ns > 0).all()


def test_other_scenarios_and_tasks_that_do_not_predict_are_as_ever() -> None:
    for launch in (
        launched(RAW, Scenario.LATENCY),
        launched(RAW, Scenario.QUALITY, predict=None),
    ):
        assert (launch.predictions, launch.postprocess_ns.size) == (None, 0)
    np.testing.assert_array_equal(launch.outputs[0], RAW)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_caught_before_it_is_predicted_from(bad: float) -> None:
    broken = RAW.copy()
    broken[CASES - 1, 1, 0, 0] = bad  # no check case
    launch = launched(broken, Scenario.QUALITY)
    assert launch.status == "failed"
    assert launch.failure is not None
    assert (launch.failure.kind, launch.predictions) == ("nonfinite", None)
    assert "in 1 of 9 cases" in launch.failure.message


def test_outputs_of_another_shape_are_not_predicted_from() -> None:
    launch = launched(RAW[:, :2], Scenario.QUALITY)
    assert (launch.status, launch.predictions) == ("finished", None)
    assert launch.outputs[0].shape == (4, 2, 2, 2)


def test_a_task_that_cannot_predict_fails_the_launch_in_one_line() -> None:
    def refuse(outputs: Any) -> Any:
        raise ValueError("no nucleus\nat all")

    launch = launched(RAW, Scenario.QUALITY, predict=refuse)
    assert launch.status == "failed"
    assert launch.failure is not None
    assert (launch.failure.stage, launch.failure.kind) == ("outputs", "raised")
    assert launch.failure.message == "the task cannot predict from them: no nucleus at all"
