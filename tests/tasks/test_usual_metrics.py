"""Metrics that people use, held against sklearn, with weights, by case, and as chance has them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from builders import make_answer_key
from sklearn import metrics as theirs

from benchhub.errors import ConfigError
from benchhub.model.quality import OF_CLASSES, Reads
from benchhub.results.rows.quality.assess import assess
from benchhub.tasks.metrics import METRICS, get_metric

CASES = 140
RNG = np.random.default_rng(21)
FEW = RNG.integers(0, 7, CASES)
#: Rounded, so that many scores tie.
SCORES = np.round(np.eye(7)[FEW] + RNG.normal(size=(CASES, 7)), 1)
YES = (RNG.random(CASES) < 0.3).astype(int)
PAIR = np.stack([np.zeros(CASES), np.round(YES * 1.2 - 0.6 + RNG.normal(size=CASES), 1)], axis=1)
MANY = (RNG.random((CASES, 3)) < [0.5, 0.2, 0.4]).astype(int)
RANKS = np.round(MANY + RNG.normal(size=MANY.shape), 1)
TRUE = RNG.normal(5, 2, (CASES, 3)) * [1, 10, 100]
NEAR = TRUE + RNG.normal(size=TRUE.shape) * [1, 20, 30]
WEIGHTS = RNG.multinomial(CASES, np.full(CASES, 1 / CASES), size=6).astype(float)


def top(k):
    def score(truth, scores, sample_weight):
        # Equal scores in all orders: each set of so many of them fills what room there is.
        right = []
        for true, row in zip(truth, scores, strict=True):
            last = np.sort(row)[-k]
            sure, equal = np.flatnonzero(row > last), np.flatnonzero(row == last)
            drawn = list(itertools.combinations(equal, k - len(sure)))
            right.append(np.mean([true in sure or true in some for some in drawn]))
        return np.average(right, weights=sample_weight)

    return score


def of_classes(score, **more):
    return lambda t, s, sample_weight: score(
        t, s.argmax(axis=1), sample_weight=sample_weight, **more
    )


def cosine(truth, outputs, sample_weight):
    pairs = zip(truth, outputs, strict=True)
    found = [float(theirs.pairwise.cosine_similarity([t], [o])[0, 0]) for t, o in pairs]
    return np.average(found, weights=sample_weight)


ORACLES = {
    "accuracy": (SCORES, FEW, of_classes(theirs.accuracy_score)),
    "balanced_accuracy": (SCORES, FEW, of_classes(theirs.balanced_accuracy_score)),
    "macro_f1": (SCORES, FEW, of_classes(theirs.f1_score, average="macro")),
    "f1": (PAIR, YES, of_classes(theirs.f1_score)),
    "top1_accuracy": (SCORES, FEW, top(1)),
    "top3_accuracy": (SCORES, FEW, top(3)),
    "top5_accuracy": (SCORES, FEW, top(5)),
    "auc": (PAIR[:, 1:], YES[:, None], theirs.roc_auc_score),
    "macro_auc": (RANKS, MANY, theirs.roc_auc_score),
    "average_precision": (RANKS, MANY, theirs.average_precision_score),
    "mean_absolute_error": (NEAR, TRUE, theirs.mean_absolute_error),
    "rmse": (NEAR, TRUE, lambda t, o, sample_weight: theirs.mean_squared_error(
        t, o, sample_weight=sample_weight) ** 0.5),
    "r2_score": (NEAR, TRUE, theirs.r2_score),
    "cosine_similarity": (NEAR, TRUE, cosine),
}  # fmt: skip
OF_NUMBERS = (Reads.NUMBERS, Reads.DIRECTIONS)


def test_every_metric_of_the_table_has_an_oracle():
    rows = {*OF_CLASSES, Reads.COLUMNS, Reads.NUMBERS, Reads.DIRECTIONS}
    assert {name for name, metric in METRICS.items() if metric.reads in rows} <= ORACLES.keys()
    assert all(metric.reads is not Reads.FIRST for metric in METRICS.values())


@pytest.mark.parametrize("name", ORACLES)
def test_it_is_what_sklearn_says_of_each_resample(name):
    outputs, labels, score = ORACLES[name]
    found = get_metric(name).weighted(outputs, labels, WEIGHTS)
    told = [score(labels, outputs, sample_weight=drawn) for drawn in WEIGHTS]
    np.testing.assert_allclose(found, told, rtol=1e-9)
    assert len(set(np.round(found, 9))) > 1


@pytest.mark.parametrize("name", ORACLES)
def test_by_case_is_what_a_weight_changes(name):
    outputs, labels, _ = ORACLES[name]
    metric = get_metric(name)
    if metric.by_case is None:
        return  # found by leaving cases out
    value = metric.weighted(outputs, labels, np.ones((1, CASES)))[0]
    moved = metric.weighted(outputs, labels, 1 + 1e-6 * np.eye(CASES))
    # An AUC's is DeLong's, with one less in its denominators.
    tolerance = 0.1 if "auc" in name else 1e-3 * max(1, abs(value))
    np.testing.assert_allclose(
        metric.by_case(outputs, labels), value + CASES * (moved - value) / 1e-6, atol=tolerance
    )
    assert metric.by_case(outputs, labels).mean() == pytest.approx(value)


@pytest.mark.parametrize(
    ("name", "labels", "constant"),
    [
        ("accuracy", FEW, lambda k: np.eye(7)[np.full(CASES, k)]),
        ("macro_f1", FEW, lambda k: np.eye(7)[np.full(CASES, k)]),
        ("balanced_accuracy", FEW, lambda k: np.eye(7)[np.full(CASES, k)]),
        ("f1", YES, lambda k: np.eye(2)[np.full(CASES, min(k, 1))]),
        ("mean_absolute_error", TRUE, lambda k: np.tile(TRUE.mean(axis=0), (CASES, 1))),
        ("rmse", TRUE, lambda k: np.tile(TRUE.mean(axis=0), (CASES, 1))),
        ("r2_score", TRUE, lambda k: np.tile(TRUE.mean(axis=0), (CASES, 1))),
        ("cosine_similarity", TRUE, lambda k: np.tile(
            (TRUE / np.linalg.norm(TRUE, axis=1)[:, None]).mean(axis=0), (CASES, 1))),
        ("average_precision", MANY, lambda k: np.zeros(MANY.shape)),
        ("macro_auc", MANY, lambda k: np.zeros(MANY.shape)),
        ("log_loss", MANY, lambda k: np.tile(
            np.log(MANY.mean(axis=0) / (1 - MANY.mean(axis=0))), (CASES, 1))),
    ],
)  # fmt: skip
def test_chance_is_what_the_best_constant_answer_has(name, labels, constant):
    metric = get_metric(name)
    once = np.ones((1, CASES))
    found = [float(metric.weighted(constant(k), labels, once)[0]) for k in range(7)]
    best = max(found) if metric.higher_is_better else min(found)
    assert metric.chance(labels) == pytest.approx(best, abs=1e-9)


def test_a_model_that_is_perfect_has_the_best_value():
    perfect = {"macro_auc": MANY, "average_precision": MANY, "auc": YES[:, None]}
    for name, (outputs, labels, _) in ORACLES.items():
        metric = get_metric(name)
        best = perfect.get(name, labels if metric.reads in OF_NUMBERS else None)
        if best is None:
            best = np.eye(outputs.shape[1])[labels]
        value = metric.weighted(best.astype(float), labels, np.ones((1, CASES)))[0]
        assert value == pytest.approx(1.0 if metric.higher_is_better else 0.0)


@pytest.mark.parametrize("name", ORACLES)
def test_each_has_an_interval_and_a_paired_loss(name):
    outputs, labels, score = ORACLES[name]
    worse = outputs[np.r_[20:CASES, :20]]
    key = make_answer_key(CASES)
    object.__setattr__(key, "labels", labels)
    object.__setattr__(key, "groups", tuple(str(k // 2) for k in range(CASES)))
    object.__setattr__(key, "label_names", ())
    metric = get_metric(name)
    found = assess([worse], key, metric, [outputs], 200) if metric.reads is not Reads.CLASSES or (
        outputs.ndim == 2
    ) else None  # fmt: skip
    sign = 1 if metric.higher_is_better else -1
    wanted = sign * (score(labels, outputs, sample_weight=None) - score(
        labels, worse, sample_weight=None))  # fmt: skip
    assert found.loss.estimate == pytest.approx(wanted)
    assert found.loss.low < wanted < found.loss.high
    assert found.low < found.value < found.high
    assert found.groups == CASES // 2


@pytest.mark.parametrize(
    ("name", "outputs", "labels", "wanted"),
    [
        ("top7_accuracy", SCORES, FEW, "among 7 classes the first 7 are all of them"),
        ("f1", SCORES, FEW, "F1 is of two classes, not 7"),
        ("auc", RANKS, MANY, "of more use macro_auc"),
        ("rmse", NEAR, TRUE[:, :2], "have no error against"),
        ("cosine_similarity", NEAR, TRUE[:, :2], "vectors of shape"),
    ],
)
def test_what_it_is_not_of_is_said(name, outputs, labels, wanted):
    with pytest.raises(ValueError, match=wanted):
        get_metric(name).weighted(outputs, labels, np.ones((1, CASES)))


def test_numbered_names_are_known_and_others_are_not():
    assert get_metric("top3_accuracy").name == "top3_accuracy"
    assert get_metric("top3_accuracy_worst10").name == "top3_accuracy_worst10"
    with pytest.raises(ConfigError, match="did you mean top5_accuracy"):
        get_metric("top0_accuracy")


def test_numbers_far_from_zero_keep_their_r2():
    far = TRUE + 1e7
    found = get_metric("r2_score").weighted(NEAR + 1e7, far, np.ones((1, CASES)))[0]
    assert found == pytest.approx(theirs.r2_score(TRUE, NEAR), rel=1e-3)


def test_chance_leaves_out_the_labels_that_the_metric_leaves_out():
    labels = np.column_stack([MANY, np.zeros(CASES, dtype=int)])
    metric = get_metric("average_precision")
    alike = metric.weighted(np.zeros(labels.shape), labels, np.ones((1, CASES)))[0]
    assert metric.chance(labels) == pytest.approx(alike)
    assert metric.chance(labels) == pytest.approx(metric.chance(MANY))
