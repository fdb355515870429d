"""A measured quantity is one row of one table: what is in it is known everywhere it is needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builders import make_budget, make_cell, make_launch, make_launches, make_run, make_variant
from rows import make_row

from benchhub.config.suite import load_suite
from benchhub.model.columns import ATTRIBUTES, COLUMNS, ENDS
from benchhub.model.quantities import BUDGET_KEYS, PERCENTILES, QUANTITIES, Grain
from benchhub.model.scenario import Scenario, VerdictOutcome
from benchhub.report.run.frame import column_dtypes
from benchhub.report.tables.glossary import glossary
from benchhub.results.compare.metrics import compared_in
from benchhub.results.rows.rows import summarize
from benchhub.results.verdicts.judge import judge

SUITE = """\
[suite]
name = "s"
task = "npz"
baseline = "fp32"
backends = ["onnxruntime"]
[[variants]]
name = "fp32"
model = "m.onnx"
[scenarios.latency]
"""


def row_of(launches, cell):
    (row,) = summarize(make_run(), [cell], launches, [make_variant()], [])
    return row


def test_every_column_is_a_quantity_its_limit_or_an_attribute() -> None:
    assert len(set(COLUMNS)) == len(COLUMNS)
    for name in COLUMNS:
        assert (name in QUANTITIES) + (name in ENDS) + (name in ATTRIBUTES) == 1, name
    assert {one.name for one in QUANTITIES.values() if one.column} <= set(COLUMNS)
    assert set(column_dtypes()) == set(COLUMNS)
    assert all(make_row().column(name) is None or name in ATTRIBUTES for name in COLUMNS)


def test_what_a_budget_may_limit_is_read_judged_and_named_in_the_unit_of_its_quantity(
    tmp_path: Path,
) -> None:
    assert "first_inference_ms_max" in BUDGET_KEYS
    assert "latency_p99_9_ms" in BUDGET_KEYS
    for key, (of, quantity) in BUDGET_KEYS.items():
        path = tmp_path / "suite.toml"
        path.write_text(f"{SUITE}[[budgets]]\nname = 'b'\n{key} = 7\n", "utf-8")
        (budget,) = load_suite(path).budgets
        assert budget.limits == {key: 7}
        scenario = of.scenario or Scenario.LATENCY
        row = make_row(scenario=scenario, cell="c", rate_per_s=1.0, launches=40)
        (verdict,) = judge([row], [budget])
        assert (verdict.key, verdict.column, verdict.limit) == (key, quantity.name, 7)
        assert verdict.outcome is VerdictOutcome.INCONCLUSIVE, "what was not measured is no pass"


def test_what_is_shown_has_words() -> None:
    terms = {word for word, _, _ in glossary(several_metrics=True)}
    for one in QUANTITIES.values():
        assert one.words
        if one.quantile is None:
            assert one.term in terms or not one.column or one.name == "sparse_bytes"
    assert "p50, p90, p95, p99, p99.9" in terms
    known = [meaning for _, _, meaning in glossary(several_metrics=True)]
    assert all(meaning.endswith(".") for meaning in known)


def test_percentiles_are_quantiles_of_the_same_calls() -> None:
    cell = make_cell(iterations=8000, launches=3)
    launches = [make_launch(cell, index) for index in range(3)]
    row = row_of(launches, cell)
    pooled = np.concatenate([launch.samples_ns for launch in launches]) / 1e6
    for name, share in PERCENTILES.items():
        figure = row[name]
        assert figure.value == pytest.approx(np.quantile(pooled, share), rel=2e-3)
        assert figure.low < figure.value < figure.high
        assert figure.looks
    assert row["p99_9_ms"].value > row["p99_ms"].value
    few = row_of(make_launches(), make_cell())["p99_9_ms"]
    assert (few.value, few.withheld.startswith("needs n_eff >= ")) == (None, True)


@pytest.mark.parametrize(
    "name", [name for name, (_, one) in BUDGET_KEYS.items() if one.grain is Grain.ROW]
)
def test_what_a_budget_limits_has_an_interval(name: str) -> None:
    """Without one its verdict would be INCONCLUSIVE for ever."""
    key, quantity = BUDGET_KEYS[name]
    rate = {"rate_per_s": 10.0} if key.scenario is Scenario.PACED else {}
    cell = make_cell(scenario=key.scenario, iterations=8000, launches=10, **rate)
    figure = row_of(make_launches(cell), cell)[quantity.name]
    assert figure.low <= figure.value <= figure.high


@pytest.mark.parametrize(
    ("limit", "outcome"),
    [(14.0, VerdictOutcome.FAIL), (15.000002, VerdictOutcome.INCONCLUSIVE),
     (16.0, VerdictOutcome.PASS)],
)  # fmt: skip
def test_a_budget_on_the_first_call(limit: float, outcome: VerdictOutcome) -> None:
    cell = make_cell(scenario=Scenario.COLD_START, launches=6, iterations=0)
    row = row_of(make_launches(cell, 6), cell)  # 15 ms and some ns, of six launches
    (verdict,) = judge([row], [make_budget(first_inference_ms_max=limit)])
    assert (verdict.outcome, verdict.column) == (outcome, "first_inference_ms")
    few = row_of(make_launches(cell, 4), cell)
    (verdict,) = judge([few], [make_budget(first_inference_ms_max=16.0)])
    assert verdict.outcome is VerdictOutcome.INCONCLUSIVE
    assert verdict.reason == "needs 5 launches, has 4"


def test_two_runs_are_compared_by_what_the_table_says() -> None:
    named = {scenario: {one.name for one in compared_in(scenario)} for scenario in Scenario}
    assert named[Scenario.COLD_START] == {"load_ms", "first_inference_ms"}
    assert named[Scenario.PACED] == {"p50_ms", "p95_ms"}
    assert named[Scenario.QUALITY] == set(), "quality is compared case by case"
    assert all("p99_9_ms" not in names for names in named.values())
