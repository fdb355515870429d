"""A baseline worse than one answer for all cases: no budget of quality passes, and all say so."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from builders import make_answer_key, make_budget, make_cell, make_device, make_launch, make_run
from rows import make_row

from benchhub.model.flag import FlagKind
from benchhub.model.quality import AnswerKey
from benchhub.model.row import Results, Row
from benchhub.model.scenario import Scenario, VerdictOutcome
from benchhub.report.gate.formats import FORMATS as GATE
from benchhub.report.gate.formats import render as gate
from benchhub.report.run import render as report
from benchhub.results.load import Judged
from benchhub.results.rows.rows import summarize
from benchhub.results.verdicts.judge import exit_code, judge
from benchhub.tasks.metrics import get_metric

CASES = 300
BUDGET = make_budget("kept", quality_loss_max=0.1)


def key(share: float) -> AnswerKey:
    """Two classes of which the first has 60 %, and a reference that is right in so many cases."""
    rng = np.random.default_rng(3)
    labels = (np.arange(CASES) % 5 < 2).astype(np.int64)
    shown = np.where(rng.random(CASES) < share, labels, 1 - labels)
    outputs = rng.normal(0, 0.1, (CASES, 2)).astype(np.float32)
    outputs[np.arange(CASES), shown] += 1
    return dataclasses.replace(make_answer_key(CASES), labels=labels, reference=(outputs,))


def rows(answer_key: AnswerKey, allowed: bool = False) -> tuple[Row, ...]:
    made = []
    for variant in ("fp32", "int8"):
        outputs = answer_key.reference[0].copy()
        outputs[:1] += 0.001 * (variant == "int8")
        for scenario in (Scenario.LATENCY, Scenario.QUALITY):
            cell = make_cell(variant=variant, scenario=scenario)
            made.append(make_launch(cell, outputs=(outputs,)))
    return summarize(
        make_run(), [one.cell for one in made], made, (), [make_device()],
        answer_key=answer_key, metric=get_metric("accuracy"), below_chance_allowed=allowed,
    )  # fmt: skip


def judged(of: tuple[Row, ...]) -> Judged:
    verdicts = judge(of, [BUDGET])
    info = make_run(status="done", finished_at="2026-01-01T12:30:00Z")
    results = Results(info, (make_device(),), of, verdicts, (), ())
    return Judged(results, (BUDGET,), verdicts, (), exit_code(verdicts))


def test_no_budget_of_quality_passes_and_those_of_times_are_left_alone() -> None:
    found = rows(key(0.5))
    verdicts = judge(found, [BUDGET, make_budget("fast", latency_p50_ms=1000.0)])
    of_quality = [one for one in verdicts if one.budget == "kept"]
    assert {one.variant for one in of_quality} == {"fp32", "int8"}
    for verdict in of_quality:
        assert verdict.outcome is VerdictOutcome.INCONCLUSIVE
        assert "below_chance: accuracy of the baseline is 0.4" in verdict.reason
        assert "one answer for all cases has 0.6" in verdict.reason
        assert "baseline_below_chance = true" in verdict.next_step
    assert not any("below_chance" in one.reason for one in verdicts if one.budget == "fast")


def test_nor_where_the_baseline_answers_all_cases_alike() -> None:
    """What it has is just what one answer has, and no variant could lose any of it."""
    alike = np.tile(np.float32([[1.0, 0.0]]), (CASES, 1))
    verdicts = judge(rows(dataclasses.replace(key(1.0), reference=(alike,))), [BUDGET])
    assert {one.outcome for one in verdicts} == {VerdictOutcome.INCONCLUSIVE}
    assert all("accuracy of the baseline is 0.6, and one answer" in one.reason for one in verdicts)


@pytest.mark.parametrize("share", [0.8, 1.0])
def test_a_baseline_above_it_passes(share: float) -> None:
    found = rows(key(share))
    assert not any(flag.name is FlagKind.BELOW_CHANCE for row in found for flag in row.flags)
    assert {one.outcome for one in judge(found, [BUDGET])} == {VerdictOutcome.PASS}


def test_a_suite_that_means_it_has_a_remark() -> None:
    verdicts = judge(rows(key(0.5), allowed=True), [BUDGET])
    assert {one.outcome for one in verdicts} == {VerdictOutcome.PASS}
    assert "(but below_chance:" in next(one for one in verdicts if one.variant == "int8").reason


def test_a_further_metric_below_chance_is_a_remark() -> None:
    answer_key = dataclasses.replace(key(0.8), also=("mean_absolute_error",))
    row = rows(answer_key)[1]
    assert row.quality is not None
    also = dataclasses.replace(row.quality, metric="other", baseline=0.1, chance=0.5)
    from benchhub.results.rows.judged import below_chance
    from benchhub.results.rows.judging import JudgedQuality

    doubt = below_chance(JudgedQuality(first=row.quality, also={"other": also}), allowed=False)
    assert doubt is not None
    assert (doubt.caps, doubt.evidence[:23]) == (False, "other of the baseline i")


@pytest.mark.parametrize("allowed", [False, True])
def test_every_format_says_so(allowed: bool, native: None) -> None:
    told = judged(rows(key(0.5), allowed))
    for name in ("html", "markdown", "json", "csv"):
        shown = report(name, [told.results]).replace("\\", "")  # as markdown escapes
        assert "below_chance" in shown, name
    for name in GATE:
        assert "below_chance" in gate(name, told).replace("\\", ""), name


def test_groups_are_counted_and_not_their_cases() -> None:
    answer_key = key(0.8)
    groups = tuple(str(index // 2) for index in range(CASES))
    (verdict, *_) = [
        one
        for one in judge(rows(dataclasses.replace(answer_key, groups=groups)), [BUDGET])
        if one.variant == "int8"
    ]
    assert verdict.outcome is VerdictOutcome.INCONCLUSIVE
    assert "needs 200 independent cases, has 150 in 300" in verdict.reason
    assert make_row().flags == ()
