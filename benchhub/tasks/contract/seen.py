"""Outputs and labels as a metric sees them, of the reference and of devices alike.

Nothing is dropped, stretched or guessed: what does not fit is a ValueError.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array
from benchhub.model.quality import OF_CLASSES, Metric, Reading, Reads
from benchhub.tasks.contract.boxes import detections, true_boxes
from benchhub.tasks.contract.dense import FORMS
from benchhub.tasks.contract.looks import flat, softmax

Floats = NDArray[np.float64]

#: Between 0 and the smallest probability that has log odds.
_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class Seen:
    """What a metric is given: outputs and labels, cases on axis 0, and the names of labels."""

    outputs: Array
    labels: Array
    names: tuple[str, ...]


def read_output(outputs: Sequence[Array], reading: Reading | None) -> Array:
    """Return the output that is read, as the model gave it; of detections what all parts say.

    ValueError if there is none, or detections do not fit the reading.
    """
    if reading and reading.boxes:
        return detections(outputs, reading)
    position = reading.output if reading else 0
    if position >= len(outputs):
        named = f" {reading.name!r}" if reading and reading.name else ""
        raise ValueError(f"output {position}{named} is missing: there are {len(outputs)}")
    return np.asarray(outputs[position])


def seen(
    output: Array, labels: Array, names: tuple[str, ...], metric: Metric, reading: Reading | None
) -> Seen:
    """Return what `metric` sees of an output, see `read_output`, and its labels.

    Without a reading, as runs have it that are older than readings, both are given as they are.
    ValueError: they do not fit; so too where an older benchhub would have shown a wrong number.
    """
    if reading is None:
        _as_before(metric, output, labels)
        return Seen(output, labels, names)
    if metric.reads is Reads.FIRST:
        return Seen(output, labels, names)
    if metric.reads is Reads.OWN:
        return Seen(_own(output, metric, reading), labels, ())
    if metric.reads is Reads.BOXES:
        return Seen(output, true_boxes(labels), names)
    if metric.reads in FORMS:
        return Seen(*FORMS[metric.reads](output, labels, reading), names)
    return _rows(output, labels, names, metric, reading)


def _rows(
    output: Array, labels: Array, names: tuple[str, ...], metric: Metric, reading: Reading
) -> Seen:
    """Return what a metric sees of an output that has one row a case."""
    if metric.reads in (Reads.NUMBERS, Reads.DIRECTIONS):
        return _numbers(output, labels, names)
    scores = flat(output)
    if scores is None:
        raise ValueError(f"an output of shape {output.shape} has no row of scores a case")
    if metric.reads is Reads.VECTORS:
        return Seen(scores, labels.reshape(-1), names)
    expected = 1 if reading.scores == "class" else reading.columns
    if scores.shape[1] != expected:
        raise ValueError(f"{scores.shape[1]} columns of scores where there should be {expected}")
    if metric.reads in OF_CLASSES:
        return Seen(_of_classes(scores, reading), classes(labels, reading.labels), names)
    truth = things(labels, reading)
    if truth.shape[1] == 1 and len(names) == 2:
        names = names[1:]
    of = _odds if metric.reads is Reads.ODDS else _of_things
    return Seen(of(scores, reading), truth, names)


def _own(output: Array, metric: Metric, reading: Reading) -> Array:
    last = reading.first + reading.columns
    if output.ndim != 2 or output.shape[1] < last:
        raise ValueError(f"{metric.name} was not computed for these outputs")
    return output[:, reading.first : last]


def classes(labels: Array, kind: str) -> NDArray[np.int64]:
    """Return the class of each case, (cases,), of labels of that kind."""
    rows = flat(labels)
    assert rows is not None
    found = rows.argmax(axis=1) if kind == "one-hot" else rows[:, 0]
    return np.asarray(found, dtype=np.int64)


def things(labels: Array, reading: Reading) -> NDArray[np.int64]:
    """Return 0 or 1 for each thing that may be there, (cases, things); of two classes the second's.

    With a class of its own for each case, each class is a thing.
    """
    if reading.labels == "multi-label":
        rows = flat(labels)
        assert rows is not None
        return np.asarray(rows, dtype=np.int64)
    found = classes(labels, reading.labels)[:, None]
    return np.asarray(
        found == (1 if reading.columns <= 2 else np.arange(reading.columns)), dtype=np.int64
    )


def _of_classes(scores: Array, reading: Reading) -> Array:
    if reading.scores == "class":
        answers = scores[:, 0].astype(np.int64)
        rows = np.equal(answers[:, None], np.arange(reading.columns)).astype(np.float64)
        rows[~rows.any(axis=1)] = np.nan  # of no class: as an output that is not a number
        return rows
    if reading.columns > 1:
        return scores
    _same_scale(scores, reading)
    over = scores.astype(np.float64) - (0.5 if reading.scores == "probabilities" else 0.0)
    return np.concatenate([-over, over], axis=1)


def _of_things(scores: Array, reading: Reading) -> Array:
    """Return scores that rank the cases for each thing."""
    if reading.labels == "multi-label" or reading.columns == 1:
        return scores
    if reading.columns == 2:
        if reading.scores == "probabilities":
            return scores[:, 1:]
        return np.subtract(scores[:, 1:], scores[:, :1], dtype=np.float64)
    if reading.scores == "probabilities":
        return scores
    _same_scale(scores, reading)
    return softmax(scores)


def _odds(scores: Array, reading: Reading) -> Floats:
    _same_scale(scores, reading)
    whole = scores.astype(np.float64)
    if reading.scores == "probabilities":
        if reading.labels != "multi-label" and reading.columns == 2:
            whole = whole[:, 1:]
        whole = np.clip(whole, _LEAST, 1 - _LEAST)
        return np.asarray(np.log(whole) - np.log1p(-whole), dtype=np.float64)
    two = reading.labels != "multi-label" and reading.columns == 2
    return np.asarray(whole[:, 1:] - whole[:, :1] if two else whole, dtype=np.float64)


def _numbers(values: Array, labels: Array, names: tuple[str, ...]) -> Seen:
    mine, truth = flat(values), flat(labels)
    if values.shape == labels.shape:  # of any number of axes: each number has its own
        mine, truth = (array.reshape(len(array), -1) for array in (values, labels))
    if mine is None or truth is None or truth.shape != mine.shape:
        raise ValueError(f"numbers of shape {values.shape} for labels of shape {labels.shape}")
    return Seen(mine.astype(np.float64), truth.astype(np.float64), names)


def _same_scale(scores: Array, reading: Reading) -> None:
    if (scores.dtype.kind in "biu") != reading.integers:
        raise ValueError(
            f"scores are {scores.dtype}, and the reference's are "
            f"{'whole numbers' if reading.integers else 'floats'}: they have another scale"
        )


def _as_before(metric: Metric, output: Array, labels: Array) -> None:
    """Raise ValueError where outputs of a run without readings were read wrongly."""
    width, wanted = (int(np.prod(one.shape[1:], dtype=np.int64)) for one in (output, labels))
    why = ""
    if metric.reads is Reads.COLUMNS and width != wanted:
        why = f"{width} columns of scores for {wanted} of labels"
    elif metric.reads in OF_CLASSES and width < 2:
        why = "one column has no largest"
    elif metric.reads in OF_CLASSES and wanted != 1:
        why = f"it reads one class a case, not {wanted} labels"
    if why:
        raise ValueError(
            f"{metric.name} does not fit outputs of shape {output.shape} and labels of shape"
            f" {labels.shape}: {why}; run it again, so that labels and outputs are read as what"
            " they are"
        )
