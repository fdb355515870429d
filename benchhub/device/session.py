"""A session with a device: connected, its agent running and holding the lease until closed."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TypeVar

from benchhub.device.agent import RemoteAgent
from benchhub.device.bootstrap import RunnerFile
from benchhub.device.events import bounds, schema
from benchhub.device.events.expected import UNTOLD, Expected
from benchhub.device.events.launch_events import LaunchEvents
from benchhub.device.local import LocalTransport
from benchhub.device.opening import Opening
from benchhub.device.provision.install import Removed, Trouble
from benchhub.device.provision.lock import Pinned
from benchhub.device.provision.packed import Wheel
from benchhub.device.provision.target import Environment, Target, environment, target
from benchhub.device.staging.blob import Blob, StageReport
from benchhub.device.staging.stage import BlobState, end_to_end, stage
from benchhub.device.transport import Progress, Transport
from benchhub.device.turns.queue import Asking
from benchhub.errors import ConfigError, LinkLost
from benchhub.model.device import DeviceProfile
from benchhub.model.facts import Facts
from benchhub.ondevice import wire
from benchhub.ondevice.wire import Conditions, Job, Outcome

_REQUEST_TIMEOUT_S = 60.0
#: Hashing is never slower than this, not even on the slowest board with an SD card.
_SLOWEST_BYTES_PER_S = 5e6
LAUNCH_GRACE_S = 30.0
E = TypeVar("E", bound=schema.Event)

Connect = Callable[[DeviceProfile], Transport]

#: Nothing of a link that works is slower.
_SLOWEST_LINK_BYTES_PER_S = 8e3
_PUSH_GRACE_S = 300.0


def now_ns() -> int:
    """Return a time that goes on while this machine sleeps: devices measure on meanwhile."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # of macOS the latter does so
    return time.clock_gettime_ns(clock)


def connect(profile: DeviceProfile) -> Transport:
    """Return the transport that `profile` asks for."""
    if profile.transport == "local":
        return LocalTransport(profile.name)
    if profile.transport == "ssh":
        from benchhub.device.ssh import transport as ssh  # this machine alone needs no paramiko

        return ssh.connect(profile)
    raise ConfigError(
        f"{profile.path or profile.name}: transport {profile.transport!r} is unknown; "
        "use 'ssh' or 'local'"
    )


