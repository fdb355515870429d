"""How detections are read: which outputs hold them, and what has to be said of how they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchhub.errors import nearest
from benchhub.model.arrays import Array
from benchhub.model.quality import BoxReading, Metric, Reading
from benchhub.tasks.contract.asked import Asked
from benchhub.tasks.contract.box_keys import FORMS, AskedBoxes
from benchhub.tasks.contract.boxes import (
    are_probabilities,
    are_shares,
    detections,
    true_boxes,
)
from benchhub.tasks.contract.looks import labels_in_words, output_in_words, shape, whole
from benchhub.tasks.contract.output import Output, by_position
from benchhub.tasks.contract.reason import NoReading

#: Another reading is the one that was meant if it has so much more of the metric.
_TWICE, _MORE = 2.0, 0.05
#: Classes are numbered otherwise if there is so much more of it where none is looked at.
_OTHERWISE = 5.0
#: A reading that was meant finds so much of what is found where no class is looked at.
_KEPT = 0.97
#: Where the class of a box is that was found, and of a true one.
_FOUND, _TRUE = 5, 4
#: So many cases tell a reading from another one.
_LOOKED_AT = 64


@dataclass(frozen=True, slots=True)
class _Parts:
    """The outputs that hold detections; scores and classes None: behind the boxes, or not there."""

    boxes: Output
    scores: Output | None = None
    classes: Output | None = None
    count: Output | None = None


def find_boxes(outputs: Sequence[Output], labels: Array, asked: Asked) -> Reading:
    """Return how detections are read of `outputs`; NoReading: they cannot, or in several ways."""
    if asked.labels not in ("", "boxes"):
        raise NoReading(f'it reads labels = "boxes", and {asked.labels!r} was written')
    try:
        true = true_boxes(labels)
    except ValueError as error:
        raise NoReading(f"labels ({labels_in_words(labels)}): {error}") from error
    said = _with_output(asked)
    parts = _parts(outputs, len(labels), said)
    for one in (parts.boxes, parts.scores, parts.classes, parts.count):
        if one is not None and not np.isfinite(np.asarray(one.values, dtype=np.float64)).all():
            raise NoReading(f"output {one.name!r} holds NaN or infinite values")
    scores = parts.boxes.values[..., 4] if parts.scores is None else parts.scores.values
    columns = 1 if scores.ndim == 2 else scores.shape[2]
    if parts.scores is None:
        columns = parts.boxes.values.shape[2] - 4
    several = parts.scores is not None and columns > 1
    classes = int(true[..., 4].max()) + 1
    scale = _scale(scores, asked.scores)
    background = _background(said, parts, columns, classes, scale) if several else said.background
    if (
        not several
        and background not in ("", "none")
        and (background == "last" or (parts.classes is None and columns != 2))
    ):
        raise NoReading(f'background = "{background}" is of scores of each class')
    how = BoxReading(
        _form(said),
        -1 if parts.scores is None else parts.scores.position,
        -1 if parts.classes is None else parts.classes.position,
        -1 if parts.count is None else parts.count.position,
        _multiplied(parts, scores, true, said),
        "" if background == "none" else background,
        _per_box(said, columns - (background in ("first", "last"))) if several else "",
    )
    reading = Reading(
        "boxes", scale, parts.boxes.position, parts.boxes.name, columns, boxes=how
    )  # fmt: skip
    _classes_fit(_joined(outputs, reading), true, parts)
    return reading


def _with_output(asked: Asked) -> AskedBoxes:
    """Return what is said of detections; the output that is said of any metric is the boxes'."""
    said = asked.boxes
    if not asked.output or said.boxes == asked.output:
        return said
    if said.boxes:
        raise NoReading(
            f'output = "{asked.output}" and detections.boxes = "{said.boxes}" are two:'
            " leave one out"
        )
    return dataclasses.replace(said, boxes=asked.output)


