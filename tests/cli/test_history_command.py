"""`benchhub history` over runs in a store, and old against new measured on this machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builders import make_cell, make_launch, make_plan, make_run
from in_process import Reading
from project import Project, make_project, write_model

from benchhub.cli.judged.history import _exit_code, _Failed
from benchhub.compress.files.look import inspect_model
from benchhub.model.cell import CANARY, CellKind
from benchhub.model.request import RunRequest
from benchhub.store import Store

RUNS = 12
CHANGED = 6


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Runs of a suite whose model got much larger at run CHANGED, and slower."""
    made = make_project(tmp_path)
    write_model(tmp_path / "old.onnx", hidden=8)
    write_model(tmp_path / "new.onnx", hidden=20_000)
    rng = np.random.default_rng(5)
    with Store.open(f"sqlite:///{tmp_path / 'benchhub.db'}") as store:
        for number in range(RUNS):
            new = number >= CHANGED
            variant = inspect_model("fp32", tmp_path / ("new.onnx" if new else "old.onnx"))
            run = make_run(
                id=f"run-{number:02d}",
                suite="tiny",
                started_at=f"2026-01-{number + 1:02d}T12:00:00+00:00",
                request=RunRequest("tiny", (str(tmp_path / "device_profiles" / "here.toml"),)),
            )
            cells = [
                make_cell(device="here", model_sha256=variant.sha256, launches=3),
                make_cell(device="here", backend="null"),
            ]
            store.create_run(run, make_plan(*cells), None, [variant], ())
            for cell in cells:
                slower = 2.0 if new and cell.model_sha256 else 1.0
                level = 1e6 * slower * np.exp(0.01 * rng.standard_normal())
                for index in range(3):
                    samples = (level * np.exp(0.02 * rng.standard_normal(50))).astype(np.int64)
                    store.add(make_launch(cell, index, run=run.id, samples_ns=samples, outputs=()))
    return made


def test_it_names_the_cell_and_the_run_and_fails_nothing(project: Project) -> None:
    done = project.here("history", "tiny", "--json")
    assert done.code == 0, done.err
    first, second = done.json["cells"]
    assert (first["variant"], first["candidate"]) == ("fp32", True)
    assert first["since_run"] == f"run-{CHANGED:02d}"
    assert first["shift"] == pytest.approx(2.0, rel=0.05)
    assert first["changed"][0].startswith("model: ")
    assert len(first["runs"]) == RUNS
    assert (second["variant"], second["candidate"]) == ("none", False)
    shown = project.here("history", "tiny")
    assert shown.code == 0
    assert "1 of 2 cells are candidates" in shown.out
    assert "here onnxruntime fp32 latency batch 1 threads 1: p50 moved by +" in shown.out
    assert "--confirm" in shown.out


def test_fixed_work_is_no_cell_and_tells_of_the_device(tmp_path: Path) -> None:
    reading = Reading(tmp_path)
    rng = np.random.default_rng(1)
    with Store.open(reading.url) as store:
        for number in range(RUNS):
            run = make_run(id=f"run-{number:02d}", suite="tiny",
                           started_at=f"2026-01-{number + 1:02d}T12:00:00+00:00")  # fmt: skip
            model = make_cell(device="here")
            fixed = make_cell(device="here", variant=CANARY, backend="null", kind=CellKind.CANARY)
            store.create_run(run, make_plan(model, fixed), None, [], ())
            for cell in (model, fixed):
                slower = 1.5 if number >= CHANGED and cell.kind is CellKind.CANARY else 1.0
                level = 1e6 * slower * np.exp(0.01 * rng.standard_normal())
                samples = (level * np.exp(0.02 * rng.standard_normal(50))).astype(np.int64)
                store.add(make_launch(cell, 0, run=run.id, samples_ns=samples, outputs=()))
    document = reading.run("history", "tiny", "--json").json
    assert [cell["variant"] for cell in document["cells"]] == ["fp32"]
    assert [(one["variant"], one["candidate"]) for one in document["fixed_work"]] == [
        (CANARY, True)
    ]
    shown = reading.run("history", "tiny").out
    assert shown.startswith("0 of 1 cells are candidates for a change (0 more")
    assert "here: fixed work (canary) moved, by +5" in shown
    assert f"since run run-{CHANGED:02d}: suspect the device" in shown


@pytest.mark.usefixtures("processes")
def test_confirm_measures_old_against_new_interleaved(project: Project) -> None:
    done = project.run("history", "tiny", "--confirm", "--json")
    assert done.code == 1, done.err
    (found,) = done.json["confirmations"]
    assert found["verdict"] == "regressed"
    assert (found["a"]["model"], found["b"]["model"]) == ("old.onnx", "new.onnx")
    assert found["pairs"] == 10


@pytest.mark.usefixtures("processes")
def test_a_model_that_is_gone_is_asked_for_and_history_alone_fails_nothing(
    project: Project,
) -> None:
    old = project.folder / "old.onnx"
    kept = old.rename(project.folder / "kept.onnx")
    write_model(old, hidden=9)  # another one in its place
    done = project.run("history", "tiny", "--confirm")
    assert done.code == 0, done.err
    assert "is no longer where it was; give the file with --model FILE" in done.out
    again = project.run("history", "tiny", "--confirm", "--model", str(kept))
    assert again.code == 1, again.err
    assert "REGRESSED" in again.out


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("tinny",), "did you mean tiny"),
        (("tiny", "--device", "pi"), "device pi was measured in no"),
    ],
)
def test_mistakes_are_one_line(project: Project, arguments: tuple[str, ...], match: str) -> None:
    done = project.here("history", *arguments)
    assert done.code == 2
    assert match in done.error


def test_a_candidate_that_could_not_be_measured_is_no_success() -> None:
    same = "the model file is the same"
    assert _exit_code([]) == _exit_code([same]) == 0
    assert _exit_code([same, _Failed("here: no route to host; check the cable")]) == 3
