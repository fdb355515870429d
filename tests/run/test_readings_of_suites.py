"""A suite's metrics read its model rightly or the run ends before anything is measured."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from answer_keys import key_of
from builders import make_plan, make_run, make_variant
from onnx import TensorProto, helper, numpy_helper
from project import Project, make_project
from scipy.special import expit
from sklearn.metrics import accuracy_score, roc_auc_score

from benchhub.errors import ConfigError
from benchhub.model.quality import AnswerKey
from benchhub.results.rows.quality.assess import assess
from benchhub.store import Store
from benchhub.tasks.metrics import get_metric

CASES = 240
RNG = np.random.default_rng(4)
X = RNG.normal(size=(CASES, 4)).astype(np.float32)
LABELS = (X[:, 0] + 0.8 * RNG.normal(size=CASES) > 0).astype(np.int64)
#: What the model's one number a case ranks by, before its last layer.
SCORE = 2 * X[:, 0]


def write(path: Path, last: tuple[str, ...], columns: int, outputs: tuple[str, ...]) -> None:
    """Write a model of x (n, 4): x @ w, then the operators `last` make its outputs."""
    weight = np.zeros((4, columns), np.float32)
    weight[0, -1] = 2.0
    nodes = [helper.make_node("MatMul", ["x", "w"], ["z"])]
    nodes += [
        helper.make_node(operator, ["z"], [name], **({"axis": 1} if operator == "Softmax" else {}))
        for operator, name in zip(last, outputs, strict=True)
    ]
    graph = helper.make_graph(
        nodes,
        "of-one-number",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info(o, TensorProto.FLOAT, ["n", columns]) for o in outputs],
        [numpy_helper.from_array(weight, "w")],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))


def without_int8(project: Project) -> Project:
    project.edit('[[variants]]\nname = "int8"\nfrom = "fp32"\nrecipe = "int8-dynamic"\n', "")
    return project


def make(
    folder: Path, metric: str, labels: Any, last: tuple[str, ...], columns: int, more: str = ""
) -> Project:
    project = without_int8(make_project(folder))
    outputs = tuple(f"y{index}" for index in range(len(last)))
    write(project.suite.parent / "model.onnx", last, columns, outputs)
    np.savez(project.suite.parent / "cases.npz", x=X, labels=labels)
    project.edit('metric = "macro_auc"\n', f'metric = "{metric}"\n{more}')
    return project


def stored(project: Project) -> AnswerKey:
    """The answer key of a project, from a store that it went through."""
    key = key_of(project)
    with Store.open(f"sqlite:///{project.folder}/benchhub.db") as store:
        store.create_run(make_run(), make_plan(), key, [make_variant()], ())
        back = store.answer_key(make_run().id)
    assert back is not None
    assert back.readings == key.readings
    return back


def damaged(output: np.ndarray) -> np.ndarray:
    """The answers of a model that was ruined: half of its cases answer as another one."""
    rows = np.arange(len(output))
    rows[::2] = np.roll(rows[::2], 7)
    return output[rows]


@pytest.mark.usefixtures("processes")
def test_two_columns_and_an_auc_lose_what_they_lose(tmp_path):
    answer_key = stored(make(tmp_path, "macro_auc", LABELS, ("Softmax",), 2))
    true = roc_auc_score(LABELS, SCORE)
    ruined = damaged(answer_key.reference[0])
    found = assess([ruined], answer_key, get_metric("macro_auc"), answer_key.reference, 300)
    assert found.baseline == pytest.approx(true, abs=1e-6)
    assert found.value == pytest.approx(roc_auc_score(LABELS, ruined[:, 1]))
    assert found.loss.low > 0.05
    assert (found.chance, found.baseline > 0.8) == (0.5, True)


@pytest.mark.usefixtures("processes")
def test_one_column_and_accuracy_lose_what_they_lose(tmp_path):
    answer_key = stored(make(tmp_path, "accuracy", LABELS, ("Sigmoid",), 1))
    true = accuracy_score(LABELS, SCORE > 0)
    ruined = damaged(answer_key.reference[0])
    found = assess([ruined], answer_key, get_metric("accuracy"), answer_key.reference, 300)
    assert found.baseline == pytest.approx(true)
    assert found.value == pytest.approx(accuracy_score(LABELS, ruined[:, 0] > 0.5))
    assert found.loss.low > 0.05
    assert found.chance == max(LABELS.mean(), 1 - LABELS.mean())


@pytest.mark.usefixtures("processes")
def test_one_column_of_logits_is_told_from_probabilities(tmp_path):
    answer_key = stored(make(tmp_path, "accuracy", LABELS, ("Identity",), 1))
    reading = answer_key.readings["accuracy"]
    assert (reading.labels, reading.scores, reading.columns) == ("class", "logits", 1)
    found = assess(answer_key.reference, answer_key, get_metric("accuracy"), answer_key.reference)
    assert found.value == pytest.approx(accuracy_score(LABELS, expit(SCORE) > 0.5))


@pytest.mark.usefixtures("processes")
def test_each_metric_has_its_own_reading(tmp_path):
    more = 'also = ["macro_auc", "log_loss"]\n'
    answer_key = stored(make(tmp_path, "accuracy", np.eye(2)[LABELS], ("Softmax",), 2, more))
    told = {name: (one.labels, one.scores) for name, one in answer_key.readings.items()}
    assert told == {
        "accuracy": ("one-hot", ""),
        "macro_auc": ("one-hot", "probabilities"),
        "log_loss": ("one-hot", "probabilities"),
    }


@pytest.mark.usefixtures("processes")
def test_the_output_that_is_named_is_read(tmp_path):
    more = 'output = "y1"\n'
    answer_key = stored(make(tmp_path, "accuracy", LABELS, ("Neg", "Softmax"), 2, more))
    assert answer_key.readings["accuracy"].output == 1
    found = assess(answer_key.reference, answer_key, get_metric("accuracy"), answer_key.reference)
    assert found.value == pytest.approx(accuracy_score(LABELS, SCORE > 0))


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize(
    ("metric", "labels", "last", "columns", "more", "wanted"),
    [
        ("accuracy", LABELS, ("Neg", "Softmax"), 2, "", "'y0', 'y1'; write output = \"y0\""),
        ("accuracy", LABELS, ("Softmax",), 2, 'output = "y"\n', "no output 'y'; did you mean y0"),
        ("macro_auc", np.arange(CASES) % 3, ("Softmax",), 2, "", "label 2 has no column among 2"),
        ("macro_auc", LABELS, ("Softmax",), 3, "", "labels are 0 and 1, and it has 3 columns"),
        ("macro_auc", LABELS, ("Sigmoid",), 2, "", 'scores = "probabilities" or scores = "logits"'),
        ("accuracy", LABELS * 2 - 1, ("Sigmoid",), 1, "", "labels = (labels + 1) // 2"),
        ("accuracy", LABELS, ("Softmax",), 2, 'labels = "classes"\n', "did you mean class?"),
        ("mean_absolute_error", LABELS, ("Softmax",), 2, "", "one number is needed for each label"),
        ("dice", LABELS, ("Neg", "Softmax"), 2, "", "dice can read 2 of the model's outputs"),
        ("dice", LABELS, ("Softmax",), 2, "", "dice cannot read output 'y0'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_line(tmp_path, metric, labels, last, columns, more, wanted):
    project = make(tmp_path, metric, labels, last, columns, more)
    with pytest.raises(ConfigError) as caught:
        key_of(project)
    assert wanted in str(caught.value)
    assert "suite.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_dry_run_ends_with_what_to_write(tmp_path, processes):
    project = make(tmp_path, "macro_auc", LABELS, ("Sigmoid",), 2)
    done = project.here("run", "tiny", "--dry-run")
    assert (done.code, 'write scores = "probabilities"' in done.error) == (2, True)


def test_the_dry_run_tells_how_labels_and_outputs_are_read(tmp_path, processes):
    project = make(tmp_path, "accuracy", LABELS, ("Sigmoid",), 1)
    done = project.here("run", "tiny", "--dry-run")
    said = " ".join(done.out.split())
    assert "accuracy reads output 'y0' as probabilities of one column, 0.5 being even," in said
    true = accuracy_score(LABELS, SCORE > 0)
    alike = max(LABELS.mean(), 1 - LABELS.mean())
    assert f": the baseline has {true:.3f}, and one answer for all cases {alike:.3f}" in said


@pytest.mark.usefixtures("processes")
def test_a_model_with_an_input_called_ids_is_judged(tmp_path):
    """Case 09: token ids, whose name the archive keeps for itself."""
    project = without_int8(make_project(tmp_path))
    rng = np.random.default_rng(5)
    table = rng.standard_normal((12, 6)).astype(np.float32)
    weight = rng.standard_normal((6, 3)).astype(np.float32)
    ids = rng.integers(0, 12, (64, 5))
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "ids"], ["e"]),
            helper.make_node("ReduceMean", ["e"], ["p"], axes=[1], keepdims=0),
            helper.make_node("MatMul", ["p", "w"], ["y"]),
        ],
        "tokens",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["N", 5])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])],
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(project.suite.parent / "model.onnx"))
    np.savez(project.suite.parent / "cases.npz", ids=ids, labels=np.arange(64) % 3)
    project.edit('metric = "macro_auc"\n', 'metric = "accuracy"\n')
    with pytest.raises(ConfigError, match=r'write arrays = \{ labels = "labels" \}'):
        key_of(project)
    project.edit(
        '[[variants]]\nname = "fp32"', 'arrays = { labels = "labels" }\n[[variants]]\nname = "fp32"'
    )
    answer_key = stored(project)
    scores = table[ids].mean(axis=1) @ weight
    found = assess(answer_key.reference, answer_key, get_metric("accuracy"), answer_key.reference)
    assert found.value == pytest.approx(float((scores.argmax(axis=1) == np.arange(64) % 3).mean()))


def test_a_reading_of_a_newer_benchhub_is_refused(tmp_path):
    from benchhub.errors import StoreError
    from benchhub.model.quality import Reading
    from benchhub.store.stored.reading import read_reading, write_reading

    reading = Reading("one-hot", "logits", 2, "y", 4, True)
    assert read_reading(write_reading(reading)) == reading
    assert read_reading({"labels": "class"}) == Reading("class")
    with pytest.raises(StoreError, match="reading of a metric"):
        read_reading({**dataclasses.asdict(reading), "unheard_of": 1})
    assert ConfigError is not StoreError
