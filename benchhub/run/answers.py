"""What a run's outputs are judged against: cases, metrics, the baseline's answers."""

from __future__ import annotations

from benchhub.errors import ConfigError, nearest
from benchhub.model.arrays import Array
from benchhub.model.asked import Suite
from benchhub.model.quality import AnswerKey, Cases, Metric, OwnReference
from benchhub.results.rows.agreement import sketch, spread
from benchhub.tasks import Dataset
from benchhub.tasks.predictions import get_prediction, predicted


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
    suite: Suite, dataset: Dataset, cases: Cases, reference: tuple[Array, ...], check_cases: int
) -> AnswerKey:
    """Return what outputs for `cases` are judged against.

    `reference` is the baseline's answer to them. Where the task predicts, predictions of all and
    the first `check_cases` of the reference are kept. ConfigError: it cannot be predicted from.
    """
    metric, *others = metrics_of(suite, dataset)
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
    )


def own_reference(outputs: tuple[Array, ...], check_cases: int) -> OwnReference:
    """Return what a variant that approximates none but itself is held against, of its `outputs`."""
    return OwnReference(
        tuple(output[:check_cases] for output in outputs), tuple(map(spread, outputs))
    )
