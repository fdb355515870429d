"""What a run's outputs are judged against: cases, metrics, the baseline's answers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from benchhub.errors import ConfigError, nearest
from benchhub.model.arrays import Array
from benchhub.model.asked import Suite
from benchhub.model.quality import AnswerKey, Cases, Metric, OwnReference, Reading, Reads
from benchhub.model.scenario import Scenario
from benchhub.results.rows.agreement import sketch, spread
from benchhub.results.rows.quality.outputs_read import compared
from benchhub.tasks import Dataset
from benchhub.tasks.contract.asked import asked
from benchhub.tasks.contract.find import find
from benchhub.tasks.contract.output import Output
from benchhub.tasks.contract.reason import NoReading
from benchhub.tasks.contract.tried import check_tried
from benchhub.tasks.own.metric import as_stored
from benchhub.tasks.own.scoring import Scoring
from benchhub.tasks.predictions import Predictor, get_predictor, predicted

#: Where it is said what there is to write.
_PAGE = "docs/explanation/labels-and-outputs.md"


@dataclass(frozen=True, slots=True)
class Answering:
    """What is made of a model's outputs before they are judged; `names` are the outputs'."""

    names: tuple[str, ...] = ()
    predictor: Predictor | None = None
    scoring: Scoring | None = None


def answering_of(suite: Suite, dataset: Dataset, cases: Cases, names: tuple[str, ...]) -> Answering:
    """Return what is made of outputs of these `names`; ConfigError: the suite names no function."""
    predict, own = getattr(dataset, "predict", ""), getattr(dataset, "own", ())
    return Answering(
        names,
        get_predictor(predict, suite.path.parent, names) if predict else None,
        Scoring(own, names, cases.labels) if own else None,
    )


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
    answering: Answering | None = None,
) -> AnswerKey:
    """Return what outputs for `cases` are judged against.

    `reference` is the baseline's answer to them. Where the task predicts, predictions of all and
    the first `check_cases` of the reference are kept. ConfigError: it cannot be predicted from, or
    a metric cannot read it with these labels.
    """
    metric, *others = metrics_of(suite, dataset)
    if answering is None:
        answering = answering_of(suite, dataset, cases, tuple(map(str, range(len(reference)))))
    names, predict = answering.names, getattr(dataset, "predict", "")
    predictions = own_scores = None
    if answering.predictor is not None:
        try:
            predictions = predicted(answering.predictor, reference)[0]
        except ValueError as error:
            read = "outputs" if answering.predictor.of_all else "first output"
            raise ConfigError(
                f"{suite.path}: task {suite.task} cannot predict from the {read} of"
                f" {suite.baseline}, of shape {reference[0].shape}: {error}"
            ) from error
    own: dict[str, Reading] = {}
    if answering.scoring is not None and _judges(suite):
        own_scores, own = _own_scores(suite, answering.scoring, reference, predict)
    outputs = [
        Output(*one)
        for one in zip(count(), names, reference, strict=False)
        if one[2].shape != (0,)  # it does not run over cases
    ]
    if not outputs:
        raise ConfigError(
            f"{suite.path}: none of the outputs of {suite.baseline} runs over cases"
            f" ({', '.join(names)}), so there is nothing to judge by; say rows and batch_axis of"
            " those that hold what was found in one case, or measure it without a suite: benchhub"
            " bench"
        )
    if predictions is not None:
        outputs = [Output(0, predict, predictions)]
    readings = own | _readings(
        suite, [one for one in (metric, *others) if one.name not in own], outputs, cases
    )
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
        own_scores=own_scores,
    )


def with_aside(
    key: AnswerKey,
    names: Sequence[str],
    outputs: Sequence[Array],
    aside: Mapping[int, str],
    progress: Callable[[str], None],
) -> AnswerKey:
    """Return the key without the outputs `aside`, that no metric reads, and say why of each.

    `outputs` are the whole of the reference, by these `names`.
    """
    if not aside:
        return key
    told = {at: f"output {names[at]} {why}" for at, why in sorted(aside.items())}
    for line in told.values():
        progress(f"{line}: no metric reads it, and it is not compared")
    key = dataclasses.replace(key, uncompared=told)
    if key.sketch is None:
        return key
    return dataclasses.replace(key, sketch=sketch(compared(outputs, key)))


def _own_scores(
    suite: Suite, scoring: Scoring, reference: Sequence[Array], predict: str
) -> tuple[Array, dict[str, Reading]]:
    """Return what the user's own metrics make of the reference, and their readings.

    ConfigError: one raises, returns something else than numbers, or leaves the baseline undefined.
    """
    try:
        parts = scoring.parts(reference)
        found: dict[str, Reading] = {}
        at = 0
        for one, columns in parts:
            width = columns.shape[1]
            # They lie behind all outputs, or behind what is predicted from them.
            reading = Reading(
                "own",
                output=1 if predict else len(reference),
                name=one.name,
                first=at,
                columns=width,
                unit=one.unit,
                lower_is_better=not one.higher_is_better,
            )
            metric = as_stored(one.name, reading)
            value = metric.weighted(columns, scoring.labels, np.ones((1, len(columns))))[0]
            if not math.isfinite(value):
                raise ValueError(f"{one.name} of the baseline is undefined on {len(columns)} cases")
            found[one.name] = reading
            at += width
    except ValueError as error:
        raise ConfigError(f"{suite.path}: {error}") from error
    return np.concatenate([columns for _, columns in parts], axis=1), found


def _judges(suite: Suite) -> bool:
    """Return whether quality is measured, so that metrics have to read what there is."""
    return any(spec.scenario is Scenario.QUALITY for spec in suite.scenarios)


def _readings(
    suite: Suite, metrics: Sequence[Metric], outputs: Sequence[Output], cases: Cases
) -> dict[str, Reading]:
    """Return by metric how it reads outputs and labels; ConfigError if one of them cannot.

    Where no quality is measured there are a few cases only, and one that cannot has no reading.
    """
    found: dict[str, Reading] = {}
    said = asked(suite.data, suite.path.parent)
    users = suite.task == "npz"
    for metric in metrics:
        if metric.reads is Reads.OWN or (metric.reads is Reads.FIRST and not users):
            continue  # the task's own metrics know its model: its first output
        try:
            reading = find(metric, outputs, cases.labels, said)
            check_tried(metric, outputs, cases, reading, own=users)
        except NoReading as error:
            if not _judges(suite):
                continue
            raise ConfigError(f"{suite.path}: data: {error}; see {_PAGE}") from error
        found[metric.name] = reading
    return found


def own_reference(outputs: tuple[Array, ...], check_cases: int) -> OwnReference:
    """Return what a variant that approximates none but itself is held against, of its `outputs`."""
    return OwnReference(
        tuple(output[:check_cases] for output in outputs), tuple(map(spread, outputs))
    )
