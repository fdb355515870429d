"""Provisioning: an isolated environment per backend on a device, from the locks that ship."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchhub.device.provision.lock import Lock, Pinned, pinned
from benchhub.device.provision.packed import Wheel
from benchhub.device.provision.target import Environment, Target
from benchhub.device.provision.wheels import wheels
from benchhub.device.staging.blob import Blob, StageReport
from benchhub.device.transport import Progress
from benchhub.errors import BackendError, DeviceError, NoSpace

#: For all of one environment; a small board with a slow card and torch takes its time.
DEADLINE_S = 1800.0


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What provisioning one backend did: `built` is False where it was there already."""

    environment: Environment
    built: bool
    moved_bytes: int
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Removed:
    """Something that was deleted on a device, and the room it gave back."""

    name: str
    freed_bytes: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the device made no environment: `kind` is a key of wire.TROUBLES."""

    kind: str
    message: str


class Device(Protocol):
    """The device as provisioning sees it; a DeviceSession is one."""

    @property
    def name(self) -> str:
        """Return the device's name, for messages."""

    def environments(self) -> tuple[Target, tuple[Environment, ...]]:
        """Return what its interpreter is and which environments there are."""

    def stage(self, blobs: Sequence[Blob], progress: Progress) -> StageReport:
        """Make the device hold every one of `blobs`."""

    def build(
        self, wanted: Pinned, wheels: Sequence[Wheel] | None, deadline_s: float
    ) -> tuple[Environment, bool] | Trouble:
        """Make the environment, from staged wheels or (None) with the device's own pip."""


def provision(
    device: Device,
    locks: tuple[Lock, ...],
    cache: Path | None,
    say: Callable[[str], None] = lambda text: None,
    progress: Progress = lambda count: None,
    deadline_s: float = DEADLINE_S,
) -> Provisioned:
    """Make `device` hold a ready environment of the first of `locks` that fits it.

    With a `cache` folder the controller fetches wheels into it and pushes them; with None the
    device's own pip installs, which cannot have what a lock carries. Nothing is fetched or moved
    where the environment is ready. After Unreachable a second call goes on where the first was.
    BackendError where it cannot be had on this device, NoSpace, and what staging raises.
    """
    started = time.monotonic()
    target, there = device.environments()
    wanted = pinned(locks, target)
    for environment in there:
        same = (environment.backend, environment.pins_sha256) == (
            wanted.lock.backend,
            wanted.sha256,
        )
        if same and environment.reason is None:
            return Provisioned(environment, False, 0, time.monotonic() - started)
    found: tuple[Wheel, ...] | None = None
    moved_bytes = 0
    if cache is not None:
        say(f"fetching {len(wanted.pins)} wheels")
        found = wheels(wanted, target, cache)
        total = sum(wheel.blob.size_bytes for wheel in found)
        say(f"pushing {len(found)} wheels of {total / 1e6:.1f} MB")
        moved_bytes = device.stage([wheel.blob for wheel in found], progress).moved_bytes
    say("installing")
    answer = device.build(wanted, found, deadline_s)
    if isinstance(answer, Trouble):
        raise _error(device.name, wanted, answer)
    return Provisioned(*answer, moved_bytes, time.monotonic() - started)


def _error(name: str, wanted: Pinned, trouble: Trouble) -> DeviceError:
    message = f"{name}: {wanted.lock.backend} was not provisioned: {trouble.message}"
    return NoSpace(message) if trouble.kind == "space" else BackendError(message)
