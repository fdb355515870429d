"""How metrics of pixels, tokens, vectors and texts read a model, and what they are given."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchhub.model.arrays import Array
from benchhub.model.quality import Reading, Reads
from benchhub.tasks.contract.asked import Asked
from benchhub.tasks.contract.looks import adds_up, flat, from_0_to_1, shape, whole, zero_one
from benchhub.tasks.contract.reason import NoReading
from benchhub.tasks.contract.scale import LOGS, SHARES, look_like_logs, must_be_shares

#: The label of a pixel, and of a token, that does not count.
IGNORED_PIXEL, IGNORED_TOKEN = 255, -100
_BLANK = "<blank>"


def find_masks(values: Array, labels: Array, asked: Asked, integers: bool) -> Reading:
    """Return how the class of each pixel is read; NoReading."""
    if not whole(labels):
        raise NoReading("labels are no whole numbers; give the class of each pixel")
    truth = _pixels(labels)
    _check_classes_of(truth)
    sizes, case = truth.shape[1:], values.shape[1:]
    if case in (sizes, (1, *sizes), (*sizes, 1)):
        axis, columns = 1, 1
        if truth.ndim > 3 and not asked.labels:
            raise NoReading(
                f'labels and it have {shape(truth[0])} a case: write labels = "masks" under [data]'
                " if that is one map, as of a volume; things that lie over each other need a case"
                " each, or a metric of your own"
            )
    else:
        found = [(1, case[0])] if case[1:] == sizes else []
        found += [(-1, case[-1])] if case[:-1] == sizes else []
        if len(found) != 1:
            many = "it is not told which axis the classes run along" if found else (
                f"a case has {shape(values[0])}, and its labels {shape(truth[0])}; there should be"
                " one map, or one a class"
            )  # fmt: skip
            raise NoReading(f"{many}; make a map of classes of it with predict")
        axis, columns = found[0]
    counted = truth[truth != IGNORED_PIXEL]
    scale, classes = "", columns
    if columns == 1:
        if integers and values.dtype.kind != "b" and (counted.max() < 2 or not zero_one(values)):
            _check_classes_told(values, counted, asked)
            scale, classes = "class", int(max(counted.max(), values.max())) + 1
        elif counted.max() > 1:
            raise NoReading(f"labels go up to {int(counted.max())}, and one map can be of two only")
        else:
            scale = _yes(values, asked, integers)
    elif counted.max() >= columns:
        raise NoReading(f"label {int(counted.max())} has no map among {columns}")
    return Reading("masks", scale, columns=classes, axis=axis, integers=integers)


def _check_classes_of(truth: Array) -> None:
    """Raise NoReading unless labels (cases, ..) hold several classes of pixels."""
    counted = truth[truth != IGNORED_PIXEL]
    if not counted.size or counted.min() == counted.max():
        away = f" beside {IGNORED_PIXEL}, which does not count: write another number for it"
        beside = away if counted.size < truth.size else ""
        raise NoReading(f"all pixels are of one class, which tells nothing{beside}")
    if counted.min() < 0:
        raise NoReading(f"label {int(counted.min())} is of no class: they are counted from 0")
    for axis in (1, -1) if truth.ndim > 3 and zero_one(truth) else ():
        if truth.shape[axis] > 1 and bool((truth.sum(axis=axis) == 1).all()):
            raise NoReading(
                f"labels have one 1 along axis {axis}, as classes that are one-hot; give the class"
                f" of each pixel: labels = labels.argmax({axis})"
            )


def _check_classes_told(values: Array, counted: Array, asked: Asked) -> None:
    """Raise NoReading where a map of whole numbers may hold other things than classes."""
    least, most = int(values.min()), int(values.max())
    if least < 0:
        raise NoReading(f"it has {least}, which is of no class: they are counted from 0")
    if not asked.labels and values.dtype.itemsize == 1 and counted.max() < 2 and most > 1:
        raise NoReading(
            f"labels are 0 and 1, and it has whole numbers of 8 bits up to {most}, which may be"
            ' classes or scores: write labels = "masks" if they are classes, or let the model give'
            " floats"
        )


def masks(output: Array, labels: Array, reading: Reading) -> tuple[Array, Array]:
    """Return the class of each pixel, answered and true, both (cases, ..); -1: not a number."""
    truth = _pixels(labels).astype(np.int64)
    if reading.scores:
        maps = output.reshape(truth.shape)
        if reading.scores == "class":
            return maps.astype(np.int64), truth
        if (maps.dtype.kind in "biu") != reading.integers:
            raise ValueError(f"scores are {maps.dtype}, of another scale than the reference's")
        found = maps > (0.5 if reading.scores == "probabilities" else 0)
        return found.astype(np.int64), truth
    found = output.argmax(axis=reading.axis)
    if output.dtype.kind == "f":
        found = np.where(np.isnan(output).any(axis=reading.axis), -1, found)
    return np.asarray(found, dtype=np.int64), truth


def find_tokens(values: Array, labels: Array, asked: Asked) -> Reading:
    """Return how the probability of each true token is read; NoReading."""
    if values.ndim != 3 or labels.shape != values.shape[:2]:
        raise NoReading("it reads scores (cases, tokens, vocabulary) and labels (cases, tokens)")
    if not whole(labels):
        raise NoReading("labels are no whole numbers; tokens are")
    counted = labels[labels != IGNORED_TOKEN]
    if not counted.size:
        raise NoReading(f"all tokens are {IGNORED_TOKEN}, which do not count")
    if counted.min() < 0 or counted.max() >= values.shape[2]:
        wrong = int(counted.min() if counted.min() < 0 else counted.max())
        raise NoReading(
            f"token {wrong} is not among {values.shape[2]}; one that does not count is"
            f" {IGNORED_TOKEN}"
        )
    if values.dtype.kind != "f":
        raise NoReading("whole numbers have no scale; let the model give floats")
    rows = values.reshape(-1, values.shape[2])
    return Reading("tokens", _of_vocabulary(rows, asked), columns=values.shape[2])


def _of_vocabulary(rows: Array, asked: Asked) -> str:
    """Return what the scores of tokens (n, vocabulary) are; NoReading."""
    if asked.scores == "positive":
        raise NoReading('scores = "positive" is of one column')
    if asked.scores == "probabilities" and not from_0_to_1(rows):
        raise NoReading('scores = "probabilities" was written, and they are not from 0 to 1')
    if asked.scores == "probabilities" and not adds_up(rows):
        raise NoReading('scores = "probabilities" was written, and rows do not add up to 1')
    if asked.scores == "logits" and must_be_shares(rows, apart=False):
        raise NoReading(SHARES)
    scale = asked.scores or ("probabilities" if adds_up(rows) else "logits")
    if not asked.scores and scale == "logits" and from_0_to_1(rows):
        raise NoReading("rows are from 0 to 1 and do not add up to 1; write scores under [data]")
    return scale


def tokens(output: Array, labels: Array, reading: Reading) -> tuple[Array, Array]:
    """Return the log probability of each true token, 0 where none counts, and the labels."""
    if output.ndim != 3 or output.shape[2] != reading.columns or output.dtype.kind != "f":
        raise ValueError(
            f"scores of {output.dtype} and shape {output.shape}, not as the reference's"
        )
    found = np.zeros(labels.shape)
    for row, scores, true in zip(found, output, labels.astype(np.int64), strict=True):
        kept = true != IGNORED_TOKEN
        whole_row = np.asarray(scores[kept], dtype=np.float64)
        mine = whole_row[np.arange(len(whole_row)), true[kept]]
        if reading.scores == "probabilities":
            row[kept] = np.log(np.clip(mine, 1e-300, 1))  # above 1 lies what is rounded so
        else:
            row[kept] = mine - np.logaddexp.reduce(whole_row, axis=1)
    return found, labels


def find_vectors(values: Array, labels: Array) -> Reading:
    """Return how vectors and who they are of are read; NoReading."""
    rows, names = flat(values), flat(labels)
    if rows is None or rows.shape[1] < 2:
        raise NoReading("a case should have one vector")
    if names is None or names.shape[1] != 1:
        raise NoReading("labels should be one number a case: cases of the same one belong together")
    counts = np.unique(names, return_counts=True)[1]
    if len(counts) < 2 or counts.max() < 2:
        raise NoReading("there should be several labels, and some that several cases have")
    return Reading("class", columns=rows.shape[1])


def find_text(values: Array, labels: Array, asked: Asked) -> Reading:
    """Return how a text is read: it is the output, or made of scores by the alphabet; NoReading."""
    if labels.dtype.kind != "U" or labels.reshape(len(labels), -1).shape[1] != 1:
        raise NoReading("labels should be one text a case, an array of strings")
    if not any(labels.reshape(-1).tolist()):
        raise NoReading("all labels are empty")
    if values.dtype.kind == "U" and values.reshape(len(values), -1).shape[1] == 1:
        return Reading("text")
    if values.ndim != 3 or values.dtype.kind not in "fiu":
        raise NoReading("it reads a text a case, or scores (cases, steps, symbols)")
    symbols = asked.alphabet
    if len(symbols) != values.shape[2]:
        said = f"{len(symbols)} lines" if symbols else "none"
        raise NoReading(
            f'it has {values.shape[2]} symbols and the alphabet {said}: write alphabet = "file.txt"'
            f" under [data], a line a symbol, {_BLANK} for the blank"
        )
    if symbols.count(_BLANK) != 1:
        raise NoReading(f"the alphabet has {symbols.count(_BLANK)} lines {_BLANK}; it needs one")
    return Reading("text", columns=len(symbols), symbols=symbols)


def texts(output: Array, labels: Array, reading: Reading) -> tuple[Array, Array]:
    """Return the answered text of each case and the true one: (cases,) both.

    Of scores it is the largest symbol of each step, repeated ones once, without blanks (A. Graves
    et al., ICML 2006, best path decoding).
    """
    truth = labels.reshape(-1)
    if not reading.symbols:
        return output.reshape(-1), truth
    if output.ndim != 3 or output.shape[2] != len(reading.symbols):
        raise ValueError(f"scores of shape {output.shape} for {len(reading.symbols)} symbols")
    path = output.argmax(axis=2)
    kept = np.ones(path.shape, dtype=bool)
    kept[:, 1:] = path[:, 1:] != path[:, :-1]
    kept &= path != reading.symbols.index(_BLANK)
    made = [
        "".join(reading.symbols[k] for k in row[of]) for row, of in zip(path, kept, strict=True)
    ]
    return np.array(made, dtype=np.str_), truth


def _pixels(labels: Array) -> NDArray[np.int64]:
    """Return labels (cases, ..) without an axis of channels."""
    if labels.ndim == 4 and labels.shape[1] == 1:
        labels = labels[:, 0]
    elif labels.ndim == 4 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if labels.ndim < 3:
        raise NoReading("labels should be the class of each pixel, (cases, height, width)")
    return labels


def _yes(values: Array, asked: Asked, integers: bool) -> str:
    """Return what the scores of one map are, so that it is known where they become a yes."""
    said = asked.scores if asked.scores != "positive" else ""
    if integers:
        return "probabilities"  # an answer, 0 or 1
    if said == "probabilities" and not from_0_to_1(values):
        raise NoReading('scores = "probabilities" was written, and they are not from 0 to 1')
    if said == "logits" and from_0_to_1(values):
        raise NoReading(SHARES)
    if not said and look_like_logs(values):
        raise NoReading(LOGS)
    return said or ("probabilities" if from_0_to_1(values) else "logits")


FORMS = {Reads.MASKS: masks, Reads.TOKENS: tokens, Reads.TEXT: texts}
