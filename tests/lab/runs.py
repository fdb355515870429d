"""What tests of whole runs share: a host as a device of a project, and what the store then has."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
from project import Finished, Project, make_project

from .arm import ArmHost
from .host import Host
from .lab import Lab

#: What was fetched for devices stays here between test runs; the wheels of BENCHHUB_CACHE.
WHEELS = Path.home() / ".cache" / "benchhub-tests" / "wheels"


@dataclass(frozen=True)
class Stored:
    """One launch as the store has it; times in seconds."""

    device: str
    cell: str
    index: int
    attempt: int
    status: str
    kind: str | None
    begin_s: float
    end_s: float
    #: The device's temperature just before it.
    temperature_c: float | None


def stored(project: Project) -> list[Stored]:
    """Return every launch of the project's store."""
    query = (
        "select c.info, l.cell, l.launch, l.attempt, l.status, l.failure_kind, l.started_at,"
        " l.wall_ns, l.before from launches l join cells c on c.run = l.run and c.key = l.cell"
        " order by l.id"
    )
    with contextlib.closing(sqlite3.connect(project.folder / "benchhub.db")) as database:
        rows = database.execute(query).fetchall()
    found = []
    for info, cell, index, attempt, status, kind, started_at, wall_ns, before in rows:
        begin_s = datetime.fromisoformat(started_at).timestamp()
        end_s = begin_s + (wall_ns or 0) / 1e9
        device = json.loads(info)["device"]
        heat = (json.loads(before or "null") or {}).get("temperature_c")
        found.append(Stored(device, cell, index, attempt, status, kind, begin_s, end_s, heat))
    return found


def count(project: Project, device: str) -> int:
    """Return how many launches of a device are stored; 0 before there is a store."""
    with contextlib.suppress(sqlite3.Error):
        return sum(launch.device == device for launch in stored(project))
    return 0


def finished_once(project: Project, launches: int) -> bool:
    """Whether every planned launch finished, and none of them twice."""
    done = Counter((x.cell, x.index) for x in stored(project) if x.status == "finished")
    return len(done) == launches and set(done.values()) == {1}


def launching(host: Host) -> bool:
    """Whether a launch is under way on the host."""
    return bool(_children(host))


def _children(host: Host) -> list[psutil.Process]:
    return [process for process in host.processes() if "child" in _words(process)]


def agents(host: Host) -> int:
    """Return how many agents and launches run on the host."""
    return sum(
        "agent" in words or "child" in words
        for words in map(_words, host.processes())
        if "python" in os.path.basename(words[0] if words else "")
    )


def _words(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:  # it has ended meanwhile
        return []


def end(process: subprocess.Popen[str], timeout_s: float) -> Finished:
    """Wait for a controller to end by itself."""
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Finished(process.returncode, out, err)


def lines(done: Finished) -> list[str]:
    """Return what is wrong with a run, a line each."""
    assert "Traceback" not in done.err, done.err
    return [line for line in done.err.splitlines() if line.startswith("benchhub: ")]


def doctor(project: Project, device: str) -> tuple[int, dict[str, dict[str, str]]]:
    """Return the exit code of a doctor and what was found, by check."""
    done = project.run("devices", "doctor", device, "--json")
    return done.code, {check["check"]: check for check in done.json[device]}


def harness_project(folder: Path) -> Project:
    """Make a project whose suite measures the harness itself: no device lacks what that needs."""
    made = make_project(folder, backends=("null",))
    made.edit('[[variants]]\nname = "int8"\nfrom = "fp32"\nrecipe = "int8-dynamic"\n', "")
    made.edit("[scenarios.quality]\nbatch = 8\n", "")
    return made


def add_host(project: Project, lab: Lab, at: str, name: str | None = None, **keys: Any) -> Path:
    """Write the profile of a host of the lab; its files on the host are the project's own."""
    profile = lab.profile(at)
    patience_s = profile.connect_timeout_s if isinstance(lab[at], ArmHost) else 1.0
    values = {
        "transport": "ssh",
        "host": profile.host,
        "user": "root",
        "host_key": profile.host_key,
        "identity_file": str(profile.identity_file),
        "ssh_config": os.devnull,
        "python": profile.python,
        "emulated": profile.emulated,
        "root": f"~/{project.folder.parent.name}/{project.folder.name}",
        "connect_timeout_s": patience_s,
        "limits": {"reboot_wait_s": 20},
    }
    return project.device(name or at, **{**values, **keys})


def run_on(*devices: str) -> list[str]:
    """Return the arguments of a run on devices: of the suite's own launches, and no others."""
    named = (word for name in devices for word in ("--device", name))
    return ["run", "tiny", "--json", "--effort", "quick", *named]
