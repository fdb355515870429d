"""The controller's end of the wire: requests to the agent of one device, and its answers."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from benchhub.device.transport import RemoteProcess
from benchhub.errors import DeviceError, Interrupted, Unreachable
from benchhub.ondevice import wire

_HELLO_TIMEOUT_S = 60.0
_CLOSE_TIMEOUT_S = 3.0
#: What a login shell may say before the agent speaks.
_MAX_NOISE_LINES = 1000

Event = Mapping[str, Any]


class AgentEnded(Exception):
    """The agent's process ended before it said hello."""

    def __init__(self, status: int, said: str, in_shell: bool) -> None:
        super().__init__(f"status {status}: {said}")
        self.status = status
        self.said = said
        #: Whether a shell on the device understood what was asked of it.
        self.in_shell = in_shell


class RemoteAgent:
    """One agent process; requests are answered one at a time, pings go in between."""

    def __init__(self, process: RemoteProcess, name: str) -> None:
        self._process = process
        self._name = name
        self._turn = threading.Lock()
        self._writing = threading.Lock()
        self._over = threading.Event()
        self._heart: threading.Thread | None = None
        self._patience_s = float("inf")

    def hello(self, root: str, holder: Mapping[str, Any], heartbeat_s: float) -> Event:
        """Introduce ourselves; return the `hello` or `refused` event, AgentEnded if none came."""
        noise, in_shell = "", False
        # If it has ended already, what it left behind says why.
        with contextlib.suppress(BrokenPipeError):
            self.send({"do": "hello", "root": root, "holder": holder, "heartbeat_s": heartbeat_s})
        deadline = time.monotonic() + _HELLO_TIMEOUT_S
        for _ in range(_MAX_NOISE_LINES):
            try:
                line = self._process.readline(deadline - time.monotonic())
            except TimeoutError as error:
                raise DeviceError(
                    f"{self._name}: the agent said nothing for {_HELLO_TIMEOUT_S:.0f} s"
                    f"{noise and f' (but {noise!r} came)'}; is its disk or its Python hanging?"
                ) from error
            if not line:
                status = self._process.wait(_HELLO_TIMEOUT_S)
                said = " ".join(f"{noise} {self._process.stderr_tail()}".split())
                raise AgentEnded(status, said, in_shell)
            try:
                event = wire.decode(line)
            except ValueError:
                noise = _shown(line) or noise
                continue
            in_shell |= event.get("event") == "shell"
            if event.get("event") in ("hello", "refused"):
                return event
        raise DeviceError(
            f"{self._name}: only noise came instead of the agent, such as {noise!r}; "
            "make its shell's start-up files silent"
        )

    def keep_alive(self, heartbeat_s: float) -> None:
        """Ping the agent from now on, four times a heartbeat, and expect to hear from it."""
        # It answers pings whatever else it does, so silence is the link's, or the device's.
        self._patience_s = heartbeat_s

        def beat() -> None:
            while not self._over.wait(heartbeat_s / 4):
                try:
                    self.send({"do": "ping"})
                except (OSError, Unreachable):
                    return  # whoever reads from the agent finds out

        self._heart = threading.Thread(target=beat, name=f"heartbeat-{self._name}", daemon=True)
        self._heart.start()

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one request."""
        with self._writing:
            self._process.write(wire.encode(message))

    def ask(self, message: Mapping[str, Any], timeout_s: float) -> Event:
        """Send a request and return the event of the same name that answers it."""
        return self.give(message, (), timeout_s)

    def give(
        self, message: Mapping[str, Any], payload: Iterable[bytes | memoryview], timeout_s: float
    ) -> Event:
        """Send a request and the bytes that follow it; return the event that answers it.

        `timeout_s` counts from the last byte. Where the bytes do not get there, the agent is cut
        off: it could not tell them from the next request.
        """
        with self._turn:
            with self._writing:
                self._pour(message, payload)
            event = self._next(time.monotonic() + timeout_s, f"its answer to {message['do']}")
        if event["event"] != message["do"]:
            raise DeviceError(
                f"{self._name}: the agent answered {message['do']!r} with {event['event']!r}; "
                "remove `runner/` below its root and run again"
            )
        return event

    def follow(self, message: Mapping[str, Any], timeout_s: float, on_event: Any) -> None:
        """Send a request and pass every event on to `on_event` until that returns True."""
        deadline = time.monotonic() + timeout_s
        with self._turn:
            self._request(message)
            while not on_event(self._next(deadline, f"the end of its {message['do']}")):
                pass

    def close(self) -> None:
        """Let the agent go; a request in progress ends with Interrupted. Never raises."""
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
        if self._heart is not None and self._heart is not threading.current_thread():
            self._heart.join(5.0)

    def _request(self, message: Mapping[str, Any]) -> None:
        with self._writing:
            self._pour(message, ())

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
            raise Unreachable(f"{self._name}: the agent takes no requests: {error}") from error
        except BaseException as error:
            self._process.kill()
            if self._over.is_set() and isinstance(error, Unreachable):
                raise self._closed() from None
            raise

    def _next(self, deadline: float, awaited: str) -> Event:
        while (event := self._read(deadline, awaited))["event"] == "pong":
            pass
        return event

    def _read(self, deadline: float, awaited: str) -> Event:
        try:
            line = self._process.readline(deadline - time.monotonic(), self._patience_s)
        except TimeoutError as error:
            raise Unreachable(f"{self._name}: {self._silence(deadline, awaited)}") from error
        except Unreachable:
            if self._over.is_set():
                raise self._closed() from None
            raise
        if self._over.is_set():
            raise self._closed()
        if not line.endswith(b"\n"):
            raise self._gone()
        try:
            event = wire.decode(line)
            kind = event["event"]
        except (ValueError, KeyError) as error:
            raise DeviceError(
                f"{self._name}: the agent sent a line that is no event: {_shown(line)!r}; "
                "something on the device writes to its stdout"
            ) from error
        if kind == "error":
            raise DeviceError(f"{self._name}: the agent cannot do that: {event.get('message')}")
        return event

    def _silence(self, deadline: float, awaited: str) -> str:
        if time.monotonic() < deadline:
            return (
                f"the agent is silent, and left pings unanswered for {self._patience_s:.0f} s; "
                "does the device hang?"
            )
        return f"the agent is alive, but {awaited} is overdue"

    def _closed(self) -> Interrupted:
        return Interrupted(f"{self._name}: the session was closed")

    def _gone(self) -> Unreachable:
        try:
            status = f"status {self._process.wait(_CLOSE_TIMEOUT_S)}"
        except TimeoutError:
            status = "still running"
        said = " ".join(self._process.stderr_tail().split())[-300:]
        return Unreachable(
            f"{self._name}: the agent on the device ended ({status}){said and f': {said}'}; "
            "was it killed, or did the device run out of memory?"
        )


def _shown(line: bytes) -> str:
    return line[:80].decode("utf-8", "replace").strip()
