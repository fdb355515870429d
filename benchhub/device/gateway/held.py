"""A session with a device that a gateway holds for somebody who is elsewhere."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from benchhub.device import power
from benchhub.device.gateway.counts import Counts
from benchhub.device.gateway.messages import GatewayHello, Reply, ToldError, told
from benchhub.device.gateway.operation import Came, Operation
from benchhub.device.gateway.requests import Request, asking_from, expected_from
from benchhub.device.runner import build_runner
from benchhub.device.session import DeviceSession
from benchhub.device.staging.site_cache import SiteCache
from benchhub.device.turns.look import connected
from benchhub.errors import BenchhubError, DeviceError, Interrupted, LinkLost, PowerFailed
from benchhub.model.device import DeviceProfile
from benchhub.ondevice.wire import decode_job


class HeldSession:
    """One device for one caller: what takes long is done in threads, one thing after the other."""

    def __init__(
        self,
        profile: DeviceProfile,
        cache: SiteCache,
        counts: Counts,
        gateway: str,
        holder: Mapping[str, Any],
        is_taken: Callable[[], bool],
    ) -> None:
        self.profile = profile
        #: What the caller says of itself, and what it is doing, for whoever looks.
        self.holder = holder
        self.state = "opening"
        self.touched = time.monotonic()
        #: Who called last, as the scheduler knows them, and since when it does so no more.
        self.caller = ""
        self.left_at: float | None = None
        self._cache, self._counts = cache, counts
        self._gateway = gateway
        self._is_taken = is_taken
        self._lock = threading.Lock()
        self._session: DeviceSession | None = None
        self._closed = False
        self._operation: Operation | None = None
        self._passing: Operation | None = None
        self._number = 0

    def answer(self, request: Request, data: bytes) -> tuple[Reply, bytes]:
        """Answer one call; what goes wrong is told in the answer."""
        self.touched = time.monotonic()
        self.caller, self.left_at = request.caller, None
        if request.do == "touch":
            return Reply(), b""
        if request.do == "lacking":
            return Reply(lacking=self._cache.lacking(request.blobs)), b""
        if request.do == "put":
            ((digest, size),) = request.blobs.items()
            return Reply(next=self._cache.put(digest, request.offset, data, size)), b""
        with self._lock:
            operation = self._begun(request)
        if isinstance(operation, ToldError):
            return Reply(error=operation), b""
        found = operation.hear(request.after, request.wait_s)
        self.touched = time.monotonic()
        return found

    def _begun(self, request: Request) -> Operation | ToldError:
        if request.n == self._number and self._operation is not None:
            return self._operation
        name = self.profile.name
        if request.do == "hear" or request.n < self._number:
            return told(DeviceError(f"{name}: its gateway was asked about what it never began"))
        if self._operation is not None:
            if not self._operation.over:
                return told(DeviceError(f"{name}: its gateway is still at the last thing asked"))
            self._operation.forget()
        self._number = request.n
        work = {
            "open": self._open, "facts": self._facts, "conditions": self._conditions,
            "stage": self._stage, "launch": self._launch, "cycle": self._cycle,
            "reserved": self._reserved,
        }[request.do]  # fmt: skip
        self._operation = Operation(name, lambda doing: self._done(work, request, doing))
        return self._operation

    def _done(
        self, work: Callable[[Request, Operation], Came], request: Request, doing: Operation
    ) -> Came:
        try:
            return work(request, doing)
        except BenchhubError as error:
            if not self._closed:
                self._counts.failed(error)
            raise
        finally:
            self.state = "open" if self._session is not None else "closed"

    def _open(self, request: Request, doing: Operation) -> Came:
        name, run = self.profile.name, str(request.holder.get("run", ""))

        def waiting(text: str) -> None:
            self.state = "waiting"
            doing.say(text)
            if self._closed:
                raise Interrupted(f"{name}: its gateway closed the session")

        # Agents of earlier sessions of this gateway are its own, whoever they were for.
        holder = {**request.holder, "pid": os.getpid()}
        session = DeviceSession.open(
            self.profile,
            build_runner(),
            holder,
            own_run=None if self._is_taken() else run,
            on_wait=waiting,
            asking=asking_from(request.asking),
            on_line=self._line,
        )
        with self._lock:
            self._session = session
            closed = self._closed
        if closed:
            session.close()
            raise Interrupted(f"{name}: its gateway closed the session")
        warnings = session.warnings[:64]
        opened = GatewayHello(
            gateway=self._gateway, runner_sha256=build_runner().sha256, warnings=warnings,
        )  # fmt: skip
        return Came(opened=opened)

    def _facts(self, request: Request, doing: Operation) -> Came:
        with self._passed_on(doing) as session:
            session.facts()
        return Came()

    def _conditions(self, request: Request, doing: Operation) -> Came:
        with self._passed_on(doing) as session:
            session.conditions()
        return Came()

    def _stage(self, request: Request, doing: Operation) -> Came:
        self.state = "pushing"

        def moved(count: int) -> None:
            doing.move(count)
            self._counts.pushed(count)

        report = self._having().stage(self._cache.blobs(request.blobs), moved)
        return Came(staged=(report.moved_bytes, report.moved_blobs))

    def _launch(self, request: Request, doing: Operation) -> Came:
        self.state = "measuring"
        session = self._having()
        if request.left_s is not None:
            session.expects(request.left_s)
        session.settle()
        job = decode_job(request.job)
        try:
            with self._passed_on(doing):
                outcome = session.launch(job, expected=expected_from(request.expected))
        except BenchhubError:
            self._counts.cut_short(self.profile.name)
            raise
        self._counts.launched(self.profile.name, outcome)
        return Came()

    def _cycle(self, request: Request, doing: Operation) -> Came:
        if self.profile.power is None:
            raise PowerFailed(
                f"{self.profile.name}: its profile at gateway {self._gateway} has no [power]"
            )
        power.cycle(self.profile, lambda: self._closed)
        return Came()

    def _reserved(self, request: Request, doing: Operation) -> Came:
        queue = connected(self.profile, datetime.now(UTC))
        return Came(reserved=tuple(one.id for one in queue.kept))

    @contextlib.contextmanager
    def _passed_on(self, doing: Operation) -> Iterator[DeviceSession]:
        """Let the caller have what the device's agent says meanwhile."""
        self._passing = doing
        try:
            yield self._having()
        finally:
            self._passing = None

    def _line(self, line: bytes) -> None:
        if self._passing is not None:
            self._passing.line(line)

    def _having(self) -> DeviceSession:
        if self._session is None or self._closed:
            raise LinkLost(f"{self.profile.name}: its gateway holds no session with it")
        return self._session

    def close(self) -> None:
        """Give the device back; safe from any thread, and twice."""
        self._closed = True
        with self._lock:
            session, self._session = self._session, None
        self.state = "closed"
        if session is not None:
            session.close()
        if self._operation is not None:
            self._operation.forget()
