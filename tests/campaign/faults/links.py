"""Links that break, hang, or carry little: by a relay before sshd, or by the kernel of the lab."""

from __future__ import annotations

import contextlib
import dataclasses
import random
from abc import abstractmethod
from types import MappingProxyType

from lab import faults as lab
from lab.host import Host

from campaign.fault import Lasting
from campaign.faults.processes import HEARTBEAT_S
from campaign.scene import Scene
from campaign.site import Kind

_KINDS = MappingProxyType({Kind.SSH: 3.0, Kind.HOST: 1.0})


class _Link(Lasting):
    """What a link does for a while."""

    kinds = _KINDS
    #: Whether what is there may fall silent, so that the victim may not be so for long.
    silences = True

    def __init__(self, draw: random.Random, victim: str, kind: Kind | None) -> None:
        super().__init__(draw, victim, kind)
        self._undone = contextlib.ExitStack()

    def prepare(self, scene: Scene) -> None:
        device = scene.devices[self.victim]
        device.profile = dataclasses.replace(device.profile, connect_timeout_s=2.0)
        if self.silences:
            device.heartbeat_s = HEARTBEAT_S

    def begin(self, scene: Scene) -> bool:
        device = scene.devices[self.victim]
        if device.relay is not None:
            device.relay.tell(self.words())
            return True
        assert device.host is not None
        self._undone.enter_context(self.of_the_lab(device.host))
        return True

    def mend(self, scene: Scene) -> None:
        relay = scene.devices[self.victim].relay
        if relay is not None:
            relay.tell("open")
        self._undone.close()

    @abstractmethod
    def words(self) -> str:
        """Return what a relay is told."""

    @abstractmethod
    def of_the_lab(self, host: Host) -> contextlib.AbstractContextManager[None]:
        """Return what the lab does to the link of a host."""


class Cut(_Link):
    """The link is cut: by who closes it, or by a pulled cable, of which nobody is told."""

    name = "link cut"
    lasts = (0.1, 3.0)

    def __init__(self, draw: random.Random, victim: str, kind: Kind | None) -> None:
        super().__init__(draw, victim, kind)
        self.pulled = kind is Kind.HOST or draw.random() < 0.5

    def told(self) -> str:
        return f"{super().told()}{', as by a pulled cable' if self.pulled else ''}"

    def words(self) -> str:
        return "silent" if self.pulled else "cut"

    def of_the_lab(self, host: Host) -> contextlib.AbstractContextManager[None]:
        return lab.cut(host)


class HalfOpen(_Link):
    """The device's end is gone and this one is not told; on the lab its processes are frozen."""

    name = "half open"
    lasts = (0.1, 3.0)

    def words(self) -> str:
        return "half"

    def of_the_lab(self, host: Host) -> contextlib.AbstractContextManager[None]:
        return lab.frozen(host)


class Reset(_Link):
    """Every connection is reset, and so are new ones while that lasts."""

    name = "link reset"
    lasts = (0.05, 1.5)
    silences = False

    def words(self) -> str:
        return "reset"

    def of_the_lab(self, host: Host) -> contextlib.AbstractContextManager[None]:
        return lab.resets(host)


class Slow(_Link):
    """The link carries little for a while."""

    name = "link slow"
    lasts = (0.5, 3.0)
    silences = False

    def __init__(self, draw: random.Random, victim: str, kind: Kind | None) -> None:
        super().__init__(draw, victim, kind)
        self.kilobytes_per_s = draw.choice((20, 60, 200))

    def told(self) -> str:
        return f"{super().told()}, {self.kilobytes_per_s} kB/s"

    def words(self) -> str:
        return f"slow {1000 * self.kilobytes_per_s}"

    def of_the_lab(self, host: Host) -> contextlib.AbstractContextManager[None]:
        return lab.slow(host, max(1.0, self.kilobytes_per_s * 8 / 1000))


class Lossy(_Link):
    """Packets are lost, which TCP makes good, late."""

    name = "link lossy"
    lasts = (0.5, 3.0)
    silences = False

    def __init__(self, draw: random.Random, victim: str, kind: Kind | None) -> None:
        super().__init__(draw, victim, kind)
        self.share = draw.choice((0.02, 0.05, 0.1))

    def told(self) -> str:
        return f"{super().told()}, {self.share:.0%}"

    def words(self) -> str:
        return f"lossy {5 * self.share}"

    def of_the_lab(self, host: Host) -> contextlib.AbstractContextManager[None]:
        return lab.loss(host, self.share)
