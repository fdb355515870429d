"""Benchmarks begin as they are typed: by Python alone, without the paths that tests have."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from repository import ROOT


@pytest.mark.usefixtures("processes")
def test_every_command_of_the_benchmarks_finds_what_it_imports() -> None:
    commands = sorted(ROOT.glob("benchmarks/**/__main__.py"))
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in commands]
    assert "benchmarks.__main__" in names
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", f"import {', '.join(names)}, benchmarks.million"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
