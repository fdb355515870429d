from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from benchhub.model.scenario import VerdictOutcome as Outcome
from benchhub.stats.quality_gate import quality_gate


def losses(seed, cases=400, mean=0.0, sd=0.03):
    return mean + sd * np.random.default_rng(seed).standard_normal(cases)


@pytest.mark.parametrize(
    ("mean", "outcome"),
    [(0.0, Outcome.PASS), (0.03, Outcome.FAIL), (0.012, Outcome.INCONCLUSIVE)],
)
def test_verdicts(mean, outcome):
    found = quality_gate(losses(1, mean=mean), 0.01)
    assert found.verdict is outcome
    assert found.low <= found.loss <= found.high
    assert (found.cases, found.method) == (400, "bootstrap-t")
    assert "points" in found.reason


def test_limits_of_normal_losses_are_those_of_student():
    found = quality_gate(losses(2, cases=1000), 0.01, resamples=20_000)
    error = losses(2, cases=1000).std(ddof=1) / math.sqrt(1000)
    assert (found.high - found.loss) / error == pytest.approx(1.752, abs=0.06)  # t at 96 %
    assert (found.loss - found.low) / error == pytest.approx(1.962, abs=0.06)


def test_false_pass_at_the_limit_is_rare_though_losses_are_skewed():
    rng = np.random.default_rng(3)
    passed = 0
    for _ in range(200):
        large = rng.exponential(0.2, 200) * (rng.random(200) < 0.05)
        loss = 0.004 * rng.standard_normal(200) + large
        passed += quality_gate(loss, 0.01, resamples=500).verdict is Outcome.PASS
    assert passed <= 16


def test_few_cases_are_inconclusive_unless_told_otherwise():
    few = losses(4, cases=199, sd=0.001)
    found = quality_gate(few, 0.01)
    assert found.verdict is Outcome.INCONCLUSIVE
    assert "needs 200 cases, has 199" in found.reason
    assert quality_gate(few, 0.01, min_cases=50).verdict is Outcome.PASS


def test_relative_losses_are_shares_of_the_baseline():
    base = np.random.default_rng(5).uniform(40, 60, 400)
    found = quality_gate(0.02 * base + losses(5), 0.03, baseline_per_case=base)
    assert found.loss == pytest.approx(0.02, abs=0.001)
    assert found.verdict is Outcome.PASS
    assert "of the baseline" in found.reason
    scaled = quality_gate(0.2 * base + 10 * losses(5), 0.03, baseline_per_case=10 * base)
    assert scaled.high == pytest.approx(found.high)


