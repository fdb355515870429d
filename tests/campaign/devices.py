"""The devices of a scenario: their profiles, and what stands for their Python."""

from __future__ import annotations

import dataclasses
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.host import Host

from benchhub.model.device import DeviceProfile
from campaign.relay import Relay
from campaign.site import HOST, MACHINE, Kind, Site

CHILD = Path(__file__).with_name("fake_child.py")
#: For a device that nothing strikes, nothing is too short; one that is lost is given up soon.
_LIMITS: dict[str, Any] = {
    "cooldown_s": 0.0, "reboot_wait_s": 5.0, "connect_timeout_s": 20.0, "lease_wait_s": 6.0,
}  # fmt: skip
_PYTHON = """\
#!/bin/sh
# The Python of {name}: its agents are real, and something else answers in place of a launch.
case "$2" in
child) exec '{python}' -I -S '{child}' '{journal}' '{name}' {pace_s} '{root}' ;;
agent) {first}export PYTHONPATH='{site}' ;;
esac
exec '{python}' "$@"
"""


@dataclass
class Python:
    """What a profile names as the device's Python; written anew where something of it changes.

    `limit_kib` bounds the addresses of the agent and what it starts; `clock` is a library that
    makes the time of day wrong by what `offset` says.
    """

    path: Path
    name: str
    journal: str
    root: str
    pace_s: float
    limit_kib: int | None = None
    clock: Path | None = None
    offset: Path | None = None

    def write(self) -> None:
        """Write the file, and the module by which the agent's children get this Python, too."""
        site = self.path.with_name(f"{self.path.name}.site")
        site.mkdir(exist_ok=True)
        (site / "sitecustomize.py").write_text(f"import sys\nsys.executable = {str(self.path)!r}\n")
        first = f"ulimit -v {self.limit_kib}; " if self.limit_kib else ""
        if self.clock is not None:
            first += f"export LD_PRELOAD='{self.clock}' STEPPED_CLOCK='{self.offset}'; "
        text = _PYTHON.format(
            name=self.name, python=sys.executable, child=CHILD, journal=self.journal,
            pace_s=self.pace_s, root=self.root, first=first, site=site,
        )  # fmt: skip
        draft = self.path.with_suffix(".new")
        draft.write_text(text)
        draft.chmod(0o755)
        draft.replace(self.path)


@dataclass
class Device:
    """A device of a scenario; `root` is its folder as this process sees it, if it can."""

    name: str
    kind: Kind
    profile: DeviceProfile
    pace_s: float
    root: Path | None = None
    python: Python | None = None
    relay: Relay | None = None
    host: Host | None = None
    #: How long it may be silent before its link counts as lost; None: as ever.
    heartbeat_s: float | None = field(default=None)

    def close(self) -> None:
        """End what was started for it."""
        if self.relay is not None:
            self.relay.close()


def make(name: str, kind: Kind, pace_s: float, folder: Path, journal: str, site: Site) -> Device:
    """Return a device of a kind, its files in `folder`."""
    if kind is Kind.IN_PROCESS:
        return Device(name, kind, DeviceProfile(name, "ssh", **_LIMITS), pace_s)
    if kind is Kind.MACHINE:
        return _machine(name, pace_s, folder, site)
    root = folder / "roots" / name
    if kind is Kind.REAL:
        profile = DeviceProfile(name, "local", root=str(root), **_LIMITS)
        return Device(name, kind, profile, pace_s, root)
    if kind is Kind.HOST:
        return _host(name, pace_s, folder, journal, site)
    python = _python(name, folder, journal, str(root), pace_s)
    changes = {"python": str(python.path), **_LIMITS}
    if kind is Kind.PIPES:
        profile = DeviceProfile(name, "local", root=str(root), **changes)
        return Device(name, kind, profile, pace_s, root, python)
    assert site.sshd is not None
    relay = Relay(site.sshd.port)
    profile = site.sshd.profile(root, name=name, port=relay.port, **changes)
    return Device(name, kind, profile, pace_s, root, python, relay)


def _host(name: str, pace_s: float, folder: Path, journal: str, site: Site) -> Device:
    assert site.lab is not None
    host = site.lab[HOST]
    there = host.home / "campaign" / folder.name / name
    python = _python(name, folder, journal, str(there), pace_s)
    profile = site.lab.profile(HOST, root=str(there), python=str(python.path), **_LIMITS)
    profile = dataclasses.replace(profile, name=name)
    return Device(name, Kind.HOST, profile, pace_s, host.path(there), python, host=host)


def _machine(name: str, pace_s: float, folder: Path, site: Site) -> Device:
    assert site.lab is not None
    limits = {**_LIMITS, "reboot_wait_s": 180.0, "connect_timeout_s": 30.0, "lease_wait_s": 60.0}
    root = f"~/campaign/{folder.name}/{name}"
    profile = dataclasses.replace(site.lab.profile(MACHINE, root=root, **limits), name=name)
    return Device(name, Kind.MACHINE, profile, pace_s, host=site.lab[MACHINE])


def _python(name: str, folder: Path, journal: str, root: str, pace_s: float) -> Python:
    pythons = folder / "pythons"
    pythons.mkdir(exist_ok=True)
    os.chmod(folder, 0o755)  # hosts of the lab look into it
    python = Python(pythons / name, name, journal, root, pace_s)
    python.write()
    return python
