"""A run that judges nothing asks nothing of labels, nor for more cases than there are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from answer_keys import opened
from project import FEATURES, make_project

from benchhub.errors import ConfigError
from benchhub.run.answers import make_answer_key
from benchhub.run.prepare import _cases

CASES = 40
RNG = np.random.default_rng(8)
#: Sorted, as files of one class after the other are: the first cases are of one class.
SORTED = np.repeat([0, 1], CASES // 2)[:, None] * np.ones(3, dtype=int)
ALTERNATING = np.arange(3)[:, None] % 2 * np.ones(3, dtype=int)


def written(folder: Path, labels: np.ndarray):
    project = make_project(folder)
    x = RNG.normal(size=(len(labels), FEATURES)).astype(np.float32)
    np.savez(project.suite.parent / "cases.npz", x=x, labels=labels)
    return project


@pytest.mark.parametrize("labels", [SORTED, ALTERNATING], ids=["sorted", "three cases"])
def test_times_are_planned_whatever_the_labels_are(
    tmp_path: Path, labels: np.ndarray, processes: None
) -> None:
    project = written(tmp_path, labels)
    done = project.here("run", "tiny", "--scenario", "latency", "--dry-run")
    assert (done.code, "benchhub: " in done.err) == (0, False)


def test_what_cannot_be_read_has_no_reading_there_and_is_refused_where_it_is_judged(
    tmp_path: Path,
) -> None:
    project = written(tmp_path, SORTED)
    for scenarios in ("", "[scenarios.quality]\ncases = 6\n"):
        text = project.suite.read_text().partition("[scenarios.")[0]
        project.suite.write_text(f"{text}[scenarios.latency]\n{scenarios}")
        suite, dataset = opened(project)
        cases = _cases(suite, dataset)
        assert len(cases.ids) == (6 if scenarios else 4)
        answers = (RNG.normal(size=(len(cases.ids), 3)).astype(np.float32),)
        if scenarios:
            with pytest.raises(ConfigError, match="macro_auc of the baseline is undefined"):
                make_answer_key(suite, dataset, cases, answers, 4)
        else:
            assert make_answer_key(suite, dataset, cases, answers, 4).readings == {}
