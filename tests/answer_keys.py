"""What a project's outputs would be judged against, its reference computed within the test."""

from __future__ import annotations

import onnxruntime
from project import Project

from benchhub.config.suite import load_suite
from benchhub.model.asked import Suite
from benchhub.model.quality import AnswerKey
from benchhub.run.answers import answering_of, make_answer_key
from benchhub.tasks import Dataset
from benchhub.tasks.opening import open_data


def opened(project: Project) -> tuple[Suite, Dataset]:
    """The suite of a project, and its data."""
    suite = load_suite(project.suite)
    return suite, open_data(suite, None, project.folder / "cache")


def key_of(project: Project) -> AnswerKey:
    """The answer key of a project whose baseline is `model.onnx`."""
    suite, dataset = opened(project)
    cases = dataset.cases(None)
    session = onnxruntime.InferenceSession(
        str(project.suite.parent / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    names = tuple(one.name for one in session.get_outputs())
    reference = tuple(session.run(list(names), dict(cases.inputs)))
    answering = answering_of(suite, dataset, cases, names)
    return make_answer_key(suite, dataset, cases, reference, 4, answering)
