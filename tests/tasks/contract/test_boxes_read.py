"""How detections are read in the forms that public detectors have, and what has to be said."""

from __future__ import annotations

import numpy as np
import pytest

from benchhub.errors import ConfigError
from benchhub.tasks.contract.asked import Asked, asked
from benchhub.tasks.contract.box_keys import AskedBoxes
from benchhub.tasks.contract.find import find
from benchhub.tasks.contract.find_boxes import doubt
from benchhub.tasks.contract.output import Output
from benchhub.tasks.contract.reason import NoReading
from benchhub.tasks.contract.seen import read_output, seen
from benchhub.tasks.metrics import METRICS

CASES, MOST, CLASSES, WIDE, HIGH = 12, 9, 3, 320, 200
RNG = np.random.default_rng(4)
CORNER = RNG.uniform(0, [WIDE / 2, HIGH / 2], (CASES, MOST, 2))
BOXES = np.concatenate([CORNER, CORNER + RNG.uniform(20, 90, (CASES, MOST, 2))], axis=2)
SCORES = RNG.uniform(0.05, 1, (CASES, MOST))
KINDS = RNG.integers(0, CLASSES, (CASES, MOST))
KINDS[0, :CLASSES] = range(CLASSES)
LABELS = np.concatenate([BOXES[:, :4], KINDS[:, :4, None]], axis=2)
LABELS[:, 3] = 0
SIZES = [WIDE, HIGH, WIDE, HIGH]
X1, Y1, X2, Y2 = np.moveaxis(BOXES, 2, 0)
#: What every form is to be read as.
WANTED = np.concatenate([BOXES, SCORES[..., None], KINDS[..., None]], axis=2)
CENTRES = np.stack([(X1 + X2) / 2, (Y1 + Y2) / 2, X2 - X1, Y2 - Y1], axis=2)
SIDES = np.stack([X1, Y1, X2 - X1, Y2 - Y1], axis=2)


def columns(classes: int = CLASSES, first: int = 0) -> np.ndarray:
    """A score of each class: the box's own at its class, a smaller one elsewhere."""
    given = np.tile(SCORES[..., None] / 4, (1, 1, classes))
    np.put_along_axis(given, KINDS[..., None] + first, SCORES[..., None], axis=2)
    return given


def read(arrays, labels=LABELS, scale="", output="", **said):
    """What the metric sees of outputs by name, as `[data]` has them read."""
    outputs = [Output(at, name, array) for at, (name, array) in enumerate(arrays.items())]
    metric = METRICS["coco_map"]
    reading = find(metric, outputs, labels, Asked("", output, scale, boxes=AskedBoxes(**said)))
    given = read_output(list(arrays.values()), reading)
    return seen(given, labels, (), metric, reading).outputs


