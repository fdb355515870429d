"""Detections in another order are the same ones, and other detections are garbage."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from builders import make_answer_key, make_cell, make_launch

from benchhub.model.asked import Agreement
from benchhub.model.flag import FlagKind
from benchhub.model.launch import Details
from benchhub.model.quality import BoxReading, Reading
from benchhub.model.scenario import Scenario
from benchhub.results.rows.alike import alike
from benchhub.results.rows.judged import agreed
from benchhub.results.rows.quality.in_order import in_order

CASES, MOST = 8, 20
RNG = np.random.default_rng(3)
CORNER = RNG.uniform(0, 500, (CASES, MOST, 2))
BOXES = np.concatenate([CORNER, CORNER + RNG.uniform(20, 80, (CASES, MOST, 2))], axis=2)
SCORES = -np.sort(-RNG.uniform(0.1, 1, (CASES, MOST)), axis=1)
KINDS = RNG.integers(0, 5, (CASES, MOST))
MASKS = RNG.random((CASES, 3))
READING = Reading("boxes", "probabilities", 0, "b", 1, boxes=BoxReading("xyxy", 1, 2))


def told(*outputs, reading=READING, predict=""):
    """The flags of a launch with these outputs, the reference's being those above."""
    key = dataclasses.replace(
        make_answer_key(CASES),
        reference=(BOXES, SCORES, KINDS, MASKS),
        readings={"coco_map": reading} if reading else {},
        predict=predict,
    )
    launch = make_launch(make_cell(), outputs=outputs)
    return [flag.name for flag in agreed([launch], key, Agreement()).flags]


def shuffled():
    order = np.argsort(RNG.random((CASES, MOST)), axis=1)
    boxes = np.take_along_axis(BOXES, order[..., None], axis=1)
    return boxes, np.take_along_axis(SCORES, order, axis=1), np.take_along_axis(KINDS, order, 1)


def test_the_same_boxes_in_another_order_are_no_garbage():
    assert told(*shuffled(), MASKS) == []
    assert told(*(one[:4] for one in (*shuffled(), MASKS))) == []
    assert told(*shuffled(), MASKS, reading=None) == [FlagKind.GARBAGE]
    assert told(*shuffled(), MASKS, predict="post.py:boxes") == [FlagKind.GARBAGE]


@pytest.mark.parametrize("share", [0.2, 0.8])
def test_boxes_elsewhere_are_garbage_if_they_are_most(share):
    boxes, scores, kinds = shuffled()
    away = RNG.random((CASES, MOST)) < share
    boxes[away] += 900
    assert told(boxes, scores, kinds, MASKS) == ([FlagKind.GARBAGE] if share > 0.5 else [])


def test_other_classes_and_other_outputs_are_garbage():
    boxes, scores, kinds = shuffled()
    assert told(boxes, scores, (kinds + 1) % 5, MASKS) == [FlagKind.GARBAGE]
    assert told(boxes, scores, kinds, 1 - MASKS) == [FlagKind.GARBAGE]
    assert FlagKind.NONFINITE in told(boxes, scores * np.nan, kinds, MASKS)


def answered(*by_batch, told=None):
    """How alike launches at batches 1, 2, .. answered, these being their outputs."""
    key = dataclasses.replace(
        make_answer_key(CASES),
        metric="coco_map",
        reference=(BOXES, SCORES, KINDS, MASKS),
        readings={"coco_map": READING},
    )
    details = Details({"repeated": told} if told else {})
    finished = {}
    for at, outputs in enumerate(by_batch):
        cell = make_cell(scenario=Scenario.QUALITY, batch=at // 2 + 1, threads=at + 1)
        launch = make_launch(cell, outputs=outputs)
        finished[cell] = [dataclasses.replace(launch, details=details)]
    return alike(finished, key)


def test_the_same_boxes_in_another_order_do_not_vary_nor_hang_on_the_batch():
    same = (BOXES, SCORES, KINDS, MASKS)
    boxes, scores, kinds = shuffled()
    for rows in ((boxes, scores, kinds), (boxes + 1e-4, scores + 1e-6, kinds)):
        assert answered(same, (*rows, MASKS)).varying == {}
        assert answered(same, same, (*rows, MASKS)).by_batch == {}
    worse = scores + RNG.normal(0, 0.1, scores.shape)
    assert answered(same, (boxes, worse, kinds, MASKS)).varying
    (apart,) = answered(same, same, (boxes, worse, kinds, MASKS)).by_batch.values()
    off = np.sqrt(np.mean((worse - scores) ** 2)) / np.sqrt(np.mean((SCORES - SCORES.mean(0)) ** 2))
    assert apart[2].relative == pytest.approx(off, rel=0.5)
    # No metric reads the masks.
    assert answered(same, (boxes, scores, kinds, 1 - MASKS)).varying == {}


def test_boxes_are_put_where_the_reference_has_them():
    boxes, scores, kinds = shuffled()
    found = in_order((boxes, scores, kinds, MASKS), (BOXES, SCORES, KINDS, MASKS), READING)
    for mine, theirs in zip(found, (BOXES, SCORES, KINDS, MASKS), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert in_order((BOXES[:, :3],), (BOXES,), READING)[0].shape == (CASES, 3, 4)


@pytest.mark.parametrize(("any_order", "varies"), [(0.0, False), (90.0, True)])
def test_second_answers_of_a_launch_may_have_another_order(any_order, varies):
    told = {
        "cases": 4, "again": [90.0, 0.3, 2.0, 0.0], "again_any_order": [any_order, 0.0, 0.0, 0.0],
    }  # fmt: skip
    found = answered((BOXES, SCORES, KINDS, MASKS), told=told)
    assert bool(found.varying) is varies
