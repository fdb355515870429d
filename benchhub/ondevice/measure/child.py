"""One launch from the inside: a fresh process that loads one backend and measures one cell."""

import _thread
import gc
import os
import sys

from benchhub.ondevice.measure.importing import import_backend

TYPE_CHECKING = False
if TYPE_CHECKING:  # at run time the module would be there before the runtimes ask for it
    from typing import Any, Mapping

_PR_SET_PDEATHSIG = 1
_SIGKILL = 9


def main(backend: str) -> int:
    """Read one job for `backend` from stdin, measure it, write events to stdout.

    Ends when stdin ends. Exit status 0, or 1 where no job came.
    """
    out = os.dup(1)
    os.dup2(2, 1)  # a backend that prints must not get between the lines
    line = sys.stdin.buffer.readline()
    if not line:
        return 1
    # Not `threading`: numpy will import that, and the time it takes belongs to numpy's import.
    _thread.start_new_thread(_watch_stdin, ())
    os.write(out, b'{"event":"stage","stage":"import"}\n')
    imported = import_backend(backend)
    _die_with_parent()
    gc.freeze()  # it stays; no later collection need look at these many objects again
    # What follows shares modules with the runtimes: had it come first, it would have hidden them.
    from benchhub.ondevice.job import decode, decode_job, encode
    from benchhub.ondevice.lines import write_all
    from benchhub.ondevice.measure.stages import Measurement

    def send(event: "Mapping[str, Any]") -> None:
        write_all(out, [memoryview(encode(event))])

    message = decode(line)
    job = decode_job(message["job"])
    Measurement(job, message["root"], imported, send).run()
    send({"event": "done"})
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
    import ctypes  # numpy has it by now; before, its time would be missing from the import's

    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
