"""The time of day of a device is set, backwards and forwards, while it measures."""

from __future__ import annotations

import mmap
import random
import struct
import time
from collections.abc import Iterable
from pathlib import Path
from types import MappingProxyType
from typing import Any

from campaign.fault import Events, Fault
from campaign.in_process_device import InProcess
from campaign.scene import Scene
from campaign.site import Kind

_STEPS_S = (0.003, 0.7, 61.0, 3600.0, 90_000.0, 3e6)


class Stepped(Fault):
    """The clock is set a few times, by seconds or weeks."""

    name = "clock stepped"
    kinds = MappingProxyType({Kind.PIPES: 3, Kind.IN_PROCESS: 1})
    weight = 1.5

    def __init__(self, draw: random.Random, victim: str, kind: Kind | None) -> None:
        super().__init__(draw, victim, kind)
        # It goes back twice at most: a launch is tried three times.
        self.wrong_s = [draw.choice((-1, 1)) * draw.choice(_STEPS_S) for _ in range(3)]
        self.pause_s = round(draw.uniform(0.02, 0.3), 2)
        self._offset: Path | None = None
        self._next = 0.0
        self._left: list[float] = []

    def told(self) -> str:
        said = ", ".join(f"{wrong_s:+g} s" for wrong_s in self.wrong_s)
        return f"{self.name} to {said} off, every {self.pause_s:g} s"

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"clock"}) if self.kind is Kind.PIPES else frozenset()

    def prepare(self, scene: Scene) -> None:
        python = scene.devices[self.victim].python
        if python is not None:
            self._offset = scene.folder / f"offset-{self.victim}"
            self._offset.write_bytes(bytes(8))
            python.clock, python.offset = scene.site.clock, self._offset
            python.write()

    def strike(self, scene: Scene) -> bool:
        self._left = list(self.wrong_s)
        return True

    def look(self, scene: Scene) -> None:
        if self._left and time.monotonic() >= self._next:
            self._next = time.monotonic() + self.pause_s
            self._set(self._left.pop(0))

    def mend(self, scene: Scene) -> None:
        self._left = []  # it stays as wrong as it is

    def in_process(self, device: InProcess, events: Events) -> Iterable[Any]:
        end = events[-1]
        return [*events[:-1], {**end, "after": {**end["after"], "at_ns": 5}}]

    def _set(self, wrong_s: float) -> None:
        if self._offset is not None:
            with self._offset.open("r+b") as file, mmap.mmap(file.fileno(), 8) as offset:
                offset[:8] = struct.pack("q", round(wrong_s * 1e9))
