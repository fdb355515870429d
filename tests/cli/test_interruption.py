"""A controller that dies or is stopped: nothing finished is lost, repeated or doubled."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from project import Project, make_project
from waiting import PATIENCE_S, until

pytestmark = pytest.mark.usefixtures("processes")

RUN = ("run", "tiny", "--device", "here")
LAUNCHES = 7


def stored(project: Project) -> list[tuple[str, int, int, str, bytes]]:
    """Return (cell, launch, attempt, status, samples) of every launch in the store."""
    with contextlib.closing(sqlite3.connect(project.folder / "benchhub.db")) as database:
        query = "select cell, launch, attempt, status, samples from launches order by id"
        return database.execute(query).fetchall()


def wait_for_launches(project: Project, count: int) -> None:
    path = project.folder / "benchhub.db"

    def there() -> bool:
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as base:
            return bool(base.execute("select count(*) from launches").fetchone()[0] >= count)
        return False

    until(there, f"{count} launches in the store")


def resume_and_check(project: Project, before: list[tuple[str, int, int, str, bytes]]) -> None:
    done = project.run("run", "--resume", "latest", "--json")
    assert done.code == 0, done.err
    after = stored(project)
    assert after[: len(before)] == before  # nothing was lost or changed
    finished = Counter(
        (cell, launch) for cell, launch, _, status, _ in after if status == "finished"
    )
    assert set(finished.values()) == {1}
    assert len(finished) == 3 * LAUNCHES + 2  # two variants and the canary; two for quality
    assert {row["status"] for row in done.json["rows"]} == {"finished"}


@pytest.mark.parametrize("after", [1, 5, 11])
def test_kill_9_then_resume(tmp_path: Path, after: int) -> None:
    project = make_project(tmp_path, launches=LAUNCHES)
    process = project.start(*RUN)
    wait_for_launches(project, after)
    process.kill()
    process.communicate()
    before = stored(project)
    assert len(before) >= after
    resume_and_check(project, before)


@pytest.mark.parametrize("by", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_what_stops_it_saves_and_says_how_to_resume(tmp_path: Path, by: str) -> None:
    project = make_project(tmp_path, launches=LAUNCHES)
    number = signal.Signals[by]  # which the tests themselves may have been told to ignore
    process = project.start(*RUN, preexec=lambda: signal.signal(number, signal.SIG_DFL))
    wait_for_launches(project, 3)
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, err
    assert "go on with `benchhub run --resume" in err
    assert "Traceback" not in err
    before = stored(project)
    assert all(status == "finished" for _, _, _, status, _ in before)
    runs = project.here("runs", "list", "--json").json
    assert [run["status"] for run in runs] == ["interrupted"]
    resume_and_check(project, before)


def test_ctrl_c_while_the_command_is_still_imported_is_one_line() -> None:
    stopping = (
        "import runpy, sys\n"
        "class Stop:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'typer':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stop())\n"
        "runpy.run_module('benchhub', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", stopping], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "benchhub: stopped\n")


def test_in_the_background_ctrl_c_is_ignored_and_sigterm_ends_it(tmp_path: Path) -> None:
    project = make_project(tmp_path, launches=LAUNCHES)
    process = project.start(*RUN, preexec=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    wait_for_launches(project, 2)
    process.send_signal(signal.SIGINT)
    wait_for_launches(project, 5)
    process.terminate()
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    resume_and_check(project, stored(project))


def test_under_nohup_a_closed_terminal_is_ignored(tmp_path: Path) -> None:
    project = make_project(tmp_path, launches=LAUNCHES)
    process = project.start(*RUN, preexec=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    wait_for_launches(project, 2)
    process.send_signal(signal.SIGHUP)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err


def test_a_report_of_an_unfinished_run_says_what_is_missing(tmp_path: Path) -> None:
    project = make_project(tmp_path, launches=LAUNCHES)
    process = project.start(*RUN)
    wait_for_launches(project, 1)
    process.kill()
    process.communicate()
    shown = project.here("runs", "show", "latest", "--json").json
    assert len(shown["rows"]) == 4
    unmeasured = [row for row in shown["rows"] if row["status"] == "unmeasured"]
    assert all(row["reason"] and row["mean_ms"] is None for row in unmeasured)
