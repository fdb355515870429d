"""A scenario being played: its folder, devices, faults, and who works at the moment."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchhub.run.execute import Ready
from campaign.database import Database
from campaign.devices import Device, make
from campaign.fault import Fault
from campaign.journal import Journal
from campaign.ready import Asked, ready
from campaign.site import JOURNALED, Kind, Site


@dataclass(frozen=True, slots=True)
class End:
    """How a controller ended: its exit code, negative for a signal, and what it wrote to stderr.

    `hung`: it did not end by itself, and was killed. `expected`: a fault explains the code.
    """

    code: int
    err: str
    hung: bool = False
    expected: bool = False

    @property
    def last_line(self) -> str:
        """The last line that benchhub said."""
        said = [line for line in self.err.splitlines() if line.startswith("benchhub: ")]
        return said[-1] if said else ""


@dataclass
class Scene:
    """Where faults find what they strike. `controllers` are the processes at work, oldest first."""

    folder: Path
    site: Site
    devices: dict[str, Device]
    asked: Mapping[str, Asked]
    faults: Sequence[Fault]
    ready: Ready
    journal: Journal
    controllers: list[int] = field(default_factory=list)
    #: What the next controllers may take more than they have, by the kind of `resource`.
    limits: dict[int, int] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    #: Whether faults are over, those of devices within controllers too.
    calm: bool = False
    #: How controllers ended that faults started, beside the scenario's own.
    rivals_ends: list[End] = field(default_factory=list)
    #: What a server keeps the results in; None: they are in the file.
    database: Database | None = None

    @property
    def store(self) -> Path:
        """The file of the results database, or of its copy; its folder may be a disk of its own."""
        return self.folder / "store" / "results.db"

    @property
    def url(self) -> str:
        """Where the results are kept."""
        return self.database.url if self.database is not None else f"sqlite:///{self.store}"

    @property
    def cache(self) -> Path:
        """Where models and inputs lie that are pushed."""
        return self.folder / "cache"

    def full(self, device: str) -> Path:
        """Return the file that says that a device within the controller has no room."""
        return self.folder / f"full-{device}"

    def begun(self, device: str = "") -> int:
        """Return how many launches were begun on a device or on all.

        Where devices have no journal, so many as their controllers say.
        """
        chosen = [self.devices[device]] if device else list(self.devices.values())
        return sum(
            self.journal.count("begun", one.name) if one.kind in JOURNALED else self._said(one.name)
            for one in chosen
        )

    def _said(self, device: str) -> int:
        logs = (path.read_text("utf-8", "replace") for path in self.folder.glob("controller-*.err"))
        return sum(log.count(f" {device}: null ") for log in logs)

    def made_again(self) -> None:
        """Write models and inputs anew, where they are gone."""
        ready(list(self.devices.values()), self.asked, self.cache)

    def close(self) -> None:
        """End what devices need."""
        for device in self.devices.values():
            device.close()
        if self.database is not None:
            self.database.drop()


def set_up(
    folder: Path,
    site: Site,
    kinds: Mapping[str, Kind],
    paces_s: Mapping[str, float],
    asked: Mapping[str, Asked],
    faults: Sequence[Fault],
) -> Scene:
    """Make everything that a scenario needs; its faults are prepared, and none has struck."""
    for part in ("store", "roots"):
        (folder / part).mkdir(parents=True)
    (folder / "suite.toml").write_text("# planned by hand\n")
    journal = str(folder / "journal")
    devices = {
        name: make(name, kind, paces_s[name], folder, journal, site) for name, kind in kinds.items()
    }
    scene = Scene(
        folder, site, devices, asked, faults,
        ready(list(devices.values()), asked, folder / "cache"), Journal(journal),
    )  # fmt: skip
    if site.server is not None and any("postgresql" in fault.needs for fault in faults):
        scene.database = Database.made(site.server, f"scene_{folder.name}")
    for fault in faults:
        fault.prepare(scene)
    # What faults changed of profiles is part of the request.
    scene.ready = ready(list(devices.values()), asked, scene.cache)
    return scene
