from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from builders import accuracy, make_truth

from benchhub.quality import agreement, assess
from benchhub.tasks.metrics import get_metric


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
    assert (found.loss, found.loss_low, found.loss_high, found.loss_upper) == (0, 0, 0, 0)
    assert found.cases == 300
    assert set(found.parts) == {"negative", "positive"}


def test_a_worse_variant_loses_what_it_gets_wrong():
    truth = make_truth()
    worse = (flipped(truth.reference[0], right_cases(truth, 30)),)
    found = assess(worse, truth, accuracy(), truth.reference)
    assert found.loss == pytest.approx(0.1)
    assert 0.05 < found.loss_low < 0.1 < found.loss_upper < found.loss_high < 0.16
    better = assess(truth.reference, truth, accuracy(), worse)
    assert better.loss == pytest.approx(-0.1)


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
    assert found.loss == pytest.approx(0.1)
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


def test_only_the_cases_that_both_answered_count():
    truth = make_truth()
    found = assess((truth.reference[0][:50],), truth, accuracy(), truth.reference)
    assert found.cases == 50
    assert found.loss == 0


def test_an_undefined_metric_leaves_limits_or_all_unknown():
    truth = make_truth(20)
    rarely = dataclasses.replace(
        accuracy(),
        weighted=lambda outputs, labels, weights: np.where(
            (weights == 1).all(axis=1), 0.5, math.nan
        ),
    )
    found = assess(truth.reference, truth, rarely, truth.reference)
    assert (found.value, found.low, found.loss_upper) == (0.5, None, None)
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
