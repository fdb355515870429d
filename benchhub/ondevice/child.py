"""One launch from the inside: a fresh process that loads one backend and measures one cell."""

import ctypes
import os
import resource
import signal
import sys
import threading
from typing import Any

from benchhub.ondevice import wire
from benchhub.ondevice.lines import LineWriter, read_line

_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Read one job from stdin, measure it, write events to stdout; ends when stdin ends."""
    _die_with_parent()
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    writer = LineWriter(os.dup(1))
    os.dup2(2, 1)  # a backend that prints must not get between the lines
    line = read_line(0)
    if not line:
        return 1
    threading.Thread(target=_watch_stdin, name="watchdog", daemon=True).start()
    message = wire.decode(line)
    from benchhub.ondevice.measure import Measurement

    Measurement(wire.decode_job(message["job"]), message["root"], writer.send).run()
    writer.send({"event": "done"})
    _leave()
    return 0


def _leave() -> None:
    # Everything is reported; a runtime that crashes while it unloads must not undo that.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _watch_stdin() -> None:
    while os.read(0, 4096):
        continue
    os._exit(1)


def _die_with_parent() -> None:
    """Ask the kernel to kill this process when the agent dies; only Linux can."""
    if not sys.platform.startswith("linux"):
        return
    libc: Any = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