FORMS = {
    "three outputs": (
        {"boxes": BOXES, "scores": SCORES, "labels": KINDS}, {"form": "xyxy"}),
    "in another order, float classes with an axis of one": (
        {"c": KINDS[..., None].astype(np.float32), "s": SCORES, "b": BOXES}, {"form": "xyxy"}),
    "one output of six": (
        {"dets": np.concatenate([SIDES, SCORES[..., None], KINDS[..., None]], axis=2)},
        {"form": "xywh"}),
    "shares, y first, a count": (
        {"detection_boxes": np.stack([Y1 / HIGH, X1 / WIDE, Y2 / HIGH, X2 / WIDE], axis=2),
         "detection_classes": KINDS.astype(np.float32), "detection_scores": SCORES,
         "num_detections": np.full((CASES, 1), MOST, np.float32)},
        {"form": "yxyx", "size": (WIDE, HIGH)}),
    "centres, a score of each class": (
        {"pred_boxes": CENTRES / SIZES, "probs": columns()},
        {"form": "cxcywh", "size": (WIDE, HIGH), "per_box": "best"}),
    "background first": (
        {"boxes": BOXES, "probs": columns(CLASSES + 1, 1)},
        {"form": "xyxy", "per_box": "best", "background": "first", "boxes": "boxes"}),
    "classes from 1": (
        {"boxes": BOXES, "scores": SCORES, "labels": KINDS + 1},
        {"form": "xyxy", "background": "first"}),
    "several others": (
        {"boxes": BOXES, "anchors": BOXES, "scores": SCORES, "best": SCORES, "labels": KINDS},
        {"form": "xyxy", "boxes": "boxes", "scores": "scores"}),
    "the output of any metric": (
        {"anchors": BOXES + 9, "boxes": BOXES, "scores": SCORES, "labels": KINDS},
        {"form": "xyxy", "output": "boxes", "scores": "scores"}),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_read_as_the_same_detections(name):
    arrays, said = FORMS[name]
    np.testing.assert_allclose(read(arrays, **said), WANTED, atol=1e-4)


def test_each_class_of_a_box_may_be_a_detection_of_its_own():
    found = read({"b": BOXES, "s": columns()}, form="xyxy", per_box="each")
    assert found.shape == (CASES, MOST * CLASSES, 6)
    told = {
        (*row[:5].round(6), int(row[5])) for row in found[0].tolist() for row in [np.array(row)]
    }
    wanted = {
        (*BOXES[0, at].round(6), round(columns()[0, at, kind], 6), kind)
        for at in range(MOST)
        for kind in range(CLASSES)
    }
    assert told == wanted


def test_logits_become_probabilities_by_softmax_where_a_column_is_of_nothing():
    logits = RNG.normal(0, 2, (CASES, MOST, CLASSES + 1))
    found = read(
        {"boxes": BOXES, "logits": logits},
        scale="logits", form="xyxy", per_box="best", background="last", boxes="boxes",
    )  # fmt: skip
    powers = np.exp(logits)
    shares = (powers / powers.sum(axis=2, keepdims=True))[..., :CLASSES]
    np.testing.assert_allclose(found[..., 4], shares.max(axis=2))
    assert (found[..., 5] == shares.argmax(axis=2)).all()


def test_one_class_needs_no_classes():
    labels = LABELS[..., :4]
    wanted = WANTED * [1, 1, 1, 1, 1, 0]
    for arrays in (
        {"boxes": BOXES, "scores": SCORES},
        {"boxes": BOXES, "scores": SCORES[..., None]},
        {"faces": np.concatenate([BOXES, SCORES[..., None]], axis=2)},
    ):
        np.testing.assert_allclose(read(arrays, labels=labels, form="xyxy"), wanted)


def test_rows_that_only_fill_up_are_no_detections():
    scores, kinds = SCORES.copy(), KINDS.copy()
    scores[:, 5], scores[:, 6], kinds[:, 7] = 0, -1, -1
    found = read(
        {"b": BOXES, "s": scores, "c": kinds, "n": np.full(CASES, 8)}, form="xyxy", count="n"
    )
    assert (found[:, 5:] == [0, 0, 0, 0, 0, -1]).all()
    np.testing.assert_allclose(found[:, :5], WANTED[:, :5])


@pytest.mark.parametrize("per_box", ["best", "each", ""])
def test_rows_of_0_behind_logits_are_no_detections(per_box):
    logits = RNG.normal(0, 2, (CASES, MOST, CLASSES)) if per_box else RNG.normal(0, 2, SCORES.shape)
    given = {"b": BOXES, "s": logits} | ({} if per_box else {"c": KINDS})
    said = {"form": "xyxy"} | ({"per_box": per_box, "background": "none"} if per_box else {})
    longer = {
        name: np.concatenate([one, np.zeros((CASES, 7, *one.shape[2:]))], axis=1)
        for name, one in given.items()
    }
    alone, found = (read(one, scale="logits", **said) for one in (given, longer))
    for mine, other in zip(alone, found, strict=True):
        assert sorted(mine.tolist()) == sorted(other[other[:, 5] >= 0].tolist())


def test_boxes_are_in_pixels_where_all_logits_are_below_0():
    given = {"b": BOXES, "s": SCORES - 3, "c": KINDS}
    found = read(given, scale="logits", form="xyxy")
    np.testing.assert_allclose(found, WANTED - [0, 0, 0, 0, 3, 0])


def test_of_boxes_behind_the_count_no_class_is_a_detection():
    count = np.arange(CASES) % 5
    found = read(
        {"b": BOXES, "s": columns(), "n": count},
        form="xyxy", per_box="each", count="n", scores="s",
    )  # fmt: skip
    assert ((found[..., 5] >= 0).sum(axis=1) == count * CLASSES).all()
    for case in range(CASES):
        told = {tuple(row[:4]) for row in found[case].tolist() if row[5] >= 0}
        assert told == {tuple(box) for box in BOXES[case, : count[case]].tolist()}


@pytest.mark.parametrize(
    ("labels", "kinds", "wanted"),
    [
        (lambda kinds: kinds, lambda kinds: kinds, ""),
        (lambda kinds: kinds + 1, lambda kinds: kinds, "classes of the labels one lower"),
        (lambda kinds: kinds, lambda kinds: kinds + 1, 'detections.background = "first"'),
        (lambda kinds: 4 * kinds + 2, lambda kinds: kinds, "if all boxes were of one class"),
        (lambda kinds: kinds, lambda kinds: (kinds + 1) % CLASSES, "were of one class"),
    ],
)  # fmt: skip
def test_classes_that_are_numbered_otherwise_than_the_labels_are_no_reading(labels, kinds, wanted):
    true = LABELS.copy()
    there = true[..., 2] > 0
    true[..., 4] = np.where(there, labels(true[..., 4]), 0)
    given = {"boxes": BOXES, "scores": SCORES, "labels": kinds(KINDS)}
    outputs = [Output(at, name, array) for at, (name, array) in enumerate(given.items())]
    metric = METRICS["coco_map"]
    reading = find(metric, outputs, true, Asked(boxes=AskedBoxes(form="xyxy")))
    why = doubt(metric, outputs, true, reading, 0.01)
    assert wanted in why
    assert bool(why) == bool(wanted)


THREE = {"boxes": BOXES, "scores": SCORES, "labels": KINDS}


@pytest.mark.parametrize(
    ("arrays", "said", "wanted"),
    [
        (THREE, {}, 'write detections = { form = .. }, "xyxy" (x1, y1, x2, y2)'),
        (THREE, {"form": "xyxy", "size": (9, 9)}, "both in pixels: leave detections.size out"),
        ({**THREE, "boxes": BOXES / SIZES}, {"form": "xyxy"},
         "write detections.size = [width, height]"),
        ({**THREE, "also": BOXES}, {"form": "xyxy"},
         "several outputs may hold boxes: 'boxes' (12, 9, 4), 'also' (12, 9, 4)"),
        ({**THREE, "tracks": KINDS}, {"form": "xyxy", "scores": "scores"},
         "('labels' (12, 9), 'tracks' (12, 9)); write detections.scores and"),
        ({**THREE, "also": SCORES}, {"form": "xyxy"}, "write detections.scores and"),
        (THREE, {"form": "xyxy", "boxes": "boxs"}, "no output 'boxs'; did you mean boxes?"),
        (THREE, {"form": "xyxy", "boxes": "scores"}, "holds no boxes"),
        (THREE, {"form": "xyxy", "output": "scores"}, "output 'scores'"),
        (THREE, {"form": "xyxy", "output": "boxs"}, "no output 'boxs'; did you mean boxes?"),
        (THREE, {"form": "xyxy", "output": "boxes", "boxes": "labels"},
         'output = "boxes" and detections.boxes = "labels" are two'),
        (THREE, {"form": "xyxy", "background": "last"}, 'background = "last" is of scores'),
        ({"b": BOXES, "s": SCORES}, {"form": "xyxy"}, "write detections.classes"),
        ({"b": BOXES, "s": columns()}, {"form": "xyxy"}, 'detections.per_box = "best" (it is'),
        ({"b": BOXES, "s": columns(5)}, {"form": "xyxy"},
         "has 5 columns, and true boxes are of 3 classes: write detections.background"),
        ({"b": BOXES, "s": columns()[..., :2]}, {"form": "xyxy"}, "and 's' has 2 columns"),
        ({"b": BOXES, "s": SCORES * 9, "c": KINDS}, {"form": "xyxy"}, 'write scores = "logits"'),
        ({"b": BOXES}, {"form": "xyxy"}, "none runs over them"),
        ({"s": SCORES}, {"form": "xyxy"}, "no output holds boxes"),
        ({**THREE, "boxes": np.where(BOXES > 200, np.nan, BOXES)}, {"form": "xyxy"}, "NaN or inf"),
        ({**THREE, "labels": KINDS + 0.5}, {"form": "xyxy", "classes": "labels"},
         "classes of detections are no whole numbers"),
    ],
)  # fmt: skip
def test_what_is_not_told_is_refused_with_what_to_write(arrays, said, wanted):
    with pytest.raises(NoReading) as caught:
        read(arrays, **said)
    assert wanted in str(caught.value)
    assert str(caught.value).startswith("coco_map cannot read detections: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({"from": "xyxy"}, "data.detections.from is unknown; did you mean form?"),
        ({"form": "xxyy"}, "data.detections.form = 'xxyy' is none of \"xyxy\""),
        ({"background": 0}, "data.detections.background = 0 is none of"),
        ({"per_box": "all"}, "data.detections.per_box = 'all' is none of"),
        ({"size": [640]}, "data.detections.size must be [width, height], not [640]"),
        ({"size": [640, -1]}, "data.detections.size must be"),
        ({"boxes": 3}, "data.detections.boxes must be the name of an output"),
        ("xyxy", "data.detections must be a table"),
    ],
)
def test_a_mistake_in_the_table_is_one_line(tmp_path, said, wanted):
    with pytest.raises(ConfigError) as caught:
        asked({"detections": said}, tmp_path)
    assert wanted in str(caught.value)
