"""The agent's ear: requests from stdin, and the end of the controller when they stop coming."""

import os
import queue
import threading
import time
from typing import Any

from benchhub.ondevice import wire
from benchhub.ondevice.launch import Children
from benchhub.ondevice.lines import LineBuffer, Silence, read_some

#: Put into the queue when no more requests will come.
END = object()

#: How long the main thread may take to answer what was asked before stdin ended.
_GRACE_S = 10.0


class Reader(threading.Thread):
    """Queues every request that is no ping; a line that is none is queued as its ValueError.

    When stdin ends the running child is killed, and the process with it if the main thread does
    not end by itself. When no line came for `heartbeat_s`, the process ends at once: the main
    thread may be stuck writing to a link that is dead.
    """

    def __init__(self, fd: int, requests: "queue.SimpleQueue[Any]", children: Children) -> None:
        super().__init__(name="reader", daemon=True)
        self.heartbeat_s = wire.HEARTBEAT_S
        self.finished = threading.Event()
        self._fd = fd
        self._requests = requests
        self._children = children

    def run(self) -> None:
        """Read until the end; never returns before the main thread has finished."""
        try:
            self._read()
        except Silence:
            self._children.kill()
            os._exit(0)
        self._children.kill()
        self._requests.put(END)
        if not self.finished.wait(_GRACE_S):
            os._exit(0)

    def _read(self) -> None:
        lines = LineBuffer()
        heard = time.monotonic()
        while True:
            left_s = heard + self.heartbeat_s - time.monotonic()
            if left_s <= 0:
                raise Silence()
            try:
                data = read_some(self._fd, left_s)
            except Silence:
                continue
            except OSError:
                return
            if not data:
                return
            for line in lines.feed(data):
                heard = time.monotonic()
                self._queue(line)

    def _queue(self, line: bytes) -> None:
        try:
            request = wire.decode(line)
        except ValueError as error:
            self._requests.put(ValueError("not a JSON object: %s" % error))
            return
        if request.get("do") == "hello":
            self.heartbeat_s = float(request.get("heartbeat_s", self.heartbeat_s))
        if request.get("do") != "ping":
            self._requests.put(request)
