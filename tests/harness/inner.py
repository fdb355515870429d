"""Runs of pytest within a test: a folder of its own, the same rules, and a few lines of tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest
from lab.command import MARK
from repository import ROOT, TESTS

from . import PLUGINS


@dataclass(frozen=True)
class Inner:
    """A folder with tests in it."""

    folder: Path

    def write(self, text: str, name: str = "test_it.py", plugins: Sequence[str] = ()) -> None:
        """Write tests, which `plugins` beside the usual ones give fixtures to."""
        (self.folder / name).write_text(dedent(text))
        loaded = [*PLUGINS, *plugins]
        (self.folder / "conftest.py").write_text(f"pytest_plugins = {loaded}\n")

    def ini(self, *lines: str) -> None:
        """Write settings."""
        (self.folder / "pytest.ini").write_text("\n".join(["[pytest]", *lines, ""]))

    def start(
        self, *arguments: str, preexec: Callable[[], None] | None = None
    ) -> subprocess.Popen[str]:
        """Start pytest there, in a process group of its own; `preexec` is called before."""
        path = os.pathsep.join([str(TESTS), str(ROOT)])
        env = {name: value for name, value in os.environ.items() if name != MARK}
        env |= {"PYTHONPATH": path, "COLUMNS": "160", "PYTEST_ADDOPTS": ""}
        words = ["-p", "no:cacheprovider", f"--basetemp={self.folder / 'temp'}", *arguments]
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", *words], cwd=self.folder, env=env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            preexec_fn=preexec,
        )  # fmt: skip

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run pytest there to its end; return its status and what it printed."""
        with self.start(*arguments) as process:
            said, _ = process.communicate(timeout=120)
        return process.returncode, said


@pytest.fixture
def inner(tmp_path: Path, processes: None) -> Inner:
    """Return an empty folder for tests."""
    folder = tmp_path / "inner"
    folder.mkdir()
    made = Inner(folder)
    made.ini("timeout = 120")
    return made