def doubt(
    metric: Metric, outputs: Sequence[Output], labels: Array, reading: Reading, value: float
) -> str:
    """Return what speaks against a reading by which the baseline has `value`; empty: nothing.

    It is held against other readings, on the first cases.
    """
    few = [dataclasses.replace(one, values=one.values[:_LOOKED_AT]) for one in outputs]
    true = true_boxes(labels)[:_LOOKED_AT]

    def worth(found: Array, true: Array = true) -> float:
        value = metric.weighted(found, true, np.ones((1, len(true))))
        return float(np.nan_to_num(value[0]))

    given = _joined(few, reading)
    mine = worth(given)
    so = f"{metric.name} of the baseline is {mine:.3g}, and"
    others = [(_joined(few, other), words) for words, other in _others(reading)]
    best, at = max((worth(found), at) for at, (found, _) in enumerate(others))
    found, words = others[at]
    lower = worth(_renumbered(given, _FOUND, lambda kinds: kinds + 1))

    def of_one_class(found: Array) -> float:
        one = _renumbered(found, _FOUND, np.zeros_like), _renumbered(true, _TRUE, np.zeros_like)
        return worth(*one)

    alone = of_one_class(given)
    otherwise = alone > max(_OTHERWISE * mine, mine + _MORE)
    better = max(best, lower)
    # A reading that leaves much of that to be found, or drops a class that is, was not meant.
    missed = alone > max(_TWICE * better, better + _MORE)
    lacks = set(np.unique(true[..., _TRUE])) - {-1.0} - set(np.unique(found[..., _FOUND]))
    if best >= lower and lacks:
        missed = missed or of_one_class(found) < _KEPT * alone
    if better > max(_TWICE * mine, mine + _MORE) and not (otherwise and missed):
        if lower > best:
            return (
                f"{so} with classes of the labels one lower it would be {lower:.3g}; subtract 1"
                " there, so that 0 is the model's first class"
            )
        return f"{so} with {words} it would be {best:.3g}; write that under [data]"
    if otherwise:
        return (
            f"{so} if all boxes were of one class it would be {alone:.3g}: the labels number their"
            " classes in another way than the model; give them the model's numbers"
        )
    if not value > 0:
        return (
            f"{metric.name} of the baseline is 0: no box that it finds is a true one, so nothing"
            " could be lost; see that boxes are of the same images, in the same units and classes"
        )
    return ""


def _renumbered(boxes: Array, column: int, to: Callable[[Array], Array]) -> Array:
    """Return boxes whose class is in `column` with other classes; what is of none stays so."""
    other = boxes.copy()
    kinds = boxes[..., column]
    other[..., column] = np.where(kinds < 0, kinds, to(kinds))
    return other


def _others(reading: Reading) -> Iterator[tuple[str, Reading]]:
    """Yield other ways to read the same outputs, in words."""
    how = reading.boxes
    assert how is not None
    for form in FORMS:
        if form != how.form:
            other = dataclasses.replace(how, form=form)
            yield f'detections.form = "{form}"', dataclasses.replace(reading, boxes=other)
    several = how.scores >= 0 and reading.columns > 1
    for background in ("", "first", "last") if several else ("", "first"):
        if background != how.background:
            other = dataclasses.replace(how, background=background)
            yield (
                f'detections.background = "{background or "none"}"',
                dataclasses.replace(reading, boxes=other),
            )


def _parts(outputs: Sequence[Output], cases: int, said: AskedBoxes) -> _Parts:
    """Return which outputs hold what: as is said, else the only ones that can."""
    named = {one.name: one for one in outputs}
    for name in (said.boxes, said.scores, said.classes, said.count):
        if name and name not in named:
            raise NoReading(f"the model has no output {name!r}{nearest(name, named)}")
    told = {name for name in (said.boxes, said.scores, said.classes, said.count) if name}
    free = [one for one in outputs if one.name not in told and one.values.dtype.kind in "biuf"]
    free = [one for one in free if one.values.ndim > 1 and len(one.values) == cases]
    boxes = named.get(said.boxes) or _boxes(outputs, free)
    values = boxes.values
    if values.ndim != 3 or values.shape[2] not in (4, 5, 6) or len(values) != cases:
        raise NoReading(
            f"output {boxes.name!r} ({output_in_words(values)}) holds no boxes (cases, n, 4 to 6)"
        )
    count = named.get(said.count)
    if count is not None and count.values.size != cases:
        raise NoReading(f"output {count.name!r} should have one number a case")
    if values.shape[2] > 4:
        if said.scores or said.classes:
            raise NoReading(
                f"output {boxes.name!r} has scores behind its boxes, and others were named"
            )
        return _Parts(boxes, count=count)
    of_boxes = [
        one for one in free if one is not boxes and one.values.shape[:2] == values.shape[:2]
    ]
    scores, classes = _scores(of_boxes, said, named)
    if scores.values.shape[:2] != values.shape[:2] or scores.values.ndim > 3:
        raise NoReading(
            f"output {scores.name!r} ({output_in_words(scores.values)}) has no score for each of"
            f" the {values.shape[1]} boxes of {boxes.name!r}"
        )
    if classes is not None and _flat(classes.values).shape != values.shape[:2]:
        raise NoReading(f"output {classes.name!r} has no class for each of the boxes")
    return _Parts(boxes, scores, classes, count)


def _boxes(outputs: Sequence[Output], free: Sequence[Output]) -> Output:
    of_four = [one for one in free if one.values.ndim == 3 and one.values.shape[2] == 4]
    together = [one for one in free if one.values.ndim == 3 and one.values.shape[2] in (5, 6)]
    found = of_four or together
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{one.name!r} {shape(one.values)}" for one in found or outputs)
    if found:
        raise NoReading(f"several outputs may hold boxes: {listed}; write detections.boxes")
    raise NoReading(
        "no output holds boxes, (cases, n, 4), or with their score and class behind them"
        f" (cases, n, 5 or 6); there are {listed}; make such a one with predict, or say rows and"
        " batch_axis of outputs that hold what was found in one case"
    )


