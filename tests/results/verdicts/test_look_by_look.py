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
    return next(k for k in range(10, 41) if not more({CELL.key: made[:k]}))


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
