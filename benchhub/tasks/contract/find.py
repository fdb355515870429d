"""How a metric reads a model: what the suite says, else the one way there is, else a refusal."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from benchhub.errors import nearest
from benchhub.model.arrays import Array
from benchhub.model.quality import OF_CLASSES, Metric, Reading, Reads
from benchhub.tasks.contract.asked import Asked
from benchhub.tasks.contract.dense import find_masks, find_text, find_tokens, find_vectors
from benchhub.tasks.contract.find_boxes import find_boxes
from benchhub.tasks.contract.looks import (
    adds_up,
    flat,
    from_0_to_1,
    labels_in_words,
    one_each,
    output_in_words,
    shape,
    whole,
    zero_one,
)
from benchhub.tasks.contract.no_scores import (
    no_scores,
    one_off,
    scale_of_integers,
    told_classes,
)
from benchhub.tasks.contract.output import Output
from benchhub.tasks.contract.reason import NoReading
from benchhub.tasks.contract.scale import (
    LOGS,
    SHARES,
    depends_on_scale,
    look_like_logs,
    must_be_shares,
)

_SAY_CLASS = 'write labels = "class" if they are the numbers of classes'
#: What labels are to metrics that read more than a row of scores a case.
_KINDS: Mapping[Reads, str] = {
    Reads.MASKS: "masks",
    Reads.TOKENS: "tokens",
    Reads.VECTORS: "class",
    Reads.TEXT: "text",
}
#: So many outputs are named at most.
_LISTED = 10
_CLASSES_FROM_0 = "classes are counted from 0"
#: What labels are to metrics of classes.
_OF_CLASSES = ("class", "one-hot", "multi-label")


def find(metric: Metric, outputs: Sequence[Output], labels: Array, asked: Asked) -> Reading:
    """Return how `metric` reads one of `outputs` and the labels.

    NoReading: none of them fits, or more than one does, or there are two ways to read it.
    """
    if metric.reads is Reads.BOXES:
        try:
            return find_boxes(outputs, labels, asked)
        except NoReading as error:
            raise NoReading(f"{metric.name} cannot read detections: {error}") from error
    wanted = [one for one in outputs if asked.output in ("", one.name)]
    if not wanted:
        names = [one.name for one in outputs]
        raise NoReading(f"the model has no output {asked.output!r}{nearest(asked.output, names)}")
    found: list[Reading] = []
    refused: list[tuple[Output, str]] = []
    for one in wanted:
        try:
            found.append(_read(metric, one, labels, asked))
        except NoReading as error:
            refused.append((one, str(error)))
    if len(found) > 1:
        listed = _listed([repr(reading.name) for reading in found], ", ")
        raise NoReading(
            f"{metric.name} can read {len(found)} of the model's outputs, {listed}; write"
            f' output = "{found[0].name}" or another under [data]'
        )
    if found:
        return found[0]
    if len(refused) == 1:
        one, why = refused[0]
        raise NoReading(
            f"{metric.name} cannot read output {one.name!r} ({output_in_words(one.values)}) with"
            f" labels ({labels_in_words(labels)}): {why}"
        )
    each = [f"{one.name!r} ({output_in_words(one.values)}): {why}" for one, why in refused]
    listed = _listed(each, "; ")
    raise NoReading(
        f"{metric.name} can read none of the model's outputs with labels"
        f" ({labels_in_words(labels)}): {listed}"
    )


def _listed(words: Sequence[str], between: str) -> str:
    """Return what is told of each output, and of how many it is not."""
    more = [f"and {len(words) - _LISTED} more"] if len(words) > _LISTED else []
    return between.join([*words[:_LISTED], *more])


def _read(metric: Metric, one: Output, labels: Array, asked: Asked) -> Reading:
    values = one.values
    if not values.ndim or len(values) != len(labels):
        raise NoReading(f"{len(labels)} cases should run along its first axis")
    if metric.reads is Reads.FIRST:
        return Reading("", "", one.position, one.name)
    if (said := _KINDS.get(metric.reads)) and asked.labels not in ("", said):
        raise NoReading(f'it reads labels = "{said}", and {asked.labels!r} was written')
    if metric.reads in _KINDS:
        found = _of_many(metric, one, labels, asked)
        return dataclasses.replace(found, output=one.position, name=one.name)
    _numeric("outputs", values)
    _numeric("labels", labels)
    scores = flat(values)
    if metric.reads in (Reads.NUMBERS, Reads.DIRECTIONS):
        _regression(values, labels, asked)
        if metric.reads is Reads.DIRECTIONS:
            _have_directions(labels)
        kind, scale, columns = "regression", "", 0
    else:
        if scores is None:
            raise NoReading(
                f"a case has scores of shape {shape(values[0])}, and one row is read; make one of"
                " it with predict, or in the model"
            )
        kind, scale, columns = _of_classes(metric, scores, labels, asked)
    integers = values.dtype.kind in "biu"
    return Reading(kind, scale, one.position, one.name, columns, integers)


def _of_many(metric: Metric, one: Output, labels: Array, asked: Asked) -> Reading:
    """Return how a metric reads cases that are more than a row of scores."""
    if metric.reads is Reads.TEXT:
        return find_text(one.values, labels, asked)
    _numeric("outputs", one.values)
    _numeric("labels", labels)
    if metric.reads is Reads.MASKS:
        return find_masks(one.values, labels, asked, one.values.dtype.kind in "biu")
    if metric.reads is Reads.TOKENS:
        return find_tokens(one.values, labels, asked)
    return find_vectors(one.values, labels)


def _numeric(what: str, values: Array) -> None:
    if values.dtype.kind not in "biuf":
        raise NoReading(f"{what} are {values.dtype}, no numbers")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = int(np.count_nonzero(~np.isfinite(values)))
        raise NoReading(f"{what} hold {bad} NaN or infinite values; remove those cases")


def _regression(values: Array, labels: Array, asked: Asked) -> None:
    if asked.labels not in ("", "regression"):
        raise NoReading(f'it reads labels = "regression", and {asked.labels!r} was written')
    if values.shape == labels.shape:
        return
    mine, truth = flat(values), flat(labels)
    if mine is None or truth is None or mine.shape != truth.shape:
        raise NoReading("one number is needed for each label, in the same shape")


def _have_directions(labels: Array) -> None:
    zeros = int(np.count_nonzero(~labels.reshape(len(labels), -1).any(axis=1)))
    if zeros:
        raise NoReading(f"labels of {zeros} cases are vectors of zeros, which have no direction;"
                        " remove those cases")  # fmt: skip


def _of_classes(metric: Metric, scores: Array, labels: Array, asked: Asked) -> tuple[str, str, int]:
    """Return the kind of labels, of scores, and how many columns of scores are read."""
    rows = flat(labels)
    if rows is None:
        raise NoReading("labels have more than one axis a case; give a class, or a row of 0 and 1")
    if asked.labels not in ("", *_OF_CLASSES):
        raise NoReading(f'it reads classes, and labels = "{asked.labels}" was written')
    if not whole(rows):
        raise NoReading("labels are no whole numbers; classes are, and rows of 0 and 1")
    columns = scores.shape[1]
    if asked.scores == "positive" and columns != 1:
        raise NoReading(f'scores = "positive" is of one column, and it has {columns}')
    kind = _kind(metric, rows, columns, asked)
    if metric.reads in OF_CLASSES and kind == "multi-label":
        raise NoReading(
            "it needs one class a case, and labels are of several things; use macro_auc"
        )
    if kind != "multi-label" and (other := no_scores(metric, scores, asked)):
        raise NoReading(other)
    if metric.reads is Reads.ODDS and kind != "multi-label" and columns > 2:
        raise NoReading(
            f"{metric.name} is of things that are there or not, not of {columns} classes"
        )
    if kind == "class":
        answers = _classes_fit(metric, scores, rows[:, 0], asked)
        if answers is not None:
            return kind, "class", answers
    else:
        _rows_fit(rows, columns, kind)
    return kind, _scale(metric, scores, kind, asked), columns


def _kind(metric: Metric, rows: Array, columns: int, asked: Asked) -> str:
    """Return what labels are; NoReading where there are several ways to see them."""
    if rows.shape[1] == 1:
        if asked.labels == "one-hot":
            raise NoReading("labels are one number a case, and one-hot is a row of them")
        if asked.labels == "multi-label":
            return "multi-label"
        varied = rows.min() != rows.max()  # _classes_fit refuses labels all of one class
        if not asked.labels and columns > 2 and varied and zero_one(rows):
            raise NoReading(
                f"labels are 0 and 1, and it has {columns} columns: {_SAY_CLASS}; if they are of"
                " one thing, leave the other columns out of the model"
            )
        return "class"
    if asked.labels == "class":
        raise NoReading(f"labels are rows of {rows.shape[1]}, and a class is one number a case")
    if not zero_one(rows):
        raise NoReading("rows of labels must be 0 and 1")
    alone = one_each(rows)
    if asked.labels == "one-hot" and not alone:
        raise NoReading('labels = "one-hot" has one 1 a row, and these have not')
    if asked.labels:
        return asked.labels
    return "one-hot" if alone else "multi-label"


def _classes_fit(metric: Metric, scores: Array, found: Array, asked: Asked) -> int | None:
    """Check numbers of classes; return how many there are where the output tells the class."""
    least, most, columns = int(found.min()), int(found.max()), scores.shape[1]
    if set(np.unique(found).tolist()) == {-1, 1}:
        raise NoReading("labels are -1 and 1; write 0 and 1: labels = (labels + 1) // 2")
    if least < 0:
        raise NoReading(f"label {least} is of no class: {_CLASSES_FROM_0}")
    if least == most:
        raise NoReading(f"all labels are {least}: one class tells nothing; add cases of another")
    if columns == 1:
        answers = told_classes(metric, scores, found, asked)
        if answers is None and most > 1:
            raise NoReading(f"labels go up to {most}, and one column can be of two classes only")
        return answers
    if most >= columns:
        from_1 = least == 1 and most == columns
        fix = "write labels - 1" if from_1 else "is it another output, or other labels"
        raise NoReading(f"label {most} has no column among {columns}: {_CLASSES_FROM_0}; {fix}")
    if off := one_off(scores, found, asked):
        raise NoReading(off)
    return None


def _rows_fit(rows: Array, columns: int, kind: str) -> None:
    if rows.shape[1] == 1 and rows.min() == rows.max():
        raise NoReading(f"all labels are {int(rows[0, 0])}: one class tells nothing")
    if kind == "one-hot" and (rows.argmax(axis=1) == rows[0].argmax()).all():
        raise NoReading("all labels are of one class, which tells nothing; add cases of another")
    if rows.shape[1] == columns or (kind == "one-hot" and (rows.shape[1], columns) == (2, 1)):
        return
    raise NoReading(f"rows of {rows.shape[1]} labels do not go with {columns} columns of scores")


def _scale(metric: Metric, scores: Array, kind: str, asked: Asked) -> str:
    """Return whether scores are probabilities or logits; "": nothing depends on it."""
    columns, integers = scores.shape[1], scores.dtype.kind in "biu"
    said = asked.scores if asked.scores != "positive" else ""
    if said == "probabilities" and not integers and not from_0_to_1(scores):
        raise NoReading('scores = "probabilities" was written, and they are not from 0 to 1')
    if said == "logits" and not integers and must_be_shares(scores, kind == "multi-label"):
        raise NoReading(SHARES)
    why = depends_on_scale(metric, columns, kind)
    if (said and not integers) or not why:
        return said
    if integers:
        return scale_of_integers(metric, scores, said, why)
    return _as_seen(scores, kind, asked)


def _as_seen(scores: Array, kind: str, asked: Asked) -> str:
    """Return whether scores are probabilities or logits where nobody says; NoReading: not seen."""
    apart = scores.shape[1] == 1 or kind == "multi-label"
    if apart and look_like_logs(scores):
        raise NoReading(LOGS)
    if not from_0_to_1(scores):
        if kind == "one-hot" and not apart and not asked.labels:
            raise NoReading(
                "they are logits, and of several things each row of which has one, or of one class"
                ' a case: write labels = "one-hot" or labels = "multi-label" under [data]'
            )
        return "logits"
    if apart or adds_up(scores):
        return "probabilities"
    raise NoReading(
        "rows are from 0 to 1 and do not add up to 1, so they may be probabilities or logits; write"
        ' scores = "probabilities" or scores = "logits" under [data]'
    )
