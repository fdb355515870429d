"""Which processes there are that have to do with a folder, straight from /proc."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class Process(NamedTuple):
    """A process: its number, command line and state, a letter of proc(5)."""

    pid: int
    words: tuple[str, ...]
    state: str

    @property
    def is_agent(self) -> bool:
        """Whether it is an agent."""
        return len(self.words) > 1 and self.words[-1] == "agent" and self.words[-2].endswith(".pyz")

    @property
    def is_launch(self) -> bool:
        """Whether it is a launch, or what answers in place of one."""
        return "child" in self.words or any(word.endswith("fake_child.py") for word in self.words)


def processes(folder: str) -> list[Process]:
    """Return those that name the folder, or a path in it, in their command lines."""
    found = []
    wanted = os.fsencode(folder)
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            said = Path("/proc", name, "cmdline").read_bytes()
            if not _names(said, wanted):
                continue
            stat = Path("/proc", name, "stat").read_bytes()
        except OSError:  # it has ended meanwhile
            continue
        state = stat.rpartition(b") ")[2][:1].decode("ascii")
        words = tuple(os.fsdecode(word) for word in said.rstrip(b"\0").split(b"\0"))
        if state not in "ZX":
            found.append(Process(int(name), words, state))
    return found


def _names(said: bytes, folder: bytes) -> bool:
    """Whether a command line has the folder, and not one whose name begins like its own."""
    place = said.find(folder)
    while place >= 0:
        after = said[place + len(folder) : place + len(folder) + 1]
        if after in (b"", b"/", b"\0", b"'"):
            return True
        place = said.find(folder, place + 1)
    return False
