"""A silent device is switched off and on, once a run, and never while somebody else may have it."""

from __future__ import annotations

import dataclasses
import sys
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from builders import make_launch, make_plan, make_run, make_variant
from scripted import Board, BoardSession, Diary, lost, work

from benchhub.errors import PowerFailed, Unreachable, WayBroken
from benchhub.model.cell import Plan
from benchhub.model.device import (
    USUAL_QUEUEING,
    DeviceInfo,
    DeviceProfile,
    Finding,
    Power,
    Queueing,
    Reservation,
)
from benchhub.model.launch import Launch
from benchhub.run.loop.campaign import measure
from benchhub.run.loop.power import CHECK, PowerSwitch, others_of_store, power_switches
from benchhub.store import Store

pytestmark = pytest.mark.usefixtures("processes")
PAUSES_S = (0.01, 0.02)
SILENT = Unreachable("board: it does not answer")


class Plug:
    """A power command that counts how often it was run, and mends the board."""

    def __init__(self, folder: Path, board: Board, script: str = "") -> None:
        self.log, self.board = folder / "plug.log", board
        file = folder / "plug.py"
        write = f"open({str(self.log)!r}, 'a').write(sys.argv[1] + '\\n')"
        file.write_text(f"import sys\n{write}\n{script}")
        self.power = Power((sys.executable, str(file), "{name}"), timeout_s=20.0)

    @property
    def times(self) -> int:
        return len(self.log.read_text().split()) if self.log.exists() else 0

    def connect(self, profile: DeviceProfile) -> BoardSession:
        """The board answers once it was switched."""
        if self.times:
            self.board.absent.clear()
        return self.board.connect(profile)


def run(plug: Plug, diary: Diary, other: str | None = None, used: bool = False) -> list[Launch]:
    of = work(reboot_wait_s=0.1)
    device = dataclasses.replace(of.device, power=plug.power)
    switch = PowerSwitch(device, lambda: other, used)
    of = dataclasses.replace(of, device=device, power=switch)
    return list(measure(of, plug.connect, diary, PAUSES_S))


def test_a_device_that_does_not_answer_at_first_is_switched_and_measured(tmp_path: Path) -> None:
    plug, diary = Plug(tmp_path, Board(absent=deque([SILENT] * 500))), Diary()
    assert [one.status for one in run(plug, diary)] == ["finished"] * 2
    assert plug.log.read_text() == "board\n"
    (found,) = [f for f in diary.infos[-1].findings if f.check == CHECK]
    assert (found.level, "switched off and on at 20" in found.found) == ("warn", True)
    assert any(text.startswith("restarted by its power switch") for text in diary.said)


def test_a_device_that_hangs_in_a_launch_is_switched_and_goes_on(tmp_path: Path) -> None:
    def hangs(board: Board) -> None:
        board.absent.extend([SILENT] * 500)
        lost(board)

    plug, diary = Plug(tmp_path, Board(launches=deque([hangs]))), Diary()
    assert [one.status for one in run(plug, diary)] == ["interrupted", "finished", "finished"]
    assert plug.times == 1
    assert [f.check for f in diary.infos[-1].findings].count(CHECK) == 1
    assert diary.infos[-1].facts.told  # what was known of it is not lost


def test_it_is_switched_once_and_then_given_up(tmp_path: Path) -> None:
    board = Board(absent=deque([SILENT] * 5000))
    plug = Plug(tmp_path, board)
    plug.connect = board.connect  # type: ignore[method-assign]
    with pytest.raises(Unreachable, match="does not answer"):
        run(plug, Diary())
    assert plug.times == 1


@pytest.mark.parametrize(
    ("error", "other", "used", "said"),
    [
        (SILENT, "it is reserved for ana@desk (ab)", False,
         r"does not answer; its power was left as it is: it is reserved for ana@desk \(ab\)"),
        (SILENT, None, True, "^board: it does not answer$"),
        (WayBroken("board: host 'x' is unknown"), None, False, "^board: host 'x' is unknown$"),
    ],
    ids=["somebody else has it", "it was switched in this run", "the way to it is broken"],
)  # fmt: skip
def test_it_is_left_alone_where(
    tmp_path: Path, error: Exception, other: str | None, used: bool, said: str
) -> None:
    plug = Plug(tmp_path, Board(absent=deque([error] * 5000)))
    with pytest.raises(Unreachable, match=said):
        run(plug, Diary(), other, used)
    assert plug.times == 0


