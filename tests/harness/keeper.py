"""What a test run leaves that was cut short is taken away by a process that watches over it.

    python keeper.py PID BORN CONTROLLER FOLDER

waits until its stdin, which only process PID holds open, ends: by then PID is gone, however it
ended. What PID started bears its mark in the environment, or works in FOLDER, where its tests keep
their files; all of that is killed, its labs are taken down, and file systems mounted in FOLDER are
unmounted. CONTROLLER is the process that PID answers to: soon after its end, PID is ended too.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

#: What PID may take for its own taking down once its controller is gone.
_GRACE_S = 20.0
_LONGEST_S = 60.0


def wait(pid: int, controller: int) -> None:
    """Return once `pid` is gone; end it if it outlives its controller."""
    owner, ends = os.pidfd_open(pid), [sys.stdin.fileno()]
    with contextlib.suppress(ProcessLookupError):
        ends.append(os.pidfd_open(controller))
    ready, _, _ = select.select(ends, [], [])
    if sys.stdin.fileno() not in ready:
        ready, _, _ = select.select(ends[:1], [], [], _GRACE_S)
        if not ready:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(owner, signal.SIGKILL)
    while os.getppid() == pid:  # its files are closed before its children are given away
        time.sleep(0.01)  # looks again


def clean(pid: int, born: int, folder: Path) -> None:
    """Take away what `pid` left."""
    # Not before: while all goes well, this process is one of few modules.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    import psutil
    from lab import state
    from lab.command import born as born_at

    owners: set[tuple[int | None, int | None]] = {(pid, born)}
    until, looks = time.monotonic() + _LONGEST_S, 0
    while looks < 2 and time.monotonic() < until:  # what was just being started is seen the second
        left = _left(f"{pid}:{born}", str(folder))
        looks = 0 if left else looks + 1
        for process in left:
            owners.add((process.pid, born_at(process.pid)))
            with contextlib.suppress(psutil.Error):
                process.kill()
        time.sleep(0.1)  # looks again
    if state.RUN.exists():
        with state.locked():
            for lab in state.saved():
                if (lab.owner_pid, lab.owner_born) in owners:
                    lab.clear()
    for place in reversed(_mounted(str(folder))):
        subprocess.run(["umount", "--lazy", place], capture_output=True)


def _left(mark: str, folder: str) -> list[psutil.Process]:
    """Return what bears the mark or works in the folder, and everything below it."""
    import psutil

    found: dict[int, psutil.Process] = {}
    new_parent = os.getppid()  # orphans are given to whom this one was given to
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            orphan = process.ppid() == new_parent
            if _bears(process, mark) or (orphan and _works_in(process, folder)):
                found |= {p.pid: p for p in (process, *process.children(recursive=True))}
    return list(found.values())


def _bears(process: psutil.Process, mark: str) -> bool:
    from lab.command import MARK

    return process.environ().get(MARK) == mark


def _works_in(process: psutil.Process, folder: str) -> bool:
    """Servers write their title over their environment; in it is where their files are."""
    words = " ".join([process.cwd(), *process.cmdline()]).replace("=", " ").split()
    return any(word == folder or word.startswith(f"{folder}/") for word in words)


def _mounted(folder: str) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    places = [line.split()[4].replace("\\040", " ") for line in lines]
    return [place for place in places if place.startswith(f"{folder}/")]


def main() -> None:
    """Wait and clean."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # they are for those watched
        signal.signal(number, signal.SIG_IGN)
    pid, born, controller = map(int, sys.argv[1:4])
    wait(pid, controller)
    clean(pid, born, Path(sys.argv[4]))


if __name__ == "__main__":
    main()
