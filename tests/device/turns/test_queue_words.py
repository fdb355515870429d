"""What is said of a queue, and when a wait for it ends."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from benchhub.device.turns.queue import (
    Asking,
    Queue,
    Queued,
    ReservedTime,
    clock,
    in_words,
    span,
    without_us,
)
from benchhub.device.turns.turn import StaleAgent, Turn
from benchhub.errors import DeviceBusy
from benchhub.model.device import DeviceProfile, Queueing

NOW = datetime(2026, 1, 31, 12, 11, tzinfo=UTC)
ANA = Queued("ana", "host", "3f2a", holds=True, for_s=480.0, left_s=470.0, pid=1, agent=77)
ME = Queued("me", "desk", "r", holds=False, mine=True, why="first")
BOB = Queued("bob", "desk", "r", holds=False)
WHOLE = Queue((ANA, BOB, ME), place=2, waiting=3)


@pytest.mark.parametrize(
    ("queue", "words"),
    [
        (WHOLE, "in use by ana@host, run 3f2a, since 12:03, about 8 min left; you are 2nd of 3"),
        (without_us(WHOLE), "in use by ana@host, run 3f2a, since 12:03, about 8 min left; 1 waits"),
        (Queue((replace(ANA, left_s=0.0, account="lab"),)),
         "in use by ana@host, account lab, run 3f2a, since 12:03, due to end by now"),
        (Queue((replace(ANA, left_s=None, for_s=86400.0 * 2),)),
         "in use by ana@host, run 3f2a, since 2026-01-29 12:11"),
        (Queue((BOB, ME), place=2, waiting=2), "bob@desk, run r goes first; you are 2nd of 2"),
        (Queue((ME,), (ReservedTime("ab", "cy", "h", -60.0, 3600.0),), 1, 1),
         "reserved for cy@h until 13:11 (ab); you are 1st of 1"),
        (Queue((ANA,), (ReservedTime("ab", "ana", "host", -60.0, 3600.0),)),
         "in use by ana@host, run 3f2a, since 12:03, about 8 min left"),
        (Queue((ANA,), (ReservedTime("ab", "cy", "h", 60.0, 3600.0),)),
         "in use by ana@host, run 3f2a, since 12:03, about 8 min left"),
    ],
    ids=["whole", "without us", "overdue", "long", "first", "reserved", "by its holder", "later"],
)  # fmt: skip
def test_a_queue_in_words(queue: Queue, words: str) -> None:
    assert in_words(queue, NOW) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 min"), (470, "8 min"), (1240, "20 min"), (1400, "25 min"), (3600, "1 h"),
     (7900, "2 h 10 min"), (200_000, "2 d 7 h")],
)  # fmt: skip
def test_spans(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_the_time_of_day_is_the_readers_own() -> None:
    """Spans cross the wire, so that a clock that is wrong elsewhere shifts nothing."""
    skewed = NOW.replace(year=1999)
    assert clock(NOW, -480.0) == clock(skewed, -480.0) == "12:03"


@pytest.mark.parametrize("for_s", [1e11, -1e11, 6.5e10])
def test_a_span_beyond_all_years_is_told_all_the_same(for_s: float) -> None:
    """The wire lets a device say it; what it says is no fault of the controller's."""
    queue = Queue((replace(ANA, for_s=for_s, left_s=for_s),))
    kept = Queue((ME,), (ReservedTime("ab", "cy", "h", -1.0, for_s),), 1, 1)
    assert in_words(queue, NOW).startswith("in use by ana@host, run 3f2a, since ")
    assert in_words(kept, NOW).startswith("reserved for cy@h until ") or for_s < 0


def turn(said: list[str], wait_s: float | None = None, lease_wait_s: float = 0.0) -> Turn:
    profile = DeviceProfile("board", "local", lease_wait_s=lease_wait_s)
    holder = {"host": "host", "pid": os.getpid()}
    return Turn(profile, Asking(Queueing(wait_s)), holder, "3f2a", said.append)


OTHERS = Queue((replace(ANA, run="other"), ME), place=1, waiting=1)


@pytest.mark.parametrize(
    ("wait_s", "lease_wait_s", "waits"),
    [(None, 0.0, False), (0.0, 60.0, False), (None, 60.0, True), (60.0, 0.0, True)],
)
def test_what_was_typed_wins_over_the_profile(
    wait_s: float | None, lease_wait_s: float, waits: bool
) -> None:
    said: list[str] = []
    asked = turn(said, wait_s, lease_wait_s)
    assert asked.asks()["wait"] is waits
    if waits:
        asked.hear(OTHERS)
        assert "you are 1st of 1" in said[0]
        return
    with pytest.raises(DeviceBusy, match=r"board: in use by ana@host, run other.*--wait-at-most"):
        asked.refused(OTHERS)


def test_an_agent_of_the_same_run_is_ended_once_and_then_waited_for() -> None:
    said: list[str] = []
    asked = turn(said)
    ours = Queue((replace(ANA, pid=os.getpid()), ME), place=1, waiting=1)
    asked.refused(ours)
    assert (asked.asks()["evict"], asked.asks()["wait"]) == (77, True)
    asked.hear(ours)
    with pytest.raises(StaleAgent):
        asked.hear(Queue((replace(ANA, pid=os.getpid(), agent=78), ME)))


def test_another_accounts_agent_is_never_taken_for_ours() -> None:
    asked = turn([])
    with pytest.raises(DeviceBusy):
        asked.refused(Queue((replace(ANA, pid=os.getpid(), account="eve"),)))
