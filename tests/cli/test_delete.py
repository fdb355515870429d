"""`benchhub runs delete` asks at a terminal before it deletes what was not named by its id."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from builders import make_cell
from recorded_runs import launches_of, stored
from waiting import PATIENCE_S

from benchhub.store import Store


def delete(folder: Path, said: str, *words: str) -> str:
    """Delete at a terminal, answering `said`; return what was told on stderr."""
    mine, theirs = os.openpty()
    command = [sys.executable, "-m", "benchhub", "runs", "delete", *words]
    env = {**os.environ, "BENCHHUB_STORE": f"sqlite:///{folder}/benchhub.db"}
    with subprocess.Popen(
        command, cwd=folder, stdin=theirs, stderr=subprocess.PIPE, text=True, env=env
    ) as process:
        os.close(theirs)
        os.write(mine, said.encode())
        _, told = process.communicate(timeout=PATIENCE_S)
    os.close(mine)
    assert process.returncode == 0, told
    return told


@pytest.mark.usefixtures("processes")
def test_it_asks_and_a_no_keeps_the_run(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path}/benchhub.db") as store:
        for run in ("one", "two", "three"):
            stored(store, run, launches_of(make_cell(), run), suite=f"suite-{run}")
    kept = delete(tmp_path, "n\n", "suite-one")
    assert "delete run one of suite-one" in kept
    assert "10 launches?" in kept
    assert "kept run one" in kept
    assert "deleted run one" in delete(tmp_path, "y\n", "suite-one")
    assert delete(tmp_path, "", "two") == "deleted run two\n"
    assert delete(tmp_path, "", "suite-three", "--yes") == "deleted run three\n"
    with Store.open(f"sqlite:///{tmp_path}/benchhub.db") as store:
        assert store.runs() == []
