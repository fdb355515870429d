"""Quality belongs to its batch: what is judged, why it is not, and what is doubted."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from builders import accuracy, make_budget, make_cell, make_launches, make_run, make_variant

from benchhub.model.launch import Details
from benchhub.model.quality import AnswerKey, ReferenceLaunch
from benchhub.model.scenario import Scenario, VerdictOutcome
from benchhub.results.rows.agreement import sketch
from benchhub.results.rows.alike import rounding
from benchhub.results.rows.quality.answered import all_rounded
from benchhub.results.rows.rows import summarize
from benchhub.results.verdicts.judge import judge

BATCHES = (1, 8, 32)


def layer(cases: int = 640) -> tuple[np.ndarray, np.ndarray]:
    """Inputs of which every eighth is 300 times as large as the others, and weights."""
    rng = np.random.default_rng(5)
    weights = rng.standard_normal((16, 4)).astype(np.float32)
    inputs = rng.standard_normal((cases, 16)).astype(np.float32)
    inputs[::8] *= 300
    return inputs, weights


def quantized_on_the_fly(inputs: np.ndarray, weights: np.ndarray, batch: int) -> np.ndarray:
    """What int8 with the scale of each batch answers: small cases beside large ones are lost."""
    answers = []
    for start in range(0, len(inputs), batch):
        part = inputs[start : start + batch]
        scale = np.float32((part.max() - part.min()) / 255)
        answers.append(np.round(part / scale) * scale @ weights)
    return np.concatenate(answers)


def key_of(inputs: np.ndarray, weights: np.ndarray) -> AnswerKey:
    exact = inputs @ weights
    ids = tuple(map(str, range(len(inputs))))
    return AnswerKey("accuracy", exact.argmax(1), ids, ids, ("a", "b", "c", "d"), (exact,))


def measured(answers, judged_at=BATCHES, timed_at=BATCHES, answer_key=None, **more):
    """Rows of `answers` by variant and batch: quality at some batches, latency at others."""
    key = answer_key or key_of(*layer())
    cells, launches = [], []
    for variant, by_batch in answers.items():
        wanted = [(Scenario.QUALITY, b) for b in judged_at] + [
            (Scenario.LATENCY, b) for b in timed_at
        ]
        for scenario, batch in wanted:
            cell = make_cell(variant=variant, scenario=scenario, batch=batch)
            whole = by_batch[batch]
            told = whole if scenario is Scenario.QUALITY else whole[:4]
            cells.append(cell)
            launches += make_launches(
                cell, 1 if scenario is Scenario.QUALITY else 3, outputs=(told,)
            )
    variants = [make_variant(name) for name in answers]
    more.setdefault("metric", accuracy())
    return summarize(make_run(), cells, launches, variants, [], answer_key=key, **more)


def one(rows, variant, scenario, batch):
    (row,) = (r for r in rows if (r.variant, r.scenario, r.batch) == (variant, scenario, batch))
    return row


def flag_of(row, name="batch_dependent"):
    return next((flag for flag in row.flags if flag.name == name), None)


@pytest.fixture(scope="module")
def int8():
    inputs, weights = layer()
    exact = inputs @ weights
    return {
        "fp32": dict.fromkeys(BATCHES, exact),
        "int8": {batch: quantized_on_the_fly(inputs, weights, batch) for batch in BATCHES},
    }


def test_every_row_shows_the_quality_of_its_own_batch(int8):
    rows = measured(int8)
    labels = key_of(*layer()).labels
    for batch in BATCHES:
        true = (int8["int8"][batch].argmax(1) == labels).mean()
        for scenario in ("quality", "latency"):
            row = one(rows, "int8", scenario, batch)
            assert row.quality.value == pytest.approx(true)
            assert row.quality.loss.estimate == pytest.approx(1 - true)
            assert one(rows, "fp32", scenario, batch).quality.value == 1
    shown = [one(rows, "int8", "quality", batch).quality.value for batch in BATCHES]
    assert shown[0] > 0.98
    assert max(shown[1:]) < 0.6


def test_each_batch_has_its_verdict(int8):
    verdicts = judge(measured(int8), [make_budget(variants=("int8",), quality_loss_max=0.02)])
    outcomes = {verdict.batch: verdict.outcome for verdict in verdicts}
    assert outcomes == {1: VerdictOutcome.PASS, 8: VerdictOutcome.FAIL, 32: VerdictOutcome.FAIL}


def test_how_far_answers_hang_on_the_batch_is_told_where_quality_is_known(int8):
    rows = measured(int8)
    at = {batch: int8["int8"][batch] for batch in BATCHES}
    exact = int8["fp32"][1]
    spread = np.sqrt(np.mean((exact - exact.mean(0)) ** 2))
    for batch in (8, 32):
        flag = flag_of(one(rows, "int8", "latency", batch))
        off = np.sqrt(np.mean((at[batch] - at[1]) ** 2)) / spread
        assert f"outputs at batch {batch} lie {off:.2g} of their spread (640 cases" in flag.evidence
        assert not flag.caps
    least = flag_of(one(rows, "int8", "quality", 1))
    assert "outputs at batch 32" in least.evidence
    assert "accuracy" in least.evidence
    assert all(flag_of(row) is None for row in rows if row.variant == "fp32")


def test_a_row_at_another_batch_is_empty_with_the_reason(int8):
    rows = measured(int8, judged_at=(1,))
    timed = one(rows, "int8", "latency", 8)
    assert timed.quality is None
    assert timed["quality"].withheld == "quality was not measured at batch 8 (but at 1)"
    assert one(rows, "int8", "latency", 1).quality.value > 0.98
    # Four cases of every launch show it all the same; what nobody judged keeps no budget.
    assert flag_of(timed).caps
    assert "(4 cases" in flag_of(timed).evidence
    assert not flag_of(one(rows, "int8", "latency", 1)).caps
    assert flag_of(one(rows, "fp32", "latency", 8)) is None
    verdicts = judge(rows, [make_budget(quality_loss_max=0.02)])
    outcomes = {(v.variant, v.batch): v.outcome for v in verdicts}
    assert outcomes == {
        ("fp32", 1): VerdictOutcome.PASS,
        ("int8", 1): VerdictOutcome.PASS,
        ("int8", 8): VerdictOutcome.INCONCLUSIVE,
        ("int8", 32): VerdictOutcome.INCONCLUSIVE,
    }
    (open_at_8,) = (v for v in verdicts if v.batch == 8)
    assert "not measured at batch 8" in open_at_8.reason
    assert "judge it at batch 8, too" in open_at_8.next_step


def test_a_quality_cell_that_failed_is_the_reason():
    inputs, weights = layer()
    rows = measured({"fp32": dict.fromkeys(BATCHES, inputs @ weights)}, judged_at=(1,))
    assert one(rows, "fp32", "quality", 1).quality
    cells = [make_cell(scenario=s) for s in (Scenario.QUALITY, Scenario.LATENCY)]
    launches = make_launches(cells[1], 3, outputs=((inputs @ weights)[:4],))
    rows = summarize(
        make_run(), cells, launches, [], [], answer_key=key_of(inputs, weights), metric=accuracy()
    )
    assert rows[1]["quality"].withheld.startswith(
        "quality was not measured at batch 1: the cell is"
    )


def test_without_quality_in_the_run_no_row_gives_a_reason():
    inputs, weights = layer()
    rows = measured({"fp32": dict.fromkeys(BATCHES, inputs @ weights)}, judged_at=())
    assert {row["quality"].withheld for row in rows} == {""}


def test_rounding_is_no_dependence():
    inputs, weights = layer()
    exact = inputs @ weights
    rng = np.random.default_rng(1)
    spread = np.sqrt(np.mean((exact - exact.mean(0)) ** 2))
    noise = rng.standard_normal(exact.shape) * spread
    by_batch = {1: exact, 8: exact + 2e-5 * noise, 32: exact + 2e-3 * noise}
    rows = measured({"fp32": by_batch})
    flagged = {row.batch for row in rows if row.scenario == "quality" and flag_of(row)}
    assert flagged == {1, 32}


@pytest.mark.parametrize(("precision", "apart"), [("f16", 5e-3), ("bf16", 4e-2), ("tf32", 5e-3)])
def test_fewer_digits_are_rounded_further(precision, apart):
    assert rounding("f32") < apart < rounding(precision) < 0.1


def counted(metric):
    """The metric, and a list of how many resamples it was asked for each time."""
    asked = []

    def weighted(outputs, labels, weights):
        asked.append(len(weights))
        return metric.weighted(outputs, labels, weights)

    return dataclasses.replace(metric, weighted=weighted), asked


def test_answers_that_are_rounded_otherwise_are_not_resampled_again():
    inputs, weights = layer()
    exact = inputs @ weights
    worse = exact.copy()
    worse[1::10] = worse[1::10][:, ::-1]
    rng = np.random.default_rng(2)

    def at(batches, whole):
        spread = float(np.std(whole))
        return {
            batch: whole + (batch > 1) * 1e-7 * spread * rng.standard_normal(whole.shape)
            for batch in batches
        }

    def run(batches):
        metric, asked = counted(accuracy())
        answers = {"fp32": at(batches, exact), "worse": at(batches, worse)}
        rows = measured(answers, batches, batches, metric=metric)
        return rows, sum(count for count in asked if count > 1)

    rows, twice = run((1, 8))
    alone, once = run((1,))
    assert once > 1000
    assert twice <= 1.05 * once
    first, second = (one(rows, "worse", "quality", batch).quality for batch in (1, 8))
    assert (second.value, second.loss) == (first.value, first.loss)
    assert one(alone, "worse", "quality", 1).quality == first
    assert math.isfinite(first.loss.high)


def test_an_output_without_cases_hides_nothing_of_the_others():
    nothing, exact = np.empty(0, np.float32), np.arange(12.0).reshape(6, 2)
    assert all_rounded((exact, nothing), (exact[:4] + 1e-6, nothing))
    assert not all_rounded((exact, nothing), (exact[:4] + 1, nothing))
    assert not all_rounded((exact, exact), (exact, nothing))
    np.testing.assert_array_equal(sketch((nothing, exact)), sketch((exact,)))


def test_a_baseline_that_gets_worse_is_no_yardstick(int8):
    """Against its own ruined answers the loss is none; nothing passes by that."""
    answers = {"fp32": int8["int8"], "other": int8["int8"]}
    rows = measured(answers)
    budget = make_budget(quality_loss_max=0.02)
    outcomes = {(v.variant, v.batch): v.outcome for v in judge(rows, [budget])}
    assert outcomes["fp32", 1] is outcomes["other", 1] is VerdictOutcome.PASS
    for batch in (8, 32):
        assert outcomes["fp32", batch] is outcomes["other", batch] is VerdictOutcome.INCONCLUSIVE
        evidence = [f.evidence for f in one(rows, "other", "quality", batch).flags if f.caps]
        assert any("fp32 itself is worse at batch" in said for said in evidence)


@pytest.mark.parametrize("left_out", [(), (np.empty(0, np.float32),)], ids=["all", "left-out"])
def test_answers_that_vary_between_launches_have_no_quality(left_out):
    inputs, weights = layer()
    exact = inputs @ weights
    rng = np.random.default_rng(3)
    cells = [make_cell(variant=v, scenario=Scenario.QUALITY) for v in ("fp32", "odd", "good")]
    launches = []
    for cell in cells:
        off = np.float32(0.05 * (cell.variant == "odd"))
        for launch in make_launches(cell, 2, outputs=(exact,)):
            drawn = exact * (1 + off * rng.standard_normal(exact.shape).astype(np.float32))
            launches.append(dataclasses.replace(launch, outputs=(drawn, *left_out)))
    key = key_of(inputs, weights)
    key = dataclasses.replace(key, reference=(*key.reference, *left_out))
    rows = summarize(make_run(), cells, launches, [], [], answer_key=key, metric=accuracy())
    by = {row.variant: row for row in rows}
    assert by["odd"].quality is None
    assert "vary from call to call by" in by["odd"]["quality"].withheld
    assert flag_of(by["odd"], "varying_outputs") is not None
    assert by["good"].quality.value == 1
    assert flag_of(by["good"], "varying_outputs") is None
    verdicts = judge(rows, [make_budget(variants=("odd",), quality_loss_max=0.5)])
    assert [v.outcome for v in verdicts] == [VerdictOutcome.INCONCLUSIVE]


def test_a_baseline_that_draws_at_random_is_no_garbage():
    inputs, weights = layer()
    exact = inputs @ weights
    key = dataclasses.replace(key_of(inputs, weights), varying="0.9 of their spread")
    shuffled = exact[::-1].copy()
    rows = measured({"fp32": dict.fromkeys(BATCHES, shuffled)}, answer_key=key)
    assert {flag.name for row in rows for flag in row.flags} >= {"varying_outputs"}
    assert not [row for row in rows if row.outputs_wrong]
    assert all("the baseline's answers vary" in row["quality"].withheld for row in rows)
    verdicts = judge(rows, [make_budget(quality_loss_max=0.5)])
    assert {v.outcome for v in verdicts} == {VerdictOutcome.INCONCLUSIVE}


def reasked(told, scenario=Scenario.QUALITY, **of):
    """The row of one variant whose launch was asked again, with the baseline beside it."""
    inputs, weights = layer()
    exact = inputs @ weights
    cells = [make_cell(variant=v, scenario=scenario, batch=4) for v in ("fp32", "odd")]
    launches = []
    for cell in cells:
        (launch,) = make_launches(cell, 1, outputs=(exact,))
        details = Details({"repeated": told} if cell.variant == "odd" else {})
        launches.append(dataclasses.replace(launch, details=details, **of))
    rows = summarize(
        make_run(), cells, launches, [], [], answer_key=key_of(inputs, weights), metric=accuracy()
    )
    spread = np.sqrt(np.mean((exact - exact.mean(0)) ** 2))
    return rows[1], rows, spread


def doubts_of(row):
    """The doubts about a row's answers."""
    return {flag.name for flag in row.flags} - {"single_launch", "incomplete"}


