"""`benchhub recommend --confirm`: finalists measured once more on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from project import make_project


@pytest.mark.usefixtures("processes")
def test_finalists_are_measured_once_more_side_by_side(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    first = project.run("run", "tiny", "--device", "here")
    assert first.code == 0, first.err
    done = project.run("recommend", "tiny", "--by", "model_bytes", "--confirm", "--json")
    assert done.code == 0, done.err
    runs = project.here("runs", "list", "--json").json
    (device,) = done.json["devices"]
    assert len(runs) == 2
    assert (device["answer"], device["pick"]["variant"], device["looked_at"]) == ("ship", "int8", 2)
    (note,) = [one for one in done.json["notes"] if "once more" in one]
    assert note == f"the finalists were measured once more: run {runs[-1]['id']}"
    project.suite.unlink()
    gone = project.here("recommend", "tiny", "--confirm")
    assert (gone.code, gone.out) == (2, "")
    assert "suite.toml" in gone.error
    assert len(project.here("runs", "list", "--json").json) == 2
