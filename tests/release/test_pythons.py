"""The Pythons that are claimed are those that `make pythons` tests, and it finds them honestly."""

from __future__ import annotations

import configparser
import sys
from pathlib import Path

import pytest
from repository import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
import pythons


def test_what_is_claimed_is_what_is_tested_and_written_down() -> None:
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    minors = ",".join(version.removeprefix("3.") for version in pythons.claimed())
    assert f"testenv:py3{{{minors}}}" in tox.sections()
    page = (ROOT / "docs/reference/compatibility.md").read_text("utf-8")
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| 3.")]
    assert [row[1].strip() for row in rows] == pythons.claimed()
    assert all(row[2].strip().startswith(f"{row[1].strip()}.") for row in rows)


def stub(path: Path, answer: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {answer}\n")
    path.chmod(0o755)


def test_a_shim_of_what_is_not_chosen_is_no_interpreter(
    processes: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}/shims")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    stub(tmp_path / "shims/python3.98", "pyenv: python3.98: command not found")
    assert pythons.interpreter("3.98") is None
    stub(tmp_path / "versions/3.98.1/bin/python3.98", "3.98 /real/python3.98")
    assert pythons.interpreter("3.98") == Path("/real/python3.98")


def test_one_that_is_not_here_is_told_loudly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pythons, "interpreter", lambda _: None)
    assert pythons.main(["3.98", "3.99"]) == 1, "nothing was tested"
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"Python 3.{n}: NOT TESTED: no interpreter is here" for n in (98, 99)]
