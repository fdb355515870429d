import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchhub.errors import ConfigError
from benchhub.tasks.metrics import METRICS, get_metric
from benchhub.tasks.metrics.ranking import auc_by_label, macro_auc, weighted_auc


@pytest.fixture
def sample():
    rng = np.random.default_rng(3)
    truth = (rng.random((120, 5)) < [0.5, 0.3, 0.1, 0.2, 0.6]).astype(np.uint8)
    # rounding makes many ties
    scores = np.round(truth * 0.8 + rng.normal(size=truth.shape), 1).astype(np.float32)
    weights = rng.multinomial(120, np.full(120, 1 / 120), size=7)
    return scores, truth, weights


def test_auc_with_ties_and_weights_equals_sklearn(sample):
    scores, truth, weights = sample
    ours = weighted_auc(scores[:, 0], truth[:, 0], weights)
    theirs = [roc_auc_score(truth[:, 0], scores[:, 0], sample_weight=w) for w in weights]
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_macro_auc_equals_sklearn_macro(sample):
    scores, truth, _ = sample
    ours = macro_auc(scores, truth, np.ones((1, len(truth))))
    assert ours[0] == pytest.approx(roc_auc_score(truth, scores, average="macro"), abs=1e-12)
    parts = auc_by_label(scores, truth, ("a", "b", "c", "d", "e"))
    assert np.mean(list(parts.values())) == pytest.approx(ours[0])


def test_weights_count_cases_as_often_as_they_are_repeated(sample):
    scores, truth, weights = sample
    rows = np.repeat(np.arange(len(truth)), weights[0])
    repeated = macro_auc(scores[rows], truth[rows], np.ones((1, len(rows))))
    assert macro_auc(scores, truth, weights)[0] == pytest.approx(repeated[0])


def test_label_of_one_class_leaves_the_mean(sample):
    scores, truth, _ = sample
    truth = truth.copy()
    truth[:, 2] = 0
    kept = [0, 1, 3, 4]
    ones = np.ones((1, len(truth)))
    np.testing.assert_allclose(
        macro_auc(scores, truth, ones), macro_auc(scores[:, kept], truth[:, kept], ones)
    )
    assert np.isnan(auc_by_label(scores, truth, tuple("abcde"))["c"])


def test_one_resample_losing_a_class_does_not_touch_the_others(sample):
    scores, truth, weights = sample
    weights = weights.copy()
    weights[0, truth[:, 2] == 1] = 0
    values = macro_auc(scores, truth, weights)
    assert np.isfinite(values).all()
    np.testing.assert_allclose(values[1:], macro_auc(scores, truth, weights[1:]))


def test_nothing_defined_is_nan_and_nan_scores_have_no_auc():
    assert np.isnan(macro_auc(np.zeros((3, 1)), np.zeros((3, 1)), np.ones((2, 3)))).all()
    broken = np.array([[np.nan], [0.1], [0.2]])
    assert np.isnan(macro_auc(broken, np.array([[1], [0], [1]]), np.ones((2, 3)))).all()


def test_constant_scores_are_worth_half():
    truth = np.array([0, 1, 0, 1])
    assert weighted_auc(np.zeros(4), truth, np.ones((1, 4)))[0] == 0.5


def test_accuracy_weighs_cases_and_nan_outputs_never_score():
    outputs = np.array([[0.9, 0.1], [0.2, 0.8], [np.nan, 0.3]])
    labels = np.array([0, 0, 0])
    accuracy = METRICS["accuracy"].weighted
    np.testing.assert_allclose(
        accuracy(outputs, labels, np.array([[1, 1, 1], [2, 0, 0]])), [1 / 3, 1.0]
    )
    parts = METRICS["accuracy"].parts(outputs, labels, ("cat", "dog"))
    assert parts == {"cat": pytest.approx(1 / 3)}


def test_mean_absolute_error_is_lower_for_better_outputs():
    metric = get_metric("mean_absolute_error")
    assert not metric.higher_is_better
    outputs, labels = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[1.0, 2.0], [3.0, 3.0]])
    np.testing.assert_allclose(
        metric.weighted(outputs, labels, np.array([[1, 1], [0, 2]])), [0.5, 1.0]
    )
    assert metric.parts(outputs, labels, ("x", "y")) == {"x": 0.0, "y": 1.0}


def test_unknown_metric_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean macro_auc"):
        get_metric("macro_acu")


def test_outputs_of_another_shape_have_no_mean_absolute_error():
    with pytest.raises(ValueError, match=r"\(4, 5\) have no error against \(4,\)"):
        METRICS["mean_absolute_error"].weighted(np.zeros((4, 5)), np.zeros(4), np.ones((1, 4)))
