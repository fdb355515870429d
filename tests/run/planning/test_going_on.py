"""Cells that a budget leaves open go on, look by look; all others stop."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest
from builders import make_budget, make_cell
from scripted import Board, Diary, Record, work

from benchhub.model.asked import EFFORTS, Effort
from benchhub.model.scenario import Scenario
from benchhub.run.planning.going_on import goes_on, limited
from benchhub.stats.looks import LOOKS

EFFORT = Effort("standard", 10, 200, 5.0, most_launches=16, max_cell_s=60.0)
MS = 1e6


def launches(count, p50_ms=1.0, spread=0.05, size=200, seed=3):
    """Launches whose p95 is about `p50_ms` times exp(1.64 spread)."""
    logs = np.random.default_rng(seed).normal(0, spread, (count, size))
    return list((p50_ms * MS * np.exp(logs)).astype(np.int64))


def asked(samples, effort=EFFORT, emulated=(), cell=None, **budget):
    cell = cell or make_cell(launches=10)
    budgets = [make_budget(**(budget or {"latency_p95_ms": 1.085}))]
    more = goes_on(limited([cell], budgets, effort, emulated), effort)
    return cell.key in more({cell.key: len(samples)}, lambda key, count: samples[:count])


def test_a_cell_at_its_limit_goes_on_to_the_next_look_and_stops_at_the_last():
    assert [asked(launches(n)) for n in (9, 10, 13, 15, 16)] == [False, True, True, True, False]


@pytest.mark.parametrize("limit_ms", [0.9, 1.3])
def test_a_cell_far_from_its_limit_is_decided_at_the_first_look(limit_ms):
    assert not asked(launches(10), latency_p95_ms=limit_ms)


def test_one_open_limit_of_several_is_enough():
    assert asked(launches(10), latency_p50_ms=2.0, latency_p95_ms=1.085)


def test_a_quantile_that_cannot_be_bounded_is_open():
    assert asked(launches(10, size=5), latency_p95_ms=50.0)


@pytest.mark.parametrize(
    "why",
    [
        {"emulated": ("localhost",)},
        {"cell": make_cell(launches=12)},
        {"cell": make_cell(launches=10, scenario=Scenario.THROUGHPUT)},
        {"cell": make_cell(launches=10, backend="null")},
        {"effort": EFFORTS["quick"]},
        {"latency_p95_ms": 1.085, "devices": ("other",)},
        {"peak_rss_mib": 10.0},
    ],
)
def test_what_more_launches_would_not_decide_stops(why):
    assert asked(launches(10))
    assert not asked(launches(10), **why)


def test_a_suite_that_says_how_many_launches_gets_as_many():
    cell = make_cell(launches=10)
    budget = make_budget(latency_p95_ms=1.085)
    for fixed, expected in (((), {cell.key}), ((Scenario.LATENCY,), set())):
        more = goes_on(limited([cell], [budget], EFFORT, (), fixed), EFFORT)
        assert more({cell.key: 10}, lambda key, count: launches(count)) == expected


def test_a_cell_that_used_up_its_seconds_stops():
    assert asked(launches(10, p50_ms=20), latency_p95_ms=21.7)
    assert not asked(launches(10, p50_ms=40), latency_p95_ms=43.4)


def test_the_rates_of_a_sweep_are_not_decided_one_by_one():
    cell = make_cell(launches=10, scenario=Scenario.PACED, rate_per_s=10.0)
    assert asked(launches(10), cell=cell, paced_p95_ms=1.085)
    assert not asked(launches(10), cell=cell, paced_p95_ms=1.085, paced_min_rate_per_s=5.0)


def test_the_most_launches_of_an_effort_are_a_look_of_the_gate():
    for effort in EFFORTS.values():
        assert effort.most_launches in (0, *LOOKS)
        assert effort.most_launches == 0 or effort.most_launches > effort.launches


def test_a_campaign_measures_an_open_cell_up_to_the_last_look_of_its_effort():
    """The samples are all 1,000 ns, so a clock that coarse may hide either side of the limit."""
    open_, decided = (
        make_cell(device="board", variant=name, launches=10, iterations=40) for name in ("a", "b")
    )
    budgets = [
        make_budget(variants=("a",), latency_p50_ms=0.0011),
        make_budget(variants=("b",), latency_p50_ms=0.0021),
    ]
    more = goes_on(limited((open_, decided), budgets, EFFORT, ()), EFFORT)
    whole = dataclasses.replace(work((open_, decided)), more=more)
    found = Counter(one.cell.variant for one in Record().measured(whole, Board().connect, Diary()))
    assert found == {"a": 16, "b": 10}
