"""Lock files: which version of what makes a backend, on every kind of device at once.

A lock is `benchhub/locks/NAME.txt`: requirement lines with `==`, environment markers and hashes,
made from NAME.in by `scripts/lock`. No line names where packages come from.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files

from benchhub.device.provision.target import Target
from benchhub.errors import BackendError, ConfigError, nearest

#: The locks of each backend, in the order they are tried, and the package each is about.
LOCKS: dict[str, dict[str, str]] = {
    "onnxruntime": {"onnxruntime": "onnxruntime"},
    "openvino": {"openvino": "openvino"},
    "tflite": {"tflite": "ai-edge-litert", "tflite-runtime": "tflite-runtime"},
    "torch": {"torch": "torch"},
}

#: What is provisioned where nothing is named; torch, some gigabytes with its CUDA, is not.
DEFAULT = ("onnxruntime", "openvino", "tflite")

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
    """A lock file: `package` is what it is about, the rest is what that needs."""

    backend: str
    name: str
    package: str
    pins: tuple[Pin, ...]


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
    from packaging.requirements import InvalidRequirement, Requirement

    pins = []
    for line in text.replace("\\\n", " ").splitlines():
        wanted, _, _ = line.partition("--hash")
        if not wanted.strip() or wanted.strip().startswith("#"):
            continue
        hashes = tuple(_HASH.findall(line))
        try:
            found = Requirement(wanted.strip())
        except InvalidRequirement as error:
            raise ConfigError(
                f"lock {name}: {wanted.strip()!r} is no requirement: {error}"
            ) from error
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
    for backend, locks in LOCKS.items():
        if name == backend or name in locks:
            wanted = locks if name == backend else {name: locks[name]}
            return tuple(_read(backend, lock, package) for lock, package in wanted.items())
    if name == "tensorrt":
        raise ConfigError(
            "tensorrt cannot be provisioned: its library comes with the device's own system; "
            "install it there and name that interpreter as `python` in the profile"
        )
    known = {*LOCKS, *(lock for locks in LOCKS.values() for lock in locks)}
    raise ConfigError(f"no lock for backend {name}{nearest(name, known)}")


def pinned(locks: tuple[Lock, ...], target: Target) -> Pinned:
    """Return what the first of `locks` that has something for `target` comes to there.

    BackendError where none has.
    """
    from packaging.markers import Marker

    environment = {**target.markers, "extra": ""}
    for lock in locks:
        pins = tuple(
            pin for pin in lock.pins if not pin.marker or Marker(pin.marker).evaluate(environment)
        )
        names = [pin.name for pin in pins]
        if lock.package in names:
            twice = {name for name in names if names.count(name) > 1}
            if twice:
                raise ConfigError(f"lock {lock.name} has {min(twice)} twice for {target}")
            return Pinned(lock, pins, tuple(need for need in _RUNNER_NEEDS if need not in names))
    raise BackendError(
        f"{target.name}: no {locks[0].backend} release is known for {target}; use another Python "
        "(`python` in its profile), or leave this backend out with --backend"
    )


def _read(backend: str, name: str, package: str) -> Lock:
    source = files("benchhub") / "locks" / f"{name}.txt"
    return parse(backend, name, package, source.read_text("utf-8"))
