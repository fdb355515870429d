"""Budgets on paced cells, and the highest rate that keeps one."""

from __future__ import annotations

from typing import Any

import pytest
from builders import make_budget, make_cell
from rows import make_row

from benchhub.errors import ConfigError
from benchhub.model.flag import Flag, FlagKind
from benchhub.model.row import Row, Verdict
from benchhub.model.scenario import Scenario
from benchhub.model.scenario import VerdictOutcome as Outcome
from benchhub.results.verdicts.judge import check_budgets, judge
from benchhub.results.verdicts.rates import highest_rate, sweeps

PASS, FAIL, OPEN = (8.0, 9.0), (11.0, 12.0), (9.0, 11.0)
LIMIT = {"paced_p95_ms": 10.0}


def at(rate: float, limits: tuple[float, float] = PASS, **changes: Any) -> Row:
    low, high = limits
    values: dict[str, Any] = {
        "run": "r", "device": "rpi", "backend": "onnxruntime", "variant": "int8",
        "model_sha256": "a", "scenario": "paced", "batch": 1, "threads": 1, "launches": 10,
        "cell": f"paced-{rate:g}", "rate_per_s": rate, "p95_ms": (low + high) / 2,
        "precision": "f32", "intervals": {"p95_ms": {"low": low, "high": high}},
    }  # fmt: skip
    return make_row(**(values | changes))


def latency(**changes: Any) -> Row:
    return at(0, **({"scenario": "latency", "rate_per_s": None, "cell": "latency"} | changes))


def verdicts(rows: list[Row], **budget: Any) -> list[Verdict]:
    return list(judge(rows, [make_budget(**LIMIT, **budget)]))


def test_each_rate_is_judged_on_its_own() -> None:
    found = verdicts([at(10), at(20, OPEN), at(40, FAIL), latency()])
    assert [(one.cell, one.outcome) for one in found] == [
        ("paced-10", Outcome.PASS),
        ("paced-20", Outcome.INCONCLUSIVE),
        ("paced-40", Outcome.FAIL),
    ]
    assert {one.scenario for one in found} == {"paced"}


def test_a_latency_cell_does_not_stand_in_for_a_paced_one() -> None:
    (verdict,) = verdicts([latency()])
    assert (verdict.outcome, verdict.value) == (Outcome.INCONCLUSIVE, None)
    assert verdict.next_step == "add [scenarios.paced] to the suite"
    (verdict,) = judge([at(10)], [make_budget(latency_p95_ms=10.0)])
    assert (verdict.outcome, verdict.value) == (Outcome.INCONCLUSIVE, None)
    assert verdict.next_step == "add [scenarios.latency] to the suite"


def test_few_launches_and_overload_never_pass() -> None:
    (few,) = verdicts([at(10, launches=5)])
    assert few.outcome is Outcome.INCONCLUSIVE
    assert few.reason == "needs 10 launches, has 5"
    assert few.next_step.startswith("run with --effort standard")
    overloaded = (Flag(FlagKind.OVERLOADED, "120 calls a second arrive where 100 can be served"),)
    (verdict,) = verdicts([at(120, flags=overloaded)])
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "overloaded: 120 calls" in verdict.reason
    assert verdict.next_step.startswith("lower the rate, or raise concurrency")
    (verdict,) = verdicts([at(120, FAIL, flags=overloaded)])
    assert verdict.outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("rows", "wanted", "outcome", "cell", "words"),
    [
        ([at(10), at(20), at(40, FAIL)], 15, Outcome.PASS, "paced-20", "at 20/s upper limit 9"),
        ([at(10), at(20), at(40)], 15, Outcome.PASS, "paced-40", "keeps it: 40/s"),
        ([at(10), at(20, FAIL), at(40, FAIL)], 20, Outcome.FAIL, "paced-20", "keeps it: 10/s"),
        ([at(20, FAIL)], 20, Outcome.FAIL, "paced-20", "keeps it: none"),
        ([at(10), at(20, OPEN), at(40, FAIL)], 20, Outcome.INCONCLUSIVE, "paced-20", "at 20/s"),
        ([at(20, FAIL), at(40, OPEN)], 20, Outcome.INCONCLUSIVE, "paced-40", "at 40/s"),
        ([at(10), at(40, FAIL)], 20, Outcome.INCONCLUSIVE, "paced-40", "add 20 to scenarios.paced"),
        ([at(10), at(15)], 20, Outcome.INCONCLUSIVE, "paced-15", "no rate of 20/s or more"),
    ],
)
def test_a_rate_that_is_asked_for(
    rows: list[Row], wanted: float, outcome: Outcome, cell: str, words: str
) -> None:
    (verdict,) = verdicts(rows[::-1], paced_min_rate_per_s=wanted)
    assert (verdict.outcome, verdict.cell) == (outcome, cell)
    assert words in f"{verdict.reason}; {verdict.next_step}"
    assert bool(verdict.next_step) == (verdict.outcome is not Outcome.PASS)
    assert "\n" not in verdict.reason


def test_every_configuration_has_its_own_sweep() -> None:
    rows = [
        at(rate, FAIL if rate > most else PASS, threads=threads, options=options)
        for threads, options, most in ((1, None, 10), (2, None, 20), (2, "provider=acl", 40))
        for rate in (10, 20, 40)
    ]
    found = verdicts(rows, paced_min_rate_per_s=20)
    assert [(one.threads, one.outcome) for one in found] == [
        (1, Outcome.FAIL),
        (2, Outcome.PASS),
        (2, Outcome.PASS),
    ]
    assert [one.rate_per_s for one in highest_rate(rows, "p95", 10.0)] == [10, 20, 40]
    assert len(sweeps([*rows, latency()])) == 3


def test_the_highest_rate_and_what_is_not_known_above_it() -> None:
    (told,) = highest_rate([at(80, FAIL), at(10), at(40, OPEN), at(20)], "p95", 10.0)
    assert told.rate_per_s == 20
    assert told.first_failed is not None
    assert told.first_failed.rate_per_s == 80
    assert [row.rate_per_s for row in told.rows] == [10, 20, 40, 80]
    assert told.outcomes == (Outcome.PASS, Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.FAIL)
    (none,) = highest_rate([at(10, emulated=True)], "p95", 10.0)
    assert (none.rate_per_s, none.first_failed) == (None, None)
    assert highest_rate([latency()], "p95", 10.0) == ()


def test_garbage_is_no_rate_at_all() -> None:
    garbage = (Flag(FlagKind.GARBAGE, "outputs lie 0.9 off"),)
    (verdict,) = verdicts([at(10, flags=garbage), at(20)], paced_min_rate_per_s=10)
    assert verdict.outcome is Outcome.FAIL


def test_a_rate_that_nothing_can_meet_is_a_mistake() -> None:
    cells = [make_cell(scenario=Scenario.PACED, rate_per_s=rate) for rate in (10.0, 20.0)]
    check_budgets([make_budget(**LIMIT, paced_min_rate_per_s=20)], cells)
    with pytest.raises(ConfigError, match=r"no planned rate reaches .* = 30; add 30 to"):
        check_budgets([make_budget(**LIMIT, paced_min_rate_per_s=30)], cells)
    with pytest.raises(ConfigError, match="add paced_p95_ms"):
        check_budgets([make_budget(paced_min_rate_per_s=20)], cells)
