"""How metrics read a model, in words, and what its baseline has by them; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from benchhub.errors import MissingExtra
from benchhub.model.quality import AnswerKey, BoxReading, Metric, Reading
from benchhub.results.rows.quality.answered import reference_answers
from benchhub.tasks.contract.reason import UNFIT
from benchhub.tasks.contract.seen import read_output, seen
from benchhub.text import number

#: The score of one column that is neither a yes nor a no.
_EVEN: Mapping[str, str] = {"probabilities": "0.5", "logits": "0"}


def readings_told(answer_key: AnswerKey | None) -> dict[str, str]:
    """Return under `NAME reads` how each metric reads outputs and labels, as provenance has it."""
    readings = answer_key.readings if answer_key else {}
    return {f"{name} reads": in_words(reading) for name, reading in readings.items()}


def in_words(reading: Reading) -> str:
    """Return a reading as `output 'y' as logits of 3 columns, labels as class`."""
    if reading.labels == "own":
        return "all outputs, by its own code"
    output = f"output {reading.name!r}" if reading.name else f"output {reading.output}"
    if reading.boxes is not None:
        return f"{output} as boxes {_of_boxes(reading.boxes, reading.scores)}, labels as boxes"
    said = [part for part in (output, _as(reading)) if part]
    return f"{' as '.join(said)}, labels as {reading.labels or 'they are'}"


def _as(reading: Reading) -> str:
    if reading.scores == "class":
        return "the class itself"
    if reading.symbols:
        return f"scores of {len(reading.symbols)} symbols"
    if not reading.columns:
        return ""
    scores = reading.scores or "scores"
    if reading.columns > 1:
        return f"{scores} of {reading.columns} columns"
    even = _EVEN.get(reading.scores)
    return f"{scores} of one column" + (f", {even} being even" if even else "")


def _of_boxes(how: BoxReading, scores: str) -> str:
    nothing = f", the {how.background} class nothing" if how.background else ""
    several = f", {how.per_box} class of a box" if how.per_box else ""
    return f"{how.form} with scores as {scores}{nothing}{several}"


def baseline_told(answer_key: AnswerKey, metrics: Sequence[Metric]) -> Iterator[str]:
    """Yield a line for each metric that has a reading: that, and what the baseline has by it.

    What one answer for all cases has stands beside it, where that is known.
    """
    outputs = reference_answers(answer_key)
    for metric in metrics:
        reading = answer_key.readings.get(metric.name)
        if reading is None:
            continue
        line = f"{metric.name} reads {in_words(reading)}"
        try:
            values = read_output(outputs, reading)
            given = seen(values, answer_key.labels, (), metric, reading)
            once = np.ones((1, len(given.labels)))
            value = float(metric.weighted(given.outputs, given.labels, once)[0])
            chance = metric.chance(given.labels) if metric.chance else None
        except (MissingExtra, *UNFIT):
            yield line
            continue
        beside = "" if chance is None else f", and one answer for all cases {number(chance)}"
        yield f"{line}: the baseline has {number(value)}{beside}"
