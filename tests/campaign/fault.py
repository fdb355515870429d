"""What all faults have in common: whom they strike, when, and how they are undone."""

from __future__ import annotations

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from campaign.site import Kind

if TYPE_CHECKING:
    from campaign.in_process_device import InProcess
    from campaign.scene import Scene

#: Events of a launch, and what is sent of them.
Events = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Moment:
    """So many seconds after so many launches were begun, on the victim or, without one, on all."""

    begun: int
    delay_s: float

    def __str__(self) -> str:
        return f"{self.delay_s:.2f} s after {self.begun} launches"


class Fault(ABC):
    """One fault of a scenario. It is drawn once, and strikes once unless it says otherwise."""

    name: ClassVar[str]
    weight: ClassVar[float] = 1.0
    #: The kinds of devices that it can strike, with their weights; empty: the controller.
    kinds: ClassVar[Mapping[Kind, float]] = {}
    #: With what else than 0 and 3 a controller may end that met it.
    codes: ClassVar[frozenset[int]] = frozenset()
    #: Whether others than its victim notice it.
    of_all: ClassVar[bool] = False
    #: Whether it may fail launches of all devices.
    harms_all: ClassVar[bool] = False
    #: After how many launches it strikes at the latest.
    latest: ClassVar[int] = 3
    #: For how many tries to connect its victim is away after a restart.
    absent: int = 0

    def __init__(self, draw: random.Random, victim: str, kind: Kind | None) -> None:
        self.victim = victim
        self.kind = kind
        self.moment = Moment(draw.randrange(self.latest + 1), round(draw.uniform(0, 0.12), 3))
        self.struck = False
        self.not_before = 0.0
        self._since: float | None = None

    def __str__(self) -> str:
        return f"{self.told()}, {self.moment}{f', on {self.victim}' if self.victim else ''}"

    def told(self) -> str:
        """Return what it does, with what was drawn of it."""
        return self.name

    @property
    def needs(self) -> frozenset[str]:
        """The words of `Site` for what it needs beside its victim."""
        return frozenset()

    def prepare(self, scene: Scene) -> None:
        """Do what has to be done before the first controller starts."""
        return

    def due(self, scene: Scene) -> bool:
        """Return whether its moment has come."""
        if self._since is None and scene.begun(self.victim) >= self.moment.begun:
            self._since = time.monotonic()
        return self._since is not None and time.monotonic() - self._since >= self.moment.delay_s

    @abstractmethod
    def strike(self, scene: Scene) -> bool:
        """Do it; False where it could not be done now, and has to be tried again."""

    def look(self, scene: Scene) -> None:
        """Be asked again and again after it struck, while a controller works."""
        return

    def ended(self, scene: Scene) -> None:
        """Hear that it ended a controller: what would end the next one, too, is undone."""
        return

    @property
    def happened(self) -> bool:
        """Whether it struck at all: runs may be over before."""
        return self.struck

    def explains(self, code: int, pid: int) -> bool:
        """Return whether a controller may have ended with this code because of it."""
        return self.struck and code in self.codes

    def mend(self, scene: Scene) -> None:
        """Undo it; harmless where it never struck."""
        return

    def in_process(self, device: InProcess, events: Events) -> Iterable[Any]:
        """Return what a device within the controller says in place of a launch's events."""
        raise NotImplementedError(f"{self.name} strikes no device within the controller")


class Lasting(Fault):
    """A fault that is over after a while, by itself."""

    #: The seconds of which one number is drawn.
    lasts: ClassVar[tuple[float, float]] = (0.1, 1.0)

    def __init__(self, draw: random.Random, victim: str, kind: Kind | None) -> None:
        super().__init__(draw, victim, kind)
        self.lasts_s = round(draw.uniform(*self.lasts), 2)
        self._until: float | None = None

    def told(self) -> str:
        return f"{self.name} for {self.lasts_s:g} s"

    def strike(self, scene: Scene) -> bool:
        if not self.begin(scene):
            return False
        self._until = time.monotonic() + self.lasts_s
        return True

    @abstractmethod
    def begin(self, scene: Scene) -> bool:
        """Begin it; False where that is not possible now."""

    def look(self, scene: Scene) -> None:
        if self._until is not None and time.monotonic() >= self._until:
            self.mend(scene)
            self._until = None
