"""Waiting for what a test cannot go on without: for as long as it takes, and no longer."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
#: A machine that is busy with other things may need this long for anything.
PATIENCE_S = 150.0


def until(condition: Callable[[], Found], what: str, within_s: float = PATIENCE_S) -> Found:
    """Return what `condition()` returns once that is true; AssertionError naming `what` if never.

    It is asked often, so the time is a limit and no pause: let it be generous.
    """
    deadline = time.monotonic() + within_s
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {within_s:g} s")
        time.sleep(0.02)  # looks again
    return found


def until_said(process: subprocess.Popen[str], text: str) -> str:
    """Read what a process says on stderr up to a line with `text`, and return it."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if text in line:
            return said
    raise AssertionError(f"it ended without {text!r}: {said}")