def holder(run: str) -> dict[str, Any]:
    """Return what a lease says about this process: others see it while they wait."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    since = datetime.now(UTC).isoformat(timespec="seconds")
    host = socket.gethostname()
    return {"run": run, "user": user, "host": host, "pid": os.getpid(), "since": since}


class DeviceSession:
    """The lease on one device and everything that can be asked of it; a context manager.

    After Unreachable a session is of no more use: close it and open another.
    """

    def __init__(
        self,
        profile: DeviceProfile,
        transport: Transport,
        agent: RemoteAgent,
        hello: schema.HelloEvent,
    ) -> None:
        self.profile = profile
        self.hello = hello
        self._transport = transport
        self._agent = agent
        self._unsettled_bytes = 0
        self._left_s: float | None = None
        self._waiting = hello.waiting

    @classmethod
    def open(
        cls,
        profile: DeviceProfile,
        runner: RunnerFile,
        holder: Mapping[str, Any],
        connect: Connect = connect,
        own_run: str | None = None,
        on_wait: Callable[[str], None] = lambda message: None,
        heartbeat_s: float = wire.HEARTBEAT_S,
        asking: Asking | None = None,
        on_line: Callable[[bytes], None] = lambda line: None,
    ) -> DeviceSession:
        """Connect, take the lease and return the session.

        Where somebody else comes first this waits in the device's queue, as `asking` says, and
        ends in DeviceBusy; a lease that this very process, or a dead one of the same run
        (`own_run`), still holds through a broken link is waited for. `on_wait` hears every second
        what is waited for, and may raise. `on_line` gets every line of the agent that was an event
        of what was asked of it. Everything else that can be wrong is its own DeviceError.
        """
        transport = connect(profile)
        try:
            ask = asking or Asking()
            opening = Opening(transport, profile, runner, holder, heartbeat_s, ask)
            agent, said = opening.with_lease(own_run, on_wait)
            agent.keep_alive(heartbeat_s)
            agent.on_line = on_line
            return cls(profile, transport, agent, said)
        except BaseException:
            transport.close()
            raise

    @property
    def name(self) -> str:
        """The device's name."""
        return self.profile.name

    @property
    def warnings(self) -> tuple[str, ...]:
        """What connecting found doubtful."""
        return self._transport.warnings

    def facts(self) -> Facts:
        """Return what the device is, as its agent probed it."""
        return self._ask("facts", schema.FactsEvent).facts.told()

    def conditions(self) -> Conditions:
        """Return the state the device is in now."""
        return self._ask("conditions", schema.ConditionsEvent).conditions.told()

    def have(self, digests: Sequence[str]) -> dict[str, BlobState]:
        """Return what the device has of each blob."""
        most_bytes = bounds.digests_bytes(len(digests))
        answer = self._ask("have", schema.HaveEvent, most_bytes=most_bytes, digests=list(digests))
        self._same_blobs(digests, answer.blobs)
        return {d: BlobState(one.state, one.bytes) for d, one in answer.blobs.items()}

    def adopt(self, digests: Sequence[str], size_bytes: int = 0) -> dict[str, str]:
        """Have uploaded blobs verified and sealed: adopted, corrupt or missing, by digest.

        `size_bytes` is how much the device must hash; it only sets how long to wait.
        """
        timeout_s = _REQUEST_TIMEOUT_S + size_bytes / _SLOWEST_BYTES_PER_S
        most_bytes = bounds.digests_bytes(len(digests))
        answer = self._ask("adopt", schema.AdoptEvent, timeout_s, most_bytes, digests=list(digests))
        self._same_blobs(digests, answer.blobs)
        return dict(answer.blobs)

    def stage(self, blobs: Sequence[Blob], progress: Progress = lambda count: None) -> StageReport:
        """Make the device hold every one of `blobs`; see `stage.stage`."""
        return stage(self, blobs, progress)

    def upload(self, blob: Blob, offset: int, progress: Progress) -> None:
        """Write one blob from `offset` on, to be adopted later; OSError if it does not fit."""
        self._unsettled_bytes += blob.size_bytes
        with blob.open() as source:
            remote = f"{self.hello.root}/blobs/{blob.sha256}.part"
            self._transport.upload(source, remote, offset, progress)

    def receive(
        self, blobs: Sequence[Blob], offsets: Mapping[str, int], progress: Progress
    ) -> dict[str, str]:
        """Send blobs through the agent, which hashes them as they come, from `offsets` on.

        Returns adopted, corrupt or missing by digest; OSError if they do not fit.
        """
        starts = [offsets.get(blob.sha256, 0) for blob in blobs]
        entries = [[b.sha256, b.size_bytes, s] for b, s in zip(blobs, starts, strict=True)]
        size_bytes = sum(blob.size_bytes for blob in blobs)
        request = {"do": "receive", "blobs": entries, "follows": size_bytes - sum(starts)}

        late = time.monotonic() + _PUSH_GRACE_S + size_bytes / _SLOWEST_LINK_BYTES_PER_S

        def pieces() -> Generator[memoryview]:
            with self._transport.watched(progress) as moved:
                for piece in end_to_end(blobs, starts):
                    if time.monotonic() > late:
                        raise LinkLost(f"{self.name}: slow: it takes what is pushed drop by drop")
                    yield piece
                    moved(len(piece))

        self._unsettled_bytes += size_bytes
        timeout_s = _REQUEST_TIMEOUT_S + size_bytes / _SLOWEST_BYTES_PER_S
        with contextlib.closing(pieces()) as payload:
            most_bytes = bounds.digests_bytes(len(blobs))
            answer = self._agent.give(request, payload, timeout_s, schema.ReceiveEvent, most_bytes)
        if answer.trouble is not None:
            raise OSError(answer.trouble)
        self._same_blobs([blob.sha256 for blob in blobs], answer.blobs)
        return dict(answer.blobs)

    def free_bytes(self) -> int:
        """Return the room on the disk that holds the device's blobs."""
        return self._ask("room", schema.RoomEvent).free_bytes

    def environments(self) -> tuple[Target, tuple[Environment, ...]]:
        """Return what the device's interpreter is, and its environments, unusable ones too."""
        answer = self._ask("environments", schema.EnvironmentsEvent)
        return target(self.name, answer.target), tuple(map(environment, answer.environments))

    def build(
        self, wanted: Pinned, wheels: Sequence[Wheel] | None, deadline_s: float
    ) -> tuple[Environment, bool] | Trouble:
        """Make an environment from staged wheels, or (None) with the device's own pip.

        Returns it and whether that was needed, or why there is none.
        """
        answer = self._ask(
            "provision",
            schema.ProvisionEvent,
            deadline_s + LAUNCH_GRACE_S,
            backend=wanted.lock.backend,
            lock=wanted.lock.name,
            pins=wanted.text,
            packages={pin.name: pin.version for pin in wanted.pins},
            system=list(wanted.system),
            wheels=None if wheels is None else [[w.blob.sha256, w.name] for w in wheels],
            deadline_s=deadline_s,
        )
        if answer.trouble is not None:
            return Trouble(answer.trouble.kind, answer.trouble.message)
        if answer.environment is None or answer.built is None:
            raise self._agent.fault("'provision' was answered with neither result nor reason")
        made = environment(answer.environment)
        if (made.backend, made.pins_sha256) != (wanted.lock.backend, wanted.sha256):
            raise self._agent.fault("'provision' was answered with another environment")
        if made.reason is not None:
            return Trouble("install", made.reason)
        if answer.built:
            self._unsettled_bytes = 0  # the device saw to that before it said that it is ready
        return made, answer.built

    def unprovision(self, backends: Sequence[str] | None = None) -> tuple[Removed, ...]:
        """Delete the environments of `backends` (None: all) and wheels that no other needs."""
        names = None if backends is None else list(backends)
        answer = self._ask(
            "unprovision", schema.UnprovisionEvent, 10 * _REQUEST_TIMEOUT_S, backends=names
        )
        return tuple(Removed(name, freed_bytes) for name, freed_bytes in answer.removed)

    def expects(self, left_s: float) -> int:
        """Let those who wait for the device know, with the next launch, how long it takes still.

        Return how many waited when it was last heard.
        """
        self._left_s = left_s
        return self._waiting

    def settle(self) -> None:
        """Have the device finish writing what was pushed; every launch begins with that."""
        if self._unsettled_bytes:
            # Writing a large model to a slow card must not go on while something is timed.
            patience_s = _REQUEST_TIMEOUT_S + self._unsettled_bytes / _SLOWEST_BYTES_PER_S
            self._ask("settle", schema.SettleEvent, patience_s)
            self._unsettled_bytes = 0

    def launch(
        self,
        job: Job,
        on_event: Callable[[schema.Event], None] | None = None,
        expected: Expected = UNTOLD,
    ) -> Outcome:
        """Run `job` on the device and return what it brought back; a failed job is an Outcome too.

        It brings at most what is `expected`. One whose figures cannot be is failed, or interrupted
        where the device's time of day went back. Unreachable when the link breaks before the
        launch ends, ProtocolFault for what the protocol does not allow, Interrupted when another
        thread closes the session meanwhile.
        """
        self.settle()
        events = LaunchEvents(job, expected)

        def take(event: schema.Event, size: int) -> bool:
            over = events.take(event, size)
            if on_event is not None:
                on_event(event)
            return over

        request = {"do": "launch", "job": wire.encode_job(job), "left_s": self._left_s}
        began_ns = now_ns()
        with contextlib.closing(events):
            deadline_s = job.deadline_s + LAUNCH_GRACE_S
            self._agent.follow(request, deadline_s, bounds.line_bytes(job), take)
        if events.waiting is not None:
            self._waiting = events.waiting
        return events.outcome(now_ns() - began_ns)

    def close(self) -> None:
        """Give the lease back and hang up; safe from any thread, and twice."""
        try:
            self._agent.close()
        finally:
            self._transport.close()

    def __enter__(self) -> DeviceSession:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(
        self,
        what: str,
        kind: type[E],
        timeout_s: float = _REQUEST_TIMEOUT_S,
        most_bytes: int = bounds.LINE_BYTES,
        **values: Any,
    ) -> E:
        return self._agent.ask({"do": what, **values}, timeout_s, kind, most_bytes)

    def _same_blobs(self, asked: Sequence[str], told: Mapping[str, object]) -> None:
        if set(asked) != set(told):
            raise self._agent.fault("an answer about other blobs than were asked about")
