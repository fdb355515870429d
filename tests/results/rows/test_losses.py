"""Limits of a loss that is known case by case, as a budget of quality is held against them."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from benchhub.model.quality import ANY, SHARE, AnswerKey, Metric
from benchhub.results.rows.quality.assess import assess
from benchhub.tasks.case_tables import mean_metric
from benchhub.tasks.metrics import MEANINGS, get_metric, metric_names

#: Outputs are scores of the cases themselves.
MEAN = mean_metric("score", lambda outputs, labels: outputs[:, None])
#: The same of which only the whole is known, as of an AUC.
WHOLE = Metric(
    "whole", "", True,
    lambda outputs, labels, weights: weights @ outputs / weights.sum(axis=1),
    lambda outputs, labels, names: {},
)  # fmt: skip


def losses(seed, cases=400, mean=0.0, sd=0.03):
    return mean + sd * np.random.default_rng(seed).standard_normal(cases)


def judged(loss, metric=MEAN, groups=None, baseline=None, **options):
    """Assess a loss against a baseline whose best and worst case lie 1 apart."""
    base = np.linspace(0.0, 1.0, len(loss)) if baseline is None else baseline
    ids = tuple(map(str, range(len(loss))))
    of = ids if groups is None else tuple(map(str, groups))
    answer_key = AnswerKey(metric.name, np.zeros(len(loss), int), ids, of, (), (base,))
    return assess((base - loss,), answer_key, metric, (base,), same=False, **options)


@pytest.mark.parametrize("mean", [0.0, 0.012, 0.03])
def test_limits_lie_about_the_loss(mean):
    found = judged(losses(1, mean=mean))
    assert found.loss.low < found.loss.estimate < found.loss.upper < found.loss.high
    assert found.loss.low < mean < found.loss.high
    assert (found.cases, found.method) == (400, "bootstrap-t")


def test_limits_of_normal_losses_are_those_of_student():
    found = judged(losses(2, cases=1000), resamples=20_000).loss
    error = losses(2, cases=1000).std(ddof=1) / math.sqrt(1000)
    assert (found.upper - found.estimate) / error == pytest.approx(1.752, abs=0.06)  # t at 96 %
    assert (found.estimate - found.low) / error == pytest.approx(1.962, abs=0.06)


def test_false_pass_at_the_limit_is_rare_though_losses_are_skewed():
    rng = np.random.default_rng(3)
    passed = 0
    for _ in range(200):
        large = rng.exponential(0.2, 200) * (rng.random(200) < 0.05)
        loss = 0.004 * rng.standard_normal(200) + large
        passed += judged(loss, resamples=500).loss.upper <= 0.01
    assert passed <= 20


def test_an_interval_holds_nothing_that_the_metric_cannot_be():
    base = np.array([0.9, 1.0, 1.0, 0.95, 1.0, 0.7])
    share = dataclasses.replace(MEAN, within=SHARE)
    free, held = (judged(np.zeros(6), metric, baseline=base) for metric in (MEAN, share))
    assert free.high > 1
    assert (held.low, held.high) == (free.low, 1.0)
    assert held.loss == free.loss
    none = judged(np.zeros(6), share, baseline=1 - base)
    assert none.low == 0.0
    moved = judged(np.zeros(6), share, baseline=base + 1e-6, near=held)
    assert (moved.low, moved.high) == (held.low + moved.value - held.value, 1.0)


def test_every_metric_here_says_what_it_can_be():
    names = [name for name in metric_names() if name in {*MEANINGS}]
    assert len(names) > 25
    for name in names:
        least, most = get_metric(name).within
        assert (least, most) != ANY, name
        better = get_metric(name).higher_is_better
        assert (most if better else least) in (0.0, 1.0), name


def test_relative_losses_are_shares_of_the_baseline():
    base = np.random.default_rng(5).uniform(40, 60, 400)
    found = judged(0.02 * base + losses(5), baseline=base)
    assert found.share.estimate == pytest.approx(0.02, abs=0.001)
    scaled = judged(0.2 * base + 10 * losses(5), baseline=10 * base)
    assert scaled.share.upper == pytest.approx(found.share.upper)


def test_cases_of_a_patient_are_drawn_together():
    patients = np.repeat(np.arange(250), 8)
    loss = losses(6, cases=250)[patients] + 0.001 * losses(7, cases=2000)
    alone, together = judged(loss), judged(loss, groups=patients)
    assert (alone.groups, together.groups) == (2000, 250)
    wide = together.loss.upper - together.loss.estimate
    assert wide > 2 * (alone.loss.upper - alone.loss.estimate)


def test_the_same_seed_gives_the_same_limits():
    assert judged(losses(8)) == judged(losses(8))
    assert judged(losses(8), seed=1).loss.upper != judged(losses(8)).loss.upper


@pytest.mark.parametrize("cases", [200, 300])
def test_cases_that_all_agree_bound_what_others_may_lose(cases):
    found = judged(np.zeros(cases))
    assert found.loss.upper == pytest.approx(1 - 0.05 ** (1 / cases))
    narrow = judged(np.zeros(cases), baseline=np.linspace(0.9, 1.0, cases))
    assert narrow.loss.upper == pytest.approx(0.1 * found.loss.upper)


def test_a_few_flips_are_bounded_exactly():
    found = judged(np.r_[np.ones(3), np.zeros(397)])
    assert found.loss.upper == pytest.approx(beta.ppf(0.95, 4, 397))
    assert found.method == "Clopper-Pearson"


@pytest.mark.parametrize(
    "values",
    [losses(9), *(np.r_[np.ones(flips), np.zeros(400 - flips)] for flips in (0, 1, 3, 12))],
    ids=["normal", "none", "one", "three", "twelve"],
)
def test_a_metric_known_only_as_a_whole_is_judged_alike(values):
    direct, whole = judged(values), judged(values, metric=WHOLE)
    assert whole.method == direct.method
    # the same draws of what is the same mean
    for one, other in zip(
        dataclasses.astuple(whole.loss), dataclasses.astuple(direct.loss), strict=True
    ):
        assert one == pytest.approx(other, rel=1e-6, abs=1e-9)


def test_a_single_large_loss_among_small_ones_is_not_averaged_away():
    """Noise in every case hides from a count of those that differ that one carries the loss."""
    loss = 0.0001 * losses(11, cases=200, sd=1.0)
    loss[7] = 1.0
    found = judged(loss)
    assert found.method == "Clopper-Pearson"
    assert found.loss.upper == pytest.approx(beta.ppf(0.95, 2, 199), rel=0.1)


def test_false_pass_is_rare_where_few_lose_all():
    rng = np.random.default_rng(12)
    passed = 0
    for _ in range(200):
        loss = 0.001 * rng.standard_normal(300) + (rng.random(300) < 0.01)
        passed += judged(loss, resamples=300).loss.upper <= 0.01
    assert passed <= 20


def test_groups_of_a_metric_known_as_a_whole_are_drawn_together():
    patients = np.repeat(np.arange(200), 3)
    values = losses(10, cases=200)[patients]
    one, alone = judged(values, metric=WHOLE, groups=patients), judged(values, metric=WHOLE)
    assert one.groups == 200
    assert one.loss.upper - one.loss.estimate > 1.4 * (alone.loss.upper - alone.loss.estimate)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.001, 1000), st.floats(-0.05, 0.05))
def test_limits_enclose_the_loss_and_scale(seed, unit, mean):
    values, base = losses(seed, cases=60, mean=mean), np.linspace(0, 1, 60)
    one = judged(values, resamples=200).loss
    other = judged(values * unit, baseline=base * unit, resamples=200).loss
    assert one.low <= one.estimate <= one.upper <= one.high
    assert other.upper == pytest.approx(one.upper * unit)
    assert other.low == pytest.approx(one.low * unit)


def test_groups_must_be_those_of_the_cases():
    with pytest.raises(ValueError, match="1 groups for 2 cases"):
        judged(np.zeros(2), groups=[1])
