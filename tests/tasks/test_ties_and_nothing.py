"""Answers that tell nothing are worth nothing: equal scores, and vectors and masks of zeros."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from builders import make_answer_key

from benchhub.model.quality import Reads
from benchhub.results.rows.quality.assess import assess
from benchhub.tasks.contract.asked import Asked
from benchhub.tasks.contract.find import Output, find
from benchhub.tasks.contract.reason import NoReading
from benchhub.tasks.metrics import METRICS, get_metric

RNG = np.random.default_rng(5)
#: Sorted, as files often are: the first others of a case are of its label.
WHO = np.repeat(np.arange(12), 4)


def value(name, outputs, labels):
    weights = np.ones((1, len(labels)))
    return float(get_metric(name).weighted(outputs, labels, weights)[0])


def recall_by_hand(vectors, labels, count):
    """The mean over all sets of others that may be the nearest, and over cases."""
    sizes = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = vectors / np.where(sizes > 0, sizes, 1)
    found = []
    for k, mine in enumerate(units):
        if (labels == labels[k]).sum() < 2:
            continue
        others = [j for j in range(len(units)) if j != k]
        near = np.round(units[others] @ mine, 9)
        last = np.sort(near)[-count]
        sure = [j for j, cosine in zip(others, near, strict=True) if cosine > last]
        equal = [j for j, cosine in zip(others, near, strict=True) if cosine == last]
        sets = itertools.combinations(equal, count - len(sure))
        found.append(np.mean([any(labels[j] == labels[k] for j in (*sure, *s)) for s in sets]))
    return np.mean(found)


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize(
    "vectors",
    [
        np.zeros((48, 7)),
        np.ones((48, 7)),
        np.tile(RNG.normal(size=7), (48, 1)),
        RNG.uniform(1, 9, (48, 1)) * np.ones((48, 7)),
    ],
    ids=["zeros", "ones", "one direction", "one direction of many lengths"],
)
def test_vectors_that_are_all_alike_recall_what_chance_does(vectors, count):
    metric = get_metric(f"recall_at_{count}")
    missed = np.prod([(44 - k) / (47 - k) for k in range(count)])
    assert value(metric.name, vectors, WHO) == pytest.approx(1 - missed)
    assert metric.chance(WHO) == pytest.approx(1 - missed)
    key = make_answer_key(48)
    for field, held in (("labels", WHO), ("label_names", ())):
        object.__setattr__(key, field, held)
    sound = np.eye(12)[WHO] + RNG.normal(size=(48, 12)) * 0.1
    found = assess([np.ones((48, 12))], key, metric, [sound], 100)
    assert found.loss.low > 0.3


@pytest.mark.parametrize("count", [1, 2, 3])
def test_recall_of_some_equal_vectors_is_its_mean_over_their_orders(count):
    vectors = RNG.integers(-1, 2, (26, 2)).astype(
        float
    )  # nine directions at most, zeros among them
    labels = np.append(RNG.integers(0, 5, 25), 99)
    assert not vectors.any(axis=1).all()
    wanted = recall_by_hand(vectors, labels, count)
    assert value(f"recall_at_{count}", vectors, labels) == pytest.approx(wanted)
    order = RNG.permutation(26)
    assert value(f"recall_at_{count}", vectors[order], labels[order]) == pytest.approx(wanted)


@pytest.mark.parametrize("constant", [0.0, 0.25])
def test_scores_that_are_all_equal_have_the_share_of_the_first_ones(constant):
    labels = np.repeat([0, 1, 2, 9], [60, 20, 10, 10])
    scores = np.full((100, 10), constant)
    for count in (1, 2, 5):
        assert value(f"top{count}_accuracy", scores, labels) == pytest.approx(count / 10)
    # The one answer of a model is the first of its largest scores, also where it is always one.
    assert value("accuracy", scores, labels) == pytest.approx(0.6)


def test_a_vector_of_zeros_has_no_cosine_rather_than_no_say():
    truth = RNG.normal(size=(40, 5))
    near = truth + RNG.normal(size=truth.shape)
    whole = value("cosine_similarity", near, truth)
    cosines = [value("cosine_similarity", near[k : k + 1], truth[k : k + 1]) for k in range(40)]
    silent = near.copy()
    silent[np.argsort(cosines)[:8]] = 0  # where it was worst
    wanted = np.sort(cosines)[8:].sum() / 40
    assert value("cosine_similarity", silent, truth) == pytest.approx(wanted)
    assert value("cosine_similarity", np.zeros_like(truth), truth) == 0
    assert 0 < whole < 1


@pytest.mark.parametrize("shape", [(40, 5), (40, 5, 1, 1), (40, 2, 3)])
def test_labels_without_a_direction_are_refused(shape):
    truth = RNG.normal(size=shape)
    given = Output(0, "y", RNG.normal(size=shape))
    assert find(get_metric("cosine_similarity"), [given], truth, Asked()).labels == "regression"
    truth[[3, 8]] = 0
    with pytest.raises(NoReading, match="labels of 2 cases are vectors of zeros"):
        find(get_metric("cosine_similarity"), [given], truth, Asked())
    assert find(get_metric("rmse"), [given], truth, Asked()).labels == "regression"


def test_an_image_with_nothing_to_find_is_right_where_nothing_is_found():
    truth = np.zeros((4, 3, 3), dtype=int)
    truth[0, 0], truth[3] = 1, 255
    right, empty = truth.copy(), np.zeros_like(truth)
    right[3] = 0
    noisy = right.copy()
    noisy[1, 2, 2] = 1
    # Three images count, whatever is answered; of the last no pixel does.
    assert value("mask_dice", right, truth) == 1
    assert value("mask_dice", empty, truth) == pytest.approx(2 / 3)
    assert value("mask_dice", noisy, truth) == pytest.approx(2 / 3)


CLASSES = RNG.integers(0, 4, 60)
#: Of each form labels in it, and answers of which some tell nothing.
FORMS = {
    "classes": (CLASSES, np.where(RNG.random((60, 1)) < 0.5, 0, RNG.normal(size=(60, 4)))),
    "columns": (CLASSES[:, None] % 2, np.round(RNG.normal(size=(60, 1)))),
    "odds": (np.eye(4, dtype=int)[CLASSES], np.round(RNG.normal(size=(60, 4)))),
    "numbers": (RNG.normal(size=(60, 3)), np.zeros((60, 3))),
    "directions": (RNG.normal(size=(60, 3)), RNG.normal(size=(60, 3)) * (CLASSES[:, None] > 1)),
    "masks": (
        (RNG.random((60, 5, 5)) < 0.2) * (CLASSES[:, None, None] > 1),
        (RNG.random((60, 5, 5)) < 0.2) * (CLASSES[:, None, None] % 2),
    ),
    "tokens": (RNG.integers(0, 9, (60, 5)), np.full((60, 5), -690.0)),
    "vectors": (CLASSES, RNG.integers(-1, 2, (60, 3))),
    "text": (np.array(["a b"] * 60), np.array(["", "a", "b c d"] * 20)),
}
FORMS["ranked"] = FORMS["classes"]


#: Detections of nothing are held against pycocotools in `test_boxes.py`.
OTHERS = [name for name in METRICS if get_metric(name).reads is not Reads.BOXES]


@pytest.mark.parametrize("name", [*OTHERS, "log_loss", "top2_accuracy", "recall_at_3"])
def test_no_answer_of_a_model_decides_whether_a_case_counts(name):
    metric = get_metric(name)
    labels, outputs = FORMS[metric.reads.value]
    if name in ("f1", "top5_accuracy"):
        labels, outputs = (labels % 2, outputs[:, :2]) if name == "f1" else (
            labels, np.tile(outputs, (1, 2)))  # fmt: skip
    labels = labels.astype(int) if labels.dtype == bool else labels
    if metric.table is None:
        assert np.isfinite(metric.weighted(outputs, labels, np.ones((1, 60)))).all()
        return
    table = metric.table.of(outputs, labels)
    column = slice(None) if metric.table.column is None else metric.table.column
    assert not np.isnan(table[:, column]).any()
