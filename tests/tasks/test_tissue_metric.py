import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from benchhub.tasks.metrics import get_metric
from benchhub.tasks.metrics.classes import MACRO_F1
from benchhub.tasks.tissue.layout import CLASSES


@pytest.fixture
def sample():
    rng = np.random.default_rng(8)
    labels = rng.integers(0, 9, 150)
    outputs = rng.normal(size=(150, 9)).astype(np.float32)
    outputs[np.arange(150), labels] += 1.5
    return outputs, labels


def test_macro_f1_equals_sklearn(sample):
    outputs, labels = sample
    ours = MACRO_F1.weighted(outputs, labels, np.ones((1, 150)))[0]
    assert ours == pytest.approx(f1_score(labels, outputs.argmax(axis=1), average="macro"))
    parts = MACRO_F1.parts(outputs, labels, CLASSES)
    theirs = f1_score(labels, outputs.argmax(axis=1), average=None)
    np.testing.assert_allclose(list(parts.values()), theirs)
    assert tuple(parts) == CLASSES


def test_weighted_macro_f1_and_accuracy_equal_sklearn(sample):
    outputs, labels = sample
    weights = np.random.default_rng(0).multinomial(150, np.full(150, 1 / 150), size=6)
    for metric, score in (
        (MACRO_F1, lambda t, p, w: f1_score(t, p, average="macro", sample_weight=w)),
        (get_metric("accuracy"), lambda t, p, w: accuracy_score(t, p, sample_weight=w)),
    ):
        theirs = [score(labels, outputs.argmax(axis=1), drawn) for drawn in weights]
        np.testing.assert_allclose(metric.weighted(outputs, labels, weights), theirs)


def test_by_case_is_what_a_weight_changes(sample):
    outputs, labels = sample
    value = MACRO_F1.weighted(outputs, labels, np.ones((1, 150)))[0]
    moved = MACRO_F1.weighted(outputs, labels, 1 + 1e-6 * np.eye(150))
    found = MACRO_F1.by_case(outputs, labels)
    np.testing.assert_allclose(found, value + 150 * (moved - value) / 1e-6, atol=1e-3)
    assert found.mean() == pytest.approx(value)


def test_a_class_that_is_nowhere_is_left_out():
    outputs = np.eye(4)[[0, 1, 1, 0]]
    labels = np.array([0, 1, 0, 0])
    ours = MACRO_F1.weighted(outputs, labels, np.ones((1, 4)))[0]
    assert ours == pytest.approx(f1_score(labels, [0, 1, 1, 0], average="macro"))
    assert set(MACRO_F1.parts(outputs, labels, ("a", "b", "c", "d"))) == {"a", "b"}


def test_broken_outputs_never_score(sample):
    outputs, labels = sample
    broken = np.full_like(outputs, np.nan)
    assert MACRO_F1.weighted(broken, labels, np.ones((2, 150))).tolist() == [0, 0]
    with pytest.raises(ValueError, match="no scores of classes"):
        MACRO_F1.weighted(outputs[:, 0], labels, np.ones((1, 150)))


def test_stored_runs_find_it_by_name():
    assert get_metric("macro_f1") is MACRO_F1
