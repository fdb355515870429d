"""The controller's end of the wire: requests to the agent of one device, and its answers."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from benchhub.device.bootstrap import SHELL
from benchhub.device.events import bounds, schema
from benchhub.device.events.parse import Broken, parse, shown
from benchhub.device.transport import RemoteProcess
from benchhub.device.turns.queue import Queue
from benchhub.errors import DeviceError, Interrupted, LinkLost, ProtocolFault, Unreachable
from benchhub.ondevice import wire
from benchhub.outside.heartbeat import Beat, every
from benchhub.text import visible

_HELLO_TIMEOUT_S = 60.0
_CLOSE_TIMEOUT_S = 3.0
#: An agent that waits for its turn is woken this often, in heartbeats: it costs a device that
#: measures a millisecond.
_WAITING_BEAT = 0.4

#: What may come before an agent serves.
Greeting = schema.HelloEvent | schema.WaitingEvent | schema.RefusedEvent | schema.KeepingEvent
E = TypeVar("E", bound=schema.Event)


class AgentEnded(Exception):
    """The agent's process ended before it said hello."""

    def __init__(self, status: int, said: str, in_shell: bool) -> None:
        super().__init__(f"status {status}: {said}")
        self.status = status
        self.said = said
        #: Whether a shell on the device understood what was asked of it.
        self.in_shell = in_shell


