"""A device that follows a script: it speaks the protocol of sessions, and needs no machine."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from builders import make_cell, make_conditions

from benchhub.backends import described
from benchhub.device.staging.blob import Blob, StageReport
from benchhub.errors import Interrupted, Unreachable
from benchhub.model.arrays import Array
from benchhub.model.cell import Cell
from benchhub.model.device import DeviceInfo, DeviceProfile
from benchhub.model.facts import Facts
from benchhub.model.launch import Launch
from benchhub.ondevice.wire import Conditions, Job, Outcome
from benchhub.run.loop.campaign import measure
from benchhub.run.loop.engine import Sessions
from benchhub.run.loop.work import DeviceWork

FACTS: dict[str, Any] = {
    "boot_id": "first",
    "packages": {"numpy": "2", "psutil": "7"},
    "backends": {"onnxruntime": {"version": "1.31.1", "reason": None}},
    "disk_free_bytes": 1 << 40,
    "cores_logical": 4,
}


@dataclass
class Board:
    """What the device does: each list is used up from its front; `heard` is what it was asked.

    `temperatures_c` ends in a value that stays; `launches` holds what happens at each, a launch
    that finishes where it is used up, and `questions` the same for conditions; `absent` what tries
    to connect meet.
    """

    facts: dict[str, Any] = field(default_factory=lambda: dict(FACTS))
    temperatures_c: deque[float | None] = field(default_factory=lambda: deque([50.0]))
    loads: deque[float] = field(default_factory=lambda: deque([0.1]))
    launches: deque[Callable[[Board], None]] = field(default_factory=deque)
    questions: deque[Callable[[Board], None]] = field(default_factory=deque)
    absent: deque[Exception] = field(default_factory=deque)
    heard: list[str] = field(default_factory=list)

    def connect(self, profile: DeviceProfile) -> BoardSession:
        self.heard.append("connect")
        if self.absent:
            raise self.absent.popleft()
        return BoardSession(self)


class BoardSession:
    """One connection to a board."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._closed = False

    def facts(self) -> Facts:
        self._hear("facts")
        return Facts(dict(self._board.facts))

    def conditions(self) -> Conditions:
        self._hear("conditions")
        if self._board.questions:
            self._board.questions.popleft()(self._board)
        heat, loads = self._board.temperatures_c, self._board.loads
        return make_conditions(
            temperature_c=heat.popleft() if len(heat) > 1 else heat[0],
            load_1m=loads.popleft() if len(loads) > 1 else loads[0],
        )

    def stage(self, blobs: Sequence[Blob], progress: Callable[[int], None]) -> StageReport:
        self._hear("stage")
        return StageReport(0, 0)

    def expects(self, left_s: float) -> int:
        return 0

    def launch(self, job: Job, **_more: Any) -> Outcome:
        self._hear("launch")
        if self._board.launches:
            self._board.launches.popleft()(self._board)
        outcome = Outcome(status="finished")
        outcome.samples_ns.extend([1000] * job.iterations)
        return outcome

    def close(self) -> None:
        self._closed = True

    def _hear(self, what: str) -> None:
        if self._closed:
            raise Interrupted("board: the session was closed")
        self._board.heard.append(what)


def well(board: Board) -> None:
    """Nothing happens."""


def lost(board: Board) -> None:
    """The link breaks."""
    raise Unreachable("board: the link broke")


def restarts(**facts: Any) -> Callable[[Board], None]:
    """The board starts anew, with other facts; the link breaks."""

    def happen(board: Board) -> None:
        board.facts |= {"boot_id": f"after {board.facts['boot_id']}", **facts}
        lost(board)

    return happen


@dataclass
class Record:
    """What is measured, as a store keeps it: what decides which cells go on reads it from there."""

    launches: list[Launch] = field(default_factory=list)

    def samples_of(self, key: str, count: int) -> list[Array]:
        """Return the samples of the first `count` finished launches of a cell."""
        finished = [one for one in self.launches if one.status == "finished"]
        return [one.samples_ns for one in finished if one.cell.key == key][:count]

    def measured(self, of: DeviceWork, *how: Any) -> list[Launch]:
        """Measure `of`, each launch recorded before the next one, and return all of them."""
        for launch in measure(dataclasses.replace(of, samples_of=self.samples_of), *how):
            self.launches.append(launch)
        return self.launches


class Diary(Sessions):
    """Follows a run and writes down what it hears."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.infos: list[DeviceInfo] = []

    def status(self, device: str, text: str) -> None:
        self.said.append(text)

    def pushed(self, device: str, count: int) -> None:
        pass

    def launched(self, launch: Launch) -> None:
        pass

    def known(self, info: DeviceInfo, missing: Any) -> None:
        self.infos.append(info)


def work(cells: Sequence[Cell] = (), **limits: Any) -> DeviceWork:
    """One device, two launches of one cell unless told otherwise."""
    values = {"cooldown_s": 0.0, "reboot_wait_s": 0.2, **limits}
    return DeviceWork(
        run="20260101-120000-abcd",
        device=DeviceProfile("board", "ssh", **values),
        cells=tuple(cells) or (make_cell(device="board", launches=2, iterations=5),),
        blobs=(),
        inputs={},
        formats={},
        reference=(),
        finished={},
        attempts={},
        closed=frozenset(),
        backends=(described("onnxruntime"),),
    )
