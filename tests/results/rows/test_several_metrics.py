"""Rows of a task with several metrics, predictions, and post-processing."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from builders import make_answer_key, make_cell, make_device, make_launch, make_run, make_variant

from benchhub.errors import MissingExtra
from benchhub.model.figure import BY_DEFINITION
from benchhub.model.launch import Launch
from benchhub.model.quality import AnswerKey
from benchhub.model.row import Row
from benchhub.model.scenario import Scenario
from benchhub.results.rows.rows import summarize
from benchhub.tasks.case_tables import mean_metric, summed_metric, worst

CASES, SIZE, CLASSES = 60, 6, 3
NO_CALLS = np.empty(0, dtype=np.int64)


def right_by_case(predicted: Any, labels: Any) -> Any:
    """Each case's share of pixels of the right class, and their numbers."""
    hits = (predicted == labels).reshape(len(labels), -1)
    return np.stack([hits.mean(axis=1), hits.sum(axis=1), np.full(len(hits), hits.shape[1])], 1)


RIGHT = mean_metric("right", right_by_case)
WRONG = summed_metric(
    "wrong", right_by_case, lambda sums: 1 - sums[:, 1] / sums[:, 2], higher_is_better=False
)
METRICS = (RIGHT, worst(RIGHT), WRONG)


def maps(seed: int, share: float) -> Any:
    """Maps of classes that differ from the answer_key in about a share of the pixels."""
    rng = np.random.default_rng(seed)
    answer_key = np.random.default_rng(0).integers(0, CLASSES, (CASES, SIZE, SIZE)).astype(np.uint8)
    rates = share * rng.uniform(0, 2, (CASES, 1, 1))
    return np.where(
        rng.random(answer_key.shape) < rates, (answer_key + 1) % CLASSES, answer_key
    ).astype(np.uint8)


RAW = np.random.default_rng(5).normal(size=(4, CLASSES, SIZE, SIZE)).astype(np.float32)
TRUTH: AnswerKey = dataclasses.replace(
    make_answer_key(CASES),
    metric="right",
    labels=maps(0, 0.0),
    label_names=(),
    reference=(RAW,),
    also=("right_worst5", "wrong"),
    predict="argmax-labels",
    predictions=maps(1, 0.1),
    spreads=(1.0,),
)


def launch(variant: str, predictions: Any, device: str = "localhost", **changes: Any) -> Launch:
    cell = make_cell(
        variant=variant, device=device, scenario=Scenario.QUALITY, launches=1, iterations=0
    )
    return make_launch(
        cell,
        samples_ns=NO_CALLS,
        warmup_ns=NO_CALLS,
        predictions=predictions,
        **({"outputs": (RAW,), "postprocess_ns": np.arange(1, CASES + 1) * 1000} | changes),
    )


def rows_of(*launches: Launch, metrics: Any = METRICS, **more: Any) -> tuple[Row, ...]:
    devices = [make_device(), make_device("board", transport="ssh")]
    variants = [make_variant(name) for name in ("fp32", "pruned")]
    return summarize(
        make_run(),
        [one.cell for one in launches],
        launches,
        variants,
        devices,
        answer_key=TRUTH,
        metric=metrics[0],
        also=metrics[1:],
        **more,
    )


def test_every_metric_gets_value_and_loss_with_their_limits() -> None:
    base, pruned = rows_of(launch("fp32", maps(1, 0.1)), launch("pruned", maps(2, 0.2)))
    assert pruned.quality.metric == "right"
    assert pruned.quality.value == pytest.approx(0.8, abs=0.03)
    assert set(pruned.quality_also) == {"right_worst5", "wrong"}
    tail, wrong = pruned.quality_also["right_worst5"], pruned.quality_also["wrong"]
    assert tail.low < tail.value < tail.high < pruned.quality.value
    assert wrong.value == pytest.approx(1 - pruned.quality.value)
    assert wrong.loss.estimate == pytest.approx(pruned["quality_loss"].value)
    assert wrong.loss.low < wrong.loss.estimate < wrong.loss.high
    assert (wrong.unit, wrong.higher_is_better, tail.higher_is_better) == ("", False, True)
    assert wrong.method == "bootstrap-t"
    assert base.quality_also["wrong"].loss.estimate == 0
    assert base.quality_also["wrong"].loss.low is None
    assert base.quality_also["wrong"].method == BY_DEFINITION


