"""Bad input: one line on stderr, exit code 2 or 3, nothing lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from project import FEATURES, Project, make_project, run_here, write_cases, write_model

RUN = ("run", "tiny", "--device", "here")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path, launches=1)


def model(project: Project) -> Path:
    return project.suite.parent / "model.onnx"


def other_inputs(project: Project) -> None:
    write_model(project.suite.parent / "wide.onnx", features=FEATURES * 2)
    project.add('[[variants]]\nname = "wide"\nmodel = "wide.onnx"\n')


def cases_of_one_class(project: Project) -> None:
    path = project.suite.parent / "cases.npz"
    arrays = dict(np.load(path))
    arrays["labels"][:, 1] = 1
    np.savez(path, **arrays)


def cases_of_unequal_length(project: Project) -> None:
    path = project.suite.parent / "cases.npz"
    arrays = dict(np.load(path))
    arrays["labels"] = arrays["labels"][:-1]
    np.savez(path, **arrays)


MISTAKES: dict[str, tuple[Callable[[Project], object], str]] = {
    "unknown key": (lambda p: p.add("[[budgets]]\nlatency_p96_ms = 3\n"),
                    "did you mean latency_p95_ms?"),
    "wrong type": (lambda p: p.edit("threads = 1", "threads = 'x'"), "scenarios.latency.threads"),
    "unknown backend": (lambda p: p.edit('["onnxruntime"]', '["onnxruntim"]'),
                        "did you mean onnxruntime?"),
    "options of an unknown backend": (
        lambda p: p.add("[options.onnxruntim]\nprovider = 'cpu'\n"),
        "options.onnxruntim: no such backend; did you mean onnxruntime?"),
    "unknown recipe": (lambda p: p.edit("int8-dynamic", "int8-dinamic"),
                       "did you mean int8-dynamic?"),
    "unknown recipe option": (
        lambda p: p.edit('recipe = "int8-dynamic"',
                         'recipe = { name = "int8-dynamic", weight_tipe = "QInt8" }'),
        "did you mean weight_type?"),
    "unknown task": (lambda p: p.edit('task = "npz"', 'task = "npx"'), "did you mean npz?"),
    "unknown metric": (lambda p: p.edit("macro_auc", "macro_auk"), "did you mean macro_auc?"),
    "missing model": (lambda p: model(p).unlink(), "model.onnx"),
    "empty model": (lambda p: model(p).write_bytes(b""), "model.onnx"),
    "corrupt model": (lambda p: model(p).write_bytes(model(p).read_bytes()[:700]), "model.onnx"),
    "other inputs": (other_inputs, "wide"),
    "missing cases": (lambda p: (p.suite.parent / "cases.npz").unlink(), "cases.npz"),
    "no labels": (lambda p: np.savez(p.suite.parent / "cases.npz", x=np.zeros((4, FEATURES))),
                  "labels"),
    "unequal lengths": (cases_of_unequal_length, "labels"),
    "other input name": (
        lambda p: np.savez(p.suite.parent / "cases.npz", y=np.zeros((240, FEATURES), "float32"),
                           labels=np.eye(3)[np.arange(240) % 3]), "x"),
    "one class": (cases_of_one_class, "class"),
    "unknown option": (lambda p: p.add('[options.onnxruntime]\nprovidr = "cpu"\n'),
                       "did you mean provider?"),
    "unknown provider": (lambda p: p.add('[options.onnxruntime]\nprovider = "cuba"\n'),
                         "did you mean cuda?"),
    "option below its least": (
        lambda p: p.add('[options.onnxruntime]\ndevice_id = -1\n'),
        "options.onnxruntime.device_id = -1: should be 0 or more"),
    "option that changes nothing": (
        lambda p: p.add('[options.onnxruntime]\ninter_op_threads = [1, 2]\n'),
        "options.onnxruntime.inter_op_threads changes nothing without"
        " execution_mode = 'parallel'; add that"),
    "option of another type": (lambda p: p.add('[options.onnxruntime]\ndevice_id = "0"\n'),
                               "should be of type int"),
    "unknown against": (lambda p: p.edit('recipe = "int8-dynamic"',
                                         'recipe = "int8-dynamic"\nagainst = "fp33"'),
                        "did you mean fp32?"),
    "a rate where nothing arrives": (lambda p: p.edit("threads = 1", "threads = 1\nrate_per_s = 5"),
                                     "only paced has that setting"),
    "no backend that reads the model": (
        lambda p: p.edit('backends = ["onnxruntime"]', 'backends = ["tflite"]'),
        "change its backends or variants, or measure on other devices",
    ),
    "paced without a rate": (lambda p: p.add("[scenarios.paced]\n"), "rate_per_s is missing"),
    "neither format": (lambda p: model(p).write_bytes(b"GGUF" + bytes(900)), "model.onnx"),
}  # fmt: skip


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_suite_is_one_line_and_exit_2(project: Project, mistake: str) -> None:
    make, message = MISTAKES[mistake]
    make(project)
    done = project.here(*RUN)
    assert done.code == 2, done.err
    assert message in done.error
    assert not (project.folder / "device").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "tinny"), "did you mean tiny?"),
        (("run", "tiny", "--device", "hire"), "did you mean here?"),
        (("run", "tiny", "--backend", "openvino"), "backend openvino is unknown in this suite"),
        (("run", "tiny", "--variant", "int9"), "did you mean int8?"),
        (("run", "tiny", "--scenario", "latncy"), "did you mean latency?"),
        (("run", "tiny", "--device", "here", "--device", "here"), "given twice"),
        (("run",), "give either a SUITE"),
        (("run", "--resume", "latest", "--dry-run"), "--dry-run shows the plan of a new run"),
        (("devices", "enroll", "127.0.0.1", "--name", "rack/3", "--yes"), "cannot name a device"),
        (
            ("devices", "enroll", "pi@fe80::1", "--yes"),
            "'fe80::1' cannot name a device; give --name",
        ),
        (("run", "--resume", "nothing"), "nothing"),
        (("report", "latest"), "no run"),
        (("gate", "latest"), "no run"),
    ],
)
def test_a_mistake_in_the_arguments_is_one_line_and_exit_2(
    project: Project, arguments: tuple[str, ...], message: str
) -> None:
    done = project.here(*arguments)
    assert done.code == 2, done.err
    assert message in done.error


@pytest.mark.usefixtures("processes")
def test_a_device_without_python(project: Project) -> None:
    project.device("bare", root=str(project.folder / "d"), python="/nonexistent/python3")
    done = project.run("run", "tiny", "--device", "bare")
    assert done.code == 3
    assert "/nonexistent/python3" in done.err


@pytest.mark.usefixtures("processes")
def test_a_device_with_too_old_a_python(project: Project, tmp_path: Path) -> None:
    old = tmp_path / "python3.6"
    old.write_text(
        f'#!/bin/sh\nif [ "$1" = -c ]; then exec {sys.executable} "$@"; fi\n'
        f"exec {sys.executable} -c '"
        'import sys, runpy; sys.version_info = (3, 6, 9, "final", 0);'
        " path = sys.argv[1]; sys.argv = sys.argv[1:];"
        ' runpy.run_path(path, run_name="__main__")\' "$@"\n'
    )
    old.chmod(0o755)
    project.device("old", root=str(tmp_path / "d"), python=str(old))
    done = project.run("run", "tiny", "--device", "old")
    assert done.code == 3, done.err
    assert "3.6" in done.err
    assert "3.8" in done.err


@pytest.mark.usefixtures("processes")
def test_a_device_without_any_backend(project: Project, tmp_path: Path) -> None:
    empty = tmp_path / "python"
    empty.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')  # -S: no site-packages
    empty.chmod(0o755)
    project.device("empty", root=str(tmp_path / "d"), python=str(empty))
    done = project.run("run", "tiny", "--device", "empty")
    assert done.code == 3, done.err
    assert "pip install numpy" in done.err


@pytest.mark.usefixtures("processes")
def test_a_lost_device_does_not_lose_the_others_results(project: Project) -> None:
    project.device("bare", root=str(project.folder / "d"), python="/nonexistent/python3")
    done = project.run(*RUN, "--device", "bare", "--json")
    assert done.code == 3, done.err
    by_device = {row["device"]: row["status"] for row in done.json["rows"]}
    assert by_device == {"here": "finished", "bare": "unmeasured"}
    errors = {device["name"]: device["error"] for device in done.json["devices"]}
    assert errors["here"] is None
    assert "/nonexistent/python3" in errors["bare"]


@pytest.mark.usefixtures("processes")
def test_a_locked_database_says_so(project: Project) -> None:
    project.run("runs", "list")
    lock = sqlite3.connect(project.folder / "benchhub.db", isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    try:
        done = project.run(*RUN)
    finally:
        lock.close()
    assert done.code == 2, done.err
    assert "benchhub.db" in done.error
    assert "locked" in done.error


def test_a_database_that_is_something_else(project: Project) -> None:
    (project.folder / "benchhub.db").write_text("not a database at all, but long enough to look at")
    done = project.here("runs", "list")
    assert done.code == 2, done.err
    assert "benchhub.db" in done.error


@pytest.mark.usefixtures("processes")
def test_a_suite_that_changed_cannot_be_resumed(project: Project) -> None:
    assert project.run(*RUN).code == 0
    write_model(model(project), seed=5)
    done = project.run("run", "--resume", "latest")
    assert done.code == 2, done.err
    assert "has changed since" in done.error


@pytest.mark.usefixtures("processes")
def test_init_writes_examples_that_are_valid_and_never_overwrites(tmp_path: Path) -> None:
    project = make_project(tmp_path, launches=1)
    shutil.rmtree(tmp_path / "suites")
    assert project.here("init", "fresh").code == 0
    fresh = Project(tmp_path / "fresh", project.env)
    folder = fresh.folder / "suites" / "my-suite"
    write_model(folder / "model.onnx")
    write_cases(folder / "cases.npz")
    planned = fresh.here("run", "my-suite", "--dry-run", "--json")
    assert planned.code == 0, planned.err
    assert planned.json["cells"]
    assert "example" in {d["name"] for d in fresh.here("devices", "list", "--json").json}
    again = project.here("init", "fresh")
    assert again.code == 2
    assert "never overwrites" in again.error


def test_schema_is_printed(project: Project) -> None:
    assert "variants" in project.here("schema", "suite").json["properties"]
    assert "device" in project.here("schema", "device").json["properties"]


@pytest.mark.usefixtures("processes")
def test_doctor_tells_what_is_missing_and_exits_3(project: Project, tmp_path: Path) -> None:
    fit = project.run("devices", "doctor", "here", "--json")
    assert fit.code == 0, fit.err
    assert {check["check"] for check in fit.json["here"]} >= {"python", "disk", "governor"}
    project.device("bare", root=str(tmp_path / "d"), python="/nonexistent/python3")
    unfit = project.run("devices", "doctor", "here", "bare")
    assert unfit.code == 3
    assert "can measure" in unfit.out


@pytest.mark.usefixtures("processes")
def test_show_tells_facts_and_what_is_unavailable(project: Project) -> None:
    shown = project.run("devices", "show", "here", "--json").json
    assert shown["facts"]["cores_logical"] >= 1
    missing = {k for k, v in shown["conditions"].items() if v is None}
    assert missing <= set(shown["conditions"]["unavailable"])


@pytest.mark.parametrize(
    "words",
    [
        ("devices", "doctor"), ("devices", "provision", "here"), ("devices", "selftest", "here"),
        ("devices", "queue"), ("devices", "reserve", "here"), ("ab", "here", "onnxruntime"),
    ],
    ids=["doctor", "provision", "selftest", "queue", "reserve", "ab"],
)  # fmt: skip
def test_what_does_not_go_through_gateways_says_so(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = run_here(tmp_path, os.environ, *words, "--engine", "dask://127.0.0.1:8786")
    assert done.code == 2
    assert done.error.startswith("benchhub: --engine is of `run` and `bench` alone")
    assert done.err.count("\n") == 1
