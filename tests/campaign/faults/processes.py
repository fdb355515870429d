"""Processes that are killed or stopped: the controller, agents, launches."""

from __future__ import annotations

import contextlib
import os
import random
import signal
from collections.abc import Iterable
from types import MappingProxyType
from typing import Any

from lying_device import END

from campaign.fault import Events, Fault, Lasting
from campaign.in_process_device import InProcess, garbled
from campaign.running import Process, processes
from campaign.scene import Scene
from campaign.site import Kind

_SIGNALS = {signal.SIGKILL: 5, signal.SIGTERM: 1, signal.SIGINT: 2}
#: Shorter than what agents of victims may be silent.
HEARTBEAT_S = 2.0


class ControllerKilled(Fault):
    """The controller gets a signal; the next one goes on, and may get it, too."""

    name = "controller killed"
    of_all = True
    weight = 2.5
    latest = 5

    def __init__(self, draw: random.Random, victim: str, kind: Kind | None) -> None:
        super().__init__(draw, victim, kind)
        (self.signal,) = draw.choices(list(_SIGNALS), list(_SIGNALS.values()))
        self.times = draw.choice((1, 1, 2, 3))
        self._struck: set[int] = set()

    def told(self) -> str:
        return f"{self.name} by {self.signal.name}, {self.times} times"

    def strike(self, scene: Scene) -> bool:
        if not scene.controllers or scene.controllers[0] in self._struck:
            return False
        os.kill(scene.controllers[0], self.signal)
        self._struck.add(scene.controllers[0])
        self._since = None  # the delay counts anew for the next one
        return len(self._struck) >= self.times

    @property
    def happened(self) -> bool:
        return bool(self._struck)

    def explains(self, code: int, pid: int) -> bool:
        codes = {-int(self.signal), *({130} if self.signal is not signal.SIGKILL else ())}
        return pid in self._struck and code in codes


class AgentKilled(Fault):
    """The agent is killed, as by a device that runs out of memory."""

    name = "agent killed"
    kinds = MappingProxyType(
        {Kind.PIPES: 3, Kind.IN_PROCESS: 3, Kind.SSH: 1, Kind.REAL: 1, Kind.HOST: 0.6}
    )

    def __init__(self, draw: random.Random, victim: str, kind: Kind | None) -> None:
        super().__init__(draw, victim, kind)
        self.cut = draw.randrange(12)
        self.garbled = draw.random() < 0.5

    def strike(self, scene: Scene) -> bool:
        return self.kind is Kind.IN_PROCESS or _signalled(agents(scene, self.victim), _KILL)

    def in_process(self, device: InProcess, events: Events) -> Iterable[Any]:
        rest = [garbled(events[self.cut])] if self.garbled and self.cut < len(events) else []
        return [*events[: self.cut], *rest, END]


class LaunchKilled(Fault):
    """The process of a launch is killed."""

    name = "launch killed"
    kinds = MappingProxyType({Kind.PIPES: 3, Kind.SSH: 1, Kind.REAL: 1, Kind.HOST: 0.6})

    def strike(self, scene: Scene) -> bool:
        here = processes(scene.devices[self.victim].profile.root)
        return _signalled([one for one in here if one.is_launch], _KILL)


class AgentStopped(Lasting):
    """The agent is stopped, for longer than it may be silent, or not."""

    name = "agent stopped"
    kinds = MappingProxyType({Kind.PIPES: 3, Kind.IN_PROCESS: 2, Kind.SSH: 1, Kind.HOST: 0.6})
    lasts = (0.2, 5.0)

    def __init__(self, draw: random.Random, victim: str, kind: Kind | None) -> None:
        super().__init__(draw, victim, kind)
        self.cut = draw.randrange(12)
        self._stopped: list[Process] = []

    def prepare(self, scene: Scene) -> None:
        scene.devices[self.victim].heartbeat_s = HEARTBEAT_S

    def begin(self, scene: Scene) -> bool:
        if self.kind is Kind.IN_PROCESS:
            return True
        self._stopped = agents(scene, self.victim)
        return _signalled(self._stopped, signal.SIGSTOP)

    def mend(self, scene: Scene) -> None:
        _signalled(self._stopped, signal.SIGCONT)
        self._stopped = []

    def in_process(self, device: InProcess, events: Events) -> Iterable[Any]:
        return events[: self.cut]


_KILL = signal.SIGKILL


def agents(scene: Scene, device: str) -> list[Process]:
    """Return the agents of a device of a scene."""
    here = processes(scene.devices[device].profile.root)
    return [one for one in here if one.is_agent]


def _signalled(these: list[Process], number: signal.Signals) -> bool:
    """Send a signal to processes; whether there was any."""
    sent = False
    for one in these:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one.pid, number)
            sent = True
    return sent
