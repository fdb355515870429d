"""A session with a device of another site, through its gateway: what comes back is checked here.

The gateway passes on the lines of the device's agent as they came, and they are read by what reads
those of a device that is at hand. So neither it nor what lies between is believed more than that.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from benchhub.device.events import bounds, schema
from benchhub.device.events.expected import UNTOLD, Expected
from benchhub.device.events.launch_events import LaunchEvents
from benchhub.device.events.parse import Broken, parse
from benchhub.device.gateway.calling import PATIENCE_S, Calling
from benchhub.device.gateway.calls import NoGateway
from benchhub.device.gateway.lines import Lines
from benchhub.device.gateway.messages import (
    GatewayHello,
    Reply,
    ToldSession,
)
from benchhub.device.gateway.requests import Do, asking_sent, expected_sent
from benchhub.device.gateway.scheduler import CallLost, Scheduler
from benchhub.device.gateway.sending import MOST_BACK, send
from benchhub.device.runner import build_runner
from benchhub.device.session import LAUNCH_GRACE_S, now_ns
from benchhub.device.staging.blob import Blob, StageReport
from benchhub.device.transport import Progress
from benchhub.device.turns.queue import Asking
from benchhub.device.turns.turn import is_alive
from benchhub.errors import DeviceError, Interrupted, LinkLost, Unreachable
from benchhub.model.device import DeviceProfile
from benchhub.model.facts import Facts
from benchhub.ondevice import wire
from benchhub.ondevice.wire import Conditions, Job, Outcome

E = TypeVar("E", bound=schema.Event)
#: How long one call waits at the gateway for something to tell.
_WAIT_S, _SHORT_WAIT_S = 5.0, 1.0
_ASK_S = 90.0
#: A device that nobody else has is connected to well within this.
_OPEN_GRACE_S = 900.0
#: A run leaves one or two sessions behind; more are not worth the wait.
_MOST_STALE = 100
#: Copies to a device that are slower than this have stopped.
_STAGE_GRACE_S, _SLOWEST_BYTES_PER_S = 600.0, 8e3


class FarSession:
    """What a campaign asks of a device, asked of its gateway; see `run.loop.work.OpenSession`."""

    def __init__(self, profile: DeviceProfile, scheduler: Scheduler) -> None:
        self._name, self._scheduler = profile.name, scheduler
        self._calling = Calling(profile.name, scheduler)
        self._left_s: float | None = None
        self._waiting = 0
        self._heard = -1
        self._opened: GatewayHello | None = None

    @classmethod
    def open(
        cls,
        profile: DeviceProfile,
        scheduler: Scheduler,
        holder: Mapping[str, Any],
        asking: Asking,
        on_wait: Callable[[str], None],
    ) -> FarSession:
        """Have a gateway open a session with a device, and return it.

        Waits in the device's queue as `asking` says; `on_wait` hears every second what is waited
        for, and may raise. Unreachable where no gateway offers the device.
        """
        try:
            offered = scheduler.devices()
        except CallLost as lost:
            raise Unreachable(f"{profile.name}: {scheduler.address}: {lost}") from lost
        if profile.name not in offered:
            raise Unreachable(
                f"{profile.name}: no gateway of {scheduler.address} offers it, of"
                f" {len(offered)} devices: start `benchhub gateway` at its site"
            )
        session = cls(profile, scheduler)
        try:
            session._open(holder, asking, on_wait)
        except BaseException:
            session.close()
            raise
        return session

    def _open(
        self, holder: Mapping[str, Any], asking: Asking, on_wait: Callable[[str], None]
    ) -> None:
        self._calling.on_wait = on_wait
        self._end_stale(holder, self._met())
        late = time.monotonic() + _OPEN_GRACE_S

        def heard(answer: Reply) -> None:
            if not answer.over:
                on_wait(answer.said or "for its gateway to connect to it")
            if not answer.said and time.monotonic() > late:
                raise LinkLost(f"{self._name}: slow: its gateway answers, but it is not connected")

        answer = self._calling.do(
            "open", float("inf"), heard=heard, wait_s=_SHORT_WAIT_S,
            holder=dict(holder), asking=asking_sent(asking),
        )  # fmt: skip
        if answer.opened is None:
            raise self._calling.fault("a session was opened, and nothing told of it")
        ours = build_runner().sha256
        if answer.opened.runner_sha256 != ours:
            raise DeviceError(
                f"{self._name}: gateway {answer.opened.gateway} has other code of the same version:"
                " install the same benchhub on both"
            )
        self._calling.on_wait = lambda text: None
        self._opened = answer.opened
        self._calling.at(answer.opened.gateway)

    def _met(self) -> Sequence[ToldSession]:
        """Have one gateway for all that follows, where several offer the device.

        Return what sessions it holds with the device.
        """
        answer, _ = self._calling.call("whose")
        if answer.error is not None:
            raise answer.error.raised(self._name)
        if answer.gateway:
            self._calling.at(answer.gateway)
        return answer.sessions

    def _end_stale(self, holder: Mapping[str, Any], held: Sequence[ToldSession]) -> None:
        """Close what a gateway still holds for a process of this machine and run that is gone.

        Or for this one, which lost it: a gateway cannot see that, and would keep it for a while.
        """
        for one in held[:_MOST_STALE]:
            mine = (one.run, one.host) == (holder.get("run"), holder.get("host"))
            if mine and (one.pid == holder.get("pid") or not is_alive(one.pid)):
                with contextlib.suppress(CallLost, NoGateway):
                    self._calling.sent("close", b"", session=one.session)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What connecting found doubtful."""
        return self._opened.warnings if self._opened else ()

    def facts(self) -> Facts:
        """Return what the device is, as its agent probed it."""
        return self._event("facts", schema.FactsEvent).facts.told()

    def conditions(self) -> Conditions:
        """Return the state the device is in now."""
        return self._event("conditions", schema.ConditionsEvent).conditions.told()

    def stage(self, blobs: Sequence[Blob], progress: Progress = lambda count: None) -> StageReport:
        """Make the device hold every one of `blobs`, by way of the gateway's own cache."""
        wanted = {blob.sha256: blob for blob in blobs}
        if not wanted:
            return StageReport(0, 0)
        sizes = {digest: blob.size_bytes for digest, blob in wanted.items()}
        self._to_gateway(wanted, sizes, progress)
        moved = 0

        def heard(answer: Reply) -> None:
            nonlocal moved
            if answer.moved > moved:
                progress(answer.moved - moved)
                moved = answer.moved

        most_s = _STAGE_GRACE_S + sum(sizes.values()) / _SLOWEST_BYTES_PER_S
        answer = self._calling.do("stage", most_s, heard=heard, wait_s=_SHORT_WAIT_S, blobs=sizes)
        if answer.staged is None:
            raise self._calling.fault("models were pushed, and nothing told of it")
        report = StageReport(*answer.staged)
        if report.moved_blobs > len(sizes) or report.moved_bytes > MOST_BACK * sum(sizes.values()):
            raise self._calling.fault("more models were pushed than there are")
        return report

    def _to_gateway(
        self, wanted: Mapping[str, Blob], sizes: Mapping[str, int], progress: Progress
    ) -> None:
        """Send what the gateway does not hold, unless it comes for another device already."""
        for digest in self._lacking(sizes):
            blob = wanted[digest]
            with self._scheduler.sending(self._calling.resource, digest):
                offset = self._lacking({digest: blob.size_bytes}).get(digest)
                if offset is None:
                    continue

                def put(data: bytes, offset: int, blob: Blob = blob) -> int:
                    answer, _ = self._calling.call(
                        "put", data, blobs={blob.sha256: blob.size_bytes}, offset=offset
                    )
                    if answer.error is not None:
                        blob.check_unchanged()
                        raise answer.error.raised(self._name)
                    return answer.next

                try:
                    send(blob, offset, put, progress)
                except Broken as broken:
                    raise self._calling.fault(str(broken)) from broken

    def _lacking(self, sizes: Mapping[str, int]) -> Mapping[str, int]:
        answer, _ = self._calling.call("lacking", blobs=dict(sizes))
        if answer.error is not None:
            raise answer.error.raised(self._name)
        lacking = answer.lacking or {}
        if any(offset > sizes.get(digest, -1) for digest, offset in lacking.items()):
            raise self._calling.fault("it lacks what it was not asked about")
        return lacking

    def launch(self, job: Job, *, expected: Expected = UNTOLD) -> Outcome:
        """Run `job` on the device and return what it brought back; see `DeviceSession.launch`."""
        began_ns = now_ns()
        most_bytes = bounds.line_bytes(job)
        with contextlib.closing(LaunchEvents(job, expected)) as events:
            lines = Lines(most_bytes, lambda line: self._take(events, line))
            self._calling.do(
                "launch", job.deadline_s + LAUNCH_GRACE_S + 2 * PATIENCE_S,
                lines=lines, wait_s=_WAIT_S, job=wire.encode_job(job),
                expected=expected_sent(expected), left_s=self._left_s,
            )  # fmt: skip
            if not lines.over:
                raise self._calling.fault("a launch without its end")
        if events.waiting is not None:
            self._waiting = events.waiting
        return events.outcome(now_ns() - began_ns)

    def _take(self, events: LaunchEvents, line: bytes) -> bool:
        return events.take(self._parsed(line), len(line))

    def _parsed(self, line: bytes) -> schema.Event:
        event = parse(line)
        if event.n <= self._heard:
            raise Broken(f"line {event.n} after line {self._heard}")
        self._heard = event.n
        return event

    def _event(self, what: Do, kind: type[E]) -> E:
        found: list[schema.Event] = []

        def take(line: bytes) -> bool:
            found.append(self._parsed(line))
            return True

        self._calling.do(what, _ASK_S, lines=Lines(bounds.LINE_BYTES, take), wait_s=_WAIT_S)
        if len(found) != 1 or not isinstance(found[0], kind):
            raise self._calling.fault(f"{what!r} was answered with something else")
        return found[0]

    def expects(self, left_s: float) -> int:
        """Let those who wait for the device know, with the next launch, how long it takes still."""
        self._left_s = left_s
        return self._waiting

    def close(self) -> None:
        """Give the device back; safe from any thread, and twice."""
        self._calling.close()


def cycle_far(profile: DeviceProfile, scheduler: Scheduler, stopping: Callable[[], bool]) -> None:
    """Have its gateway switch a device off and on, by the command of the gateway's own profile.

    Interrupted once `stopping`.
    """
    assert profile.power is not None
    session = FarSession(profile, scheduler)
    with contextlib.closing(session):

        def heard(answer: Reply) -> None:
            if stopping():
                raise Interrupted(f"{profile.name}: stopped")

        session._met()
        session._calling.do(
            "cycle", profile.power.timeout_s + _ASK_S, heard=heard, wait_s=_SHORT_WAIT_S
        )


def reserved_far(profile: DeviceProfile, scheduler: Scheduler) -> Collection[str]:
    """Return the ids of the reservations that a device keeps, which its gateway asks it for."""
    session = FarSession(profile, scheduler)
    with contextlib.closing(session):
        session._met()
        return session._calling.do("reserved", _ASK_S, wait_s=_SHORT_WAIT_S).reserved