def test_what_comes_first_does_not_change_what_is_said_of_a_metric() -> None:
    launches = launch("fp32", maps(1, 0.1)), launch("pruned", maps(2, 0.2))
    _, one = rows_of(*launches)
    _, other = rows_of(*launches, metrics=METRICS[::-1])
    assert other.quality_also["right"].loss.high == one["quality_loss"].high
    assert other["quality_loss"].high == one.quality_also["wrong"].loss.high
    (_, alone) = rows_of(*launches, metrics=METRICS[:1])
    assert alone.quality_also == {}
    assert alone.quality == one.quality


def test_the_runs_seed_draws_the_resamples() -> None:
    launches = launch("fp32", maps(1, 0.1)), launch("pruned", maps(2, 0.2))
    limits = [rows_of(*launches, seed=seed)[1]["quality_loss"].high for seed in (0, 0, 14)]
    assert limits[0] == limits[1] != limits[2]


def test_a_metric_that_cannot_be_judged_leaves_the_others() -> None:
    never = summed_metric("never", right_by_case, lambda sums: sums[:, 0] * np.nan)
    (row,) = rows_of(launch("pruned", maps(2, 0.2)), metrics=(RIGHT, never, WRONG))
    assert row.quality is not None
    assert set(row.quality_also) == {"wrong"}
    assert row.unjudged["never"] == "never is undefined on these 60 cases"
    (row,) = rows_of(launch("pruned", maps(2, 0.2)), metrics=(never, WRONG))
    assert (row.quality, set(row.quality_also)) == (None, {"wrong"})
    assert row["quality"].withheld


def test_without_the_baseline_on_the_device_its_predictions_here_stand_in() -> None:
    (row,) = rows_of(launch("pruned", maps(2, 0.2)))
    assert row.provenance.quality.against == "fp32 on the controller at float32"
    hits = [float((found == TRUTH.labels).mean()) for found in (maps(1, 0.1), maps(2, 0.2))]
    assert row["quality_loss"].value == pytest.approx(hits[0] - hits[1])


def test_agreement_is_of_the_raw_outputs_over_the_spread_of_all_cases() -> None:
    (row,) = rows_of(launch("pruned", maps(2, 0.2), outputs=(RAW + np.float32(0.25),)))
    assert row.agreement_relative == pytest.approx(0.25, rel=1e-5)
    assert row.flags == ()


def test_equal_maps_are_one_models_only_where_raw_outputs_are_too() -> None:
    """Maps that agree in 60 cases leave room for one that does not; a rounded model leaves none."""
    same, moved = (
        rows_of(launch("fp32", maps(1, 0.1)), launch("pruned", maps(1, 0.1), outputs=(raw,)))[1]
        for raw in (RAW * np.float32(1 + 1e-6), RAW + np.float32(0.1))
    )
    assert (same["quality_loss"].value, same["quality_loss"].high) == (0, 0)
    assert moved["quality_loss"].value == 0
    assert moved["quality_loss"].high > 0.01


def test_outputs_that_nothing_was_predicted_from_say_so() -> None:
    (row,) = rows_of(launch("pruned", None, outputs=(RAW[:, :2],), postprocess_ns=NO_CALLS))
    assert {flag.name for flag in row.flags} == {"nonfinite", "garbage"}
    assert row.quality is None
    assert row["quality"].withheld.startswith("the outputs are of another shape")


def test_post_processing_is_shown_where_the_controller_is_the_device() -> None:
    here, there = rows_of(
        launch("fp32", maps(1, 0.1)), launch("fp32", maps(1, 0.1), device="board")
    )
    assert here["postprocess_p50_ms"].value == pytest.approx(0.0305)
    told = here["postprocess_p50_ms"]
    assert told.low < told.value < told.high
    assert told.interval.cases == CASES
    assert there["postprocess_p50_ms"].value is None
    assert there["postprocess_p50_ms"].interval is None


def test_a_metric_whose_package_is_not_installed_here_leaves_the_rest_of_the_report() -> None:
    def without(outputs: Any, labels: Any) -> Any:
        raise MissingExtra("it needs pycocotools; pip install 'benchhub[detection]'", "no package")

    boxes = mean_metric("boxes", without)
    launches = launch("fp32", maps(1, 0.1)), launch("pruned", maps(2, 0.2))
    base, row = rows_of(*launches, metrics=(boxes, RIGHT))
    assert row["quality"].withheld == "it needs pycocotools; pip install 'benchhub[detection]'"
    assert (row.quality, set(row.quality_also)) == (None, {"right"})
    (_, other) = rows_of(*launches, metrics=(RIGHT, boxes))
    assert other.quality is not None
    assert "pip install" in other.unjudged["boxes"]
    assert base.quality is None
