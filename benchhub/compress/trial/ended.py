"""How a process of ours ended that a runtime may end at any moment, and what it said last."""

from __future__ import annotations

import re
import signal

#: So much of what a process said last is looked at.
_SAID_BYTES = 8192
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def how_ended(status: int) -> str:
    """Return `with SIGSEGV` or `with status 3`, by a process's exit status as Python has it."""
    if status >= 0:
        return f"with status {status}"
    try:
        return f"with {signal.Signals(-status).name}"
    except ValueError:  # those between SIGRTMIN and SIGRTMAX have no names
        return f"with signal {-status}"


def last_said(output: bytes) -> str:
    """Return the last line that is not empty, without colours; empty: it said nothing."""
    text = _COLOURS.sub("", output[-_SAID_BYTES:].decode(errors="replace"))
    return next((line.strip() for line in reversed(text.split("\n")) if line.strip()), "")
