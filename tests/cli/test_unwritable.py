"""Whatever a command writes, where it cannot: one line with the file and the cause, and exit 2."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import make_budget, make_cell
from in_process import Reading
from recorded_runs import launches_of, stored
from typer.testing import CliRunner

from benchhub.cli import app
from benchhub.cli.devices.profile_file import write_profile
from benchhub.errors import ConfigError
from benchhub.store import Store


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Reading:
    """A store with two runs."""
    reading = Reading(tmp_path_factory.mktemp("unwritable"))
    with Store.open(reading.url) as store:
        for name in ("one", "two"):
            launches = launches_of(make_cell(), name)
            stored(store, name, launches, (make_budget("edge", latency_p50_ms=20.0),), suite="tiny")
    return reading


PLACES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a folder": (lambda folder: folder, "Is a directory"),
    "below a file": (lambda folder: folder / "file" / "below", "a part of it is a file"),
    "a long name": (lambda folder: folder / ("x" * 300), "File name too long"),
    "a full device": (lambda folder: Path("/dev/full"), "No space left on device"),
    "the kernel's": (lambda folder: Path("/proc/benchhub"), "No such file or directory"),
}
COMMANDS: dict[str, tuple[str, ...]] = {
    "report": ("report", "one", "--format", "markdown"),
    "gate": ("gate", "one", "--format", "junit"),
    "compare": ("compare", "one", "two", "--format", "json"),
    "export": ("export", "one", "--format", "pytest-benchmark"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("place", PLACES)
def test_one_line_names_the_file_and_the_cause(
    reading: Reading, tmp_path: Path, command: str, place: str
) -> None:
    (tmp_path / "file").write_text("kept")
    where, cause = PLACES[place]
    path = where(tmp_path)
    done = reading.run(*COMMANDS[command], "-o", str(path))
    assert done.code == 2, done.err
    assert done.error.startswith(f"benchhub: {path}: cannot be written: ")
    assert cause in done.error
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("place", ["below a file", "a long name", "the kernel's"])
def test_a_project_is_written_whole_or_not_at_all(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("kept")
    where, cause = PLACES[place]
    done = CliRunner().invoke(app, ["init", str(where(tmp_path))])
    assert isinstance(done.exception, ConfigError)
    assert "cannot be written: " in str(done.exception)
    assert cause in str(done.exception)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_project_whose_second_file_cannot_be_is_not_begun(tmp_path: Path) -> None:
    (tmp_path / "device_profiles").write_text("a file where a folder is needed")
    done = CliRunner().invoke(app, ["init", str(tmp_path)])
    assert isinstance(done.exception, ConfigError)
    assert not list(tmp_path.rglob("suite.toml"))
    os.unlink(tmp_path / "device_profiles")
    assert CliRunner().invoke(app, ["init", str(tmp_path)]).exit_code == 0


@pytest.mark.parametrize("place", ["below a file", "a long name", "the kernel's"])
def test_a_profile(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("kept")
    where, cause = PLACES[place]
    with pytest.raises(ConfigError, match=cause):
        write_profile(where(tmp_path), "pi", {"host": "pi.lab"}, "ssh-ed25519 AAAA")
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
