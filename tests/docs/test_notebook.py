"""The example notebook: its code runs, and it is kept without outputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from repository import ROOT

NOTEBOOK = json.loads((ROOT / "docs" / "tutorial" / "from-python.ipynb").read_text("utf-8"))
CODE = ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def test_it_is_kept_without_outputs() -> None:
    cells = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]
    assert [cell["outputs"] for cell in cells] == [[]] * len(cells)
    assert {cell["execution_count"] for cell in cells} == {None}


@pytest.mark.usefixtures("processes")
def test_its_code_runs_and_finds_what_it_says(tmp_path: Path) -> None:
    file = tmp_path / "notebook.py"
    checks = (
        'assert "as fast as large" in found.faster[0], found.faster\nassert found.exit_code == 1'
    )
    file.write_text("\n".join([*CODE, checks]), "utf-8")
    env = {**os.environ, "BENCHHUB_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
    env.pop("BENCHHUB_STORE", None)
    done = subprocess.run(
        [sys.executable, str(file)], cwd=tmp_path, env=env, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "small is " in done.stdout
    assert "FAIL" in done.stdout
    assert (tmp_path / "report.html").is_file()