def test_it_is_left_alone_where_somebody_waited_for_it(tmp_path: Path) -> None:
    """Who waited may have it by now: only the way from here may be broken."""
    device = DeviceProfile("board", "ssh", power=Plug(tmp_path, Board()).power)
    switch = PowerSwitch(device, lambda: None)
    switch.waiting = 1
    with pytest.raises(Unreachable, match="left as it is: somebody waited for it"):
        switch.cycle(SILENT, lambda: False)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("sys.exit('no plug\\n\\x1b[2J')", r"board` failed with status 1: no plug .*; run it by"),
        ("import os; os.kill(os.getpid(), 9)", "failed with signal 9: it said nothing"),
        ("import time; time.sleep(60)", "was ended, not done after 0.5 s"),
        ("while True: print('y' * 4096)", "was ended, for it wrote more than 16 MB"),
    ],
    ids=["fails", "dies", "hangs", "floods"],
)  # fmt: skip
def test_a_command_that_does_not_do_it_is_told_in_one_line(
    tmp_path: Path, script: str, said: str
) -> None:
    plug = Plug(tmp_path, Board(absent=deque([SILENT] * 500)), script)
    timeout_s = 0.5 if "sleep" in script else 20.0
    plug.power = dataclasses.replace(plug.power, timeout_s=timeout_s)
    with pytest.raises(PowerFailed, match=said) as told:
        run(plug, Diary())
    assert str(told.value).startswith("board: its power command `")
    assert "\n" not in str(told.value)
    assert "\x1b" not in str(told.value)


def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    plug = Plug(tmp_path, Board(absent=deque([SILENT])))
    plug.power = Power(("no-such-plug", "{name}"))
    with pytest.raises(PowerFailed, match="`no-such-plug board` cannot be started: No such file"):
        run(plug, Diary())


def test_a_host_that_would_be_an_option_is_refused(tmp_path: Path) -> None:
    device = DeviceProfile("board", "ssh", host="-x", power=Power(("plug", "{host}")))
    with pytest.raises(PowerFailed, match="would be an option"):
        PowerSwitch(device, lambda: None).cycle(SILENT, lambda: False)


HERE = ("ana", "desk")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr("getpass.getuser", lambda: HERE[0])
    monkeypatch.setattr("socket.gethostname", lambda: HERE[1])
    with Store.open(f"sqlite:///{tmp_path}/results.db") as store:
        yield store


def began(store: Store, run: str, ago: timedelta, status: str = "running") -> None:
    """Have a run in the store that began so long ago, and launched something when it began."""
    at = (datetime.now(UTC) - ago).isoformat(timespec="seconds")
    store.create_run(
        dataclasses.replace(make_run(), id=run, started_at=at, status=status),
        make_plan(), None, [make_variant()], (),
    )  # fmt: skip


def device_of_plan() -> str:
    plan: Plan = make_plan()
    return plan.cells[0].device


@pytest.mark.parametrize(
    ("ago", "status", "found"),
    [
        (timedelta(minutes=5), "running", True), (timedelta(minutes=5), "done", False),
        (timedelta(hours=5), "running", False),
    ],
)  # fmt: skip
def test_another_run_of_the_store_that_is_at_it(
    store: Store, ago: timedelta, status: str, found: bool
) -> None:
    began(store, "theirs", ago, status)
    other = others_of_store(store, "mine", device_of_plan(), USUAL_QUEUEING)()
    assert (other is not None) == found
    assert others_of_store(store, "theirs", device_of_plan(), USUAL_QUEUEING)() is None
    assert others_of_store(store, "mine", "another device", USUAL_QUEUEING)() is None


def test_a_launch_of_late_counts_however_long_ago_the_run_began(store: Store) -> None:
    began(store, make_launch().run, timedelta(days=2))
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    store.add(dataclasses.replace(make_launch(), started_at=at))
    other = others_of_store(store, "mine", make_launch().cell.device, USUAL_QUEUEING)()
    assert other is not None
    assert at in other


@pytest.mark.parametrize(
    ("user", "begins", "queueing", "found"),
    [
        ("bob", -1, USUAL_QUEUEING, True), ("ana", -1, USUAL_QUEUEING, False),
        ("bob", 1, USUAL_QUEUEING, False), ("bob", -1, Queueing(reservation="ab"), False),
    ],
    ids=["somebody", "me", "later", "in its name"],
)  # fmt: skip
def test_whoever_has_it_reserved_now(
    store: Store, user: str, begins: int, queueing: Queueing, found: bool
) -> None:
    starts = datetime.now(UTC) + timedelta(hours=begins)
    times = [one.isoformat(timespec="seconds") for one in (starts, starts + timedelta(hours=3))]
    store.reservations.add(Reservation("ab", "board", user, "desk", *times))
    assert (others_of_store(store, "mine", "board", queueing)() is not None) == found


def test_a_run_that_is_gone_on_with_remembers_that_it_switched(store: Store) -> None:
    device = DeviceProfile("board", "ssh", power=Power(("plug",)))
    plain = DeviceProfile("plain", "ssh")
    info = DeviceInfo("board", "ssh", False, findings=(Finding(CHECK, "warn", "switched"),))
    switches = power_switches(store, "r", [device, plain], USUAL_QUEUEING, {"board": info})
    assert list(switches) == ["board"]
    assert switches["board"].cycle(SILENT, lambda: False) is None
