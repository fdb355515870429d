"""The agent's ear: requests from stdin, and the end of the controller when they stop coming."""

import contextlib
import os
import queue
import threading
import time
from typing import Any, Mapping, Optional

from benchhub.ondevice import wire
from benchhub.ondevice.agent.answers import NumberedEvents
from benchhub.ondevice.agent.launch import Children
from benchhub.ondevice.agent.payload import Payload
from benchhub.ondevice.lines import LineBuffer, Silence, read_some
from benchhub.ondevice.turns.hall import Busy
from benchhub.ondevice.turns.waiting import QueuePlace

#: Put into the queue when no more requests will come.
END = object()

#: How long the main thread may take to answer what was asked before stdin ended.
_GRACE_S = 10.0


class RequestReader(threading.Thread):
    """Answers pings and queues every other request; a line that is none as its ValueError.

    When stdin ends the running child is killed, and the process with it if the main thread does
    not end by itself. When no line came for `heartbeat_s`, the process ends at once: the main
    thread may be stuck writing to a link that is dead. A request that announces bytes to follow
    it (`follows`) is queued with its Payload as `payload`; reading goes on once that is over.
    """

    def __init__(
        self,
        fd: int,
        requests: "queue.SimpleQueue[Any]",
        children: Children,
        answers: NumberedEvents,
    ) -> None:
        super().__init__(name="reader", daemon=True)
        self.heartbeat_s = wire.HEARTBEAT_S
        self.finished = threading.Event()
        self._fd = fd
        self._requests = requests
        self._children = children
        self._answers = answers
        #: Where this agent waits for its turn, if it does.
        self.place: Optional[QueuePlace] = None

    def run(self) -> None:
        """Read until the end; never returns before the main thread has finished."""
        try:
            self._read()
        except Silence:
            self._children.kill()
            self._leave_if_waiting()
            os._exit(0)
        self._leave_if_waiting()
        self._children.kill()
        self._requests.put(END)
        if not self.finished.wait(_GRACE_S):
            os._exit(0)

    def _leave_if_waiting(self) -> None:
        """End the process at once where its main thread sleeps until its turn."""
        if self.place is not None and not self.place.over:
            self.place.forget()
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
            pending = lines.feed(data)
            while pending:
                payload = self._queue(pending.pop(0))
                if payload is not None:
                    rest = payload.begin(b"\n".join([*pending, lines.take()]))
                    payload.over.wait()
                    if payload.silent:
                        raise Silence()
                    pending = lines.feed(rest)
                heard = time.monotonic()

    def _tell(self, request: Mapping[str, Any], queue: Mapping[str, Any]) -> None:
        self._answers.reply(request, {"event": "waiting", "queue": queue})

    def _queue(self, line: bytes) -> Optional[Payload]:
        try:
            request = wire.decode(line)
            follows = int(request.get("follows", 0))
        except (TypeError, ValueError) as error:
            self._requests.put(ValueError("not a JSON object: %s" % error))
            return None
        if request.get("do") == "hello":
            self.heartbeat_s = float(request.get("heartbeat_s", self.heartbeat_s))
        if request.get("do") == "bye":
            self._leave_if_waiting()
        if request.get("do") != "ping":
            payload = Payload(self._fd, follows, self.heartbeat_s) if follows > 0 else None
            if payload is not None:
                request["payload"] = payload
            self._requests.put(request)
            return payload
        with contextlib.suppress(OSError, Busy):  # stdout is closed; so will be stdin
            # It must not wait for a link that takes nothing: this thread has to notice its end.
            place = self.place
            if place is None or not place.answer(lambda queue: self._tell(request, queue)):
                self._answers.pong(request)
        return None
