from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from builders import accuracy, make_truth
from scipy.stats import beta

from benchhub.agreement import agreement
from benchhub.model import Truth
from benchhub.quality import assess
from benchhub.stats.bootstrap import Limits
from benchhub.stats.quality_gate import quality_gate
from benchhub.tasks.metrics import METRICS, get_metric


def flipped(outputs, cases):
    worse = outputs.copy()
    worse[cases] = worse[cases][:, ::-1]
    return worse


def right_cases(truth, count):
    hits = np.flatnonzero(truth.reference[0].argmax(axis=1) == truth.labels)
    return hits[:count]


def test_the_baseline_against_itself_loses_nothing():
    truth = make_truth()
    found = assess(truth.reference, truth, accuracy(), truth.reference)
    assert found.value == found.baseline == pytest.approx(0.85, abs=0.05)
    assert found.low < found.value < found.high
    assert found.loss == Limits(0, 0, 0, 0)
    assert (found.cases, found.groups) == (300, 300)
    assert set(found.parts) == {"negative", "positive"}


def test_agreeing_in_every_case_is_not_being_the_same():
    """None of 300 cases is worse, of answers that moved: by Clopper and Pearson, others may be."""
    truth = make_truth()
    scores = truth.reference[0]
    moved = (scores + 0.05 * (scores == scores.max(axis=1, keepdims=True)),)
    found = assess(moved, truth, accuracy(), truth.reference)
    assert (found.loss.estimate, found.loss.low) == (0, 0)
    assert found.loss.upper == pytest.approx(1 - 0.05 ** (1 / 300))
    assert found.loss.high == pytest.approx(1 - 0.025 ** (1 / 300))
    assert found.method == "Clopper-Pearson"
    rounded = (scores * np.float32(1 + 1e-6),)
    assert assess(rounded, truth, accuracy(), truth.reference).loss == Limits(0, 0, 0, 0)


def test_a_worse_variant_loses_what_it_gets_wrong():
    truth = make_truth()
    worse = (flipped(truth.reference[0], right_cases(truth, 30)),)
    found = assess(worse, truth, accuracy(), truth.reference)
    assert found.loss.estimate == pytest.approx(0.1)
    assert 0.05 < found.loss.low < 0.1 < found.loss.upper < found.loss.high < 0.16
    assert found.method == "bootstrap-t"
    better = assess(truth.reference, truth, accuracy(), worse)
    assert better.loss.estimate == pytest.approx(-0.1)


def test_the_limits_are_those_of_the_gate():
    truth = make_truth()
    worse = flipped(truth.reference[0], right_cases(truth, 30))
    hits = [outputs.argmax(axis=1) == truth.labels for outputs in (truth.reference[0], worse)]
    losses = hits[0].astype(float) - hits[1]
    found = assess((worse,), truth, accuracy(), truth.reference, resamples=20_000)
    gate = quality_gate(losses, 0.1, resamples=20_000)
    step = 1.1 / 300  # other draws, and counts of cases are whole
    assert found.loss.upper == pytest.approx(gate.high, abs=step)
    assert found.loss.low == pytest.approx(gate.low, abs=step)
    relative = quality_gate(losses, 0.1, resamples=20_000, baseline_per_case=hits[0].astype(float))
    assert found.share.estimate == pytest.approx(relative.loss)
    assert found.share.upper == pytest.approx(relative.high, abs=step)
    assert found.share.low == pytest.approx(relative.low, abs=step)


@pytest.mark.parametrize("flips", [1, 3])
def test_few_worse_cases_are_bounded_by_how_many_there_may_be(flips):
    truth = make_truth()
    worse = (flipped(truth.reference[0], right_cases(truth, flips)),)
    found = assess(worse, truth, accuracy(), truth.reference)
    assert found.loss.estimate == pytest.approx(flips / 300)
    assert found.loss.upper == pytest.approx(beta.ppf(0.95, flips + 1, 300 - flips))
    assert found.share.upper == pytest.approx(found.loss.upper / found.baseline)
    assert found.loss.upper < found.loss.high


def test_a_share_of_nothing_is_none():
    truth = make_truth(50)
    wrong = (1 - truth.reference[0],)
    labels = truth.reference[0].argmax(axis=1)
    never = dataclasses.replace(truth, labels=labels, reference=wrong)
    assert assess(wrong, never, accuracy(), wrong).share is None


def test_loss_is_positive_when_worse_also_where_lower_is_better():
    truth = make_truth()
    right = accuracy()
    wrong = dataclasses.replace(
        right,
        name="error",
        higher_is_better=False,
        weighted=lambda outputs, labels, weights: 1 - right.weighted(outputs, labels, weights),
    )
    worse = (flipped(truth.reference[0], right_cases(truth, 30)),)
    found = assess(worse, truth, wrong, truth.reference)
    assert found.loss.estimate == pytest.approx(0.1)
    assert found.low < found.value < found.high
    assert found.value > found.baseline


