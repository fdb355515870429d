"""A session with a device: connected, its agent running and holding the lease until closed."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from benchhub.device.agent import Event, RemoteAgent
from benchhub.device.blob import Blob, StageReport
from benchhub.device.bootstrap import RunnerFile
from benchhub.device.local import LocalTransport
from benchhub.device.opening import Opening
from benchhub.device.provision.install import Removed, Trouble
from benchhub.device.provision.lock import Pinned
from benchhub.device.provision.packed import Wheel
from benchhub.device.provision.target import Environment, Target, environment, target
from benchhub.device.stage import BlobState, end_to_end, stage
from benchhub.device.transport import Progress, Transport
from benchhub.errors import ConfigError, DeviceError
from benchhub.model.device import DeviceProfile
from benchhub.model.facts import Facts
from benchhub.ondevice import wire
from benchhub.ondevice.wire import Conditions, Job, Outcome

_REQUEST_TIMEOUT_S = 60.0
#: Hashing is never slower than this, not even on the slowest board with an SD card.
_SLOWEST_BYTES_PER_S = 5e6
_LAUNCH_GRACE_S = 30.0

Connect = Callable[[DeviceProfile], Transport]


@dataclass(frozen=True, slots=True)
class Hello:
    """How the agent introduced itself; `root` is absolute."""

    protocol: int
    runner_sha256: str
    python: str
    executable: str
    root: str
    pid: int


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
        hello: Hello,
    ) -> None:
        self.profile = profile
        self.hello = hello
        self._transport = transport
        self._agent = agent
        self._unsettled_bytes = 0

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
    ) -> DeviceSession:
        """Connect, take the lease and return the session.

        A held lease is DeviceBusy after `profile.lease_wait_s`; one that this very process, or a
        dead one of the same run (`own_run`), still holds through a broken link is waited for.
        `on_wait` hears about every wait. Everything else that can be wrong is its own DeviceError.
        """
        transport = connect(profile)
        try:
            opening = Opening(transport, profile, runner, holder, heartbeat_s)
            agent, event = opening.with_lease(own_run, on_wait)
            try:
                said = Hello(**{name: event[name] for name in Hello.__slots__})
            except KeyError as error:
                agent.close()
                raise DeviceError(
                    f"{profile.name}: the agent's hello lacks {error}; remove `runner/` below its "
                    "root and run again"
                ) from error
            agent.keep_alive(heartbeat_s)
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
        return Facts(self._ask("facts")["facts"])

    def conditions(self) -> Conditions:
        """Return the state the device is in now."""
        found = wire.decode_conditions(self._ask("conditions")["conditions"])
        if found is None:
            raise DeviceError(f"{self.name}: the agent gave no conditions")
        return found

    def have(self, digests: Sequence[str]) -> dict[str, BlobState]:
        """Return what the device has of each blob."""
        blobs = self._ask("have", digests=list(digests))["blobs"]
        return {d: BlobState(blobs[d]["state"], blobs[d].get("bytes") or 0) for d in digests}

    def adopt(self, digests: Sequence[str], size_bytes: int = 0) -> dict[str, str]:
        """Have uploaded blobs verified and sealed: adopted, corrupt or missing, by digest.

        `size_bytes` is how much the device must hash; it only sets how long to wait.
        """
        timeout_s = _REQUEST_TIMEOUT_S + size_bytes / _SLOWEST_BYTES_PER_S
        return dict(self._ask("adopt", timeout_s, digests=list(digests))["blobs"])

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

        def pieces() -> Generator[memoryview]:
            with self._transport.watched(progress) as moved:
                for piece in end_to_end(blobs, starts):
                    yield piece
                    moved(len(piece))

        self._unsettled_bytes += size_bytes
        timeout_s = _REQUEST_TIMEOUT_S + size_bytes / _SLOWEST_BYTES_PER_S
        with contextlib.closing(pieces()) as payload:
            event = self._agent.give(request, payload, timeout_s)
        if "trouble" in event:
            raise OSError(event["trouble"])
        return dict(event["blobs"])

    def free_bytes(self) -> int:
        """Return the room on the disk that holds the device's blobs."""
        return int(self._ask("room")["free_bytes"])

    def environments(self) -> tuple[Target, tuple[Environment, ...]]:
        """Return what the device's interpreter is, and its environments, unusable ones too."""
        event = self._ask("environments")
        there = tuple(environment(raw) for raw in event["environments"])
        return target(self.name, event["target"]), there

    def build(
        self, wanted: Pinned, wheels: Sequence[Wheel] | None, deadline_s: float
    ) -> tuple[Environment, bool] | Trouble:
        """Make an environment from staged wheels, or (None) with the device's own pip.

        Returns it and whether that was needed, or why there is none.
        """
        event = self._ask(
            "provision",
            deadline_s + _LAUNCH_GRACE_S,
            backend=wanted.lock.backend,
            lock=wanted.lock.name,
            pins=wanted.text,
            packages={pin.name: pin.version for pin in wanted.pins},
            system=list(wanted.system),
            wheels=None if wheels is None else [[w.blob.sha256, w.name] for w in wheels],
            deadline_s=deadline_s,
        )
        if "trouble" in event:
            return Trouble(event["trouble"]["kind"], event["trouble"]["message"])
        if event["built"]:
            self._unsettled_bytes = 0  # the device saw to that before it said that it is ready
        return environment(event["environment"]), bool(event["built"])

    def unprovision(self, backends: Sequence[str] | None = None) -> tuple[Removed, ...]:
        """Delete the environments of `backends` (None: all) and wheels that no other needs."""
        names = None if backends is None else list(backends)
        removed = self._ask("unprovision", 10 * _REQUEST_TIMEOUT_S, backends=names)["removed"]
        return tuple(Removed(name, freed_bytes) for name, freed_bytes in removed)

    def launch(self, job: Job, on_event: Callable[[Event], None] | None = None) -> Outcome:
        """Run `job` on the device and return what it brought back; a failed job is an Outcome too.

        Unreachable when the link breaks before the launch ends, Interrupted when another thread
        closes the session meanwhile.
        """
        if self._unsettled_bytes:
            # Writing a large model to a slow card must not go on while something is timed.
            self._ask("settle", _REQUEST_TIMEOUT_S + self._unsettled_bytes / _SLOWEST_BYTES_PER_S)
            self._unsettled_bytes = 0
        outcome = Outcome()

        def take(event: Event) -> bool:
            if on_event is not None:
                on_event(event)
            return wire.fold(outcome, event)

        request = {"do": "launch", "job": wire.encode_job(job)}
        self._agent.follow(request, job.deadline_s + _LAUNCH_GRACE_S, take)
        return outcome

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

    def _ask(self, what: str, timeout_s: float = _REQUEST_TIMEOUT_S, **values: Any) -> Event:
        return self._agent.ask({"do": what, **values}, timeout_s)
