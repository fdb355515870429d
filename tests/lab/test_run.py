"""Whole runs on the lab's hosts, as a user starts them, while things go wrong."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from project import Finished, Project, make_project, write_model
from waiting import until, until_said

from lab import faults
from lab.host import new_key
from lab.lab import Lab
from lab.runs import (
    add_host,
    agents,
    count,
    end,
    finished_once,
    launching,
    lines,
    run_on,
    stored,
)

pytestmark = pytest.mark.lab
ONE, TWO = "lab-x86-1", "lab-x86-2"
MIB = 1 << 20


MakeProject = Callable[..., Project]


@pytest.fixture
def project(lab: Lab, tmp_path: Path) -> MakeProject:
    """Make a project over hosts of the lab; a launch there sleeps `pause_s` before it works."""
    late = tmp_path / "late"
    late.mkdir()

    def make(folder: str, hosts: tuple[str, ...], launches: int = 2, pause_s: float = 0) -> Project:
        (tmp_path / folder).mkdir()
        made = make_project(tmp_path / folder, launches=launches)
        made.edit('[[variants]]\nname = "int8"\nfrom = "fp32"\nrecipe = "int8-dynamic"\n', "")
        made.edit("[scenarios.quality]\nbatch = 8\n", "")
        for name in hosts:
            add_host(made, lab, name, python=slow_python(late, pause_s))
        return made

    return make


def slow_python(folder: Path, pause_s: float) -> str:
    """Make an interpreter whose launches, and nothing else, begin with a sleep."""
    path = folder / f"python-{pause_s:g}"
    site = folder / f"site-{pause_s:g}"
    site.mkdir(exist_ok=True)
    site.joinpath("sitecustomize.py").write_text(
        f"import sys, time\nif 'child' in sys.orig_argv: time.sleep({pause_s})\n"
    )
    path.write_text(f'#!/bin/sh\nPYTHONPATH={site} exec {sys.executable} "$@"\n')
    path.chmod(0o755)
    return str(path)


# --- nothing goes wrong -----------------------------------------------------------------------


def test_three_devices_in_one_run_and_one_report(project: MakeProject) -> None:
    made = project("all", (ONE, TWO), launches=4, pause_s=0.5)
    late = slow_python(made.folder, 0.5)
    made.device("here", root=str(made.folder / "device"), python=late)
    done = made.run(*run_on("here", ONE, TWO))
    assert done.code == 0, done.err
    assert {row["device"] for row in done.json["rows"]} == {"here", ONE, TWO}
    assert {row["status"] for row in done.json["rows"]} == {"finished"}
    (report,) = made.folder.glob("benchhub-*.html")
    assert all(name in report.read_text() for name in ("here", ONE, TWO))
    launches = stored(made)
    spans = []
    for device in ("here", ONE, TWO):
        mine = sorted((x for x in launches if x.device == device), key=lambda x: x.begin_s)
        assert len(mine) == 4
        # Starts are stored to the millisecond.
        assert all(a.end_s <= b.begin_s + 0.002 for a, b in itertools.pairwise(mine))
        spans.append((mine[0].begin_s, mine[-1].end_s))
    assert max(begin for begin, _ in spans) < min(last for _, last in spans)


# --- the link ---------------------------------------------------------------------------------


def test_a_launch_that_the_link_cut_short_is_measured_again_openly(
    lab: Lab, project: MakeProject
) -> None:
    made = project("reset", (ONE,), launches=4, pause_s=0.8)
    process = made.start(*run_on(ONE))
    until(lambda: count(made, ONE) >= 1 and launching(lab[ONE]), "a launch to cut")
    with faults.resets(lab[ONE]):
        until(lambda: count(made, ONE) >= 2, "the interrupted launch in the store")
    done = end(process, 60)
    assert done.code == 0, done.err
    assert finished_once(made, 4)
    (cut,) = [x for x in stored(made) if x.status != "finished"]
    assert (cut.status, cut.kind, cut.attempt) == ("interrupted", "link", 0)
    again = [x for x in stored(made) if x.index == cut.index and x.status == "finished"]
    assert [x.attempt for x in again] == [1]
    assert "link lost" in done.err


def test_a_host_that_is_gone_for_good_stops_alone_and_is_resumed(
    lab: Lab, project: MakeProject
) -> None:
    made = project("gone", (ONE, TWO), launches=4, pause_s=0.8)
    process = made.start(*run_on(ONE, TWO))
    until(lambda: count(made, TWO) >= 1 and launching(lab[TWO]), "a launch to cut")
    with faults.cut(lab[TWO]):
        done = end(process, 120)
    assert done.code == 3, done.err
    about, advice = lines(done)
    assert about.startswith(f"benchhub: {TWO}: ")
    assert about.count(TWO) == 1
    assert "1 device stopped early" in advice
    by_device = {row["device"]: row["launches"] for row in done.json["rows"]}
    assert by_device[ONE] == 4
    assert count(made, ONE) == 4
    resumed = made.run("run", "--resume", "latest", "--json")
    assert resumed.code == 0, resumed.err
    assert finished_once(made, 8)
    assert {row["launches"] for row in resumed.json["rows"]} == {4}


def test_a_push_that_was_cut_goes_on_within_the_run(lab: Lab, project: MakeProject) -> None:
    made = project("push", (ONE,), launches=1)
    model = write_model(made.suite.parent / "model.onnx", hidden=400_000)
    blobs = lab[ONE].home / made.folder.parent.name / made.folder.name / "blobs"

    def arrived() -> bool:
        with contextlib.suppress(OSError):
            return any(part.stat().st_size > 12 * MIB for part in blobs.glob("*.part"))
        return False

    with faults.slow(lab[ONE], 80):
        process = made.start(*run_on(ONE))
        until(arrived, "the better part of the model")
        with faults.resets(lab[ONE]):
            until_said(process, "link lost")
        done = end(process, 90)
    assert done.code == 0, done.err
    (device,) = done.json["devices"]
    size = model.stat().st_size
    assert size <= device["staged"]["moved_bytes"] < size + 8 * MIB
    assert finished_once(made, 1)


def test_ctrl_c_does_not_wait_for_a_lost_link(lab: Lab, project: MakeProject) -> None:
    made = project("stop", (ONE,), launches=4, pause_s=0.8)
    process = made.start(*run_on(ONE))
    until(lambda: count(made, ONE) >= 1 and launching(lab[ONE]), "a launch to cut")
    with faults.no_sshd(lab[ONE]):
        until(lambda: count(made, ONE) >= 2, "the interrupted launch in the store")
        process.send_signal(signal.SIGINT)
        done = end(process, 60)
    assert done.code == 130, done.err
    assert "--resume" in lines(done)[0]


# --- the controller ---------------------------------------------------------------------------


def test_a_killed_controller_leaves_nothing_behind_and_is_resumed(
    lab: Lab, project: MakeProject
) -> None:
    made = project("killed", (ONE,), launches=4, pause_s=0.8)
    process = made.start(*run_on(ONE))
    until(lambda: count(made, ONE) >= 1 and launching(lab[ONE]), "a launch")
    process.kill()
    process.communicate()
    before = stored(made)
    resumed = made.run("run", "--resume", "latest", "--json")
    assert resumed.code == 0, resumed.err
    assert stored(made)[: len(before)] == before
    assert finished_once(made, 4)
    until(lambda: agents(lab[ONE]) == 0, "the end of what ran on the host")


def test_two_controllers_share_a_device_one_after_the_other(lab: Lab, project: MakeProject) -> None:
    first = project("first", (ONE,), launches=500, pause_s=0.8)
    second = project("second", (ONE,), launches=1)
    root = f"~/{first.folder.parent.name}/{first.folder.name}"
    add_host(second, lab, ONE, root=root)
    process = first.start(*run_on(ONE))
    until(lambda: launching(lab[ONE]), "the first launch")
    refused = second.run(*run_on(ONE))
    assert refused.code == 3, refused.err
    about, _ = lines(refused)
    (run,) = first.run("runs", "list", "--json").json
    assert f"in use by root@{os.uname().nodename}, run {run['id']}, since" in about
    add_host(second, lab, ONE, root=root, lease_wait_s=600)
    stopped = second.start(*run_on(ONE))
    until_said(stopped, "waiting: ")
    stopped.send_signal(signal.SIGINT)
    assert end(stopped, 60).code == 130
    waiting = second.start(*run_on(ONE))
    until_said(waiting, "waiting: ")
    process.send_signal(signal.SIGINT)
    assert end(process, 60).code == 130
    assert end(waiting, 120).code == 0
    assert finished_once(second, 1)
    assert {one.status for one in stored(first)} <= {"finished", "interrupted"}


# --- hosts that cannot be used ----------------------------------------------------------------


def test_each_unusable_host_is_one_line_and_the_others_are_measured(
    lab: Lab, project: MakeProject, tmp_path: Path
) -> None:
    made = project("unusable", ())
    stranger = new_key(tmp_path / "stranger")
    add_host(made, lab, ONE, "good")
    add_host(made, lab, ONE, "unknown", host_key="", root="~/unknown")
    add_host(made, lab, ONE, "changed", host_key=stranger, root="~/changed")
    add_host(made, lab, ONE, "refused", identity_file=str(tmp_path / "stranger"), root="~/refused")
    nobody = lab[ONE].address.rsplit(".", 1)[0] + ".250"
    add_host(made, lab, ONE, "off", host=nobody)
    add_host(made, lab, TWO, "full")
    names = ("good", "unknown", "changed", "refused", "off", "full")
    with faults.full_disk(lab[TWO], 4096):
        done = made.run(*run_on(*names))
    assert done.code == 3, done.err
    *problems, advice = lines(done)
    assert "5 devices stopped early" in advice
    said = {line.split(": ")[1]: line for line in problems}
    assert set(said) == set(names) - {"good"}
    assert len(problems) == len(said)
    words = {
        "unknown": "shows host key",
        "changed": "was enrolled",
        "refused": "stranger",
        "off": nobody,
        "full": "no room",
    }
    for name, word in words.items():
        assert word in said[name]
    rows = {row["device"]: row for row in done.json["rows"]}
    assert rows["good"]["status"] == "finished"
    assert all(rows[name]["status"] != "finished" for name in said)
    assert all(rows[name]["mean_ms"] is None and rows[name]["reason"] for name in said)


def test_the_enrol_command_of_the_message_makes_a_run_work(lab: Lab, project: MakeProject) -> None:
    made = project("enrol", (), launches=1)
    profile = add_host(made, lab, ONE, "board", host_key="")
    profile.write_text("# The board by the window.\n" + profile.read_text() + "# Its end.\n")
    enrol(made, made.run(*run_on("board")))
    assert made.run(*run_on("board")).code == 0
    with faults.other_host_key(lab[ONE]) as key:
        changed = made.run(*run_on("board"))
        assert "was enrolled" in lines(changed)[0]
        enrol(made, changed)
        assert key in profile.read_text()
        assert made.run(*run_on("board")).code == 0
    text = profile.read_text()
    assert text.startswith("# The board by the window.\n")
    assert "# Its end." in text
    assert text.count("host_key") == 1


def enrol(project: Project, refused: Finished) -> None:
    """Run the command that the message names."""
    assert refused.code == 3, refused.err
    found = re.search("`benchhub (devices enroll [^`]*)`", lines(refused)[0])
    assert found is not None, refused.err
    done = project.run(*shlex.split(found[1]), "--yes")
    assert done.code == 0, done.err


def test_a_new_host_is_enrolled_and_measured(lab: Lab, project: MakeProject) -> None:
    made = project("new", (), launches=1)
    options = ("--user", "root", "--ssh-config", os.devnull, "--python", sys.executable)
    key = ("--identity-file", str(lab.identity_file), "--root", "~/new board")
    where = ("devices", "enroll", lab[TWO].address, "--name", "board")
    done = made.run(*where, *options, *key, "--yes")
    assert done.code == 0, done.err
    assert lab[TWO].host_key in Path(done.out.strip()).read_text()
    assert made.run(*run_on("board")).code == 0
