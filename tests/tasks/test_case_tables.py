"""Metrics made from numbers of each case: means, functions of sums, and the worst cases."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from builders import make_answer_key
from hypothesis import given
from hypothesis import strategies as st

from benchhub.model.quality import Metric
from benchhub.results.rows.quality.assess import assess
from benchhub.tasks.case_tables import column_means, mean_metric, summed_metric, worst
from benchhub.tasks.metrics.ranking import MACRO_AUC

NAN = float("nan")
VALUES = st.lists(st.floats(-5, 5, width=32) | st.just(NAN), min_size=1, max_size=12)


def columns(outputs: Any, labels: Any) -> Any:
    """The outputs themselves, a line a case."""
    return np.asarray(outputs, dtype=float).reshape(len(labels), -1)


def value(metric: Metric, values: list[float], weights: list[float] | None = None) -> float:
    labels = np.zeros(len(values))
    drawn = np.ones(len(values)) if weights is None else np.array(weights, dtype=float)
    return float(metric.weighted(np.array(values), labels, drawn[None])[0])


MEAN = mean_metric("score", columns)
ERROR = mean_metric("error", columns, higher_is_better=False)


def test_a_mean_leaves_out_cases_it_is_not_defined_for() -> None:
    assert value(MEAN, [1, NAN, 3]) == 2
    assert value(MEAN, [1, NAN, 3], [3, 5, 1]) == 1.5
    assert math.isnan(value(MEAN, [NAN, NAN]))
    assert math.isnan(value(MEAN, [NAN, 2], [1, 0]))


def test_a_summed_metric_is_a_function_of_sums() -> None:
    table = np.array([[1, 2], [3, 2], [NAN, 4]])
    ratio = summed_metric("ratio", columns, lambda sums: sums[:, 0] / sums[:, 1])
    weights = np.array([[1.0, 1, 1], [1, 0, 0], [0, 0, 0]])
    found = ratio.weighted(table, np.zeros(3), weights)
    assert found[:2].tolist() == [0.5, 0.5]
    assert math.isnan(found[2])


def test_parts_are_named_columns() -> None:
    table = np.array([[0.5, 0.2, NAN], [0.7, 0.4, NAN]])
    metric = mean_metric("dice", columns, parts=column_means(first=1))
    assert metric.parts(table, np.zeros(2), ("rv", "myo", "lv")) == {"rv": pytest.approx(0.3)}
    assert metric.weighted(table, np.zeros(2), np.ones((1, 2)))[0] == pytest.approx(0.6)


@pytest.mark.parametrize(("metric", "expected"), [(MEAN, 0.05), (ERROR, 0.95)])
def test_the_worst_are_the_lowest_or_the_highest(metric: Metric, expected: float) -> None:
    hundred = [(k + 0.5) / 100 for k in range(100)]
    assert value(worst(metric, 0.1), hundred) == pytest.approx(expected)
    assert worst(metric, 0.1).name == f"{metric.name}_worst10"
    assert worst(metric).name == f"{metric.name}_worst5"
    assert worst(metric).higher_is_better is metric.higher_is_better


def test_the_last_of_the_worst_counts_in_part() -> None:
    """5 % of 30 cases are one and a half of them."""
    values = [0.1, 0.4, *[0.9] * 28]
    assert value(worst(MEAN), values) == pytest.approx((0.1 + 0.4 / 2) / 1.5)
    assert value(worst(MEAN), [0.3]) == pytest.approx(0.3)
    assert value(worst(MEAN, 0.5), [1, NAN, 3]) == 1


@given(VALUES, st.integers(1, 99), st.data())
def test_whole_weights_are_cases_that_are_there_so_often(
    values: list[float], percent: int, data: st.DataObject
) -> None:
    metric = worst(MEAN, percent / 100)
    times = data.draw(st.lists(st.integers(0, 3), min_size=len(values), max_size=len(values)))
    repeated = [v for v, count in zip(values, times, strict=True) for _ in range(count)]
    mine = value(metric, values, [float(count) for count in times])
    if all(map(math.isnan, repeated)):
        assert math.isnan(mine)
    else:
        assert mine == pytest.approx(value(metric, repeated), abs=1e-6)


@given(VALUES, st.integers(1, 98))
def test_the_worst_lie_between_the_least_and_the_mean_and_rise_with_their_share(
    values: list[float], percent: int
) -> None:
    known = [v for v in values if not math.isnan(v)]
    if not known:
        return
    few, more = (value(worst(MEAN, share / 100), values) for share in (percent, percent + 1))
    assert min(known) - 1e-6 <= few <= more + 1e-6 <= float(np.mean(known)) + 2e-6


@given(VALUES, st.integers(1, 99), st.booleans())
def test_what_cases_add_has_the_metric_as_mean(
    values: list[float], percent: int, higher: bool
) -> None:
    for metric in (MEAN if higher else ERROR, worst(MEAN if higher else ERROR, percent / 100)):
        assert metric.by_case is not None
        added = metric.by_case(np.array(values), np.zeros(len(values)))
        whole = value(metric, values)
        if math.isnan(whole):
            assert np.isnan(added).all()
        else:
            assert float(added.mean()) == pytest.approx(whole, abs=1e-6)


@pytest.mark.parametrize("metric", [MEAN, worst(MEAN, 0.3), worst(ERROR, 0.13)])
def test_what_a_case_adds_is_what_its_weight_changes(metric: Metric) -> None:
    values = np.append(np.random.default_rng(0).normal(size=40), [NAN, NAN])
    assert metric.by_case is not None
    added = metric.by_case(values, np.zeros(42))
    whole = value(metric, list(values))
    for case in range(42):
        weights = np.ones(42)
        weights[case] += 1e-4
        moved = (value(metric, list(values), list(weights)) - whole) / 1e-4
        assert added[case] == pytest.approx(whole + 42 * moved, abs=1e-2), case


def test_only_a_mean_has_worst_cases() -> None:
    for metric in (MACRO_AUC, worst(MEAN), summed_metric("r2", columns, lambda sums: sums[:, 0])):
        with pytest.raises(ValueError, match=f"{metric.name} is no mean over cases"):
            worst(metric)
    for share in (0.0, 1.0, 0.055):
        with pytest.raises(ValueError, match="must be 1 to 99 %"):
            worst(MEAN, share)


def test_a_table_is_made_once_for_parts_values_and_weights() -> None:
    asked: Counter[str] = Counter()

    def count(outputs: Any, labels: Any) -> Any:
        asked["table"] += 1
        return columns(outputs, labels)

    metric = mean_metric("score", count)
    assert metric.table is not None
    table = metric.table.of(np.arange(4.0), np.zeros(4))
    metric.table.weighted(table, np.ones((5, 4)))
    assert asked["table"] == 1


def test_limits_of_the_worst_cases_keep_their_level() -> None:
    """Skewed scores of 200 cases, and a variant that loses most where the baseline is worst."""

    def drawn(rng: np.random.Generator, cases: int) -> tuple[Any, Any]:
        base = rng.beta(12, 2, cases)
        return base, base - 0.05 * rng.beta(1, 4, cases) * (base < 0.8) - 0.01 * rng.random(cases)

    def tail(values: Any) -> float:
        return float(np.sort(values)[: len(values) // 20].mean())

    base, variant = drawn(np.random.default_rng(9), 500_000)
    value, lost = tail(variant), tail(base) - tail(variant)
    inside = above = below = 0
    for seed in range(120):
        other, mine = (scores[:, None] for scores in drawn(np.random.default_rng(seed), 200))
        answer_key = replace(
            make_answer_key(200), labels=np.zeros(200), label_names=(), reference=(other,)
        )
        found = assess((mine,), answer_key, worst(MEAN), answer_key.reference, resamples=300)
        inside += found.low <= value <= found.high
        above += found.loss.upper < lost
        below += found.loss.low > lost
    assert inside >= 106
    assert above <= 12
    assert below <= 9
