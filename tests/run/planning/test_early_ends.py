"""Cells that end early: which may, when they do, and what their rows and verdicts say."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import make_cell, make_device, make_launch, make_run, make_variant
from project import make_project

from benchhub.model.arrays import Array
from benchhub.model.asked import Agreement, Budget, ScenarioSpec, Suite, VariantSpec
from benchhub.model.cell import Cell, Plan
from benchhub.model.claim import Claim
from benchhub.model.device import DeviceProfile
from benchhub.model.flag import FlagKind
from benchhub.model.row import Row
from benchhub.model.scenario import Scenario, VerdictOutcome
from benchhub.results.rows.rows import summarize
from benchhub.results.verdicts.judge import judge
from benchhub.run.planning.early_ends import with_early_ends
from benchhub.run.planning.going_on import ends
from benchhub.run.planning.shared_launches import with_shared_launches
from benchhub.store import Store

BASE, INT8 = make_cell(), make_cell(variant="int8", model_sha256="b" * 64)
HERE = DeviceProfile("localhost", "local")
BUDGET = Budget("ward", limits={"latency_p95_ms": 1.0})


def suite(**changes: Any) -> Suite:
    values: dict[str, Any] = {
        "name": "s", "path": Path("s.toml"), "task": "npz", "baseline": "fp32",
        "backends": ("onnxruntime",), "variants": (VariantSpec("fp32"), VariantSpec("int8")),
        "scenarios": (ScenarioSpec(Scenario.LATENCY), ScenarioSpec(Scenario.MEMORY)),
        "budgets": (BUDGET,), "effort": "standard", "data": {}, "precisions": ("f32",),
        "agreement": Agreement(), "seed": 0,
    }  # fmt: skip
    return Suite(**(values | changes))


def after(asked: Suite, *cells: Cell, device: DeviceProfile = HERE) -> list[int]:
    made = with_early_ends(Plan(cells, ()), asked, (device,))
    return [cell.ends_after for cell in made.cells]


def test_all_but_the_baseline_may_end_after_three() -> None:
    assert after(suite(), BASE, INT8) == [0, 3]


def test_five_where_memory_is_read_off_them_or_limited() -> None:
    memory = dataclasses.replace(INT8, scenario=Scenario.MEMORY, launches=5, iterations=10)
    plan = with_shared_launches(Plan((BASE, INT8, memory), ()), suite().scenarios)
    made = with_early_ends(plan, suite(), (HERE,)).cells
    assert [cell.ends_after for cell in made] == [0, 5, 0]
    assert [cell.key for cell in made] == [cell.key for cell in plan.cells]
    both = Budget("both", limits={"latency_p95_ms": 1.0, "peak_rss_mib": 100.0})
    assert after(suite(budgets=(both,)), BASE, INT8) == [0, 5]


CLAIM = Claim("a", "text", "source", ())


@pytest.mark.parametrize(
    ("asked", "cell"),
    [
        (suite(ends_early=False), INT8),
        (suite(claims=(CLAIM,)), INT8),
        (suite(budgets=()), INT8),
        (suite(budgets=(Budget("q", limits={"quality_loss_max": 0.01}),)), INT8),
        (suite(scenarios=(ScenarioSpec(Scenario.LATENCY, launches=20),)), INT8),
        (suite(variants=(VariantSpec("int8"), VariantSpec("x", against="int8"))), INT8),
        (suite(), dataclasses.replace(INT8, launches=9)),
        (suite(budgets=(dataclasses.replace(BUDGET, variants=("fp16",)),)), INT8),
    ],
    ids=["forbidden", "claims", "no-budget", "of-quality", "its-own-launches", "compared-with",
         "few", "not-its-budget"],
)  # fmt: skip
def test_not(asked: Suite, cell: Cell) -> None:
    assert after(asked, BASE, cell) == [0, 0]


def test_not_on_an_emulated_device() -> None:
    assert after(suite(), INT8, device=dataclasses.replace(HERE, emulated=True)) == [0]


MAY = dataclasses.replace(INT8, ends_after=3)


def samples(typical_ms: float, count: int, spread: float = 0.05, launch: float = 0.01) -> list[Any]:
    rng = np.random.default_rng(7)
    return [
        np.asarray(
            1e6 * typical_ms * np.exp(rng.normal(0, launch) + rng.normal(0, spread, 200)), np.int64
        )
        for _ in range(count)
    ]


def enough(found: list[Array], budget: Budget = BUDGET) -> bool:
    ask = ends((MAY,), (budget,))
    return MAY.key in ask({MAY.key: len(found)}, lambda key, count: found[:count])


def test_a_budget_missed_by_far_is_clear_after_three() -> None:
    assert not enough(samples(100, 2))
    assert enough(samples(100, 3))
    assert enough(samples(100, 7))


@pytest.mark.parametrize("typical_ms", [0.5, 0.9, 1.0, 1.05])
def test_a_budget_kept_or_missed_by_little_is_not(typical_ms: float) -> None:
    assert not enough(samples(typical_ms, 3))


def test_launches_that_lie_apart_tell_nothing() -> None:
    assert not enough(samples(2.0, 3, launch=0.8))


def test_every_limit_has_to_be_broken() -> None:
    two = Budget("two", limits={"latency_p95_ms": 1.0, "latency_p50_ms": 1000.0})
    assert not enough(samples(100, 3), two)


def test_what_was_told_after_three_stays_told() -> None:
    ask = ends((MAY,), (BUDGET,))
    found = samples(100, 3) + samples(0.1, 7)
    for count in (3, 10):
        assert ask({MAY.key: count}, lambda key, count: found[:count]) == {MAY.key}


def judged(count: int, typical_ms: float) -> tuple[Row, VerdictOutcome]:
    launches = [
        make_launch(MAY, index, samples_ns=one)
        for index, one in enumerate(samples(typical_ms, count))
    ]
    variants = [make_variant(), make_variant(name="int8")]
    (row,) = summarize(make_run(), (MAY,), launches, variants, (make_device(),), budgets=(BUDGET,))
    (verdict,) = judge((row,), (BUDGET,))
    return row, verdict.outcome


def test_its_row_says_that_it_ended_and_its_verdict_is_fail() -> None:
    row, outcome = judged(3, 100)
    (flag,) = (flag for flag in row.flags if flag.name is FlagKind.ENDED_EARLY)
    assert "3 of 10 launches" in flag.evidence
    assert FlagKind.INCOMPLETE not in {flag.name for flag in row.flags}
    assert outcome is VerdictOutcome.FAIL


def test_one_that_was_broken_off_does_not_say_so() -> None:
    row, outcome = judged(3, 0.5)
    names = {flag.name for flag in row.flags}
    assert FlagKind.INCOMPLETE in names
    assert FlagKind.ENDED_EARLY not in names
    assert outcome is VerdictOutcome.INCONCLUSIVE


@pytest.mark.usefixtures("processes")
def test_a_run_makes_three_launches_of_what_is_far_too_slow(tmp_path: Path) -> None:
    project = make_project(tmp_path, launches=10)
    project.edit("launches = 10\niterations = 40\n", "iterations = 40\n")
    project.add('[[budgets]]\nname = "b"\nlatency_p95_ms = 0.0001\n')
    done = project.run("run", "tiny", "--device", "here", "--scenario", "latency", timeout_s=300)
    assert done.code == 0, done.err
    report = project.run("report", "tiny", "--format", "json").json
    of = {row["variant"]: row for row in report["rows"]}
    flags = {flag["name"] for flag in of["int8"]["flags"]}
    if of["int8"]["launches"] == 10:  # launches that lie far apart bound nothing
        assert flags & {"foreign_cpu", "steal", "pressure", "drift"}
        return
    assert "23 of 23 launches done" in done.err  # of the 30 that were planned
    assert (of["fp32"]["launches"], of["int8"]["launches"]) == (10, 3)
    assert "ended_early" in flags
    verdicts = {one["variant"]: one for one in report["verdicts"]}
    assert verdicts["int8"]["outcome"] == "FAIL"
    with Store.open(f"sqlite:///{tmp_path}/benchhub.db") as store:
        fixed = [one for one in store.launches(report["run"]["id"]) if not one.cell.runs_model]
    assert len(fixed) == 10
    again = project.run("run", "--resume", report["run"]["id"])
    assert again.code == 0, again.err
    assert project.run("report", "tiny", "--format", "json").json["rows"] == report["rows"]
