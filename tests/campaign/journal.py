"""What devices did, by their own account: a line each in a file that outlives all processes.

Only the standard library: what stands for a launch on a device imports it, too.
"""

import json
import os
from typing import Any, NamedTuple


class Line(NamedTuple):
    """Something that a device did: `what` is begun, answered, restarted or absent."""

    what: str
    device: str
    cell: str
    launch: int
    nonce: int
    pid: int


def write(path: str, line: Line) -> None:
    """Add a line, whole or not at all, whoever else writes."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(fd, (json.dumps(list(line)) + "\n").encode("ascii"))
    finally:
        os.close(fd)


class Journal:
    """The lines so far; looked at again it reads only what is new."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._read = 0
        self._lines: list[Line] = []

    def lines(self) -> list[Line]:
        """Return all of them."""
        try:
            size = os.stat(self.path).st_size
        except FileNotFoundError:
            return self._lines
        if size > self._read:
            with open(self.path, "rb") as file:
                file.seek(self._read)
                data = file.read()
            whole = data[: data.rfind(b"\n") + 1]
            self._read += len(whole)
            self._lines += [Line(*json.loads(text)) for text in whole.splitlines()]
        return self._lines

    def count(self, what: str, device: str | None = None) -> int:
        """Return how many lines there are of a kind, of one device or of all."""
        return sum(one.what == what and device in (None, one.device) for one in self.lines())

    def write(self, what: str, device: str, **more: Any) -> None:
        """Add a line of a device."""
        usual: dict[str, Any] = {"cell": "", "launch": 0, "nonce": 0, "pid": os.getpid()}
        write(self.path, Line(what, device, **{**usual, **more}))
