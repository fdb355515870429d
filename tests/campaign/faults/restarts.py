"""A device that is started anew in the middle of a run."""

from __future__ import annotations

import random
from collections.abc import Iterable
from types import MappingProxyType
from typing import Any

from lying_device import END

from campaign.fault import Events, Fault
from campaign.in_process_device import InProcess
from campaign.scene import Scene
from campaign.site import Kind


class Restarted(Fault):
    """Its agent is gone, nothing answers for a while, and then its boot id is another."""

    name = "device restarted"
    kinds = MappingProxyType({Kind.IN_PROCESS: 9, Kind.MACHINE: 1})
    latest = 1

    def __init__(self, draw: random.Random, victim: str, kind: Kind | None) -> None:
        super().__init__(draw, victim, kind)
        self.cut = draw.randrange(12)
        self.absent = draw.randrange(4)

    def due(self, scene: Scene) -> bool:
        # A machine that is off when the run begins is not waited for.
        idle = self.kind is Kind.MACHINE and not scene.begun(self.victim)
        return not idle and super().due(scene)

    def strike(self, scene: Scene) -> bool:
        if self.kind is Kind.MACHINE:
            host: Any = scene.devices[self.victim].host
            host.reset()
        return True

    def mend(self, scene: Scene) -> None:
        if self.kind is Kind.MACHINE:
            host: Any = scene.devices[self.victim].host
            host.wait()  # until it answers again

    def in_process(self, device: InProcess, events: Events) -> Iterable[Any]:
        device.journal.write("restarted", device.name)
        return [*events[: self.cut], END]
