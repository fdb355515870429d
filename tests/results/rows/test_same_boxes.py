"""Detections in another order are the same ones, and other detections are garbage."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from builders import make_answer_key, make_cell, make_launch

from benchhub.model.asked import Agreement
from benchhub.model.flag import FlagKind
from benchhub.model.quality import BoxReading, Reading
from benchhub.results.rows.judged import agreed

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
