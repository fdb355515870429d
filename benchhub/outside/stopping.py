"""Ctrl-C, and what asks for the same: the command is stopped, but not in the middle of an import.

Native code that is being imported calls back into Python. An exception that comes there from
nowhere is lost, or ends the process by SIGABRT or SIGSEGV.
"""

from __future__ import annotations

import signal
import time
from types import FrameType

#: A scheduler, a shell that is closed and a shutdown ask as Ctrl-C does.
_ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_IMPORTING = "<frozen importlib._bootstrap>"
#: How often it is looked whether the import has ended, and for how long.
_LOOK_S, _MOST_S = 0.05, 20.0


def listen() -> None:
    """Raise KeyboardInterrupt in the main thread for each signal that asks to stop.

    Once the import that is under way has ended; at once where it is asked again, or it takes long.
    One that is ignored, as in the background or under nohup, stays so.
    """
    asked_at: list[float] = []

    def ask(number: int, frame: FrameType | None) -> None:
        again = number != signal.SIGALRM and bool(asked_at)
        now = time.monotonic()
        asked_at[:] = asked_at or [now]
        if not again and _imports(frame) and now - asked_at[0] < _MOST_S:
            signal.setitimer(signal.ITIMER_REAL, _LOOK_S)
            return
        asked_at.clear()
        signal.setitimer(signal.ITIMER_REAL, 0)
        raise KeyboardInterrupt

    usual = (signal.SIG_DFL, signal.default_int_handler)
    signal.signal(signal.SIGALRM, ask)
    for one in _ASKING:
        if signal.getsignal(one) in usual:
            signal.signal(one, ask)


def _imports(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == _IMPORTING:
            return True
        frame = frame.f_back
    return False
