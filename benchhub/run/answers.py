"""What a run's outputs are judged against: cases, metrics, the baseline's answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import count

import numpy as np

from benchhub.errors import ConfigError, nearest
from benchhub.model.arrays import Array
from benchhub.model.asked import Suite
from benchhub.model.quality import AnswerKey, Cases, Metric, OwnReference, Reading, Reads
from benchhub.results.rows.agreement import sketch, spread
from benchhub.tasks import Dataset
from benchhub.tasks.contract.asked import asked
from benchhub.tasks.contract.find import NoReading, Output, find
from benchhub.tasks.contract.looks import labels_in_words, output_in_words
from benchhub.tasks.contract.seen import seen
from benchhub.tasks.predictions import get_prediction, predicted

#: Where it is said what there is to write.
_PAGE = "docs/explanation/labels-and-outputs.md"


def metrics_of(suite: Suite, dataset: Dataset) -> tuple[Metric, ...]:
    """Return the metrics of a data set, the one that `data.metric` names first.

    ConfigError: the data set is not judged by such a metric.
    """
    known = (dataset.metric, *also(dataset))
    wanted = suite.data.get("metric", dataset.metric.name)
    first = [metric for metric in known if metric.name == wanted]
    if not first:
        names = [metric.name for metric in known]
        raise ConfigError(
            f"{suite.path}: data.metric: task {suite.task} has no metric {wanted!r}"
            f"{nearest(str(wanted), names)}"
        )
    return (first[0], *(metric for metric in known if metric.name != wanted))


def also(dataset: Dataset) -> tuple[Metric, ...]:
    """Return the further metrics of a data set; one that says nothing has none."""
    found: tuple[Metric, ...] = getattr(dataset, "also", ())
    return found


def make_answer_key(
    suite: Suite,
    dataset: Dataset,
    cases: Cases,
    reference: tuple[Array, ...],
    check_cases: int,
    names: Sequence[str] = (),
) -> AnswerKey:
    """Return what outputs for `cases` are judged against.

    `reference` is the baseline's answer to them, whose outputs have these `names`. Where the task
    predicts, predictions of all and the first `check_cases` of the reference are kept. ConfigError:
    it cannot be predicted from, or a metric cannot read it with these labels.
    """
    metric, *others = metrics_of(suite, dataset)
    names = names or [str(index) for index in range(len(reference))]
    predict = getattr(dataset, "predict", "")
    predictions = None
    if predict:
        try:
            predictions = predicted(get_prediction(predict), reference[0])[0]
        except ValueError as error:
            raise ConfigError(
                f"{suite.path}: task {suite.task} cannot predict from the first output of"
                f" {suite.baseline}, of shape {reference[0].shape}: {error}"
            ) from error
    outputs = [Output(*one) for one in zip(count(), names, reference, strict=False)]
    if predictions is not None:
        outputs = [Output(0, predict, predictions)]
    readings = _readings(suite, (metric, *others), outputs, cases)
    return AnswerKey(
        metric=metric.name,
        labels=cases.labels,
        ids=cases.ids,
        groups=cases.groups,
        label_names=cases.label_names,
        reference=tuple(one[:check_cases] for one in reference) if predict else reference,
        also=tuple(other.name for other in others),
        predict=predict,
        predictions=predictions,
        sketch=sketch(reference) if predict else None,
        spreads=tuple(map(spread, reference)) if predict else (),
        readings=readings,
    )


def _readings(
    suite: Suite, metrics: Sequence[Metric], outputs: Sequence[Output], cases: Cases
) -> dict[str, Reading]:
    """Return by metric how it reads outputs and labels; ConfigError if one of them cannot."""
    found: dict[str, Reading] = {}
    said = asked(suite.data)
    for metric in metrics:
        if metric.reads is Reads.FIRST and suite.task != "npz":
            continue  # the task's own metrics know its model: its first output
        try:
            reading = find(metric, outputs, cases.labels, said)
            _tried(metric, outputs, cases, reading)
        except NoReading as error:
            raise ConfigError(f"{suite.path}: data: {error}; see {_PAGE}") from error
        found[metric.name] = reading
    return found


def _tried(metric: Metric, outputs: Sequence[Output], cases: Cases, reading: Reading) -> None:
    """Judge the reference once; NoReading: the metric raises, or these cases leave it undefined."""
    output = next(one for one in outputs if one.position == reading.output)
    try:
        given = seen(output.values, cases.labels, cases.label_names, metric, reading)
        once = np.ones((1, len(given.labels)))
        value = float(metric.weighted(given.outputs, given.labels, once)[0])
    except (IndexError, ValueError) as error:
        raise NoReading(
            f"{metric.name} cannot read output {output.name!r} ({output_in_words(output.values)})"
            f" with labels ({labels_in_words(cases.labels)}): {error}"
        ) from error
    if not math.isfinite(value):
        raise NoReading(
            f"{metric.name} of the baseline is undefined on these {len(given.labels)} cases;"
            " use more of them, or another metric"
        )


def own_reference(outputs: tuple[Array, ...], check_cases: int) -> OwnReference:
    """Return what a variant that approximates none but itself is held against, of its `outputs`."""
    return OwnReference(
        tuple(output[:check_cases] for output in outputs), tuple(map(spread, outputs))
    )
