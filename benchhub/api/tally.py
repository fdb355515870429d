"""How far a run has come, device by device, at the cost of a few additions a launch."""

from __future__ import annotations

import enum
import threading
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from benchhub.model.cell import Cell
from benchhub.model.launch import Launch


class DeviceState(enum.StrEnum):
    """What a device is at; the troubled ones come first, in the order in which they are shown."""

    LOST = "lost"
    STOPPED = "stopped"
    COOLING = "cooling"
    STARTING = "starting"
    MEASURING = "measuring"
    WAITING = "waiting"
    DONE = "done"


#: What somebody should look at.
TROUBLED = (DeviceState.LOST, DeviceState.STOPPED, DeviceState.COOLING)
#: What a status begins with, and what it then says; all others are of a cell that is measured.
_SAID = {
    "link lost": DeviceState.LOST,
    "stopped": DeviceState.STOPPED,
    "cooling": DeviceState.COOLING,
    "waiting": DeviceState.WAITING,
    "connecting": DeviceState.STARTING,
    "pushing": DeviceState.STARTING,
    "restarted": DeviceState.STARTING,
    "done": DeviceState.DONE,
}


@dataclass(slots=True)
class DeviceTally:
    """One device: its launches `done` of `planned`, its cells, and what it does since `since_s`."""

    name: str
    planned: int = 0
    done: int = 0
    cells: int = 0
    cells_done: int = 0
    state: DeviceState = DeviceState.WAITING
    doing: str = ""
    since_s: float = 0.0
    began_s: float | None = None
    began_with: int = 0
    moved_bytes: int = 0

    def left_s(self, now_s: float) -> float | None:
        """Return how long the rest will take at its own pace; None: it has none yet."""
        made = self.done - self.began_with
        if (
            self.began_s is None
            or made <= 0
            or self.state in (DeviceState.DONE, DeviceState.STOPPED)
        ):
            return None
        return (now_s - self.began_s) / made * (self.planned - self.done)


@dataclass(frozen=True, slots=True)
class Counted:
    """All devices at one moment: how many are at what, and launches done of those planned."""

    states: Mapping[DeviceState, int]
    done: int
    planned: int
    left_s: float | None


