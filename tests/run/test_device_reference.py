"""The reference from a device: what is held against it, what is told of it, and where it fails."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from answer_keys import key_of
from builders import make_answer_key, make_cell, make_launch
from project import Finished, Project, make_project
from segmenting import make_segmenting

from benchhub.model.quality import AnswerKey
from benchhub.model.scenario import Scenario
from benchhub.run.device_reference import _Answers, held_against
from benchhub.store import Store

RUN = ("run", "tiny", "--device", "here", "--json")
DEVICE = 'baseline = "fp32"\nreference = "device"\n'


def project_of(folder: Path, backends: tuple[str, ...] = ("onnxruntime",), **more: Any) -> Project:
    project = make_project(folder, backends, launches=1, **more)
    project.edit('baseline = "fp32"\n', DEVICE)
    project.edit("batch = 8", "batch = [1, 8]")
    return project


def rows_of(done: Finished) -> dict[tuple[str, ...], dict[str, Any]]:
    key = ("backend", "variant", "scenario", "batch")
    return {tuple(row[name] for name in key): row for row in done.json["rows"]}


def stored(project: Project) -> AnswerKey:
    """The answer key of the newest run."""
    with Store.open(f"sqlite:///{project.folder}/benchhub.db") as store:
        key = store.answer_key(store.resolve("latest"))
    assert key is not None
    return key


def judged(done: Finished) -> Any:
    """What does not hang on the time that a run was made at."""
    kept = ("quality", "quality_loss", "quality_loss_low", "quality_loss_high", "agreement_max_abs")
    return {of: [row.get(key) for key in kept] for of, row in rows_of(done).items()}


@pytest.mark.usefixtures("native", "processes")
def test_it_is_what_the_controller_would_say_and_provenance_names_the_launch(
    tmp_path: Path,
) -> None:
    project = project_of(tmp_path)
    project.add('[[budgets]]\nname = "ship"\nquality_loss_max = 0.2\nquality_min_cases = 50\n')
    planned = project.here("run", "tiny", "--device", "here", "--dry-run")
    assert planned.code == 0
    (line,) = [one for one in planned.out.splitlines() if one.startswith("reference:")]
    assert "what fp32 answers on here and onnxruntime at batch 1, measured first" in line
    done = project.run(*RUN)
    assert done.code == 0, done.err
    assert "computing reference outputs" not in planned.err + done.err
    told = done.json["run"]["provenance"]["reference"]
    assert told.startswith("fp32 on here and onnxruntime at batch 1: launch of 20")
    key = rows_of(done)["onnxruntime", "fp32", "quality", 1]["provenance"]["quality"]["cell"]
    assert told.endswith(f"cell {key}")
    again = project.here("run", "--resume", "latest", "--json")
    gated = project.here("gate", "latest")
    assert (again.code, judged(again)) == (0, judged(done))
    assert again.json["verdicts"] == done.json["verdicts"]
    assert gated.code == 0, gated.out + gated.err
    right, held = key_of(project), stored(project)
    np.testing.assert_allclose(held.reference, right.reference, atol=1e-5)
    assert held.readings == right.readings
    assert (held.own, held.varying) == (right.own, right.varying)


@pytest.mark.usefixtures("native", "processes")
def test_it_is_of_the_first_backend_whatever_that_answers(tmp_path: Path) -> None:
    """One that answers garbage is the reference all the same, and what is right is called wrong."""
    project = project_of(tmp_path, ("faulty", "onnxruntime"))
    project.edit("[scenarios.quality]", '[options.faulty]\nfault = "garbage"\n[scenarios.quality]')
    done = project.run(*RUN)
    rows = rows_of(done)
    told = done.json["run"]["provenance"]["reference"]
    assert told.startswith("fp32 on here and faulty at batch 1: ")
    wrong = {of for of, row in rows.items() if "garbage" in [flag["name"] for flag in row["flags"]]}
    first = "faulty", "fp32", "quality", 1
    assert first not in wrong
    assert rows[first]["agreement_max_abs"] == 0
    assert {of for of in rows if of[0] == "onnxruntime"} <= wrong


@pytest.mark.usefixtures("native", "processes")
def test_where_its_launch_fails_quality_is_empty_with_the_reason_and_times_are_kept(
    tmp_path: Path,
) -> None:
    project = project_of(tmp_path, ("faulty", "onnxruntime"))
    project.edit("[scenarios.quality]", '[options.faulty]\nat = "load"\n[scenarios.quality]')
    project.add('[[budgets]]\nname = "ship"\nbackends = ["onnxruntime"]\nquality_loss_max = 0.9\n')
    done = project.run(*RUN)
    assert done.code == 3
    rows = rows_of(done)
    why = "there is no reference: fp32 on here and faulty was to give it, and failed: load: raised"
    assert done.json["run"]["provenance"]["reference"].startswith(why)
    assert rows["faulty", "fp32", "quality", 1]["status"] == "failed"
    for variant in ("fp32", "int8"):
        timed = rows["onnxruntime", variant, "latency", 1]
        assert (timed["status"], timed["load_ms"] > 0) == ("finished", True)
        assert why in timed["withheld"]["quality"]
        unasked = rows["onnxruntime", variant, "quality", 1]
        assert (unasked["status"], unasked["launches"]) == ("unmeasured", 0)
        assert unasked["reason"].startswith(why)
    assert {v["outcome"] for v in done.json["verdicts"]} == {"INCONCLUSIVE"}
    again = project.here("run", "--resume", "latest", "--json")
    assert (again.code, rows_of(again)) == (3, rows)
    assert project.here("gate", "latest").code == 3


@pytest.mark.usefixtures("native", "processes")
def test_a_reference_that_failed_is_asked_for_again_and_then_all_else(tmp_path: Path) -> None:
    project = project_of(tmp_path, deadline_s=0.01)
    failed = project.run(*RUN)
    assert failed.code == 3
    assert {row["status"] for row in failed.json["rows"]} == {"failed", "unmeasured"}
    project.edit("deadline_s = 0.01", "deadline_s = 60")
    done = project.run("run", "--rerun-failed", "latest", "--json")
    assert done.code == 0, done.err
    assert {row["status"] for row in done.json["rows"]} == {"finished"}
    assert all(row["quality"] is not None for row in done.json["rows"])


@pytest.mark.usefixtures("native", "processes")
def test_labels_are_held_against_it_once_it_is_there(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    with np.load(project.suite.parent / "cases.npz") as cases:
        arrays = dict(cases)
    arrays["labels"] = np.arange(len(arrays["x"])) % 7  # of seven classes; the model has three
    np.savez(project.suite.parent / "cases.npz", **arrays)
    planned = project.here("run", "tiny", "--device", "here", "--dry-run")
    assert (planned.code, "checked then" in planned.out) == (0, True)
    done = project.run(*RUN)
    assert done.code == 2
    assert "data: " in done.error
    assert "docs/explanation/labels-and-outputs.md" in done.error
    (run,) = project.here("runs", "list", "--json").json
    assert run["status"] == "failed"
    with sqlite3.connect(project.folder / "benchhub.db") as store:
        assert store.execute("select count(*) from launches").fetchone() == (0,)


@pytest.mark.usefixtures("native", "processes")
def test_a_run_that_was_cut_short_before_it_measures_it_on_resume_and_on_the_same_cases(
    tmp_path: Path,
) -> None:
    project = project_of(tmp_path)
    done = project.run(*RUN)
    with sqlite3.connect(project.folder / "benchhub.db") as store:  # as if it had ended at once
        store.execute("pragma foreign_keys = on")
        for table in ("truths", "truth_references", "launches"):
            store.execute(f"delete from {table}")
    again = project.run("run", "--resume", "latest", "--json")
    assert again.code == 0, again.err
    assert judged(again) == judged(done)
    cases = project.suite.parent / "cases.npz"
    with np.load(cases) as held:
        np.savez(cases, **{**held, "x": held["x"][::-1]})
    other = project.here("run", "--resume", "latest")
    assert other.code == 2
    assert "the cases of its task npz have changed since" in other.error


@pytest.mark.usefixtures("native", "processes")
def test_what_a_task_predicts_is_judged_as_by_the_controller(tmp_path: Path) -> None:
    project = make_segmenting(tmp_path)
    project.edit('baseline = "fp32"\n', DEVICE)
    project.edit("[scenarios.profile]", "")
    done = project.run(*RUN, "--scenario", "quality")
    assert done.code == 0, done.err
    right, held = key_of(project), stored(project)
    assert held.predict == right.predict == "argmax-labels"
    assert held.predictions is not None
    assert np.array_equal(held.predictions, right.predictions)
    np.testing.assert_allclose(held.sketch, right.sketch, atol=1e-5)
    np.testing.assert_allclose(held.spreads, right.spreads, rtol=1e-5)
    fp32, coarse = done.json["rows"]
    assert fp32["quality"] > coarse["quality"] + 0.1
    assert held_against(held)[0].shape == (len(right.ids), *right.reference[0].shape[1:])


@pytest.mark.usefixtures("native", "processes")
def test_of_several_devices_one_is_named_and_the_others_are_held_against_it(
    tmp_path: Path,
) -> None:
    project = project_of(tmp_path, ("onnxruntime", "openvino"))
    project.edit('model = "model.onnx"\n', 'model = "model.onnx"\nbackends = ["openvino"]\n')
    project.device("there", root=str(tmp_path / "other"))
    both = ("run", "tiny", "--device", "here", "--device", "there", "--backend", "openvino",
            "--backend", "onnxruntime", "--json")  # fmt: skip
    unnamed = project.here(*both)
    assert unnamed.code == 2
    assert 'several (here, there); say which: reference_device = "here"' in unnamed.error
    project.edit('reference = "device"\n', 'reference = "device"\nreference_device = "there"\n')
    alone = project.here(*RUN)
    assert alone.code == 2
    assert "'there' is not among the devices of this run (here); add --device there" in alone.error
    project.edit('reference_device = "there"\n', 'reference_device = "hre"\n')
    assert "or name another one; did you mean here?" in project.here(*RUN).error
    project.edit('reference_device = "hre"\n', 'reference_device = "there"\n')
    done = project.run(*both)
    assert done.code == 0, done.err
    against = {
        (row["device"], row["backend"]): row["provenance"]["quality"]["against"]
        for row in done.json["rows"]
        if row["scenario"] == "quality"
    }
    assert against == {
        ("here", "openvino"): "fp32 on here and openvino",
        ("there", "openvino"): "fp32 on there and openvino",
        ("here", "onnxruntime"): "fp32 on there and openvino",
        ("there", "onnxruntime"): "fp32 on there and openvino",
    }
    exported = json.loads(project.here("report", "latest", "--format", "json").out)
    assert exported["run"]["provenance"]["reference"].startswith("fp32 on there and openvino")


@pytest.mark.usefixtures("native", "processes")
def test_a_device_without_such_a_cell_is_refused(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    project.edit('model = "model.onnx"\n', 'model = "model.onnx"\nbackends = []\n')
    project.edit('backends = ["onnxruntime"]', 'backends = ["onnxruntime", "tflite"]')
    done = project.here("run", "tiny", "--device", "here", "--backend", "tflite", "--dry-run")
    assert done.code == 2
    assert "tflite reads tflite, not onnx" in done.error


@pytest.mark.usefixtures("native", "processes")
@pytest.mark.parametrize("alone", [False, True])
def test_a_backend_that_the_device_lacks_gives_no_reference_and_the_next_one_does(
    tmp_path: Path, alone: bool
) -> None:
    project = project_of(tmp_path, ("tensorrt", "onnxruntime"))
    if alone:
        meant = 'model = "model.onnx"\nbackends = ["tensorrt"]\n'
        project.edit('model = "model.onnx"\n', meant)
    done = project.run(*RUN)
    told = done.json["run"]["provenance"]["reference"]
    rows = rows_of(done)
    if not alone:
        assert done.code == 0, done.err
        assert told.startswith("fp32 on here and onnxruntime at batch 1: ")
        return
    assert done.code == 3
    assert "here: gave no reference: fp32 runs on tensorrt, which is not there" in done.err
    timed, unasked = (rows["onnxruntime", "int8", of, 1] for of in ("latency", "quality"))
    assert (timed["status"], unasked["status"]) == ("finished", "unmeasured")
    why = "there is no reference: fp32 on here was to give it, and was not measured: here: gave no"
    assert told.startswith(why)
    assert unasked["reason"].startswith(why)
    assert why in timed["withheld"]["quality"]


@pytest.mark.usefixtures("native", "processes")
def test_a_run_of_times_alone_needs_none(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    done = project.run(*RUN, "--scenario", "latency", "--variant", "fp32")
    assert done.code == 0, done.err
    assert {row["status"] for row in done.json["rows"]} == {"finished"}
    assert "reference" not in done.json["run"]["provenance"]


def test_the_launch_that_answered_is_kept_at_once() -> None:
    """Whatever cuts the run short after it, which is Ctrl-C in between launches here."""
    cell = make_cell(scenario=Scenario.QUALITY, launches=2)
    launch = make_launch(cell, outputs=(np.arange(6.0).reshape(3, 2),))
    key, kept = make_answer_key(3), []

    class Answered:
        def answer_key(self, launches: Any) -> AnswerKey:
            kept.append(dict(launches))
            return key

    work: Any = SimpleNamespace(cells=(cell,))
    awaited: Any = Answered()
    recorded: list[Any] = []
    answers = _Answers(work, awaited, kept.append, lambda *told: recorded.append(told))
    answers.take(launch)
    assert kept == [{cell.variant: launch}, key]
    assert [told[0] for told in recorded] == [launch]
    assert recorded[0][1] is launch.outputs
    answers.take(launch)
    answers.end()
    assert len(recorded) == 2
    assert len(kept) == 2
