"""What tasks make of raw outputs, and the tables that metrics and predictions are found in."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from benchhub.errors import ConfigError
from benchhub.tasks.metrics import METRICS, MODULES, get_metric, metric_names
from benchhub.tasks.predictions import PREDICTIONS, Predictor, get_prediction, predicted


def largest(outputs: Any) -> Any:
    return outputs.argmax(axis=1).astype(np.uint8)


def of_first(function: Any) -> Predictor:
    return Predictor(lambda outputs: function(outputs[0]))


def test_cases_are_predicted_one_by_one_and_timed() -> None:
    outputs = np.random.default_rng(0).normal(size=(7, 3, 4))
    seen: list[int] = []

    def watched(one: Any) -> Any:
        seen.append(len(one))
        return largest(one)

    ticks = itertools.count(0, 5)
    made, took_ns = predicted(of_first(watched), [outputs], lambda: next(ticks))
    np.testing.assert_array_equal(made, largest(outputs))
    assert (made.dtype, took_ns.tolist()) == (np.uint8, [5] * 7)
    assert seen == [1] * 8  # the first once more, untimed


def test_an_output_that_does_not_run_over_cases_is_nothing_to_predict_from() -> None:
    nothing, scores = np.empty(0, np.float32), np.random.default_rng(0).normal(size=(5, 3))
    own = Predictor(lambda outputs: largest(outputs[1]), of_all=True)
    np.testing.assert_array_equal(predicted(own, [nothing, scores])[0], largest(scores))
    with pytest.raises(ValueError, match="does not run over cases"):
        predicted(of_first(largest), [nothing, scores])


@pytest.mark.parametrize("wrong", [lambda one: one[:, 0].sum(), lambda one: np.zeros((2, 3))])
def test_a_prediction_is_of_one_case(wrong: Any) -> None:
    with pytest.raises(ValueError, match="prediction of case 0 has shape"):
        predicted(of_first(wrong), [np.ones((3, 2, 2))])


def test_predictions_differ_in_nothing_but_values() -> None:
    sizes = itertools.cycle([1, 1, 2])
    with pytest.raises(ValueError, match="prediction of case 1 has shape"):
        predicted(of_first(lambda one: np.zeros((1, next(sizes)))), [np.zeros((3, 2))])


@pytest.mark.parametrize("name", [*MODULES, *METRICS])
def test_every_metric_of_the_tables_is_there_under_its_name(name: str) -> None:
    assert get_metric(name).name == name
    assert name in metric_names()


@pytest.mark.parametrize("name", PREDICTIONS)
def test_every_prediction_of_the_table_is_there(name: str) -> None:
    assert callable(get_prediction(name))


def test_the_worst_of_a_mean_is_found_by_its_name() -> None:
    found = get_metric("mean_absolute_error_worst10")
    assert (found.name, found.higher_is_better) == ("mean_absolute_error_worst10", False)
    values = np.arange(20.0)[:, None]
    assert found.weighted(values, np.zeros((20, 1)), np.ones((1, 20)))[0] == 18.5


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("acuracy", "metric 'acuracy' is unknown; did you mean accuracy?"),
        ("macro_auc_worst5", "metric 'macro_auc_worst5': macro_auc is no mean over cases"),
        ("nothing_worst5", "metric 'nothing_worst5' is unknown"),
    ],
)
def test_an_unknown_metric_is_named_with_the_nearest(name: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        get_metric(name)
    assert str(caught.value).startswith(said)
    with pytest.raises(ConfigError, match=r"^data\.metric: metric "):
        get_metric(name, "data.metric")


def test_an_unknown_prediction_is_named_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="'nucleii' is unknown; did you mean nuclei"):
        get_prediction("nucleii")
