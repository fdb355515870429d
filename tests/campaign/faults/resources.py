"""Too little memory, and too few files that may be opened: on the controller, or on the device."""

from __future__ import annotations

import random
import resource
import signal
from types import MappingProxyType

from campaign.fault import Fault
from campaign.scene import Scene
from campaign.site import Kind

_MIB = 1 << 20


class _Limit(Fault):
    """A limit that holds from the start of the first controller on, and not for the next one."""

    of_all = True
    harms_all = True
    codes = frozenset({2})

    def strike(self, scene: Scene) -> bool:
        return True

    def explains(self, code: int, pid: int) -> bool:
        return code in self.codes

    def ended(self, scene: Scene) -> None:
        self.mend(scene)


class Memory(_Limit):
    """The controller, or a device's agent with what it starts, may take few more addresses."""

    name = "memory limit"
    # Native code that gets no memory aborts (pydantic's) or ends with 127 (glibc's): nobody can say
    # anything any more.
    codes = frozenset({2, 127, -signal.SIGABRT})
    kinds = MappingProxyType({Kind.PIPES: 1, Kind.IN_PROCESS: 2})
    weight = 1.5

    def __init__(self, draw: random.Random, victim: str, kind: Kind | None) -> None:
        super().__init__(draw, victim, kind)
        self.there = kind is Kind.PIPES and draw.random() < 0.6
        self.mib = (
            draw.choice((10, 24, 40, 80, 160)) if self.there else draw.choice((4, 12, 30, 90))
        )

    def told(self) -> str:
        where = "of the agent" if self.there else "more for the controller"
        return f"{self.name}: {self.mib} MiB {where}"

    def prepare(self, scene: Scene) -> None:
        python = scene.devices[self.victim].python
        if self.there and python is not None:
            python.limit_kib = self.mib * 1024
            python.write()
        else:
            scene.limits[resource.RLIMIT_AS] = self.mib * _MIB

    def mend(self, scene: Scene) -> None:
        python = scene.devices[self.victim].python
        if self.there and python is not None:
            python.limit_kib = None
            python.write()
        scene.limits.pop(resource.RLIMIT_AS, None)

    def in_process(self, device: object, events: object) -> object:  # type: ignore[override]
        return events


class Descriptors(_Limit):
    """The controller may open few more files."""

    name = "descriptor limit"

    def __init__(self, draw: random.Random, victim: str, kind: Kind | None) -> None:
        super().__init__(draw, victim, kind)
        self.more = draw.choice((1, 3, 6, 10, 16, 24, 40))

    def told(self) -> str:
        return f"{self.name}: {self.more} more"

    def prepare(self, scene: Scene) -> None:
        scene.limits[resource.RLIMIT_NOFILE] = self.more

    def mend(self, scene: Scene) -> None:
        scene.limits.pop(resource.RLIMIT_NOFILE, None)