class RemoteAgent:
    """One agent process; requests are answered one at a time, pings go in between.

    Whatever comes that is not the next event of the request under way is a ProtocolFault.
    """

    def __init__(self, process: RemoteProcess, name: str) -> None:
        self._process = process
        self._name = name
        self._turn = threading.Lock()
        self._writing = threading.Lock()
        self._over = threading.Event()
        self._heart: Beat | None = None
        self._patience_s = float("inf")
        self._token = secrets.token_hex(4)
        self._asked = 0
        self._to = ""
        self._heard = 0
        self._pings: set[str] = set()
        #: Gets each line that was the next event of a request, as it came.
        self.on_line: Callable[[bytes], None] = lambda line: None

    def hello(
        self,
        root: str,
        holder: Mapping[str, Any],
        heartbeat_s: float,
        asking: Mapping[str, Any],
        hear: Callable[[Queue | None], None] = lambda queue: None,
    ) -> schema.HelloEvent | schema.RefusedEvent:
        """Introduce ourselves; return the answer, AgentEnded if none came.

        `asking` is how we ask for the device, see `ondevice.wire`. Where we have to wait for our
        turn, `hear` is called with the queue as it changes, and with None every second; it may
        raise.
        """
        request = {"do": "hello", "root": root, "holder": holder, "heartbeat_s": heartbeat_s}
        event = self._introduced({**request, **asking})
        while isinstance(event, schema.WaitingEvent):
            hear(event.queue.told())
            event = self._next_in_queue(heartbeat_s, hear)
        if isinstance(event, schema.KeepingEvent):
            raise self.fault(f"a {event.event!r} before its hello")
        return event

    def only(self, request: Mapping[str, Any]) -> schema.KeepingEvent | schema.RefusedEvent:
        """Send the only request of an agent that takes no lease; AgentEnded as of `hello`."""
        event = self._introduced(request)
        if not isinstance(event, schema.KeepingEvent | schema.RefusedEvent):
            raise self.fault(f"{request['do']!r} was answered with {event.event!r}")
        return event

    def _introduced(self, request: Mapping[str, Any]) -> Greeting:
        noise, in_shell, size = "", False, 0
        self._to = self._new_id()
        # If it has ended already, what it left behind says why.
        with contextlib.suppress(BrokenPipeError):
            self.send({**request, "id": self._to})
        deadline = time.monotonic() + _HELLO_TIMEOUT_S
        for _ in range(bounds.NOISE_LINES):
            line = self._greeting_line(deadline, noise)
            if not line:
                status = self._process.wait(_HELLO_TIMEOUT_S)
                said = " ".join(visible(f"{noise} {self._process.stderr_tail()}").split())
                raise AgentEnded(status, said, in_shell)
            size += len(line)
            if size > bounds.NOISE_BYTES:
                break
            if line.strip() == SHELL:
                in_shell = True
            elif (event := self._greeting(line)) is not None:
                return event
            else:
                noise = shown(line) or noise
        raise DeviceError(
            f"{self._name}: only noise came instead of the agent, such as {noise!r}; "
            "make its shell's start-up files silent"
        )

    def _greeting_line(self, deadline: float, noise: str) -> bytes:
        try:
            left_s = deadline - time.monotonic()
            return self._process.readline(left_s, most_bytes=bounds.NOISE_BYTES)
        except TimeoutError as error:
            raise LinkLost(
                f"{self._name}: silent: its agent said nothing for {_HELLO_TIMEOUT_S:.0f} s"
                f"{noise and f' (but {noise!r} came)'}; is its disk or its Python hanging?"
            ) from error
        except Broken as broken:
            raise self.fault(str(broken)) from broken

    def _next_in_queue(self, heartbeat_s: float, hear: Callable[[Queue | None], None]) -> Greeting:
        """Return what the agent says next while it sleeps; it is asked now and then.

        So seldom, because every time it wakes on a device that measures.
        """
        silent_until = time.monotonic() + 2 * heartbeat_s
        beat = time.monotonic() + _WAITING_BEAT * heartbeat_s
        while True:
            try:
                line = self._process.readline(min(1.0, _WAITING_BEAT * heartbeat_s))
            except TimeoutError as error:
                if time.monotonic() > silent_until:
                    raise LinkLost(
                        f"{self._name}: silent: its agent, which waits for its turn, left pings"
                        f" unanswered for {2 * heartbeat_s:.0f} s; does the device hang?"
                    ) from error
                hear(None)
            except Broken as broken:
                raise self.fault(str(broken)) from broken
            else:
                if not line:
                    raise self._gone()
                event = self._greeting(line)
                if event is None:
                    raise self.fault(f"noise while it waits for its turn, such as {shown(line)!r}")
                return event
            if time.monotonic() > beat:
                beat = time.monotonic() + _WAITING_BEAT * heartbeat_s
                self._ping()

    def _greeting(self, line: bytes) -> Greeting | None:
        """Return how the agent answers our hello; None: these are a shell's words."""
        try:
            event = parse(line)
        except Broken as broken:
            if line.startswith(b'{"v":'):
                raise self.fault(str(broken)) from broken
            return None
        waits = isinstance(event, schema.WaitingEvent)
        if not isinstance(event, Greeting):
            raise self.fault(f"a {event.event!r} before its hello")
        answers = event.to in (self._to, "") or (waits and event.to in self._pings)
        if not answers or event.n != self._heard:
            raise self.fault(f"a {event.event!r} that answers somebody else")
        self._pings.discard(event.to)
        self._heard += 1
        return event

    def keep_alive(self, heartbeat_s: float) -> None:
        """Ping the agent from now on, four times a heartbeat, and expect to hear from it."""
        # It answers pings whatever else it does, so silence is the link's, or the device's.
        self._patience_s = heartbeat_s
        self._heart = every(heartbeat_s / 4, self._ping)

    def _ping(self) -> bool:
        """Return whether pings get out; where not, whoever reads from the agent finds out."""
        if not self._writing.acquire(blocking=False):
            return True  # something is on its way to it, which keeps it as well
        try:
            self._asked += 1
            ping = f"{self._token}-{self._asked}"
            self._pings.add(ping)
            self._process.write(wire.encode({"do": "ping", "id": ping}))
        except (OSError, Unreachable):
            return False
        finally:
            self._writing.release()
        return True

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one request."""
        with self._writing:
            self._process.write(wire.encode(message))

    def ask(
        self,
        message: Mapping[str, Any],
        timeout_s: float,
        kind: type[E],
        most_bytes: int = bounds.LINE_BYTES,
    ) -> E:
        """Send a request and return the event, of class `kind`, that answers it."""
        return self.give(message, (), timeout_s, kind, most_bytes)

    def give(
        self,
        message: Mapping[str, Any],
        payload: Iterable[bytes | memoryview],
        timeout_s: float,
        kind: type[E],
        most_bytes: int = bounds.LINE_BYTES,
    ) -> E:
        """Send a request and the bytes that follow it; return the event that answers it.

        `timeout_s` counts from the last byte. Where the bytes do not get there, the agent is cut
        off: it could not tell them from the next request.
        """
        with self._turn:
            self._request(message, payload)
            deadline = time.monotonic() + timeout_s
            event, _ = self._next(deadline, f"its answer to {message['do']}", most_bytes)
        if not isinstance(event, kind):
            raise self.fault(f"{message['do']!r} was answered with {event.event!r}")
        return event

    def follow(
        self,
        message: Mapping[str, Any],
        timeout_s: float,
        most_bytes: int,
        on_event: Callable[[schema.Event, int], bool],
    ) -> None:
        """Send a request and pass every event on, with its bytes, until that returns True.

        `on_event` may raise Broken, which is the device's fault.
        """
        deadline = time.monotonic() + timeout_s
        with self._turn:
            self._request(message, ())
            over = False
            while not over:
                event, size = self._next(deadline, f"the end of its {message['do']}", most_bytes)
                try:
                    over = on_event(event, size)
                except Broken as broken:
                    raise self.fault(str(broken)) from broken

    def fault(self, reason: str) -> ProtocolFault:
        """Return the error that says what the agent did wrong, and cut it off."""
        self._process.kill()
        return ProtocolFault(self._name, reason)

    def close(self) -> None:
        """Let the agent go; a request in progress ends with Interrupted. Never raises."""
        if self._heart is not None:
            self._heart.stop()
        if not self._over.is_set():
            self._over.set()
            try:
                # Whoever sends just now stops at its next piece, if it gets that far.
                if self._writing.acquire(timeout=_CLOSE_TIMEOUT_S):
                    try:
                        self._process.write(wire.encode({"do": "bye"}))
                    finally:
                        self._writing.release()
                    self._process.close_stdin()
                    self._process.wait(_CLOSE_TIMEOUT_S)
            except (OSError, DeviceError):
                pass  # it is gone already, or will be: its lease dies with its stdin
        self._process.close()

    def _new_id(self) -> str:
        with self._writing:
            self._asked += 1
            return f"{self._token}-{self._asked}"

    def _request(self, message: Mapping[str, Any], payload: Iterable[bytes | memoryview]) -> None:
        self._to = self._new_id()
        with self._writing:
            self._pour({**message, "id": self._to}, payload)

    def _pour(self, message: Mapping[str, Any], payload: Iterable[bytes | memoryview]) -> None:
        try:
            self._process.write(wire.encode(message))
            for piece in payload:
                if self._over.is_set():
                    raise self._closed()
                self._process.write(piece)
        except BrokenPipeError as error:
            raise self._gone() from error
        except TimeoutError as error:
            self._process.kill()
            raise LinkLost(
                f"{self._name}: stopped: its agent takes no requests: {error}"
            ) from error
        except BaseException as error:
            self._process.kill()
            if self._over.is_set() and isinstance(error, Unreachable):
                raise self._closed() from None
            raise

    def _next(self, deadline: float, awaited: str, most_bytes: int) -> tuple[schema.Event, int]:
        """Return the next event of the request under way, and the bytes of its line."""
        while True:
            line = self._line(deadline, awaited, most_bytes)
            try:
                event = parse(line)
            except Broken as broken:
                raise self.fault(str(broken)) from broken
            if event.n != self._heard:
                raise self.fault(f"line {event.n}, and {self._heard} comes next")
            self._heard += 1
            if isinstance(event, schema.PongEvent):
                if event.to not in self._pings:
                    raise self.fault("an answer to a ping that nobody sent")
                self._pings.discard(event.to)
                continue
            if event.to != self._to:
                raise self.fault(f"a {event.event!r} of another request")
            if isinstance(event, schema.ErrorEvent):
                raise DeviceError(f"{self._name}: the agent cannot do that: {event.message}")
            self.on_line(line)
            return event, len(line)

    def _line(self, deadline: float, awaited: str, most_bytes: int) -> bytes:
        left_s = deadline - time.monotonic()
        try:
            if left_s <= 0:
                raise TimeoutError("it is late, and still sends")
            line = self._process.readline(left_s, self._patience_s, most_bytes)
        except TimeoutError as error:
            raise LinkLost(f"{self._name}: {self._silence(deadline, awaited)}") from error
        except Broken as broken:
            raise self.fault(str(broken)) from broken
        except Unreachable:
            if self._over.is_set():
                raise self._closed() from None
            raise
        if self._over.is_set():
            raise self._closed()
        if not line.endswith(b"\n"):
            raise self._gone()
        return line

    def _silence(self, deadline: float, awaited: str) -> str:
        if time.monotonic() < deadline:
            return (
                f"silent: its agent left pings unanswered for {self._patience_s:.0f} s; "
                "does the device hang, or was the agent stopped?"
            )
        return f"slow: its agent is alive, but {awaited} is overdue"

    def _closed(self) -> Interrupted:
        return Interrupted(f"{self._name}: the session was closed")

    def _gone(self) -> LinkLost:
        try:
            status = f"status {self._process.wait(_CLOSE_TIMEOUT_S)}"
        except TimeoutError:
            status = "still running"
        said = " ".join(visible(self._process.stderr_tail()).split())[-300:]
        return LinkLost(
            f"{self._name}: the agent on the device ended ({status}){said and f': {said}'}; "
            "was it killed, or did the device run out of memory?"
        )