def test_answers_that_vary_within_one_launch_have_no_quality():
    odd, rows, spread = reasked({"cases": 4, "again": [3.0], "turned": [300.0]})
    assert odd.quality is None
    assert f"vary from call to call by {3 / spread:.2g} of" in odd["quality"].withheld
    assert "(4 cases" in odd["quality"].withheld
    assert doubts_of(odd) == {"varying_outputs"}
    assert rows[0].quality.value == 1
    verdicts = judge(rows, [make_budget(variants=("odd",), quality_loss_max=0.5)])
    assert [v.outcome for v in verdicts] == [VerdictOutcome.INCONCLUSIVE]


@pytest.mark.parametrize("off", [300.0, None])
def test_answers_that_hang_on_the_place_in_the_batch_keep_no_budget(off):
    odd, rows, _ = reasked({"cases": 4, "again": [0.0], "turned": [off]})
    assert odd.quality is None
    assert "in another order of the same cases" in odd["quality"].withheld
    flag = flag_of(odd, "place_dependent")
    assert flag.caps
    assert "batch_axis" in flag.evidence
    verdicts = judge(rows, [make_budget(variants=("odd",), quality_loss_max=0.5)])
    assert [v.outcome for v in verdicts] == [VerdictOutcome.FAIL]
    assert flag_of(rows[0], "place_dependent") is None


