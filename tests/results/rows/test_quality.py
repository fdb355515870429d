from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from builders import accuracy, make_answer_key
from scipy.stats import beta

from benchhub.model.quality import AnswerKey
from benchhub.results.rows.agreement import agreement
from benchhub.results.rows.quality.assess import assess
from benchhub.stats.bootstrap import Limits
from benchhub.tasks.metrics import METRICS, get_metric


def flipped(outputs, cases):
    worse = outputs.copy()
    worse[cases] = worse[cases][:, ::-1]
    return worse


def right_cases(answer_key, count):
    hits = np.flatnonzero(answer_key.reference[0].argmax(axis=1) == answer_key.labels)
    return hits[:count]


def test_the_baseline_against_itself_loses_nothing():
    answer_key = make_answer_key()
    found = assess(answer_key.reference, answer_key, accuracy(), answer_key.reference)
    assert found.value == found.baseline == pytest.approx(0.85, abs=0.05)
    assert found.low < found.value < found.high
    assert found.loss == Limits(0, 0, 0, 0)
    assert (found.cases, found.groups) == (300, 300)
    assert set(found.parts) == {"negative", "positive"}


def test_agreeing_in_every_case_is_not_being_the_same():
    """None of 300 cases is worse, of answers that moved: by Clopper and Pearson, others may be."""
    answer_key = make_answer_key()
    scores = answer_key.reference[0]
    moved = (scores + 0.05 * (scores == scores.max(axis=1, keepdims=True)),)
    found = assess(moved, answer_key, accuracy(), answer_key.reference)
    assert (found.loss.estimate, found.loss.low) == (0, 0)
    assert found.loss.upper == pytest.approx(1 - 0.05 ** (1 / 300))
    assert found.loss.high == pytest.approx(1 - 0.025 ** (1 / 300))
    assert found.method == "Clopper-Pearson"
    rounded = (scores * np.float32(1 + 1e-6),)
    assert assess(rounded, answer_key, accuracy(), answer_key.reference).loss == Limits(0, 0, 0, 0)


def test_a_worse_variant_loses_what_it_gets_wrong():
    answer_key = make_answer_key()
    worse = (flipped(answer_key.reference[0], right_cases(answer_key, 30)),)
    found = assess(worse, answer_key, accuracy(), answer_key.reference)
    assert found.loss.estimate == pytest.approx(0.1)
    assert 0.05 < found.loss.low < 0.1 < found.loss.upper < found.loss.high < 0.16
    assert found.method == "bootstrap-t"
    better = assess(answer_key.reference, answer_key, accuracy(), worse)
    assert better.loss.estimate == pytest.approx(-0.1)


@pytest.mark.parametrize("flips", [1, 3])
def test_few_worse_cases_are_bounded_by_how_many_there_may_be(flips):
    answer_key = make_answer_key()
    worse = (flipped(answer_key.reference[0], right_cases(answer_key, flips)),)
    found = assess(worse, answer_key, accuracy(), answer_key.reference)
    assert found.loss.estimate == pytest.approx(flips / 300)
    assert found.loss.upper == pytest.approx(beta.ppf(0.95, flips + 1, 300 - flips))
    assert found.share.upper == pytest.approx(found.loss.upper / found.baseline)
    assert found.loss.upper < found.loss.high


def test_a_share_of_nothing_is_none():
    answer_key = make_answer_key(50)
    wrong = (1 - answer_key.reference[0],)
    labels = answer_key.reference[0].argmax(axis=1)
    never = dataclasses.replace(answer_key, labels=labels, reference=wrong)
    assert assess(wrong, never, accuracy(), wrong).share is None


def test_loss_is_positive_when_worse_also_where_lower_is_better():
    answer_key = make_answer_key()
    right = accuracy()
    wrong = dataclasses.replace(
        right,
        name="error",
        higher_is_better=False,
        weighted=lambda outputs, labels, weights: 1 - right.weighted(outputs, labels, weights),
    )
    worse = (flipped(answer_key.reference[0], right_cases(answer_key, 30)),)
    found = assess(worse, answer_key, wrong, answer_key.reference)
    assert found.loss.estimate == pytest.approx(0.1)
    assert found.low < found.value < found.high
    assert found.value > found.baseline


