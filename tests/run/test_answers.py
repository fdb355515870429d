"""What outputs are judged against, and the mistakes a suite can make about it."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from project import Project
from segmenting import CASES, SIZE, make_segmenting, write_slices

from benchhub.config.request import RunRequest, located, resolve
from benchhub.errors import ConfigError
from benchhub.run.answers import make_answer_key, metrics_of
from benchhub.run.execute import Ready, make_ready, new_run
from benchhub.run.same_run import check_same
from benchhub.store import Store
from benchhub.tasks.metrics import get_metric
from benchhub.tasks.opening import open_data, packages_explained


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_segmenting(tmp_path)


def ready(project: Project) -> Ready:
    request = located(RunRequest("tiny", ("localhost",)), project.folder)
    return make_ready(resolve(request), project.folder / "cache", lambda text: None)


@pytest.mark.usefixtures("processes")
def test_predictions_of_all_and_raw_outputs_of_the_check_cases_are_kept(project: Project) -> None:
    prepared = ready(project).prepared
    answer_key = prepared.answer_key
    assert answer_key is not None
    assert answer_key.predictions is not None
    assert (answer_key.metric, answer_key.also, answer_key.predict) == (
        "dice",
        ("dice_worst5",),
        "argmax-labels",
    )
    assert answer_key.predictions.shape == (CASES, SIZE, SIZE)
    assert answer_key.predictions.dtype == np.uint8
    assert (answer_key.reference[0].shape[0], prepared.reference[0].shape[0]) == (4, CASES)
    np.testing.assert_array_equal(answer_key.predictions, prepared.reference[0].argmax(axis=1))


@pytest.mark.usefixtures("processes")
def test_the_suite_says_which_metric_comes_first(project: Project) -> None:
    project.edit(
        'metric = "dice"\nalso = ["dice_worst5"]', 'metric = "dice_worst5"\nalso = ["dice"]'
    )
    answer_key = ready(project).prepared.answer_key
    assert answer_key is not None
    assert (answer_key.metric, answer_key.also) == ("dice_worst5", ("dice",))


class Judged:
    """As much of a data set as the choice of metrics looks at."""

    metric = get_metric("macro_auc")
    also = (get_metric("accuracy"), get_metric("mean_absolute_error"))


class Old:
    """A data set of a task that knows one metric."""

    metric = get_metric("macro_auc")


def asking(project: Project, **data: Any) -> Any:
    request = located(RunRequest("tiny", ("localhost",)), project.folder)
    return dataclasses.replace(resolve(request).suite, data=data)


def test_any_of_a_tasks_metrics_may_be_first(project: Project) -> None:
    for first, names in (
        (None, ["macro_auc", "accuracy", "mean_absolute_error"]),
        ("accuracy", ["accuracy", "macro_auc", "mean_absolute_error"]),
    ):
        suite = asking(project, **({"metric": first} if first else {}))
        assert [metric.name for metric in metrics_of(suite, Judged())] == names  # type: ignore[arg-type]
    (only,) = metrics_of(asking(project), Old())  # type: ignore[arg-type]
    assert only.name == "macro_auc"


def test_a_metric_that_a_task_lacks_is_said_with_the_file(project: Project) -> None:
    with pytest.raises(ConfigError) as caught:
        metrics_of(asking(project, metric="acuracy"), Judged())  # type: ignore[arg-type]
    assert str(caught.value) == (
        f"{project.suite}: data.metric: task npz has no metric 'acuracy'; did you mean accuracy?"
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('metric = "dice"', 'metric = "dicee"', "data.metric: metric 'dicee' is unknown; did you"),
        (
            '"dice_worst5"',
            '"dice_wrst5"',
            "data.also: metric 'dice_wrst5' is unknown; did you mean",
        ),
        ('["dice_worst5"]', '"dice"', "data.also must be a list of names of metrics, not 'dice'"),
        ("argmax-labels", "argmax", "data.predict: prediction 'argmax' is unknown; did you mean"),
        ("inputs =", "input =", "data.input is unknown; did you mean inputs?"),
    ],
)
def test_mistakes_in_data_name_the_suite_file(
    project: Project, old: str, new: str, said: str
) -> None:
    project.edit(old, new)
    with pytest.raises(ConfigError) as caught:
        ready(project)
    assert str(caught.value).startswith(f"{project.suite}: {said}")
    assert "\n" not in str(caught.value)


def test_a_baseline_that_nothing_can_be_predicted_from_is_said(project: Project) -> None:
    suite = asking(project, inputs="cases.npz", metric="dice", predict="argmax-labels")
    dataset = open_data(suite, None, project.folder / "cache")
    with pytest.raises(ConfigError) as caught:
        make_answer_key(suite, dataset, dataset.cases(None), (np.zeros((CASES, 3)),), 4)
    assert str(caught.value).startswith(
        f"{suite.path}: task npz cannot predict from the first output of fp32, of shape (12, 3): "
    )


def test_a_package_that_a_task_needs_is_named_as_pip_knows_it(project: Project) -> None:
    suite = asking(project)
    with pytest.raises(ConfigError) as caught, packages_explained(suite):
        raise ModuleNotFoundError("No module named 'skimage.color'", name="skimage.color")
    assert str(caught.value) == (
        f"{suite.path}: task npz needs scikit-image, which is not installed;"
        " pip install scikit-image"
    )
    with pytest.raises(ModuleNotFoundError), packages_explained(suite):
        importlib.import_module("benchhub.tasks.none_such")


@pytest.mark.usefixtures("processes")
def test_a_run_is_not_resumed_where_a_case_beyond_the_check_cases_changed(
    project: Project,
) -> None:
    cases = project.suite.parent / "cases.npz"
    with Store.open(f"sqlite:///{project.folder}/results.db") as store:
        first = ready(project)
        run = new_run(store, first, "benchhub run tiny")
        stored = store.answer_key(run.id)
        assert stored is not None
        assert first.prepared.answer_key is not None
        assert stored.spreads == first.prepared.answer_key.spreads
        check_same(store, run, ready(project))
        write_slices(cases, swapped=CASES - 1)
        with pytest.raises(ConfigError, match="cannot be resumed: the cases of its task npz"):
            check_same(store, run, ready(project))
        write_slices(cases)
        check_same(store, run, ready(project))
        project.edit('predict = "argmax-labels"', "")
        with pytest.raises(ConfigError, match="cannot be resumed: the cases of its task npz"):
            check_same(store, run, ready(project))