@pytest.mark.parametrize(
    "told",
    [
        {"cases": 4, "again": [1e-7], "turned": [1e-3]},
        {"cases": 4, "again": [0.0]},
        {"cases": 4, "again": [0.0, 9.0], "turned": [9.0, 9.0]},  # of other outputs than there are
        {"again": [9.0]},
        ["again"],
        "again",
    ],
)
def test_what_is_rounding_or_no_answer_says_nothing(told):
    odd, _, _ = reasked(told)
    assert odd.quality.value == 1
    assert not doubts_of(odd)


def test_half_precision_may_be_rounded_further():
    _, _, spread = reasked({})
    told = {"cases": 4, "again": [float(5e-3 * spread)], "turned": [float(2e-2 * spread)]}
    assert reasked(told)[0].quality is None
    odd = reasked(told, precision="bf16")[0]
    assert not doubts_of(odd)
    assert odd.quality.value == 1, odd["quality"].withheld


def test_losses_are_against_the_reference_device_where_there_is_no_baseline_of_ones_own():
    inputs, weights = layer()
    exact = inputs @ weights
    worse = exact.copy()
    worse[1::10] = worse[1::10][:, ::-1]
    wrong = exact.copy()  # at its smallest batch: what agreement is held against
    wrong[2::20] = wrong[2::20][:, ::-1]
    measured_at = ReferenceLaunch("pi", "tflite", 1, "f32", "key", "2026-01-01T00:00:00")
    key = dataclasses.replace(key_of(inputs, weights), reference=(wrong,), measured=measured_at)
    cells = {
        (device, variant, batch): make_cell(
            device=device, variant=variant, batch=batch, scenario=Scenario.QUALITY,
            backend="tflite" if device == "pi" else "onnxruntime",
        )
        for device, variant in (("pi", "fp32"), ("here", "odd"))
        for batch in (1, 8, 32)
        if (device, batch) != ("pi", 32)
    }  # fmt: skip
    answers = {"pi": {1: wrong, 8: exact}, "here": dict.fromkeys((1, 8, 32), worse)}
    launches = [
        launch
        for (device, _, batch), cell in cells.items()
        for launch in make_launches(cell, 1, outputs=(answers[device][batch],))
    ]
    metric = accuracy()
    rows = summarize(
        make_run(), list(cells.values()), launches, [], [], answer_key=key, metric=metric
    )
    found = {row.batch: row for row in rows if row.variant == "odd"}
    told = {batch: row.provenance.quality.against for batch, row in found.items()}
    assert told == {
        1: "fp32 on pi and tflite",
        8: "fp32 on pi and tflite",
        32: "fp32 on pi and tflite at batch 1",
    }
    labels = key.labels
    at_8 = (worse.argmax(1) == labels).mean()
    others = at_8 - (wrong.argmax(1) == labels).mean()
    losses = {batch: row.quality.loss.estimate for batch, row in found.items()}
    assert losses == pytest.approx({1: -others, 8: 1 - at_8, 32: -others})


def test_without_a_reference_quality_says_why_and_nothing_is_judged():
    cells = [make_cell(scenario=s) for s in (Scenario.QUALITY, Scenario.LATENCY)]
    launches = make_launches(cells[1], 3)
    rows = summarize(make_run(), cells, launches, [], [], no_reference="pi was off")
    assert (rows[0].status, rows[0].reason) == ("unmeasured", "pi was off")
    assert rows[1].status == "finished"
    assert rows[1]["quality"].withheld == "pi was off"
