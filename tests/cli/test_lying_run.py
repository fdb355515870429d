"""A run with a device whose agent lies: it ends with a status, a report, and exit 3."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from project import Project, make_project

pytestmark = pytest.mark.usefixtures("processes")

#: Stands for the device's Python: the real agent, whose lines it changes.
LIAR = """\
#!{python}
import os, signal, subprocess, sys
if "agent" not in sys.argv:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
agent = subprocess.Popen([{python!r}, *sys.argv[1:]], stdout=subprocess.PIPE)
ends = 0
for line in agent.stdout:
    ends += b'"event":"end"' in line
    {lie}
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
os._exit(agent.wait())
"""
LIES = {
    "twice": "sys.stdout.buffer.write(line if ends == 2 else b'')",
    "types": "line = line.replace(b'\"wall_ns\":', b'\"wall_ns\":-') if ends == 2 else line",
}


def add_liar(project: Project, lie: str) -> None:
    python = project.folder / "python"
    python.write_text(LIAR.format(python=sys.executable, lie=lie))
    python.chmod(0o755)
    project.device("liar", python=str(python), root=str(project.folder / "liars root"))


@pytest.mark.parametrize("lie", LIES)
def test_a_run_with_a_lying_device_ends_with_a_report(tmp_path: Path, lie: str) -> None:
    project = make_project(tmp_path, launches=2)
    add_liar(project, LIES[lie])
    done = project.run("run", "tiny", "--device", "here", "--device", "liar", "--json")
    assert done.code == 3, done.err
    assert "Traceback" not in done.err
    rows = [row for row in done.json["rows"] if row["variant"] != "none"]
    here = [row for row in rows if row["device"] == "here"]
    assert here
    assert all(row["status"] == "finished" for row in here)
    (liar,) = (one for one in done.json["devices"] if one["name"] == "liar")
    assert "broke the protocol" in liar["error"]
    assert "devices doctor liar" in liar["error"]
    assert next(tmp_path.glob("benchhub-*.html")).read_text()
    listed = project.here("runs", "list", "--json")
    assert [run["status"] for run in listed.json] == ["failed"]
    for command in (("report", "latest", "--format", "markdown"), ("runs", "show", "latest")):
        shown = project.here(*command)
        assert shown.code == 0, shown.err


@pytest.mark.usefixtures("native")
def test_a_device_that_lies_when_it_is_to_give_the_reference_is_not_measured_further(
    tmp_path: Path,
) -> None:
    project = make_project(tmp_path, launches=1)
    add_liar(project, LIES["types"].replace("ends == 2", "ends == 1"))
    told = 'baseline = "fp32"\nreference = "device"\nreference_device = "liar"\n'
    project.edit('baseline = "fp32"\n', told)
    done = project.run("run", "tiny", "--device", "here", "--device", "liar", "--json")
    assert done.code == 3, done.err
    assert "Traceback" not in done.err
    rows = [row for row in done.json["rows"] if row["variant"] != "none"]
    finished = {(row["device"], row["scenario"]) for row in rows if row["status"] == "finished"}
    assert finished == {("here", "latency")}
    (failed,) = (row for row in rows if row["status"] == "failed")
    assert (failed["device"], failed["scenario"]) == ("liar", "quality")
    (liar,) = (one for one in done.json["devices"] if one["name"] == "liar")
    assert "broke the protocol" in liar["error"]
    assert all(row["quality"] is None for row in rows)
    mended = project.folder / "python"
    mended.write_text(LIAR.format(python=sys.executable, lie=""))
    again = project.here("run", "--rerun-failed", "latest", "--json")
    assert again.code == 0, again.err
    judged = [row for row in again.json["rows"] if row["scenario"] == "quality"]
    assert {row["device"] for row in judged} == {"here", "liar"}
    assert all(row["quality"] is not None for row in judged)
