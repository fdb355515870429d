"""A session with a device: connected, its agent running and holding the lease until closed."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from benchhub.device import ssh
from benchhub.device.agent import Agent, Event
from benchhub.device.bootstrap import RunnerFile
from benchhub.device.local import LocalTransport
from benchhub.device.opening import Opening
from benchhub.device.stage import Blob, BlobState, StageReport, stage
from benchhub.device.transport import Completed, Progress, Transport, complete
from benchhub.errors import ConfigError, DeviceError
from benchhub.model import DeviceProfile
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
        runner: RunnerFile,
        transport: Transport,
        agent: Agent,
        hello: Hello,
    ) -> None:
        self.profile = profile
        self.hello = hello
        self._runner = runner
        self._transport = transport
        self._agent = agent

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

        A held lease is DeviceBusy after `profile.lease_wait_s`; one that this very process still
        holds through a broken link (`own_run`) is waited for. `on_wait` hears about every wait.
        Everything else that can be wrong is its own DeviceError.
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
            return cls(profile, runner, transport, agent, said)
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

    def facts(self) -> dict[str, Any]:
        """Return what the device is, as its agent probed it."""
        return dict(self._ask("facts")["facts"])

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
        with blob.open() as source:
            remote = f"{self.hello.root}/blobs/{blob.sha256}.part"
            self._transport.upload(source, remote, offset, progress)

    def receive(self, stream: Iterator[bytes]) -> None:
        """Unpack a tar stream of blobs, to be adopted later; OSError if it does not fit."""
        runner = f"{self.hello.root}/runner/runner-{self._runner.sha256}.pyz"
        argv = [self.hello.executable, runner, "receive", "--root", self.hello.root]
        process = self._transport.start(argv)
        done = complete(process, stream, _REQUEST_TIMEOUT_S, quiet_s=_REQUEST_TIMEOUT_S)
        if done.status:
            raise OSError(_reason(done))

    def free_bytes(self) -> int | None:
        """Return the room on the disk that holds the device's blobs, None if `df` cannot tell."""
        done = self._transport.run(["df", "-Pk", self.hello.root], timeout_s=_REQUEST_TIMEOUT_S)
        words = done.stdout.decode("utf-8", "replace").strip().split("\n")[-1].split()
        if done.status or len(words) < 6 or not words[3].isdigit():
            return None
        return int(words[3]) * 1024

    def launch(self, job: Job, on_event: Callable[[Event], None] | None = None) -> Outcome:
        """Run `job` on the device and return what it brought back; a failed job is an Outcome too.

        Unreachable when the link breaks before the launch ends, Interrupted when another thread
        closes the session meanwhile.
        """
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


def _reason(done: Completed) -> str:
    lines = done.stdout.splitlines()
    try:
        return str(wire.decode(lines[-1])["message"])
    except (IndexError, KeyError, ValueError):
        return " ".join(done.stderr.split())[-300:] or f"receiving ended with {done.status}"