def test_patients_are_drawn_whole():
    answer_key = make_answer_key(300)
    tripled = dataclasses.replace(
        answer_key,
        labels=np.repeat(answer_key.labels, 3),
        ids=tuple(str(i) for i in range(900)),
        groups=tuple(str(i // 3) for i in range(900)),
        reference=(np.repeat(answer_key.reference[0], 3, axis=0),),
    )
    grouped = assess(tripled.reference, tripled, accuracy(), tripled.reference)
    single = assess(answer_key.reference, answer_key, accuracy(), answer_key.reference)
    loose = dataclasses.replace(tripled, groups=tripled.ids)
    naive = assess(tripled.reference, loose, accuracy(), tripled.reference)
    width = grouped.high - grouped.low
    assert width == pytest.approx(single.high - single.low, rel=0.1)
    assert naive.high - naive.low < 0.7 * width


def test_the_interval_covers_the_true_value():
    covered = 0
    for seed in range(120):
        answer_key = make_answer_key(200, seed)
        found = assess(
            answer_key.reference, answer_key, accuracy(), answer_key.reference, resamples=400
        )
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
    return AnswerKey("macro_auc", shown, groups, groups, (), (scores,))


def noisy(answer_key, seed, size):
    """Answers with noise that a patient's scans share in half."""
    rng = np.random.default_rng(seed)
    scores, patient = answer_key.reference[0], np.asarray(answer_key.groups, dtype=int)
    shared = rng.standard_normal((patient.max() + 1, scores.shape[1]))
    return (scores + size * (shared[patient] + rng.standard_normal(scores.shape)),)


@pytest.mark.parametrize("name", ["macro_auc", "accuracy", "mean_absolute_error"])
def test_what_a_case_adds_is_what_is_lost_without_it(name):
    answer_key, metric = scans(1, patients=60), METRICS[name]
    outputs = noisy(answer_key, 2, 0.2)
    if name == "accuracy":
        answer_key = dataclasses.replace(answer_key, labels=answer_key.labels.argmax(axis=1))
    alone = dataclasses.replace(answer_key, groups=tuple(map(str, range(len(answer_key.ids)))))
    slow = dataclasses.replace(metric, by_case=None)
    added = metric.by_case(outputs[0], answer_key.labels)
    ones = np.ones((1, len(added)))
    assert added.mean() == pytest.approx(metric.weighted(outputs[0], answer_key.labels, ones)[0])
    for cases, close in ((alone, 0.02), (answer_key, 0.15)):
        found, again = (
            assess(outputs, cases, one, cases.reference, resamples=400) for one in (metric, slow)
        )
        width = again.loss.high - again.loss.low
        assert found.loss.upper == pytest.approx(again.loss.upper, abs=close * width)
        assert found.loss.low == pytest.approx(again.loss.low, abs=close * width)


def patients_of(count, cases, seed=0):
    """Patients of many cases each, and right answers to most of them."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, count * cases)
    scores = np.eye(2)[truth] * 2 + rng.normal(size=(truth.size, 2))
    groups = tuple(map(str, np.repeat(np.arange(count), cases)))
    ids = tuple(map(str, range(truth.size)))
    return AnswerKey("accuracy", truth, ids, groups, (), (scores,))


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("cases", [1, 20])
def test_where_no_answer_differs_a_patient_may_fail_wholly_however_many_cases_it_has(cases, slow):
    metric = METRICS["accuracy"]
    if slow:
        metric = dataclasses.replace(metric, by_case=None, table=None)
    answer_key = patients_of(200, cases)
    other = (answer_key.reference[0] * 1.01,)
    found = assess(other, answer_key, metric, answer_key.reference, resamples=200)
    assert found.loss.estimate == 0
    # Of 200 patients none failed: up to 1.49 % may, each with all of its cases.
    assert found.loss.upper == pytest.approx(1 - 0.05 ** (1 / 200), rel=0.01 if slow else 1e-6)


def test_fewer_patients_never_make_a_limit_tighter():
    upper = []
    for count in (2, 3, 5, 20, 200):
        answer_key = patients_of(count, 600 // count)
        other = answer_key.reference[0].copy()
        other[:3] = other[:3, ::-1]
        found = assess(
            (other,), answer_key, METRICS["accuracy"], answer_key.reference, resamples=200
        )
        upper.append(found.loss.upper)
    assert upper == sorted(upper, reverse=True)
    assert upper[0] > 0.5


def test_a_patient_of_many_scans_may_lose_more_of_an_auc_than_one_of_few():
    few, many = scans(1, patients=60), scans(1, patients=60)
    groups = tuple(str(int(group) // 6) for group in many.groups)
    many = dataclasses.replace(many, groups=groups)
    found = [
        assess((key.reference[0] * 1.01,), key, METRICS["macro_auc"], key.reference, resamples=200)
        for key in (few, many)
    ]
    assert found[0].loss.upper < found[1].loss.upper


def test_limits_of_the_loss_of_an_auc_keep_their_level():
    lost = assess(noisy(scans(3, 40_000), 4, 0.3), scans(3, 40_000), METRICS["macro_auc"],
                  scans(3, 40_000).reference, resamples=16).loss.estimate  # fmt: skip
    above = below = 0
    for seed in range(120):
        answer_key = scans(100 + seed)
        found = assess(noisy(answer_key, 300 + seed, 0.3), answer_key, METRICS["macro_auc"],
                       answer_key.reference, resamples=300)  # fmt: skip
        above += found.loss.upper < lost
        below += found.loss.low > lost
    assert above <= 14
    assert below <= 9


def test_an_auc_that_ranks_alike_is_not_beyond_doubt():
    """Every pair is in order as before, but 12 positive cases rule out few that are not."""
    answer_key = scans(5, patients=60)
    found = assess(
        (2 * answer_key.reference[0] + 1,), answer_key, METRICS["macro_auc"], answer_key.reference
    )
    assert (found.loss.estimate, found.loss.low) == (0, 0)
    assert found.loss.upper > 0.05
    many = scans(5, patients=4000)
    found = assess((2 * many.reference[0] + 1,), many, METRICS["macro_auc"], many.reference,
                   resamples=100)  # fmt: skip
    assert 0 < found.loss.upper < 0.01


def test_only_the_cases_that_both_answered_count():
    answer_key = make_answer_key()
    found = assess((answer_key.reference[0][:50],), answer_key, accuracy(), answer_key.reference)
    assert found.cases == 50
    assert found.loss.estimate == 0


def test_an_undefined_metric_leaves_limits_or_all_unknown():
    answer_key = make_answer_key(20)
    rarely = dataclasses.replace(
        accuracy(),
        weighted=lambda outputs, labels, weights: np.where(
            (weights == 1).all(axis=1), 0.5, math.nan
        ),
    )
    found = assess(answer_key.reference, answer_key, rarely, answer_key.reference)
    assert (found.value, found.low, found.loss.upper) == (0.5, -math.inf, math.inf)
    never = dataclasses.replace(
        accuracy(), weighted=lambda outputs, labels, weights: np.full(len(weights), math.nan)
    )
    with pytest.raises(ValueError, match="accuracy is undefined on these 20 cases"):
        assess(answer_key.reference, answer_key, never, answer_key.reference)


def test_outputs_that_are_not_finite_are_refused():
    answer_key = make_answer_key(20)
    broken = answer_key.reference[0].copy()
    broken[3, 1] = math.nan
    with pytest.raises(ValueError, match=r"^outputs are not finite"):
        assess((broken,), answer_key, accuracy(), answer_key.reference)
    with pytest.raises(ValueError, match="no cases"):
        assess((broken[:0],), answer_key, accuracy(), answer_key.reference)


def test_agreement_is_zero_for_equal_and_one_for_constant_answers():
    reference = make_answer_key().reference
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
    assert agreement(outputs, make_answer_key().reference) == (math.inf, math.inf)


def test_a_constant_reference_is_held_to_its_size_and_zero_to_itself():
    reference = (np.ones((5, 2)),)
    assert agreement(reference, reference) == (0, 0)
    assert agreement((reference[0] * 2,), reference)[1] == 1
    nothing = (np.zeros((5, 2)),)
    assert agreement(nothing, nothing) == (0, 0)
    assert agreement(reference, nothing)[1] == math.inf


def test_outputs_of_another_shape_cannot_be_assessed():
    answer_key = make_answer_key(20)
    with pytest.raises(ValueError, match="another shape than the baseline's"):
        assess((answer_key.reference[0][:, :1],), answer_key, accuracy(), answer_key.reference)


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
    answer_key = dataclasses.replace(
        make_answer_key(20), labels=labels, label_names=(), reference=answers
    )
    with pytest.raises(ValueError, match=f"{metric} does not fit outputs of shape"):
        assess(answers, answer_key, get_metric(metric), answers)
