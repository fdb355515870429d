"""What decides which wheels fit a device, as its own interpreter tells it, and what it has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from benchhub.device.events import schema
from benchhub.errors import BackendError

#: Where the levels of manylinux begin; older ones do not exist for younger architectures.
_FIRST_MINOR = {"x86_64": 5, "i686": 5}
_FIRST_MINOR_ELSEWHERE = 17
#: What names of machines and versions are made of: they name files here, and go into commands.
_PLAIN = {"platform_machine": r"[A-Za-z0-9_]{1,32}", "python_full_version": r"[A-Za-z0-9.+]{1,40}"}
_GLIBC = re.compile(r"glibc ([0-9]{1,3})[.]([0-9]{1,3})")
_VERSION = re.compile(r"([0-9]{1,3})[.]([0-9]{1,3})")
#: The names that levels had before they were named after their glibc.
_OLD_NAMES = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}


@dataclass(frozen=True, slots=True)
class Target:
    """A device's interpreter: PEP 508's marker variables, its libc ("glibc 2.36"), threading."""

    name: str
    markers: Mapping[str, str]
    libc: str | None
    free_threaded: bool = False

    @property
    def python(self) -> str:
        """Return the interpreter's version in full."""
        return self.markers["python_full_version"]

    @property
    def machine(self) -> str:
        """Return the interpreter's machine, such as aarch64."""
        return self.markers["platform_machine"]

    @property
    def glibc(self) -> tuple[int, int]:
        """Return the version of the GNU C library; BackendError where wheels need another one."""
        if told := _GLIBC.match(self.libc or ""):
            return int(told[1]), int(told[2])
        found = "musl" if (self.libc or "").startswith("musl") else "no GNU C library"
        raise BackendError(
            f"{self.name}: it has {found}, and the runtimes' wheels are made for glibc; install "
            "its own packages of the backend, or use a system with glibc"
        )

    @property
    def abi(self) -> str:
        """Return the tag of the interpreter's binary interface; BackendError if not CPython."""
        if self.markers["implementation_name"] != "cpython":
            raise BackendError(
                f"{self.name}: its Python is {self.markers['implementation_name']}, and the "
                "runtimes' wheels are made for CPython; name one as `python` in its profile"
            )
        told = _VERSION.match(self.python)
        if told is None:
            raise BackendError(
                f"{self.name}: its Python calls itself {self.python[:40]!r}, which is no version;"
                " name another one as `python` in its profile"
            )
        return f"cp{told[1]}{told[2]}{'t' if self.free_threaded else ''}"

    @property
    def platforms(self) -> tuple[str, ...]:
        """Return the platform tags the device takes, the newest first; BackendError if none.

        Every level by name: pip takes a level given to it for that level alone.
        """
        major, minor = self.glibc
        if self.markers["sys_platform"] != "linux" or major != 2:
            raise BackendError(f"{self.name}: wheels are known for Linux with glibc 2 only")
        tags = []
        for level in range(minor, _FIRST_MINOR.get(self.machine, _FIRST_MINOR_ELSEWHERE) - 1, -1):
            tags.append(f"manylinux_2_{level}_{self.machine}")
            if level in _OLD_NAMES:
                tags.append(f"{_OLD_NAMES[level]}_{self.machine}")
        return (*tags, f"linux_{self.machine}")

    def __str__(self) -> str:
        return f"Python {self.python} on {self.machine} with {self.libc or 'no known libc'}"


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment on a device; `reason` says why it cannot be used, None if it can."""

    backend: str
    name: str
    lock: str
    version: str
    python: str
    python_version: str
    pins_sha256: str
    packages: Mapping[str, str]
    size_bytes: int
    built_at: str
    reason: str | None


def target(name: str, told: schema.ToldTarget) -> Target:
    """Return the target that the device `name` told of; BackendError for words no Python has."""
    markers: dict[str, str] = told.model_dump(exclude={"libc", "free_threaded"})
    for word, pattern in _PLAIN.items():
        if not re.fullmatch(pattern, markers[word]):
            raise BackendError(
                f"{name}: its Python tells {markers[word][:60]!r} as {word}, which is none; name"
                " another one as `python` in its profile"
            )
    return Target(name, markers, told.libc, told.free_threaded)


def environment(told: schema.ToldEnvironment) -> Environment:
    """Return the environment in a device's record."""
    return Environment(
        backend=told.backend,
        name=told.name,
        lock=told.lock,
        version=told.version,
        python=told.python,
        python_version=told.python_version,
        pins_sha256=told.pins_sha256,
        packages=dict(told.packages),
        size_bytes=told.bytes,
        built_at=told.built_at,
        reason=told.reason,
    )