def _scores(
    free: Sequence[Output], said: AskedBoxes, named: dict[str, Output]
) -> tuple[Output, Output | None]:
    """Return the outputs of scores and of classes, None: there is none."""
    scores, classes = named.get(said.scores), named.get(said.classes)
    numbers = [one for one in free if _may_be_classes(one)]
    if classes is None and len(numbers) == 1 and (scores is not None or len(free) > 1):
        classes = numbers[0]
    left = [one for one in free if one is not classes]
    if scores is None and len(left) == 1:
        scores = left[0]
    if scores is not None and (classes is not None or numbers in ([], [scores])):
        return scores, classes
    listed = ", ".join(f"{one.name!r} {shape(one.values)}" for one in numbers or free)
    raise NoReading(
        "it is not told which outputs are the boxes' scores and classes"
        f" ({listed or 'none runs over them'}); write detections.scores and detections.classes"
    )


def _may_be_classes(one: Output) -> bool:
    return _flat(one.values).ndim == 2 and whole(one.values)


def _flat(values: Array) -> Array:
    return values[..., 0] if values.ndim == 3 and values.shape[2] == 1 else values


def _scale(scores: Array, said: str) -> str:
    """Return whether scores are probabilities or logits."""
    if said == "positive":
        raise NoReading('scores = "positive" is not of boxes')
    if are_probabilities(scores):
        if said == "logits":
            raise NoReading('scores = "logits" was written, and they lie in 0..1')
        return "probabilities"
    if said == "probabilities":
        raise NoReading('scores = "probabilities" was written, and they are not from 0 to 1')
    if not said:
        raise NoReading(
            f"scores go from {scores.min():.3g} to {scores.max():.3g}; write"
            ' scores = "logits" under [data] if that is what they are'
        )
    return said


def _form(said: AskedBoxes) -> str:
    if said.form:
        return said.form
    listed = ", ".join(f'"{form}" ({words})' for form, words in FORMS.items())
    raise NoReading(
        f"how it writes a box is not to be seen: write detections = {{ form = .. }}, {listed}"
    )


def _background(
    said: AskedBoxes, parts: _Parts, columns: int, classes: int, scale: str
) -> str:  # fmt: skip
    assert parts.scores is not None
    if said.background:
        return said.background
    if columns < classes:
        raise NoReading(
            f"true boxes are of {classes} classes, and {parts.scores.name!r} has {columns} columns"
        )
    if columns == classes and scale == "probabilities":
        return "none"
    raise NoReading(
        f"output {parts.scores.name!r} has {columns} columns, and true boxes are of {classes}"
        ' classes: write detections.background = "first", "last" or "none", where the column of'
        " nothing is"
    )


def _per_box(said: AskedBoxes, classes: int) -> str:
    if said.per_box or classes < 2:
        return said.per_box or "each"
    raise NoReading(
        f"a box has scores of {classes} classes: write detections.per_box ="
        ' "best" (it is a detection of its best class) or "each" (one of each)'
    )


def _multiplied(
    parts: _Parts, scores: Array, true: Array, said: AskedBoxes
) -> tuple[float, float]:  # fmt: skip
    """Return by what x and y are multiplied to be those of the labels."""
    corners = np.asarray(parts.boxes.values[..., :4], dtype=np.float64)
    likely = np.asarray(scores).reshape(*corners.shape[:2], -1).max(axis=2) > 0
    real = corners[likely] if likely.any() else corners.reshape(-1, 4)  # logits may all be below
    labels = true[true[..., 4] >= 0][:, :4]
    mine, theirs = are_shares(real), are_shares(labels)
    if mine == theirs:
        if said.size is not None:
            both = "from 0 to 1" if mine else "in pixels"
            raise NoReading(f"boxes and labels are both {both}: leave detections.size out")
        return 1.0, 1.0
    if said.size is None:
        raise NoReading(
            f"boxes go up to {np.abs(real).max(initial=0):.4g} and labels up to"
            f" {np.abs(labels).max():.4g}: write detections.size = [width, height], of the image"
            " that shares are of"
        )
    width, height = said.size
    return (width, height) if mine else (1 / width, 1 / height)


def _joined(outputs: Sequence[Output], reading: Reading) -> Array:
    """Return the detections of the reference."""
    try:
        return detections(by_position(outputs), reading)
    except ValueError as error:
        raise NoReading(f"output {reading.name!r}: {error}") from error


def _classes_fit(found: Array, true: Array, parts: _Parts) -> None:
    """Check that classes are told where true boxes are of several."""
    if int(true[..., 4].max()) > 0 and not (found[..., 5] > 0).any():
        several = len(np.unique(true[..., 4][true[..., 4] >= 0])) > 1
        what = "of several classes" if several else f"of class {int(true[..., 4].max())}"
        raise NoReading(
            f"true boxes are {what}, and all boxes of {parts.boxes.name!r} of class 0; write"
            " detections.classes, or 0 for their class"
        )
