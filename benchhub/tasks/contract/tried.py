"""A metric tried on the reference as it is read, so that it fails before anything is measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from benchhub.model.quality import Cases, Metric, Reading, Reads
from benchhub.tasks.contract.find_boxes import doubt
from benchhub.tasks.contract.looks import labels_in_words, output_in_words
from benchhub.tasks.contract.output import Output, by_position
from benchhub.tasks.contract.reason import UNFIT, NoReading
from benchhub.tasks.contract.seen import Seen, read_output, seen
from benchhub.text import plural

#: Forms in which labels are of things that have names.
_OF_THINGS = (Reads.COLUMNS, Reads.ODDS)
_NAMED = (Reads.CLASSES, Reads.RANKED, Reads.MASKS, *_OF_THINGS)


def check_tried(
    metric: Metric, outputs: Sequence[Output], cases: Cases, reading: Reading, own: bool
) -> None:
    """Judge the reference once; NoReading: the metric raises, or these cases leave it undefined.

    With labels of a user's `own` so do names that are not as many as what they name, and a label
    that is there in all of the cases, or in none, and has no part in the metric.
    """
    output = next(one for one in outputs if one.position == reading.output)
    if own:
        _check_names(metric, reading, cases.label_names)
    try:
        values = read_output(by_position(outputs), reading)
        given = seen(values, cases.labels, cases.label_names, metric, reading)
        value, parts = _judged(metric, given)
    except UNFIT as error:
        raise NoReading(
            f"{metric.name} cannot read output {output.name!r} ({output_in_words(output.values)})"
            f" with labels ({labels_in_words(cases.labels)}): {error}"
        ) from error
    if not math.isfinite(value):
        raise NoReading(
            f"{metric.name} of the baseline is undefined on these {len(given.labels)} cases;"
            " use more of them, or another metric"
        )
    silent = [name for name, part in parts.items() if math.isnan(part)]
    if own and silent and reading.labels == "multi-label":
        raise NoReading(
            f"{metric.name} tells nothing of label {silent[0]}, which has one class only in these"
            f" {len(given.labels)} cases; use more of them, or leave the label and the model's"
            " output for it out"
        )
    if reading.boxes and (why := doubt(metric, outputs, cases.labels, reading, value)):
        raise NoReading(why)


def _judged(metric: Metric, given: Seen) -> tuple[float, Mapping[str, float]]:
    """Return the metric of what it sees, and its parts."""
    once = np.ones((1, len(given.labels)))
    if metric.table is None:
        value = metric.weighted(given.outputs, given.labels, once)
        return float(value[0]), metric.parts(given.outputs, given.labels, given.names)
    table = metric.table.of(given.outputs, given.labels)
    value = metric.table.weighted(table, once)
    if metric.table.parts is not None:
        return float(value[0]), metric.table.parts(table, given.names)
    return float(value[0]), metric.parts(given.outputs, given.labels, given.names)


def _check_names(metric: Metric, reading: Reading, names: Sequence[str]) -> None:
    """Raise NoReading where label names are not as many as what they are of."""
    if not names or metric.reads not in _NAMED:
        return
    apart = metric.reads in _OF_THINGS
    things = max(reading.columns, 1 if apart else 2)
    fits = len(names) == things
    if reading.scores == "class":
        fits = len(names) >= things
    elif apart and (things == 1 or (things == 2 and reading.labels != "multi-label")):
        fits = len(names) in (1, 2)  # of the second class, or of both
    if not fits:
        of = plural(things, "label" if reading.labels == "multi-label" else "class")
        raise NoReading(
            f"label_names has {plural(len(names), 'name')} for {of}; give each its own, in their"
            " order"
        )
