"""What a run's outputs are judged against: cases, metrics, the baseline's answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchhub.agreement import sketch, spread
from benchhub.errors import ConfigError, nearest
from benchhub.model import Array, Cases, Metric, OwnReference, Suite, Truth
from benchhub.tasks import Dataset, get_task
from benchhub.tasks.predictions import get_prediction, predicted

#: Packages whose name is not that of their module.
_PACKAGES = {"skimage": "scikit-image", "PIL": "pillow"}


def open_data(suite: Suite, data: Path | None, cache: Path) -> Dataset:
    """Return the data set of a suite; ConfigError, naming its file where `[data]` is at fault."""
    try:
        return get_task(suite.task)(suite.data, suite.path.parent, data, cache)
    except ConfigError as error:
        # The tasks know the key, not the file it stands in.
        if str(error).startswith("data."):
            raise ConfigError(f"{suite.path}: {error}") from error
        raise


@contextmanager
def packages_explained(suite: Suite) -> Iterator[None]:
    """Turn a package that the task needs and that is not installed into a ConfigError."""
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "benchhub").split(".")[0]
        if module == "benchhub":
            raise
        package = _PACKAGES.get(module, module)
        raise ConfigError(
            f"{suite.path}: task {suite.task} needs {package}, which is not installed;"
            f" pip install {package}"
        ) from error


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


def make_truth(
    suite: Suite, dataset: Dataset, cases: Cases, reference: tuple[Array, ...], check_cases: int
) -> Truth:
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
    return Truth(
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
