"""COCO's mean average precision, held against pycocotools as its users run it."""

from __future__ import annotations

import dataclasses
import re
import sys

import numpy as np
import pytest
from builders import make_answer_key
from coco_oracle import coco

from benchhub.errors import MissingExtra
from benchhub.model.quality import BoxReading, Reading, Reads
from benchhub.results.rows.quality.assess import assess
from benchhub.stats.bootstrap import weighed
from benchhub.tasks.contract.boxes import true_boxes
from benchhub.tasks.metrics import METRICS, get_metric
from benchhub.tasks.metrics.boxes import matches

NAMES = ("coco_map", "coco_map50", "coco_map75")
CLASSES = 4


def scenes(cases: int, seed: int, noise: float = 4.0, most: int = 30, digits: int = 12):
    """Detections (cases, most, 6), and true boxes (cases, 8, 6) with crowds; some have none."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 300, (cases, 8, 2))
    labels = np.zeros((cases, 8, 6))
    labels[..., :2], labels[..., 2:4] = corner, corner + rng.uniform(8, 120, (cases, 8, 2))
    labels[..., 4] = rng.choice(CLASSES, (cases, 8), p=[0.6, 0.25, 0.13, 0.02])
    labels[..., 5] = rng.random((cases, 8)) < 0.06
    none = rng.random((cases, 8)) < 0.5
    none[::7] = True
    labels[none] = [0, 0, 0, 0, -1, 0]
    outputs = np.zeros((cases, most, 6))
    for case in range(cases):
        pick = rng.integers(0, 8, most)
        outputs[case, :, :4] = labels[case, pick, :4] + rng.normal(0, noise, (most, 4))
        wrong = rng.random(most) < 0.3
        at = rng.uniform(0, 300, (most, 2))
        outputs[case, wrong, :4] = np.concatenate([at, at + 40], axis=1)[wrong]
        outputs[case, :, 5] = labels[case, pick, 4]
        other = rng.random(most) < 0.2
        outputs[case, other, 5] = rng.integers(-1, CLASSES, int(other.sum()))
        outputs[case, :, 4] = np.round(rng.beta(2, 2, most) * np.where(wrong, 0.8, 1), digits)
    outputs[outputs[..., 5] < 0] = [0, 0, 0, 0, 0, -1]
    return outputs, labels


def values(outputs, labels, weights):
    table = matches(outputs, labels)
    return np.stack([METRICS[name].table.weighted(table, weights) for name in NAMES], axis=1)


@pytest.mark.parametrize("digits", [12, 1])
def test_it_is_what_pycocotools_says(digits):
    outputs, labels = scenes(40, seed=digits, digits=digits)
    told = values(outputs, labels, np.ones((1, 40)))[0]
    assert told.tolist() == pytest.approx(coco(outputs, labels, list(range(40))), abs=1e-12)
    assert 0.05 < told[0] < told[1] < 0.9


def test_resamples_are_what_pycocotools_says_of_images_drawn_twice():
    """Also where equal scores are of different images, and a class is in none that is drawn."""
    outputs, labels = scenes(30, seed=3)
    outputs[..., 4] = np.where(outputs[..., 5] < 0, 0, np.round(outputs[..., 4], 3))
    for row in outputs:  # equal ones within an image come in no order of their own
        row[:, 4] += np.arange(len(row)) * 1e-4 * (row[:, 5] >= 0)
    rng = np.random.default_rng(0)
    weights = rng.multinomial(30, np.full(30, 1 / 30), size=12).astype(float)
    weights[0] *= ~(labels[..., 4] == 3).any(axis=1)
    told = values(outputs, labels, weights)
    for row, mine in zip(weights, told, strict=True):
        images = np.repeat(np.arange(30), row.astype(int)).tolist()
        assert mine.tolist() == pytest.approx(coco(outputs, labels, images), abs=1e-12)
    assert len(set(np.round(told[:, 0], 9))) == len(told)


def test_of_a_class_in_an_image_the_hundred_best_count():
    outputs, labels = scenes(6, seed=5, most=260)
    told = values(outputs, labels, np.ones((1, 6)))[0]
    assert told.tolist() == pytest.approx(coco(outputs, labels, list(range(6))), abs=1e-12)


def test_by_hand():
    """Two true boxes of one class: the first found, a false one above the second at IoU .8."""
    true = [[0, 0, 10, 10, 0, 0], [20, 20, 30, 30, 0, 0]]
    found = [[0, 0, 10, 10, 0.9, 0], [50, 50, 60, 60, 0.8, 0], [20, 20, 30, 28, 0.7, 0]]
    told = values(np.array([found]), np.array([true], dtype=float), np.ones((1, 1)))[0]
    # At IoU up to .8 levels 0 to .5 have precision 1, the 50 others 2/3; above, 51 have 1.
    both, one = (51 + 50 * 2 / 3) / 101, 51 / 101
    assert told.tolist() == pytest.approx([(7 * both + 3 * one) / 10, both, both])


@pytest.mark.parametrize("name", NAMES)
def test_by_case_is_what_leaving_an_image_out_changes(name):
    """Also of a class that is in one image only, and of an image with nothing in it."""
    outputs, labels = scenes(40, seed=8)
    labels[labels[..., 4] == 3] = [0, 0, 0, 0, -1, 0]
    labels[5, 0] = [0, 0, 50, 50, 3, 0]
    outputs[14], labels[14] = [0, 0, 0, 0, 0, -1], [0, 0, 0, 0, -1, 0]
    metric, table = METRICS[name], matches(outputs, labels)
    sums, sizes = weighed(lambda weights: metric.table.weighted(table, weights), np.arange(40), 40)
    assert (sizes == 1).all()
    np.testing.assert_allclose(metric.table.by_case(table), sums, atol=1e-9)


def test_parts_are_the_classes_that_have_true_boxes():
    outputs, labels = scenes(40, seed=8)
    labels[labels[..., 4] == 3] = [0, 0, 0, 0, -1, 0]
    labels[0, 0] = [0, 0, 9, 9, 3, 1]  # a crowd is no box to be found
    table = matches(outputs, labels)
    parts = METRICS["coco_map"].table.parts(table, ("cat", "dog", "cow", "bus"))
    assert list(parts) == ["cat", "dog", "cow"]
    once = np.ones((1, 40))
    assert METRICS["coco_map"].table.weighted(table, once)[0] == pytest.approx(
        np.mean(list(parts.values()))
    )


def key(labels: np.ndarray, groups=None):
    cases = len(labels)
    boxes = BoxReading("xyxy")
    reading = Reading("boxes", "probabilities", columns=2, boxes=boxes)
    return dataclasses.replace(
        make_answer_key(cases),
        labels=labels,
        groups=tuple(map(str, range(cases))) if groups is None else groups,
        readings=dict.fromkeys(NAMES, reading),
    )


def stored(detections: np.ndarray) -> np.ndarray:
    """As a model gives them: what is no detection has a score of 0."""
    return np.where(detections[..., 5:] < 0, 0, detections)


@pytest.mark.parametrize("groups", [None, tuple(str(k // 3) for k in range(60))])
def test_it_has_an_interval_and_a_paired_loss(groups):
    outputs, labels = scenes(60, seed=11, noise=2.0)
    worse = outputs.copy()
    worse[..., :2] += np.where(outputs[..., 5:] < 0, 0, 3.0)
    answer_key = key(labels, groups)
    found = assess([stored(worse)], answer_key, METRICS["coco_map"], [stored(outputs)], 400)
    direct = [coco(one, labels, list(range(60)))[0] for one in (worse, outputs)]
    assert [found.value, found.baseline] == pytest.approx(direct, abs=1e-12)
    assert found.low < found.value < found.high
    assert found.loss.estimate == pytest.approx(direct[1] - direct[0], abs=1e-12)
    assert 0 < found.loss.low < found.loss.estimate < found.loss.upper < found.loss.high < 1
    itself = assess([stored(outputs)], answer_key, METRICS["coco_map"], [stored(outputs)], 400)
    assert itself.loss.upper == 0


def test_what_few_images_lose_is_held_to_be_lost_by_more_of_them():
    """Where one image of 60 loses all, up to 4.5 of 60 may; where none does, up to 2.9 (5 %)."""
    outputs, labels = scenes(60, seed=12, noise=1.0)
    outputs[outputs[..., 5] == 3], labels[labels[..., 4] == 3] = [0, 0, 0, 0, 0, -1], 0
    moved = np.random.default_rng(2).normal(0, 0.2, outputs[..., :4].shape)
    worse = outputs.copy()
    worse[..., :4] += np.where(outputs[..., 5:] < 0, 0, moved)
    lost = worse.copy()
    lost[3] = [0, 0, 0, 0, 0, -1]
    metric, answer_key = METRICS["coco_map50"], key(labels)
    few, none = (
        assess([stored(one)], answer_key, metric, [stored(outputs)], 400) for one in (lost, worse)
    )
    share = 0.3 * few.baseline / 60  # a good part of what an image has
    assert few.loss.upper > few.loss.estimate + 2 * share
    assert none.loss.upper > none.loss.estimate + 2 * share


def test_true_boxes_may_have_four_five_or_six_numbers():
    box = [1.0, 2.0, 3.0, 4.0]
    assert true_boxes(np.array([[box, [0] * 4]])).tolist() == [
        [[*box, 0, 0], [0, 0, 0, 0, -1, 0]]
    ]  # fmt: skip
    assert true_boxes(np.array([[[*box, 2], [5, 5, 9, 9, -1]]])).tolist() == [
        [[*box, 2, 0], [0, 0, 0, 0, -1, 0]]
    ]
    assert true_boxes(np.array([[[*box, 2, 1]]])).tolist() == [[[*box, 2, 1]]]


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        (np.zeros((3, 4)), "(cases, n, 4 to 6)"),
        (np.zeros((3, 2, 7)), "(cases, n, 4 to 6)"),
        (np.zeros((3, 2, 5)), "labels hold no box"),
        (np.array([[[5.0, 5, 3, 9, 0]]]), "a true box of case 0 ends before it begins"),
        (np.array([[[1.0, 1, 3, 9, 0.5]]]), "whole numbers from 0 on"),
        (np.array([[[1.0, 1, 3, 9, -2]]]), "whole numbers from 0 on"),
        (np.array([[[1.0, 1, 3, 9, 0, 2]]]), "1 for a crowd"),
    ],
)
def test_what_is_no_box_is_refused(labels, wanted):
    with pytest.raises(ValueError, match=re.escape(wanted)):
        true_boxes(labels)


def test_without_pycocotools_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools.cocoeval", None)
    with pytest.raises(MissingExtra, match=r"pip install 'benchhub\[detection\]'"):
        matches(*scenes(2, seed=1))


def test_the_metrics_are_those_of_boxes():
    assert {name for name, one in METRICS.items() if one.reads is Reads.BOXES} == set(NAMES)
    assert all(get_metric(name).chance is None for name in NAMES)