def test_cases_of_a_patient_are_drawn_together():
    patients = np.repeat(np.arange(250), 8)
    loss = losses(6, cases=250)[patients] + 0.001 * losses(7, cases=2000)
    alone = quality_gate(loss, 0.01)
    together = quality_gate(loss, 0.01, groups=patients)
    assert (alone.cases, together.cases) == (2000, 250)
    assert together.high - together.loss > 2 * (alone.high - alone.loss)
    assert quality_gate(loss, 0.01, groups=patients // 2).verdict is Outcome.INCONCLUSIVE


def test_the_same_seed_gives_the_same_limits():
    assert quality_gate(losses(8), 0.01) == quality_gate(losses(8), 0.01)
    assert quality_gate(losses(8), 0.01, seed=1).high != quality_gate(losses(8), 0.01).high


def test_cases_that_all_agree_bound_what_others_may_lose():
    found = quality_gate(np.zeros(200), 0.01)
    assert found.verdict is Outcome.INCONCLUSIVE
    assert found.high == pytest.approx(1 - 0.05 ** (1 / 200))
    assert quality_gate(np.zeros(300), 0.01).verdict is Outcome.PASS
    assert quality_gate(np.zeros(200), 0.01, worst_loss=0.1).verdict is Outcome.PASS


def test_a_few_flips_are_bounded_exactly():
    flips = np.r_[np.ones(3), np.zeros(397)]
    found = quality_gate(flips, 0.015)
    assert found.high == pytest.approx(beta.ppf(0.95, 4, 397))
    assert found.method == "Clopper-Pearson"
    assert found.verdict is Outcome.INCONCLUSIVE
    assert quality_gate(flips, 0.02).verdict is Outcome.PASS


def mean_of(values):
    return lambda weights: weights @ values / weights.sum(axis=1)


def test_a_resampled_metric_is_judged_alike():
    values = losses(9, cases=400)
    direct = quality_gate(values, 0.01)
    resampled = quality_gate(mean_of(values), 0.01, cases=400)
    assert resampled.method == direct.method == "bootstrap-t"
    assert resampled.verdict is direct.verdict
    # the same draws of what is the same mean
    assert resampled.high == pytest.approx(direct.high, rel=1e-9)
    assert resampled.low == pytest.approx(direct.low, rel=1e-9)


def test_a_resampled_metric_may_be_undefined():
    undefined = quality_gate(lambda weights: np.full(len(weights), math.nan), 0.01, cases=300)
    assert undefined.verdict is Outcome.INCONCLUSIVE
    assert "undefined" in undefined.reason


@pytest.mark.parametrize("flips", [0, 1, 3, 12])
def test_a_resampled_metric_that_hardly_differs_is_bounded_alike(flips):
    values = np.r_[np.ones(flips), np.zeros(400 - flips)]
    direct = quality_gate(values, 0.01)
    resampled = quality_gate(mean_of(values), 0.01, cases=400)
    assert resampled.high == pytest.approx(direct.high, rel=1e-9)
    assert (resampled.method, resampled.verdict) == (direct.method, direct.verdict)
    assert resampled.high > max(flips, 2.9) / 400


def test_a_single_large_loss_among_small_ones_is_not_averaged_away():
    """Noise in every case hides from a count of those that differ that one carries the loss."""
    loss = 0.0001 * losses(11, cases=200, sd=1.0)
    loss[7] = 1.0
    found = quality_gate(loss, 0.02)
    assert found.method == "Clopper-Pearson"
    assert found.high == pytest.approx(beta.ppf(0.95, 2, 199), rel=0.1)
    assert found.verdict is Outcome.INCONCLUSIVE


def test_false_pass_is_rare_where_few_lose_all():
    rng = np.random.default_rng(12)
    passed = 0
    for _ in range(200):
        loss = 0.001 * rng.standard_normal(300) + (rng.random(300) < 0.01)
        passed += quality_gate(loss, 0.01, resamples=300).verdict is Outcome.PASS
    assert passed <= 20


def test_groups_of_a_resampled_metric_are_drawn_together():
    patients = np.repeat(np.arange(200), 3)
    values = losses(10, cases=200)[patients]
    one = quality_gate(mean_of(values), 0.01, cases=600, groups=patients)
    alone = quality_gate(mean_of(values), 0.01, cases=600)
    assert one.cases == 200
    assert one.high - one.loss > 1.4 * (alone.high - alone.loss)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.001, 1000), st.floats(-0.05, 0.05))
def test_limits_enclose_the_loss_and_scale(seed, unit, mean):
    values = losses(seed, cases=60, mean=mean)
    one = quality_gate(values, 0.01, resamples=200)
    other = quality_gate(values * unit, 0.01 * unit, resamples=200)
    assert one.low <= one.loss <= one.high
    assert other.high == pytest.approx(one.high * unit)
    assert other.low == pytest.approx(one.low * unit)


@pytest.mark.parametrize(
    ("values", "options", "match"),
    [
        ([], {}, "at least one"),
        ([math.nan, 1.0], {}, "finite"),
        ([1.0], {"limit": math.nan}, "finite"),
        ([1.0, 2.0], {"groups": [1]}, "1 groups for 2 cases"),
        ([1.0, 2.0], {"baseline_per_case": [1.0]}, "1 values of the baseline"),
        ([1.0, 2.0], {"baseline_per_case": [0.0, 0.0]}, "above 0"),
        (mean_of(np.ones(3)), {}, "number of its cases"),
    ],
)
def test_bad_input_is_named(values, options, match):
    with pytest.raises(ValueError, match=match):
        quality_gate(values, **{"limit": 0.01, **options})
