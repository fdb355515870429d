"""A metric is tried on the reference: what it would leave out of a user's labels is refused."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from benchhub.model.quality import Cases, Metric, Reads
from benchhub.tasks.contract.asked import Asked
from benchhub.tasks.contract.find import Output, find
from benchhub.tasks.contract.reason import NoReading
from benchhub.tasks.contract.tried import check_tried
from benchhub.tasks.metrics import get_metric
from benchhub.text import plural

CASES = 60
NOTHING: Mapping[str, str] = {}
RNG = np.random.default_rng(2)
BINARY = RNG.integers(0, 2, CASES)
FEW = np.arange(CASES) % 4
MANY = (RNG.random((CASES, 3)) < 0.4).astype(int)
LOGIT = RNG.normal(size=CASES)
PAIR = RNG.normal(size=(CASES, 2))
LOGITS = RNG.normal(size=(CASES, 4))
HEADS = RNG.normal(size=(CASES, 3))
MASKS = RNG.integers(0, 3, (CASES, 4, 4))
MAPS = RNG.normal(size=(CASES, 3, 4, 4))
RARE = MANY.copy()
RARE[:, 1] = 0


def cases_of(labels: np.ndarray, names: tuple[str, ...] = ()) -> Cases:
    ids = tuple(map(str, range(len(labels))))
    return Cases({}, labels, ids, ids, names)


def tried(
    name: str,
    output: np.ndarray,
    labels: np.ndarray,
    names: tuple[str, ...] = (),
    said: Mapping[str, str] = NOTHING,
    own: bool = True,
) -> None:
    metric, outputs = get_metric(name), [Output(0, "y", output)]
    reading = find(metric, outputs, labels, Asked(**said))
    check_tried(metric, outputs, cases_of(labels, names), reading, own)


@pytest.mark.parametrize("name", ["macro_auc", "average_precision"])
def test_a_label_that_says_nothing_in_these_cases_is_refused(name: str) -> None:
    """The mean of the other two labels would stand for that of three."""
    with pytest.raises(NoReading, match=rf"{name} tells nothing of label 1, .* in these 60 cases"):
        tried(name, HEADS, RARE)
    with pytest.raises(NoReading, match="of label lung, which has one class only"):
        tried(name, HEADS, RARE, ("heart", "lung", "bone"))
    tried(name, HEADS, MANY)
    tried(name, HEADS, RARE, own=False)  # a task knows its labels


def test_a_class_without_a_case_is_no_label_of_nothing() -> None:
    wide = np.concatenate([LOGITS, LOGITS[:, :1]], axis=1)
    for name in ("macro_auc", "average_precision", "accuracy", "balanced_accuracy"):
        tried(name, wide, FEW)


@pytest.mark.parametrize(
    ("name", "output", "labels", "right", "wrong", "things"),
    [
        ("accuracy", LOGITS, FEW, (4,), (1, 3, 5), "4 classes"),
        ("accuracy", LOGIT, BINARY, (2,), (1, 3), "2 classes"),
        ("accuracy", LOGITS.argmax(axis=1), FEW, (4, 9), (3,), "4 classes"),
        ("top2_accuracy", LOGITS, FEW, (4,), (3,), "4 classes"),
        ("macro_auc", LOGITS, FEW, (4,), (3,), "4 classes"),
        ("macro_auc", PAIR, BINARY, (1, 2), (3,), "2 classes"),
        ("macro_auc", LOGIT, BINARY, (1, 2), (3,), "1 class;"),
        ("macro_auc", HEADS, MANY, (3,), (2, 4), "3 labels"),
        ("log_loss", HEADS, MANY, (3,), (2, 4), "3 labels"),
        ("mask_dice", MAPS, MASKS, (3,), (2, 4), "3 classes"),
        ("mask_iou", MAPS[:, 0], MASKS % 2, (2,), (1, 3), "2 classes"),
        ("rmse", HEADS, HEADS + 1, (1, 3), (), ""),
    ],
)
def test_names_are_as_many_as_what_they_name(
    name: str,
    output: np.ndarray,
    labels: np.ndarray,
    right: tuple[int, ...],
    wrong: tuple[int, ...],
    things: str,
) -> None:
    """One more or one less, and each class would have the name of its neighbour."""
    for count in right:
        tried(name, output, labels, tuple("abcdefghij"[:count]))
    for count in wrong:
        with pytest.raises(NoReading, match=f"{plural(count, 'name')} for {things}"):
            tried(name, output, labels, tuple("abcdefghij"[:count]))


def test_a_metric_that_raises_anything_is_one_line() -> None:
    def raises(*_: object) -> np.ndarray:
        raise TypeError("unsupported operand")

    metric = Metric("odd", "", True, raises, lambda *_: {}, reads=Reads.FIRST)
    outputs = [Output(0, "y", LOGITS)]
    reading = find(metric, outputs, FEW, Asked())
    with pytest.raises(NoReading, match=r"odd cannot read output 'y' .*: unsupported operand"):
        check_tried(metric, outputs, cases_of(FEW), reading, own=True)


def test_parts_are_tried_as_well() -> None:
    """They are shown beside the metric, and would fail once everything is measured."""

    def parts(outputs: object, labels: object, names: tuple[str, ...]) -> dict[str, float]:
        return {"first": float(dict.fromkeys(names, 0.0)["first"])}

    metric = Metric("odd", "", True, lambda o, k, w: np.ones(len(w)), parts, reads=Reads.FIRST)
    outputs = [Output(0, "y", LOGITS)]
    reading = find(metric, outputs, FEW, Asked())
    check_tried(metric, outputs, cases_of(FEW, ("first",)), reading, own=True)
    with pytest.raises(NoReading, match="odd cannot read output 'y'"):
        check_tried(metric, outputs, cases_of(FEW), reading, own=True)
