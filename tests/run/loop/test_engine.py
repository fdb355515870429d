"""Devices side by side: what one stumbles over is its own failure, and no other's."""

from __future__ import annotations

import dataclasses
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import make_cell
from scripted import Board, BoardSession, Diary, work

from benchhub.errors import ConfigError, DeviceError, StoreError, Unreachable
from benchhub.model.device import DeviceProfile
from benchhub.model.launch import Launch
from benchhub.run.loop.engine import run_devices
from benchhub.run.loop.work import DeviceWork


class Panic(BaseException):
    """What a library of another language raises past every `except Exception`."""


STUMBLES = [
    TypeError("unhashable"), RecursionError(), MemoryError(), SystemExit(1), Panic("panicked"),
    OverflowError("int too big"), ConfigError("a profile's own"),
]  # fmt: skip


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "benchhub"


def named(name: str) -> DeviceWork:
    cells = (make_cell(device=name, launches=2, iterations=5),)
    given = work(cells)
    return dataclasses.replace(given, device=dataclasses.replace(given.device, name=name))


def run(
    bad: Board, record: Callable[[Launch], None], diary: Diary | None = None
) -> dict[str, DeviceError | None]:
    boards = {"bad": bad, "good": Board()}

    def connect(profile: DeviceProfile) -> BoardSession:
        return boards[profile.name].connect(profile)

    return run_devices([named("bad"), named("good")], connect, record, diary or Diary())


def raising(error: BaseException) -> Callable[..., None]:
    def happen(*_: object) -> None:
        raise error

    return happen


@pytest.mark.parametrize("error", STUMBLES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("where", ["connect", "launch", "question"])
def test_whatever_a_device_stumbles_over_is_its_failure(
    logs: Path, error: BaseException, where: str
) -> None:
    board = Board()
    if where == "connect":
        board.absent.append(error)  # type: ignore[arg-type]
    else:
        (board.launches if where == "launch" else board.questions).append(raising(error))
    kept: list[Launch] = []
    failures = run(board, kept.append)
    assert failures["good"] is None
    assert [one.cell.device for one in kept] == ["good", "good"]
    assert str(failures["bad"]).startswith("bad: ")
    explained = isinstance(error, ConfigError | MemoryError)
    assert len(list(logs.glob("*.log"))) == (0 if explained else 1)


def test_what_cannot_be_recorded_is_the_failure_of_its_device(logs: Path) -> None:
    kept: list[Launch] = []

    def record(launch: Launch) -> None:
        if launch.cell.device == "bad":
            raise OverflowError("Python int too large to convert to SQLite INTEGER")
        kept.append(launch)

    failures = run(Board(), record)
    assert len(kept) == 2
    assert failures["good"] is None
    assert "OverflowError: Python int too large" in str(failures["bad"])


def test_the_store_is_nobodys_own_and_is_raised_once_all_have_ended(logs: Path) -> None:
    kept: list[Launch] = []

    def record(launch: Launch) -> None:
        if launch.cell.device == "bad":
            raise StoreError("the disk is full")
        kept.append(launch)

    with pytest.raises(StoreError, match="the disk is full"):
        run(Board(), record)
    assert len(kept) == 2


def test_a_display_that_stumbles_ends_no_device_but_its_own(logs: Path) -> None:
    class Broken(Diary):
        def status(self, device: str, text: str) -> None:
            if device == "bad":
                raise ValueError("a letter the display does not have")

    kept: list[Launch] = []
    failures = run(Board(), kept.append, Broken())
    assert len(kept) == 2
    assert "ValueError: a letter the display does not have" in str(failures["bad"])


class Crowd:
    """Boards that count how many of them are at work at once."""

    def __init__(self, *silent: str) -> None:
        self._lock, self._silent = threading.Lock(), silent
        self.at_work, self.most = 0, 0
        self.order: list[str] = []

    def connect(self, profile: DeviceProfile) -> BoardSession:
        with self._lock:
            self.order.append(profile.name)
            self.at_work += 1
            self.most = max(self.most, self.at_work)
        if profile.name in self._silent:
            self.left()
            raise Unreachable(f"{profile.name}: does not answer")
        crowd = self

        class Session(BoardSession):
            def close(self) -> None:
                crowd.left()
                super().close()

        return Session(Board())

    def left(self) -> None:
        with self._lock:
            self.at_work -= 1


def test_of_more_devices_than_fit_the_next_begins_when_one_has_ended(logs: Path) -> None:
    names = [f"board-{number}" for number in range(9)]
    crowd, kept, diary = Crowd("board-0", "board-4"), [], Diary()
    failures = run_devices(
        [named(name) for name in names], crowd.connect, kept.append, diary, at_once=2
    )
    assert crowd.most <= 2
    assert sorted(crowd.order) == names
    assert [name for name, error in failures.items() if error] == ["board-0", "board-4"]
    assert Counter(one.cell.device for one in kept) == {
        name: 2 for name in names if name not in ("board-0", "board-4")
    }
    assert diary.said.count("waiting: for its turn, 2 at once") == 7


def test_devices_of_one_machine_count_once_and_follow_one_another(logs: Path) -> None:
    works = [named(f"board-{number}") for number in range(4)]
    shared = [
        dataclasses.replace(work, device=dataclasses.replace(work.device, machine="rack"))
        for work in works[:3]
    ]
    crowd = Crowd()
    failures = run_devices(
        [*shared, works[3]], crowd.connect, lambda launch: None, Diary(), at_once=1
    )
    assert crowd.most == 1
    assert crowd.order == [f"board-{number}" for number in range(4)]
    assert set(failures.values()) == {None}
