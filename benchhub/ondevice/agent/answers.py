"""Events on their way to the controller: numbered, and each with the request that it answers."""

import json
import select
import threading
from typing import Any, List, Mapping

from benchhub.ondevice import wire
from benchhub.ondevice.lines import write_all


class NumberedEvents:
    """Writes one event at a time to a descriptor; safe from several threads."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        self._count = 0
        self._to: Any = ""

    def begin(self, request: Mapping[str, Any]) -> None:
        """Let what is sent from now on answer `request`."""
        self._to = request.get("id", "")

    def send(self, event: Mapping[str, Any]) -> None:
        """Write an event; OSError if the reader is gone."""
        self.send_raw(wire.encode(event))

    def send_raw(self, line: bytes) -> None:
        """Write an event that is encoded already, newline included."""
        with self._lock:
            write_all(self._fd, self._headed(self._to, line))

    def reply(self, request: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        """Write an event that answers `request`, whatever else is being answered."""
        with self._lock:
            write_all(self._fd, self._headed(request.get("id", ""), wire.encode(event)))

    def pong(self, request: Mapping[str, Any]) -> None:
        """Answer a ping, or do nothing where that would have to wait for long."""
        if not self._lock.acquire(timeout=1.0):
            return
        try:
            if select.select([], [self._fd], [], 0)[1]:
                line = wire.encode({"event": "pong"})
                write_all(self._fd, self._headed(request.get("id", ""), line))
        finally:
            self._lock.release()

    def _headed(self, to: Any, line: bytes) -> List[memoryview]:
        # Most of the bytes are outputs, which are not read here: this goes before what they are.
        text = '{"v":%d,"n":%d,"to":%s,' % (wire.PROTOCOL, self._count, json.dumps(to))
        self._count += 1
        return [memoryview(text.encode("ascii")), memoryview(line)[1:]]
