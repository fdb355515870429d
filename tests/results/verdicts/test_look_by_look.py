"""A budget of a percentile from samples to the verdict: when a cell stops, and what is said."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from builders import make_budget, make_cell, make_launch, make_run

from benchhub.model.asked import EFFORTS
from benchhub.model.scenario import VerdictOutcome as Outcome
from benchhub.results.rows.rows import summarize
from benchhub.results.verdicts.judge import judge
from benchhub.run.planning.going_on import goes_on, limited
from benchhub.stats.looks import LOOKS

#: Of launches that differ by 2 %, calls by 3 %, about 10 ms.
P95_MS = 10.61
EFFORT = dataclasses.replace(EFFORTS["rigorous"], launches=10)
CELL = make_cell(launches=10)


def samples(count, seed, level_ms=10.0):
    rng = np.random.default_rng(seed)
    logs = 0.02 * rng.standard_normal((count, 1)) + 0.03 * rng.standard_normal((count, 200))
    return list((1e6 * level_ms * np.exp(logs)).astype(np.int64))


def verdict(made, limit_ms):
    launches = [make_launch(CELL, index, samples_ns=one) for index, one in enumerate(made)]
    rows = summarize(make_run(), [CELL], launches, (), ())
    (found,) = judge(rows, [make_budget(latency_p95_ms=limit_ms)])
    return found


def stops_after(made, limit_ms):
    """Return how many launches are made, asked before every one past those planned."""
    budget = make_budget(latency_p95_ms=limit_ms)
    more = goes_on(limited([CELL], [budget], EFFORT, ()), EFFORT)
    return next(
        k for k in range(10, 41) if not more({CELL.key: k}, lambda key, count: made[:count])
    )


@pytest.mark.parametrize("seed", range(8))
def test_a_cell_stops_at_the_look_that_its_verdict_is_of(seed):
    made, limit = samples(40, seed), P95_MS * (0.95 + 0.0125 * seed)
    count = stops_after(made, limit)
    assert count in LOOKS
    early, late = verdict(made[:count], limit), verdict(made, limit)
    assert (early.launches, late.launches) == (count, count)
    assert (early.low, early.high, early.looks) == (late.low, late.high, late.looks)
    if count < 40:
        assert early.outcome is not Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("factor", "outcome", "launches"),
    [(0.8, Outcome.FAIL, 10), (1.25, Outcome.PASS, 10), (1.0, Outcome.INCONCLUSIVE, 40)],
)
def test_verdicts(factor, outcome, launches):
    found = verdict(samples(40, 1), factor * P95_MS)
    assert (found.outcome, found.launches) == (outcome, launches)
    assert found.low <= found.value <= found.high


def test_launches_past_the_look_that_decided_can_cast_doubt_but_not_pass_a_fail():
    slow, fast = samples(10, 1, level_ms=20.0), samples(30, 2, level_ms=1.0)
    failed, doubted = verdict([*slow, *fast], P95_MS), verdict([*fast, *slow], P95_MS)
    assert (failed.outcome, failed.launches) == (Outcome.FAIL, 10)
    assert (doubted.outcome, doubted.launches) == (Outcome.INCONCLUSIVE, 10)
    assert "drift" in doubted.reason


def two_speeds(count, level_ms=0.3):
    rng = np.random.default_rng(4)
    slow = (rng.random((count, 1)) < 0.3) & (rng.random((count, 200)) < 0.6)
    noise = np.exp(0.01 * rng.standard_normal((count, 200)))
    return list((1e6 * level_ms * np.where(slow, 1.3, 1.0) * noise).astype(np.int64))


def judged(made, **budget):
    launches = [
        make_launch(CELL, index, samples_ns=one, elapsed_ns=int(one.sum()))
        for index, one in enumerate(made)
    ]
    budgets = [make_budget(latency_p95_ms=5.0, **budget)]
    (found,) = judge(summarize(make_run(), [CELL], launches, (), (), budgets=budgets), budgets)
    return found


def test_far_below_passes_though_no_limit_is_known_and_says_what_it_takes_for_granted():
    found = judged(two_speeds(10))
    assert (found.outcome, found.launches) == (Outcome.PASS, 10)
    assert found.high is None or found.high > 5.0
    assert "no call took longer than half of it (0.4" in found.reason
    assert "up to 26% could be of one (rare_launches)" in found.reason


def test_rare_launches_take_as_many_as_tell():
    few, enough = (judged(two_speeds(n), rare_launches=0.05) for n in (40, 59))
    assert few.outcome is Outcome.INCONCLUSIVE
    assert few.reason == (
        "0 of 40 launches miss it by themselves: up to 7.2% of all may (rare_launches = 0.05)"
    )
    assert few.next_step == "set launches in [scenarios.latency] to 59"
    assert enough.outcome is Outcome.PASS
    assert "taken for granted" not in enough.reason


def test_one_launch_that_misses_asks_for_more():
    made = two_speeds(59)
    made[50] = made[50] * 20
    found = judged(made, rare_launches=0.05)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "drift" in found.reason or "1 of 59 launches miss it" in found.reason


@pytest.mark.parametrize(("level_ms", "count"), [(0.3, 59), (30.0, 10)])
def test_a_run_makes_the_launches_that_rare_ones_ask_for_unless_it_is_over(level_ms, count):
    made = two_speeds(70, level_ms)
    budget = make_budget(latency_p95_ms=5.0, rare_launches=0.05)
    more = goes_on(limited([CELL], [budget], EFFORT, ()), EFFORT)
    assert (
        next(k for k in range(10, 70) if not more({CELL.key: k}, lambda key, count: made[:count]))
        == count
    )