def test_patients_are_drawn_whole():
    truth = make_truth(300)
    tripled = dataclasses.replace(
        truth,
        labels=np.repeat(truth.labels, 3),
        ids=tuple(str(i) for i in range(900)),
        groups=tuple(str(i // 3) for i in range(900)),
        reference=(np.repeat(truth.reference[0], 3, axis=0),),
    )
    grouped = assess(tripled.reference, tripled, accuracy(), tripled.reference)
    single = assess(truth.reference, truth, accuracy(), truth.reference)
    loose = dataclasses.replace(tripled, groups=tripled.ids)
    naive = assess(tripled.reference, loose, accuracy(), tripled.reference)
    width = grouped.high - grouped.low
    assert width == pytest.approx(single.high - single.low, rel=0.1)
    assert naive.high - naive.low < 0.7 * width


def test_the_interval_covers_the_true_value():
    covered = 0
    for seed in range(120):
        truth = make_truth(200, seed)
        found = assess(truth.reference, truth, accuracy(), truth.reference, resamples=400)
        covered += found.low <= 0.85 <= found.high
    assert covered / 120 >= 0.88


def scans(seed, patients=150, labels=3):
    """Patients of one to four scans that are alike, with findings of 8, 15 and 40 %."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), rng.integers(1, 5, patients))
    shared, own = (rng.standard_normal((count, labels)) for count in (patients, patient.size))
    shown = (shared[patient] + own) / math.sqrt(2) < [-1.405, -1.036, -0.253]
    shared, own = (rng.standard_normal((count, labels)) for count in (patients, patient.size))
    scores = 0.6 * shared[patient] + 0.8 * own + 1.5 * shown
    groups = tuple(map(str, patient))
    return Truth("macro_auc", shown, groups, groups, (), (scores,))


def noisy(truth, seed, size):
    """Answers with noise that a patient's scans share in half."""
    rng = np.random.default_rng(seed)
    scores, patient = truth.reference[0], np.asarray(truth.groups, dtype=int)
    shared = rng.standard_normal((patient.max() + 1, scores.shape[1]))
    return (scores + size * (shared[patient] + rng.standard_normal(scores.shape)),)


@pytest.mark.parametrize("name", METRICS)
def test_what_a_case_adds_is_what_is_lost_without_it(name):
    truth, metric = scans(1, patients=60), METRICS[name]
    outputs = noisy(truth, 2, 0.2)
    if name == "accuracy":
        truth = dataclasses.replace(truth, labels=truth.labels.argmax(axis=1))
    alone = dataclasses.replace(truth, groups=tuple(map(str, range(len(truth.ids)))))
    slow = dataclasses.replace(metric, by_case=None)
    added = metric.by_case(outputs[0], truth.labels)
    ones = np.ones((1, len(added)))
    assert added.mean() == pytest.approx(metric.weighted(outputs[0], truth.labels, ones)[0])
    for cases, close in ((alone, 0.02), (truth, 0.15)):
        found, again = (
            assess(outputs, cases, one, cases.reference, resamples=400) for one in (metric, slow)
        )
        width = again.loss.high - again.loss.low
        assert found.loss.upper == pytest.approx(again.loss.upper, abs=close * width)
        assert found.loss.low == pytest.approx(again.loss.low, abs=close * width)


def test_limits_of_the_loss_of_an_auc_keep_their_level():
    lost = assess(noisy(scans(3, 40_000), 4, 0.3), scans(3, 40_000), METRICS["macro_auc"],
                  scans(3, 40_000).reference, resamples=16).loss.estimate  # fmt: skip
    above = below = 0
    for seed in range(120):
        truth = scans(100 + seed)
        found = assess(noisy(truth, 300 + seed, 0.3), truth, METRICS["macro_auc"],
                       truth.reference, resamples=300)  # fmt: skip
        above += found.loss.upper < lost
        below += found.loss.low > lost
    assert above <= 14
    assert below <= 9


def test_an_auc_that_ranks_alike_is_not_beyond_doubt():
    """Every pair is in order as before, but 12 positive cases rule out few that are not."""
    truth = scans(5, patients=60)
    found = assess((2 * truth.reference[0] + 1,), truth, METRICS["macro_auc"], truth.reference)
    assert (found.loss.estimate, found.loss.low) == (0, 0)
    assert found.loss.upper > 0.05
    many = scans(5, patients=4000)
    found = assess((2 * many.reference[0] + 1,), many, METRICS["macro_auc"], many.reference,
                   resamples=100)  # fmt: skip
    assert 0 < found.loss.upper < 0.01


def test_only_the_cases_that_both_answered_count():
    truth = make_truth()
    found = assess((truth.reference[0][:50],), truth, accuracy(), truth.reference)
    assert found.cases == 50
    assert found.loss.estimate == 0


def test_an_undefined_metric_leaves_limits_or_all_unknown():
    truth = make_truth(20)
    rarely = dataclasses.replace(
        accuracy(),
        weighted=lambda outputs, labels, weights: np.where(
            (weights == 1).all(axis=1), 0.5, math.nan
        ),
    )
    found = assess(truth.reference, truth, rarely, truth.reference)
    assert (found.value, found.low, found.loss.upper) == (0.5, -math.inf, math.inf)
    never = dataclasses.replace(
        accuracy(), weighted=lambda outputs, labels, weights: np.full(len(weights), math.nan)
    )
    with pytest.raises(ValueError, match="accuracy is undefined on these 20 cases"):
        assess(truth.reference, truth, never, truth.reference)


def test_outputs_that_are_not_finite_are_refused():
    truth = make_truth(20)
    broken = truth.reference[0].copy()
    broken[3, 1] = math.nan
    with pytest.raises(ValueError, match=r"^outputs are not finite"):
        assess((broken,), truth, accuracy(), truth.reference)
    with pytest.raises(ValueError, match="no cases"):
        assess((broken[:0],), truth, accuracy(), truth.reference)


def test_agreement_is_zero_for_equal_and_one_for_constant_answers():
    reference = make_truth().reference
    assert agreement(reference, reference) == (0, 0)
    constant = np.broadcast_to(reference[0].mean(axis=0), reference[0].shape)
    worst, relative = agreement((constant,), reference)
    assert relative == pytest.approx(1.0)
    assert worst > 0.5


def test_agreement_of_leading_cases_uses_the_spread_of_all():
    reference = (np.array([[1.0], [1.0], [1.0], [3.0], [-1.0]]),)
    assert agreement((reference[0][:2] + 0.1,), reference)[1] == pytest.approx(
        0.1 / math.sqrt(1.6), rel=1e-6
    )


@pytest.mark.parametrize(
    "outputs",
    [
        (np.full((4, 2), math.nan),),
        (np.full((4, 2), math.inf),),
        (np.zeros((4, 3)),),
        (np.zeros((400, 2)),),
        (np.float32(1.0),),
        (),
        (np.zeros((4, 2)), np.zeros((4, 2))),
    ],
)
def test_agreement_with_impossible_outputs_is_infinite(outputs):
    assert agreement(outputs, make_truth().reference) == (math.inf, math.inf)


def test_a_constant_reference_is_held_to_its_size_and_zero_to_itself():
    reference = (np.ones((5, 2)),)
    assert agreement(reference, reference) == (0, 0)
    assert agreement((reference[0] * 2,), reference)[1] == 1
    nothing = (np.zeros((5, 2)),)
    assert agreement(nothing, nothing) == (0, 0)
    assert agreement(reference, nothing)[1] == math.inf


def test_outputs_of_another_shape_cannot_be_assessed():
    truth = make_truth(20)
    with pytest.raises(ValueError, match="another shape than the baseline's"):
        assess((truth.reference[0][:, :1],), truth, accuracy(), truth.reference)


def test_agreement_of_an_answer_that_never_varies_is_relative_to_its_size():
    """Boxes of a detector, or a single case: there is no spread to hold a rounding error to."""
    boxes = np.full((7, 3), 0.1, dtype=np.float32)
    worst, relative = agreement((boxes[:4] + np.float32(1e-7),), (boxes,))
    assert worst == pytest.approx(1e-7, rel=0.2)
    assert relative == pytest.approx(1e-6, rel=0.2)
    assert agreement((np.zeros((4, 3)),), (boxes,))[1] == pytest.approx(1)
    one = (np.array([[3.0, 4.0]]),)
    assert agreement((one[0] + 0.1,), one)[1] == pytest.approx(0.1 / math.sqrt(12.5))


def test_agreement_is_held_to_the_reference_only_where_that_is_finite():
    """A log-probability of minus infinity is an answer; what lies beside it is compared."""
    whole = np.array([[1.0, -math.inf], [2.0, 5.0], [3.0, 7.0]])
    assert agreement((whole[:2],), (whole,)) == (0, 0)
    worst, relative = agreement((np.array([[1.0, -math.inf], [2.0, 6.0]]),), (whole,))
    assert (worst, math.isfinite(relative), relative > 0) == (1, True, True)
    astray = whole.copy()
    astray[1, 1] = math.nan
    assert agreement((astray,), (whole,)) == (math.inf, math.inf)
    assert agreement((np.full((1, 2), 9.0),), (np.full((1, 2), math.nan),)) == (0, 0)


@pytest.mark.parametrize(
    ("metric", "outputs"), [("macro_auc", (20, 2)), ("accuracy", (20,)), ("accuracy", (20, 2))]
)
def test_a_metric_that_does_not_fit_the_outputs_is_withheld_not_raised(metric, outputs):
    rng = np.random.default_rng(0)
    answers = (rng.normal(size=outputs),)
    labels = rng.integers(0, 2, (20, 3) if metric == "macro_auc" or len(outputs) == 2 else 20)
    truth = dataclasses.replace(make_truth(20), labels=labels, label_names=(), reference=answers)
    with pytest.raises(ValueError, match=f"{metric} does not fit outputs of shape"):
        assess(answers, truth, get_metric(metric), answers)
