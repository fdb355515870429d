"""A look at a queue starts nothing, and tells the same as who stands in it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from waiting import until

from benchhub.device.runner import build_runner
from benchhub.device.session import DeviceSession, connect, holder
from benchhub.device.turns.look import look, read
from benchhub.device.turns.queue import Asking
from benchhub.errors import DeviceBusy, DeviceError, Interrupted
from benchhub.model.device import DeviceProfile, Queueing, Reservation

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
HEAD = "noise of a shell\nbenchhub 1000.5 boot-1 0 42\n"
LOCKS = (
    "locks\n1: FLOCK  ADVISORY  WRITE 77 08:01:900 0 EOF\n"
    "2: POSIX  ADVISORY  WRITE 77 08:01:901 0 EOF\n"
    "2: -> FLOCK  ADVISORY  READ 78 08:01:901 0 EOF\n"
    "3: FLOCK  ADVISORY  READ 79 08:01:902 0 EOF\n"
)
MINE = '{"user": "ana", "host": "desk", "holds": 1, "root": "42", "took": 990.5, "until": 1100.5}'


def test_locks_tell_who_holds_and_who_waits_and_words_do_not() -> None:
    waits = '{"user": "eve", "host": "h", "root": "7", "entered": 1000.0}'
    text = (
        f"file benchhub-queue-0-1 900 0 {MINE}   \n"
        f"file benchhub-queue-0-2 901 0 {MINE}\n"  # its lock is of another kind: it is dead
        f"file benchhub-queue-5-3 900 5 {waits}\n"
        f"file benchhub-queue-6-4 900 5 {waits}\n"  # in another's name
        f"file benchhub-queue-0-5 900 0 {waits}\n"  # of another root of this account
    )
    queue = read("board", HEAD + text + LOCKS, NOW)
    assert [(o.user, o.holds, o.account) for o in queue.standings] == [
        ("ana", True, None), ("eve", False, "uid 5"),
    ]  # fmt: skip
    assert (queue.standings[0].for_s, queue.standings[0].left_s) == (10.0, 100.0)


def test_earlier_versions_are_seen_by_their_locks() -> None:
    text = (
        'file benchhub-lease-5 902 5 {"user": "old"}\nfile benchhub-lease-0 902 0 {}\n'
        'file lease 900 0 \nfile lease.json 1 0 {"user": "older"}\n'
    )
    queue = read("board", HEAD + text + LOCKS, NOW)
    assert [(o.user, o.holds) for o in queue.standings] == [("old", True), ("older", True)]
    assert read("board", HEAD + "locks\n", NOW).standings == ()


def test_reservations_of_the_device_and_of_the_store_are_told() -> None:
    here = '{"user": "a", "host": "h", "boot": "boot-1", "starts": 1060.5, "ends": 1120.5}'
    stored = Reservation(
        "cd", "board", "b", "h", "2026-01-31T13:00+00:00", "2026-01-31T14:00+00:00"
    )
    queue = read("board", f"{HEAD}file benchhub-reserved-5-ab 3 5 {here}\n{LOCKS}", NOW, [stored])
    assert [(o.id, round(o.starts_s), round(o.ends_s)) for o in queue.kept] == [
        ("ab", 60, 120), ("cd", 3600, 7200),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "hello\n", HEAD, "benchhub x y z w\nlocks\n", "locks\n"])
def test_an_answer_that_is_not_whole_is_refused(text: str) -> None:
    with pytest.raises(DeviceError, match="board: what it tells of its queue"):
        read("board", text, NOW)


@pytest.mark.usefixtures("processes")
def test_a_look_agrees_with_who_stands_in_the_queue(tmp_path: Path) -> None:
    profile = DeviceProfile("here", "local", root=str(tmp_path / "root"))
    transport, runner = connect(profile), build_runner()
    assert look(transport, profile, NOW).standings == ()
    heard: list[str] = []
    over = threading.Event()

    def on_wait(text: str) -> None:
        heard.append(text)
        if over.is_set():
            raise Interrupted("stopped")

    def wait() -> None:
        asking = Asking(Queueing(wait_s=60.0, priority=2))
        with pytest.raises(Interrupted):
            DeviceSession.open(profile, runner, holder("r2"), on_wait=on_wait, asking=asking)

    with DeviceSession.open(profile, runner, holder("r1")) as first:
        waiter = threading.Thread(target=wait)
        waiter.start()
        until(lambda: heard, "the wait")
        queue = look(transport, profile, NOW)
        over.set()
        waiter.join(30)
        assert not waiter.is_alive()
        until(lambda: len(look(transport, profile, NOW).standings) == 1, "its end")
        asking = Asking(Queueing(wait_s=0.0))
        with pytest.raises(DeviceBusy, match=r"in use by .*run r1, since \d\d:\d\d; try"):
            DeviceSession.open(profile, runner, holder("r3"), asking=asking)
        asking = Asking(Queueing(wait_s=1.0))
        with pytest.raises(DeviceBusy, match=r"after waiting \d+ s; try again"):
            DeviceSession.open(profile, runner, holder("r3"), asking=asking)
    assert [(o.run, o.holds, o.priority, o.why) for o in queue.standings] == [
        ("r1", True, 0, ""), ("r2", False, 2, "measures"),
    ]  # fmt: skip
    assert queue.standings[0].agent == first.hello.pid
    assert "you are 1st of 1" in heard[0]
    transport.close()
