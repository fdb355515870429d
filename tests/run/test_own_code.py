"""Metrics and predictions of the user's own, on the detector of docs/how-to/own-metrics.md."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from answer_keys import key_of, opened
from onnx import TensorProto, helper, numpy_helper
from project import Project, make_project
from repository import ROOT

from benchhub.config.request import resolve
from benchhub.errors import ConfigError
from benchhub.results.load import load_results, metrics_of
from benchhub.run.same_run import check_code
from benchhub.store import Store
from benchhub.tasks.own.code import own_function

CASES, BOXES = 60, 4
PAGE = (ROOT / "docs" / "how-to" / "own-metrics.md").read_text("utf-8")
RUN = ("run", "tiny", "--device", "here")


def shown(name: str) -> str:
    """A file as the page shows it."""
    found = re.search(rf"`{re.escape(name)}`:\n\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    assert found, name
    return found[1]


def write_detector(path: Path) -> None:
    """Write a detector: x (n, 4, 5) holds boxes and logits; y their boxes, s their scores."""
    nodes = [
        helper.make_node("Slice", ["x", "zero", "four", "axis"], ["boxes"]),
        helper.make_node("Slice", ["x", "four", "five", "axis"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["raw"]),
        helper.make_node("Squeeze", ["raw", "axis"], ["scores"]),
    ]
    ends = {"zero": [0], "four": [4], "five": [5], "axis": [2]}
    graph = helper.make_graph(
        nodes,
        "detector",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", BOXES, 5])],
        [
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["n", BOXES, 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", BOXES]),
        ],
        [numpy_helper.from_array(np.array(at, np.int64), name) for name, at in ends.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))


def scenes() -> tuple[np.ndarray, np.ndarray]:
    """Candidates of the detector, (n, 4, 5), and the true boxes, (n, 3, 4), of which some are 0."""
    rng = np.random.default_rng(7)
    corner = rng.uniform(0, 60, (CASES, BOXES, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(10, 30, (CASES, BOXES, 2))], axis=2)
    logits = rng.normal(1.0, 1.5, (CASES, BOXES, 1))
    truth = boxes[:, :3] + rng.normal(0, 2.5, (CASES, 3, 4))
    truth[rng.random((CASES, 3)) < 0.3] = 0
    return np.concatenate([boxes, logits], axis=2).astype(np.float32), truth.astype(np.float32)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    both = max(wide, 0) * max(high, 0)
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return both / (area - both)


def recall_by_hand(x: np.ndarray, truth: np.ndarray) -> tuple[int, int]:
    """How many true boxes are found by a box with a score above .5, each by one of its own."""
    found = 0
    for candidates, true in zip(x, truth, strict=True):
        free = [c[:4] for c in candidates[np.argsort(-candidates[:, 4])] if c[4] > 0]
        for box in (t for t in true if t.any()):
            hits = [index for index, one in enumerate(free) if overlap(one, box) >= 0.5]
            if hits:
                found += 1
                free.pop(hits[0])
    return found, int(truth.any(axis=2).sum())


def make(folder: Path, **files: str) -> Project:
    project = make_project(folder)
    write_detector(project.suite.parent / "model.onnx")
    x, truth = scenes()
    np.savez(project.suite.parent / "cases.npz", x=x, labels=truth)
    project.edit('metric = "macro_auc"\n', 'metric = "metric.py:recall"\n')
    project.edit('[[variants]]\nname = "int8"\nfrom = "fp32"\nrecipe = "int8-dynamic"\n', "")
    for name, text in ({"metric.py": shown("metric.py")} | files).items():
        (project.suite.parent / name).write_text(text)
    return project


def test_a_metric_of_ones_own_reads_all_outputs_and_is_what_it_is_by_hand(tmp_path):
    project = make(tmp_path)
    project.edit("metric =", 'also = ["metric.py:best_overlap"]\nmetric =')
    key = key_of(project)
    assert key.own_scores.shape == (CASES, 3)
    x, truth = scenes()
    found, wanted = recall_by_hand(x, truth)
    assert key.own_scores[:, :2].sum(axis=0).tolist() == [found, wanted]
    recall, best = (one for one in metrics_of(key)[:1] + metrics_of(key)[1])
    told = recall.weighted(key.own_scores[:, :2], truth, np.ones((1, CASES)))
    assert told[0] == pytest.approx(found / wanted)
    assert 0.3 < told[0] < 0.95
    assert (best.name, best.higher_is_better) == ("metric.py:best_overlap", True)
    assert len(opened(project)[1].provenance["code metric.py"]) == 64


def test_post_processing_of_ones_own_is_what_metrics_see(tmp_path):
    project = make(tmp_path, **{"post.py": shown("post.py")})
    x, truth = scenes()
    np.savez(project.suite.parent / "cases.npz", x=x, labels=truth.any(axis=2).sum(axis=1))
    project.edit('"metric.py:recall"', '"mean_absolute_error"\npredict = "post.py:count"')
    key = key_of(project)
    counted = (x[:, :, 4] > 0).sum(axis=1)
    assert key.predictions.tolist() == counted.tolist()
    assert key.predict == "post.py:count"


@pytest.mark.parametrize(
    ("code", "name", "wanted"),
    [
        ("def recall(outputs, label):\n    return 1 / 0\n", "recall",
         "metric.py:recall raised ZeroDivisionError (division by zero) in line 2 for case 0"),
        ("def recall(outputs, label):\n    return outputs['box']\n", "recall", "KeyError ('box')"),
        ("def recall(outputs):\n    return 1\n", "recall", "raised TypeError"),
        ("def recall(outputs, label):\n    return outputs['boxes']\n", "recall",
         "returned an array of shape (4, 4) for case 0; return a finite number, or two"),
        ("def recall(outputs, label):\n    return 'good'\n", "recall", "returned 'good' for"),
        ("def recall(outputs, label):\n    return '3'\n", "recall", "returned '3' for case 0"),
        ("def recall(outputs, label):\n    return None\n", "recall", "finite number, or two"),
        ("def recall(outputs, label):\n    return float('inf')\n", "recall", "returned inf"),
        ("def recall(outputs, label):\n    return [1] * (1 + label.any(axis=1).all())\n",
         "recall", "return as many each time"),
        ("def recall(outputs, label):\n    return float('nan')\n", "recall",
         "metric.py:recall of the baseline is undefined"),
        ("def recal(outputs, label):\n    return 1\n", "recall", "did you mean recal?"),
        ("def recall(outputs, label)\n    return 1\n", "recall", "SyntaxError"),
        ("import no_such_package\n", "recall", "ModuleNotFoundError"),
        ("raise SystemExit(3)\n", "recall", "SystemExit (3) in line 1"),
        ("recall = 3\n", "recall", "has no function recall"),
        ("def recall(outputs, label):\n    return 1\nrecall.unit = 3\n", "recall", "unit a text"),
        ("", "re-call", 'write "file.py:function"'),
    ],
)  # fmt: skip
def test_a_metric_that_cannot_be_used_is_one_line(tmp_path, code, name, wanted):
    project = make(tmp_path, **{"metric.py": code})
    project.edit("metric.py:recall", f"metric.py:{name}")
    assert wanted in refused(project)


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("def count(outputs):\n    raise OSError('no')\n", "post.py:count raised OSError (no)"),
        ("def count(outputs):\n    return {}\n", "post.py:count returned object"),
        ("import random\nsizes = iter([1, 1, 2, 3, 4])\n"
         "def count(outputs):\n    return [0] * next(sizes)\n", "case must have one of"),
    ],
)  # fmt: skip
def test_a_prediction_that_cannot_be_used_is_one_line(tmp_path, code, wanted):
    project = make(tmp_path, **{"post.py": code})
    project.edit('"metric.py:recall"', '"mean_absolute_error"\npredict = "post.py:count"')
    assert wanted in refused(project)


def refused(project: Project) -> str:
    with pytest.raises(ConfigError) as caught:
        key_of(project)
    assert "\n" not in str(caught.value)
    assert "suite.toml" in str(caught.value)
    return str(caught.value)


def test_a_metric_that_raises_ends_the_dry_run(tmp_path, processes):
    project = make(tmp_path, **{"metric.py": "def recall(outputs, label):\n    return 1 / 0\n"})
    done = project.here("run", "tiny", "--dry-run")
    assert (done.code, "metric.py:recall raised ZeroDivisionError" in done.error) == (2, True)


def test_a_file_that_is_not_there_names_the_nearest(tmp_path):
    (tmp_path / "metrics.py").write_text("")
    with pytest.raises(ConfigError, match=r"metric.py: no such file; did you mean metrics.py\?"):
        own_function("metric.py:recall", tmp_path, "data.metric")


def test_a_run_is_judged_and_read_without_the_code_and_not_resumed_with_another(
    tmp_path, processes
):
    project = make(tmp_path)
    kept = '[[budgets]]\nname = "kept"\nquality_loss_max = 0.1\nquality_min_cases = 50\n'
    project.add(f"{kept}model_bytes = 10000000\n")
    done = project.run(*RUN)
    assert done.code == 0, done.err
    # Reading a store imports nothing, so it needs no file and is in no danger of one.
    trap = project.folder / "ran"
    (project.suite.parent / "metric.py").write_text(f"open({str(trap)!r}, 'w').close()\n")
    x, truth = scenes()
    found, wanted = recall_by_hand(x, truth)
    with Store.open(f"sqlite:///{project.folder}/benchhub.db") as store:
        run = store.resolve("latest")
        info = store.run(run)
        row = next(one for one in load_results(store, run).rows if one.scenario == "quality")
        launch = next(one for one in store.launches(run) if one.own_scores is not None)
    assert row.quality.metric == "metric.py:recall"
    assert row.quality.value == pytest.approx(found / wanted)
    assert row.quality.low < row.quality.value < row.quality.high
    assert launch.own_scores.shape == (CASES, 2)
    gate = project.here("gate", "latest")
    assert gate.code == 0, gate.out
    assert "metric.py:recall" in project.here("report", "latest", "--format", "json").out
    with pytest.raises(ConfigError, match=r"metric.py is not the file that it began with"):
        check_code(info, resolve(info.request))
    again = project.here("run", "--resume", "latest")
    assert (again.code, "metric.py is not the file" in again.error) == (2, True)
    assert not trap.exists()
