"""Running the system's own tools, and telling a process from a later one with its number."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

TOOLS = ("sshd", "ssh", "ssh-keygen", "ip", "tc", "iptables", "unshare", "nsenter", "mount")
#: In the environment of what tests start: number and `born` of the process that ran the test.
MARK = "BENCHHUB_TESTS_OF"
# sshd and ip live in sbin, which is not on everybody's path.
_PATH = os.environ.get("PATH", os.defpath) + ":/usr/local/sbin:/usr/sbin:/sbin"


class LabError(Exception):
    """The lab could not do what it was asked; one line of cause."""


def why_not() -> str | None:
    """Return why this machine cannot run the lab, None if it can."""
    if not sys.platform.startswith("linux"):
        return "the lab needs Linux network namespaces"
    if os.geteuid() != 0:
        return "the lab makes network namespaces and needs root"
    missing = [tool for tool in TOOLS if shutil.which(tool, path=_PATH) is None]
    if missing:
        return f"the lab needs {', '.join(missing)}; run scripts/install-system-packages"
    return None


def tool(name: str) -> str:
    """Return the path of a system tool."""
    found = shutil.which(name, path=_PATH)
    if found is None:
        raise LabError(f"{name} is not installed; run scripts/install-system-packages")
    return found


def run(*argv: str, check: bool = True, timeout_s: float = 60.0) -> str:
    """Run `argv`, its first word a system tool, and return its stdout."""
    done = subprocess.run(
        [tool(argv[0]), *argv[1:]],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    if check and done.returncode:
        raise LabError(f"{' '.join(argv)}: status {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def give_to_caller(paths: list[Path]) -> None:
    """Under sudo, let the person who asked use what was written for them."""
    user, group = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if user and group:
        for path in paths:
            os.chown(path, int(user), int(group))


def mark() -> dict[str, str]:
    """Return, for the environment of what is started, whose test it belongs to, if any's."""
    return {MARK: os.environ[MARK]} if MARK in os.environ else {}


def born(pid: int) -> int | None:
    """Return when the live process `pid` started; with the number it names one for ever.

    In clock ticks since this machine booted: a time of day would be another after the clock is set.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(rest[18])


def owner_of_all() -> tuple[int | None, int | None]:
    """Return the process that ran the test that started this one; Nones where a person did."""
    pid, _, started = os.environ.get(MARK, "").partition(":")
    return (int(pid), int(started)) if started else (None, None)


def end(pid: int, started: int | None) -> None:
    """End the process `pid` that started at `started` and all below it, and wait for them.

    What it started is first in a pid namespace, whose other processes are gone before that is.
    """
    if started is None or born(pid) != started:
        return
    below: list[int] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        below = [child.pid for child in psutil.Process(pid).children()]
    for child in below:
        kill(child, born(child))
    deadline = time.monotonic() + 5.0
    while below and born(pid) == started and time.monotonic() < deadline:
        time.sleep(0.005)  # looks again
    kill(pid, started)


def kill(pid: int, started: int | None) -> None:
    """End the process `pid` that started at `started` and wait for it; not a later namesake."""
    try:
        handle = os.pidfd_open(pid)  # of this very process, whoever gets its number next
    except ProcessLookupError:
        return
    try:
        if started is None or born(pid) != started:
            return
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        os.waitpid(pid, 0)
    except ProcessLookupError:
        pass
    except ChildProcessError:  # somebody else's child: they or init will reap it
        deadline = time.monotonic() + 5.0
        while born(pid) == started and time.monotonic() < deadline:
            time.sleep(0.005)  # looks again
    finally:
        os.close(handle)
