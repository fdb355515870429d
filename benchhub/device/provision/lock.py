"""Lock files: which version of what makes a backend, on every kind of device at once.

A lock is NAME.txt beside a backend's runtime module: requirement lines with `==`, environment
markers and hashes, made from NAME.in by `scripts/lock`. No line names where packages come from.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files

from benchhub.backends import described, every, names
from benchhub.device.provision.packed import Packed, packed
from benchhub.device.provision.target import Target
from benchhub.errors import BackendError, ConfigError, nearest
from benchhub.ondevice.backends import Description, LockFile
from benchhub.outside.foreign.reading import reading, reason

#: What the runner needs beside the runtime; where a lock has none, the system's own is used.
_RUNNER_NEEDS = ("numpy", "psutil")

_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Pin:
    """One package of a lock: exactly one version, where it applies, what its files hash to."""

    name: str
    version: str
    marker: str
    sha256: tuple[str, ...]

    @property
    def line(self) -> str:
        """Return the pin as a requirement line without its marker."""
        hashes = "".join(f" --hash=sha256:{digest}" for digest in self.sha256)
        return f"{self.name}=={self.version}{hashes}"


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file: `package` is what it is about, the rest is what that needs.

    `carried` is the distribution that registers the backend, where that is a third party's: the
    first of the pins, and not in the file.
    """

    backend: str
    name: str
    package: str
    pins: tuple[Pin, ...]
    carried: Packed | None = None

    def fits(self, target: Target) -> bool:
        """Return whether what is carried runs on the target's Python."""
        from packaging.specifiers import SpecifierSet

        wanted = self.carried.requires_python if self.carried else ""
        return SpecifierSet(wanted).contains(target.python, prereleases=True)


@dataclass(frozen=True, slots=True)
class Pinned:
    """What a lock comes to on one target: one version each, and what its system must bring."""

    lock: Lock
    pins: tuple[Pin, ...]
    system: tuple[str, ...]

    @property
    def text(self) -> str:
        """Return the pins as a requirements file without markers."""
        return "".join(f"{pin.line}\n" for pin in self.pins)

    @property
    def sha256(self) -> str:
        """Return the digest of `text`."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def parse(backend: str, name: str, package: str, text: str) -> Lock:
    """Return the lock in `text`; ConfigError for a line that does not pin one version by hash."""
    from packaging.requirements import Requirement

    pins = []
    for line in text.replace("\\\n", " ").splitlines():
        wanted, _, _ = line.partition("--hash")
        if not wanted.strip() or wanted.strip().startswith("#"):
            continue
        hashes = tuple(_HASH.findall(line))
        given = wanted.strip()
        wrong = f"{given[:200]!r} is no requirement"
        with reading(f"lock {name}", wrong, "make the lock again with scripts/lock"):
            found = Requirement(given)
        exact = [s.version for s in found.specifier if s.operator == "=="]
        if len(found.specifier) != 1 or len(exact) != 1 or "*" in exact[0] or not hashes:
            raise ConfigError(
                f"lock {name}: {wanted.strip()!r} does not pin one version by its hashes; make the "
                "lock again with scripts/lock"
            )
        pins.append(Pin(found.name, exact[0], str(found.marker or ""), hashes))
    return Lock(backend, name, package, tuple(pins))


def shipped(name: str) -> tuple[Lock, ...]:
    """Return the locks that `name`, a backend or a single lock, stands for, in order.

    ConfigError where there is none.
    """
    backend = owner(name)
    whole = name == backend.name
    return _read(backend, [lock for lock in backend.locks if whole or lock.name == name])


def owner(name: str) -> Description:
    """Return the backend that `name`, its own or that of one of its locks, stands for.

    ConfigError where there is none, or it has no lock.
    """
    if name in names():
        backend = described(name)
        if not backend.locks:
            raise ConfigError(_without_lock(backend))
        return backend
    known = [one for one in every()[0] if one.locks]
    for backend in known:
        if any(lock.name == name for lock in backend.locks):
            return backend
    hints = {*(one.name for one in known), *(lock.name for one in known for lock in one.locks)}
    raise ConfigError(f"no lock for backend {name}{nearest(name, hints)}")


def _without_lock(backend: Description) -> str:
    if not backend.distributions:
        return f"{backend.name} needs no runtime: there is nothing to provision"
    wanted = backend.registered_by or backend.distributions[0]
    fix = backend.by_hand or f"install {wanted} with the device's own Python"
    return f"{backend.name} cannot be provisioned: no lock can bring it; {fix}"


def defaults() -> tuple[str, ...]:
    """Return the backends that are provisioned where none is named."""
    return tuple(backend.name for backend in every()[0] if backend.provisioned)


def pinned(locks: tuple[Lock, ...], target: Target) -> Pinned:
    """Return what the first of `locks` that has something for `target` comes to there.

    BackendError where none has.
    """
    from packaging.markers import Marker

    environment = {**target.markers, "extra": ""}
    for lock in locks:
        try:
            pins = tuple(
                pin
                for pin in lock.pins
                if not pin.marker or Marker(pin.marker).evaluate(environment)
            )
            there = [pin.name for pin in pins]
            fits = lock.package in there and lock.fits(target)
        except (ValueError, KeyError) as error:  # a version that is none
            raise BackendError(
                f"{target.name}: what its Python tells of itself cannot be held against lock"
                f" {lock.name} ({reason(error)}); name another one as `python` in its profile"
            ) from error
        if fits:
            twice = {name for name in there if there.count(name) > 1}
            if twice:
                raise ConfigError(f"lock {lock.name} has {min(twice)} twice for {target}")
            return Pinned(lock, pins, tuple(need for need in _RUNNER_NEEDS if need not in there))
    raise BackendError(
        f"{target.name}: no {locks[0].backend} release is known for {target}; use another Python "
        "(`python` in its profile), or leave this backend out with --backend"
    )


def _read(backend: Description, wanted: Sequence[LockFile]) -> tuple[Lock, ...]:
    carried = packed(backend.registered_by) if backend.registered_by else None
    folder, _, _ = backend.runtime.rpartition(".")
    found = []
    for one in wanted:
        try:
            text = (files(folder) / f"{one.name}.txt").read_text("utf-8")
        except (OSError, ImportError, TypeError) as error:
            raise ConfigError(
                f"backend {backend.name}: its lock {one.name}.txt is not in the package {folder},"
                f" beside its runtime: {error}; leave it out of the description, or add it"
            ) from error
        lock = parse(backend.name, one.name, one.package, text)
        if carried:
            pin = Pin(carried.name, carried.version, "", (carried.wheel.blob.sha256,))
            lock = replace(lock, pins=(pin, *lock.pins), carried=carried)
        found.append(lock)
    return tuple(found)
