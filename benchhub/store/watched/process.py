"""Which process this is among all machines, and whether another one is still there."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

#: Two readings of when a process began differ by less than this.
_SAME_S = 2.0


@dataclass(frozen=True, slots=True)
class ControllerProcess:
    """A process: its host, what its number is one of (boot and namespace), and when it began."""

    host: str
    space: str
    pid: int
    began_s: float

    @classmethod
    def this(cls) -> ControllerProcess:
        """Return this process."""
        return cls(socket.gethostname(), _space(), os.getpid(), _began_s(os.getpid()) or 0.0)

    def is_gone(self) -> bool | None:
        """Return whether it has ended; None: it is of another machine or container."""
        if not self.space or (self.host, self.space) != (socket.gethostname(), _space()):
            return None
        began_s = _began_s(self.pid)
        return began_s is None or abs(began_s - self.began_s) > _SAME_S


def _space() -> str:
    """Return what tells process numbers from those of other boots and containers; empty: none."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except (OSError, ValueError):
        return ""


def _began_s(pid: int) -> float | None:
    """Return when a process began (Unix time); None: there is none, or only what is left of one."""
    import psutil

    try:
        found = psutil.Process(pid)
        return None if found.status() == psutil.STATUS_ZOMBIE else float(found.create_time())
    except psutil.Error:
        return None
