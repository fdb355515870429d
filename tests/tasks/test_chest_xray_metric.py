import numpy as np
import pytest
from sklearn.metrics import log_loss as sklearn_log_loss

from benchhub.tasks.chest_xray.lesions import LABELS
from benchhub.tasks.chest_xray.metric import LOG_LOSS, LOG_LOSS_WORST5, METRIC
from benchhub.tasks.metrics import get_metric


@pytest.fixture
def cases():
    rng = np.random.default_rng(5)
    labels = (rng.random((200, 14)) < 0.2).astype(np.uint8)
    logits = rng.normal(size=(200, 14)) * 2 + 2 * labels - 2
    return logits.astype(np.float32), labels


def test_log_loss_is_sklearns(cases):
    logits, labels = cases
    probabilities = 1 / (1 + np.exp(-logits.astype(np.float64)))
    by_label = {
        name: sklearn_log_loss(labels[:, k], probabilities[:, k], labels=[0, 1])
        for k, name in enumerate(LABELS)
    }
    ones = np.ones((1, len(labels)))
    found = LOG_LOSS.weighted(logits, labels, ones)
    np.testing.assert_allclose(found, np.mean(list(by_label.values())), rtol=1e-12)
    assert LOG_LOSS.parts(logits, labels, LABELS) == pytest.approx(by_label, rel=1e-12)


def test_log_loss_of_a_case_is_its_own(cases):
    logits, labels = cases
    by_case = LOG_LOSS.by_case(logits, labels)
    assert by_case.shape == (200,)
    weights = np.zeros((1, 200))
    weights[0, [3, 7]] = 3, 1
    expected = (3 * by_case[3] + by_case[7]) / 4
    np.testing.assert_allclose(LOG_LOSS.weighted(logits, labels, weights), expected)
    ones = np.ones((1, 200))
    worst = LOG_LOSS_WORST5.weighted(logits, labels, ones)
    np.testing.assert_allclose(worst, np.sort(by_case)[-10:].mean())


def test_sure_and_wrong_stays_finite():
    wrong = LOG_LOSS.by_case(np.array([[-2000.0], [2000.0]]), np.array([[1], [1]]))
    np.testing.assert_allclose(wrong, [2000, 0])


def test_a_constant_answer_ranks_by_chance_and_still_has_a_loss(cases):
    _, labels = cases
    ones, flat = np.ones((1, 200)), np.zeros(labels.shape)
    np.testing.assert_allclose(METRIC.weighted(flat, labels, ones), 0.5)
    np.testing.assert_allclose(LOG_LOSS.weighted(flat, labels, ones), np.log(2))


def test_outputs_of_another_width_are_refused(cases):
    logits, labels = cases
    with pytest.raises(ValueError, match=r"\(200, 13\).*\(200, 14\)"):
        LOG_LOSS.weighted(logits[:, :13], labels, np.ones((1, 200)))


def test_stored_runs_find_the_metrics():
    for metric in (METRIC, LOG_LOSS, LOG_LOSS_WORST5):
        assert get_metric(metric.name).name == metric.name
        assert get_metric(metric.name).higher_is_better is (metric is METRIC)


def test_labels_of_one_class_do_not_count_in_the_mean(cases):
    logits, labels = cases
    labels = labels.copy()
    labels[:, 2] = 0
    parts = METRIC.parts(logits, labels, LABELS)
    counted = [area for area in parts.values() if not np.isnan(area)]
    assert len(counted) == 13
    found = METRIC.weighted(logits, labels, np.ones((1, 200)))
    np.testing.assert_allclose(found, np.mean(counted))
