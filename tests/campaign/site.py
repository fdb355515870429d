"""What this machine has for a campaign; what is missing is told, and drawn all the same."""

from __future__ import annotations

import enum
import os
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from device.loopback_sshd import Sshd
    from lab.lab import Lab

    from campaign.server import Server

_PATH = os.environ.get("PATH", os.defpath) + ":/usr/local/sbin:/usr/sbin:/sbin"


class Kind(enum.StrEnum):
    """How a device of a scenario is made."""

    #: It follows the protocol within the controller's own process.
    IN_PROCESS = "in process"
    #: The real agent over pipes; what it starts for a launch answers without computing.
    PIPES = "over pipes"
    #: The real agent and real launches of the null backend.
    REAL = "over pipes, real launches"
    #: As PIPES, behind a real sshd and a link that does as it is told.
    SSH = "over ssh"
    #: As PIPES, on a host of the lab, whose kernel makes the faults of its link.
    HOST = "lab host"
    #: A virtual machine of the lab, with real launches.
    MACHINE = "lab machine"


#: Kinds whose agents take a lease, and that answer with `answer.encode`.
WITH_LEASE = frozenset(Kind) - {Kind.IN_PROCESS}
JOURNALED = frozenset({Kind.IN_PROCESS, Kind.PIPES, Kind.SSH, Kind.HOST})
OF_THE_LAB = frozenset({Kind.HOST, Kind.MACHINE})
HOST, MACHINE = "lab-x86-1", "lab-arm64-vm"


@dataclass
class Site:
    """What there is: servers that all scenarios share, and reasons for what there is not, by word.

    The words are `sshd`, `lab`, `machine`, `mounts`, `clock` and `postgresql`.
    """

    missing: dict[str, str] = field(default_factory=dict)
    sshd: Sshd | None = None
    lab: Lab | None = None
    clock: Path | None = None
    server: Server | None = None

    def why_not(self, words: Collection[str]) -> str | None:
        """Return why something of `words` is not there, None where all of it is."""
        return next((self.missing[word] for word in sorted(words) if word in self.missing), None)


#: What a kind of device needs.
NEEDS: Mapping[Kind, frozenset[str]] = {
    Kind.IN_PROCESS: frozenset(),
    Kind.PIPES: frozenset(),
    Kind.REAL: frozenset(),
    Kind.SSH: frozenset({"sshd"}),
    Kind.HOST: frozenset({"lab"}),
    Kind.MACHINE: frozenset({"machine"}),
}


def looked_over(without: Collection[str] = ()) -> Site:
    """Return what this machine has, nothing started yet; what is in `without` counts as missing."""
    from lab import arm
    from lab.command import why_not

    site = Site()
    lab = why_not()
    reasons = {
        "sshd": None if shutil.which("sshd", path=_PATH) else "sshd is not installed",
        "lab": lab,
        "machine": lab or arm.why_not(MACHINE),
        "mounts": _no_mounts(),
        "clock": None if shutil.which("cc") or shutil.which("gcc") else "there is no C compiler",
        "postgresql": _no_server(),
    }
    site.missing = {word: reason for word, reason in reasons.items() if reason is not None}
    site.missing |= dict.fromkeys(without, "left out as asked")
    return site


def _no_server() -> str | None:
    """Return why no results can be kept by a server, where that is so."""
    try:
        from postgresql.cluster import why_not
    except ImportError as error:
        return f"{error}: pip install 'benchhub[postgresql]'"
    return why_not()


def _no_mounts() -> str | None:
    """Return why no small disk can be mounted, where that is so."""
    from lab.command import LabError, run

    if os.geteuid() != 0:
        return "mounting a small disk needs root"
    try:
        run("unshare", "--mount", "mount", "-t", "tmpfs", "campaign", "/tmp")
    except LabError as error:
        return f"no small disk can be mounted: {error}"
    return None


def start(site: Site, words: Collection[str], folder: Path) -> None:
    """Start what of `words` is not missing; it lasts until `stop`."""
    there = set(words) - set(site.missing)
    if "sshd" in there:
        from device.loopback_sshd import start_sshd

        shutil.rmtree(folder / "sshd", ignore_errors=True)  # an earlier sitting's
        site.sshd = start_sshd(folder / "sshd")
    if "clock" in there:
        from harness.stepped_clock import library

        site.clock = library(folder)
    if "postgresql" in there:
        from campaign.server import Server

        site.server = Server.started()
    hosts = {name for word, name in (("lab", HOST), ("machine", MACHINE)) if word in there}
    if hosts:
        from lab.command import LabError
        from lab.lab import Lab

        lab = Lab(dict.fromkeys(sorted(hosts), 0))
        try:
            lab.up()
            site.lab = lab
        except LabError as error:
            lab.down()
            site.missing |= dict.fromkeys(("lab", "machine"), f"the lab does not start: {error}")


def stop(site: Site) -> None:
    """End what was started."""
    if site.sshd is not None:
        site.sshd.stop()
    if site.server is not None:
        site.server.remove()
    if site.lab is not None:
        site.lab.down()
