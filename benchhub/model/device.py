"""A device: as it was registered, and as it turned out to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchhub.model.facts import Facts


@dataclass(frozen=True, slots=True)
class Power:
    """How a device is switched off and on: a command with {name} and {host}, run on this machine.

    It may take `timeout_s`.
    """

    cycle: tuple[str, ...]
    timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class DeviceProfile:
    """A device as registered: how to reach it, what limits it has. `emulated`: never ranked.

    Devices with the same `machine` share hardware and are measured one after another.
    """

    name: str
    transport: str
    host: str = ""
    port: int | None = None
    user: str | None = None
    host_key: str | None = None
    identity_file: Path | None = None
    proxy_jump: str | None = None
    ssh_config: Path | None = None
    ciphers: tuple[str, ...] = ()
    python: str = "python3"
    root: str = "~/.cache/benchhub/device"
    emulated: bool = False
    machine: str = ""
    connect_timeout_s: float = 10.0
    lease_wait_s: float = 0.0
    max_temperature_c: float | None = None
    cooldown_s: float = 30.0
    max_load: float | None = None
    reboot_wait_s: float = 180.0
    power: Power | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    path: Path | None = None


#: The level of a finding about a backend that nobody asked for and that cannot run there.
LEFT_OUT = "left out"
#: The level of a check that could not find out what it asks: neither well nor a doubt.
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of a device; `fix` is a line the user can run.

    `level` is ok, UNKNOWN, warn, refuse or LEFT_OUT.

    `backend` is the one it is about, if it is about one.
    """

    check: str
    level: str
    found: str
    why: str = ""
    fix: str = ""
    backend: str = ""


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A device in a run: its facts as probed, what preflight found, why it failed if it did."""

    name: str
    transport: str
    emulated: bool
    facts: Facts = field(default_factory=Facts)
    findings: tuple[Finding, ...] = ()
    error: str | None = None
    staged: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Selftest:
    """What a device showed of itself as an instrument, at a time (ISO 8601, UTC).

    `checks` of level refuse are those it did not pass; `figures` are their numbers, with their
    units in their names (None: not measured); `run` holds the raw samples.
    """

    device: str
    at: str
    passed: bool
    run: str
    checks: tuple[Finding, ...]
    figures: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Queueing:
    """How somebody waits for devices that are in use.

    `wait_s`: for how long at most, 0: not at all; None: as each profile says. The higher
    `priority` goes first, from -9 to 9. `reservation`: the id of one in whose name they come.
    """

    wait_s: float | None = None
    priority: int = 0
    reservation: str = ""


USUAL_QUEUEING = Queueing()


@dataclass(frozen=True, slots=True)
class Reservation:
    """A device that is kept for somebody: times are ISO 8601, UTC, by the store's clock."""

    id: str
    device: str
    user: str
    host: str
    starts_at: str
    ends_at: str
    why: str = ""
