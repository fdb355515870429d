"""Python gets what the command line says: errors of benchhub's own, no secrets, and no exit."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from builders import make_budget, make_cell
from recorded_runs import launches_of, stored
from repository import ROOT

import benchhub
from benchhub.errors import ConfigError, StoreError
from benchhub.store import Store

SECRET = "hunter2hunter2"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with a run, as the current one."""
    with Store.open(f"sqlite:///{tmp_path / 'benchhub.db'}") as store:
        budgets = (make_budget("edge", latency_p50_ms=20.0),)
        stored(store, "good", launches_of(make_cell(), "good"), budgets, suite="tiny")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCHHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BENCHHUB_STORE", raising=False)
    return tmp_path


def test_a_secret_is_in_no_error_and_in_none_that_it_comes_from(folder: Path) -> None:
    for url in (f"postgresql://ann:{SECRET}@nowhere.invalid/x", f"nodb://ann:{SECRET}@h/x"):
        with pytest.raises(StoreError) as caught:
            benchhub.load(store=url)
        told = "".join(traceback.format_exception(caught.value))
        assert SECRET not in told
        assert "\n" not in str(caught.value)


def test_what_would_be_obeyed_is_shown(folder: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        benchhub.run("no\x1b[31m\u202esuch")
    assert str(caught.value).isprintable()
    assert r"no\x1b[31m\u202esuch" in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [
        {"devices": 7}, {"devices": [7]}, {"backends": 1.5}, {"threads": 1.5}, {"batch": object()},
        {"inputs": 7}, {"precision": None}, {"devices": "~nobody-of-that-name/pi.toml"},
        {"budgets": {7: "x"}},
    ],
    ids=lambda arguments: next(iter(arguments)),
)  # fmt: skip
def test_arguments_of_other_types_are_mistakes(folder: Path, arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        benchhub.bench("a.onnx", **{"devices": "localhost", **arguments})


@pytest.mark.parametrize("model", [7, None, b"bytes", "x" * 300, "~nobody-of-that-name/a.onnx"])
def test_what_is_no_model_is_a_mistake(folder: Path, model: Any) -> None:
    with pytest.raises(ConfigError):
        benchhub.bench(model)


def test_a_damaged_record_is_told_with_its_run(folder: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{folder / 'benchhub.db'}")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE cells SET info = '{'"))
    engine.dispose()
    with pytest.raises(StoreError, match=r"^run good: a cell in the store "):
        benchhub.load("good")


def test_a_folder_that_is_gone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "gone").mkdir()
    monkeypatch.chdir(folder / "gone")
    (folder / "gone").rmdir()
    with pytest.raises(ConfigError, match="the current folder cannot be used"):
        benchhub.load()


def test_a_report_that_cannot_be_written(folder: Path) -> None:
    found = benchhub.load("good")
    for path in ("/dev/full", "/proc/report.md", "x" * 300, str(folder)):
        with pytest.raises(ConfigError, match=r"cannot be written: .*name another file"):
            found.report(path, format="markdown")


@pytest.mark.usefixtures("processes")
def test_a_library_that_exits_ends_nothing_and_its_traceback_is_in_a_log(folder: Path) -> None:
    shadow = folder / "shadow"
    shadow.mkdir()
    (shadow / "pandas.py").write_text(f"import sys\nsys.exit('no {SECRET}')\n")
    code = (
        "import benchhub\n"
        "found = benchhub.load('good')\n"
        "try:\n"
        "    found.report(format='csv')\n"
        "except benchhub.errors.BenchhubError as error:\n"
        "    print(type(error).__name__, error.exit_code, error)\n"
    )
    env = {
        **os.environ, "PYTHONPATH": f"{shadow}{os.pathsep}{ROOT}", "LAB_TOKEN": SECRET,
        "XDG_STATE_HOME": str(folder / "state"),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", "import benchhub.errors\n" + code], cwd=folder, env=env,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Fault 70 a fault of benchhub's own (SystemExit: no ***); its ")
    (log,) = (folder / "state" / "benchhub").iterdir()
    assert "pandas.py" in log.read_text()
    assert SECRET not in log.read_text() + done.stdout + done.stderr
