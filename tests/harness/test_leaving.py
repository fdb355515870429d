"""A run of tests that is cut short, in whatever way, leaves nothing of what its tests started."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from lab import arm, state
from lab.command import MARK, born, run, why_not
from lab.plugin import give_up
from repository import ROOT, TESTS
from waiting import until

from harness.inner import Inner

pytestmark = pytest.mark.lab

#: Tests that have up what tests of this project have, say so, and wait.
HEAD = f"""\
import json, os, subprocess, sys, time
from pathlib import Path

sys.path[:0] = ["{TESTS}/device", "{TESTS}/report"]

from browser import FLAGS, chromium
from lab.lab import Lab
from loopback_sshd import start_sshd

FORK = "import os, time\\nos.fork() and os._exit(0)\\nos.setsid()\\nos.fork() or time.sleep(600)"


def wait(**said):
    name = f"up-{{os.getpid()}}"
    Path(name).write_text(json.dumps({{"pid": os.getpid(), **said}}))
    Path(name).rename(name + ".json")
    time.sleep(600)


def test_first(lab, tmp_path, processes, servers):
    sshd = start_sshd(tmp_path / "sshd")
    login = ["ssh", "-F", "/dev/null", "-oBatchMode=yes", "-oStrictHostKeyChecking=no",
             "-oUserKnownHostsFile=/dev/null", "-i", str(sshd.identity), "-p", str(sshd.port)]
    session = subprocess.Popen([*login, "127.0.0.1", "echo there; exec sleep 600"],
                               stdout=subprocess.PIPE)
    assert session.stdout.readline() == b"there\\n"
    clean = {{"PATH": os.environ["PATH"]}}
    subprocess.run([sys.executable, "-c", FORK], env=clean, cwd=tmp_path, check=True)
    page = subprocess.Popen([chromium(), *FLAGS, f"--user-data-dir={{tmp_path}}/profile",
                             "--remote-debugging-port=0", "about:blank"],
                            stderr=subprocess.PIPE, text=True)
    while "DevTools listening" not in page.stderr.readline():
        assert page.poll() is None
    (tmp_path / "disk").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "test", tmp_path / "disk"], check=True)
    up = [sys.executable, "-m", "tests.lab", "up", "--only", "x86", "--dir", tmp_path / "lasting"]
    subprocess.run(up, cwd="{ROOT}", check=True, stdout=subprocess.DEVNULL)
    wait(lab=lab.name, base=str(tmp_path.parent))


"""
APART = """\
def test_second(native, processes):
    subprocess.Popen(["sleep", "600"], start_new_session=True)
    wait(worker=int(os.environ["BENCHHUB_TESTS_OF"].partition(":")[0]))
"""
MACHINE = """\
def test_second(processes, servers):
    with Lab({"lab-arm64-vm": 0}) as lab:
        wait(lab=lab.name)
"""


@dataclass(frozen=True)
class Cut:
    """A way in which a run ends early; `first` is the process that runs the first test."""

    name: str
    end: Callable[[subprocess.Popen[str], int], None]
    workers: int = 2
    second: str = APART


CUTS = [
    Cut("ctrl-c", lambda run, first: os.killpg(run.pid, signal.SIGINT), second=MACHINE),
    Cut("ctrl-c alone", lambda run, first: os.killpg(run.pid, signal.SIGINT), 0),
    Cut("sigterm", lambda run, first: run.terminate()),
    Cut("kill -9", lambda run, first: run.kill()),
    Cut("kill -9 alone", lambda run, first: run.kill(), 0),
    Cut("kill -9 of a worker", lambda run, first: os.kill(first, signal.SIGKILL)),
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("cut", CUTS, ids=[cut.name for cut in CUTS])
def test_nothing_is_left_of_a_run_cut_short(inner: Inner, cut: Cut, servers: None) -> None:
    if (reason := why_not()) is not None:
        give_up(reason, in_ci=bool(os.environ.get("CI")))
    second = APART if arm.why_not("lab-arm64-vm") else cut.second
    inner.write(HEAD + second, plugins=["lab.plugin"])
    with inner.start(*(["-n", str(cut.workers)] if cut.workers else ["-p", "no:xdist"])) as process:
        try:
            ups = until(lambda: all_up(inner.folder, max(1, cut.workers), process), "its tests")
            first = next(up for up in ups if "lab" in up)
            owners, folder = {up.get("worker", up["pid"]) for up in ups}, inner.folder
            if "worker" in cut.name:
                owners, folder = {first["pid"]}, Path(first["base"])
            started = {pid: born(pid) for owner in owners for pid in of(owner, folder)}
            assert len(started) > 10
            assert len(labs(folder, owners)) >= 2
            assert str(folder) in Path("/proc/mounts").read_text()
            cut.end(process, first["pid"])
            nothing_left(lambda: [pid for pid, at in started.items() if born(pid) == at])
            nothing_left(lambda: labs(folder, owners))
            nothing_left(lambda: [pid for owner in owners for pid in of(owner, folder)])
            assert not [up["lab"] for up in ups if f"{up.get('lab')}-" in namespaces()]
            assert str(folder) not in Path("/proc/mounts").read_text()
        finally:
            process.kill()
    nothing_left(lambda: of(process.pid, inner.folder))


def nothing_left(look: Callable[[], Collection[object]]) -> None:
    """Wait until there is nothing to be seen; fail with what is left."""
    with contextlib.suppress(AssertionError):
        until(lambda: not look(), "nothing")
    assert [_described(thing) for thing in look()] == []


def _described(thing: object) -> str:
    if isinstance(thing, int):
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(thing)
            return f"{thing} {process.ppid()} {process.status()} {' '.join(process.cmdline())}"
    return str(thing)


def all_up(folder: Path, wanted: int, process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """Return what the tests say, once all of them do."""
    assert process.poll() is None, process.communicate()[0]
    found = [json.loads(path.read_text()) for path in folder.glob("up-*.json")]
    return found if len(found) >= wanted else []


def namespaces() -> str:
    return run("ip", "netns", "list")


def labs(folder: Path, owners: set[int]) -> list[str]:
    """Return the labs that are up and belong to processes, or lie in a folder."""
    return [
        saved.lab
        for saved in state.saved()
        if saved.owner_pid in owners or saved.folder.startswith(f"{folder}/")
    ]


def of(owner: int, folder: Path) -> set[int]:
    """Return every process that a process started, or that has to do with a folder."""
    found = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() == psutil.STATUS_ZOMBIE or process.pid in (owner, os.getpid()):
                continue
            marked = process.environ().get(MARK, "").startswith(f"{owner}:")
            words = " ".join([process.cwd(), *process.cmdline()])
            if marked or str(folder) in words or owner in {p.pid for p in process.parents()}:
                found.add(process.pid)
    return found