@dataclass
class Tally:
    """The launches of `cells` of which `finished` are made already, by key. Thread-safe.

    `changes` grows with everything it takes; `beyond`: a budget added launches to the planned ones.
    """

    cells: Sequence[Cell]
    finished: Mapping[str, int]
    changes: int = 0
    beyond: bool = False
    devices: dict[str, DeviceTally] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._states: Counter[DeviceState] = Counter()
        self._left: dict[str, int] = {}
        self._cells_of: dict[tuple[str, str], list[str]] = {}
        for cell in self.cells:
            device = self.devices.setdefault(cell.device, DeviceTally(cell.device))
            left = self._left[cell.key] = cell.launches - self.finished.get(cell.key, 0)
            self._cells_of.setdefault((cell.device, cell.backend), []).append(cell.key)
            device.planned += cell.launches
            device.done += cell.launches - left
            device.cells += 1
            device.cells_done += left <= 0
        self._states[DeviceState.WAITING] = len(self.devices)
        self._planned = sum(device.planned for device in self.devices.values())
        self._done = sum(device.done for device in self.devices.values())
        self._began_s: float | None = None
        self._began_with = self._done

    def status(self, name: str, text: str) -> DeviceState:
        """Take what a device says that it does; return what it is at."""
        state = next(
            (at for words, at in _SAID.items() if text.startswith(words)), DeviceState.MEASURING
        )
        with self.lock:
            self.changes += 1
            device = self.devices[name]
            now_s = time.monotonic()
            self._states[device.state] -= 1
            self._states[state] += 1
            if state is DeviceState.MEASURING and device.began_s is None:
                device.began_s, device.began_with = now_s, device.done
                self._began_s = now_s if self._began_s is None else self._began_s
            device.state, device.doing, device.since_s = state, text, now_s
        return state

    def pushed(self, name: str, count: int) -> None:
        """Take how many more bytes were pushed to a device."""
        with self.lock:
            self.changes += 1
            device = self.devices[name]
            device.moved_bytes += count
            device.doing = f"pushed {device.moved_bytes / 2**20:.1f} MiB"

    def drop(self, name: str, backends: Collection[str]) -> None:
        """Count launches of backends that a device lacks no longer."""
        with self.lock:
            self.changes += 1
            device = self.devices[name]
            for backend in backends:
                for key in self._cells_of.pop((name, backend), ()):
                    left = self._left[key]
                    self._left[key] = 0
                    device.cells -= 1
                    device.cells_done -= left <= 0
                    device.planned -= max(0, left)
                    self._planned -= max(0, left)

    def spare(self, name: str, cells: Collection[str]) -> None:
        """Count the launches that are left of these cells, by key, no longer: they are done."""
        with self.lock:
            self.changes += 1
            device = self.devices[name]
            for key in cells:
                left = max(0, self._left[key])
                self._left[key] = 0
                device.cells_done += left > 0
                device.planned -= left
                self._planned -= left

    def launched(self, launch: Launch) -> bool:
        """Take a launch that is in the store; return whether it was the last that is planned."""
        with self.lock:
            self.changes += 1
            key, device = launch.cell.key, self.devices[launch.cell.device]
            left = self._left[key]
            step = {"finished": 1, "failed": max(0, left)}.get(launch.status, 0)
            over = max(0, step - max(0, left))  # past what was planned
            self.beyond |= bool(over)
            device.planned += over
            self._planned += over
            device.done += step
            self._done += step
            self._left[key] = left - step + over
            device.cells_done += left > 0 >= self._left[key]
            return not over and bool(step) and self._done >= self._planned

    def counted(self) -> Counted:
        """Return what all devices together are at."""
        with self.lock:
            now_s = time.monotonic()
            left_s = [one.left_s(now_s) for one in self.devices.values()]
            known = [one for one in left_s if one is not None]
            made = self._done - self._began_with
            enough = max(1, self._states[DeviceState.MEASURING])  # a launch of each tells a pace
            if self._began_s and self._states[DeviceState.WAITING] and made >= enough:
                # Those that wait for their turn begin when others end.
                pace = (now_s - self._began_s) / made
                known.append(pace * (self._planned - self._done))
            states = {state: self._states[state] for state in DeviceState if self._states[state]}
            return Counted(states, self._done, self._planned, max(known, default=None))

    def shown(self, most: int) -> tuple[list[DeviceTally], int]:
        """Return the devices to show in `most` rows, and how many are left out.

        All where they fit; else first those in trouble, then those with the most left to do.
        """
        with self.lock:
            everyone = list(self.devices.values())
            if len(everyone) <= most:
                return everyone, 0
            order = {state: place for place, state in enumerate(DeviceState)}
            everyone.sort(key=lambda one: (order[one.state], one.done - one.planned, one.name))
            troubled = sum(self._states[state] for state in TROUBLED)
            # Those that go on are seen, too, however many do not.
            first = everyone[: max(min(troubled, 2 * most // 3), 0)]
            first += everyone[troubled : troubled + max(0, most - len(first))]
            first += everyone[len(first) : troubled][: max(0, most - len(first))]
            return first, len(everyone) - len(first)


def told(counted: Counted) -> str:
    """Return one line: launches, devices by what they are at, time left."""
    parts = [f"{counted.done} of {counted.planned} launches done"]
    if sum(counted.states.values()) > 1:
        parts += [f"{count} {state}" for state, count in counted.states.items()]
    if counted.left_s is not None and counted.done < counted.planned:
        parts.append(f"{lasting(counted.left_s)} left")
    return parts[0] + (f"; {', '.join(parts[1:])}" if parts[1:] else "")


def lasting(seconds: float) -> str:
    """Return a time as people read it: 0:07, 12:30, 3:05:00."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
