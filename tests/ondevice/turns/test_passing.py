"""Who does not take their turn is passed over, in order, and nobody measures beside another."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from waiting import until

from benchhub.ondevice.turns.order import KeptTime, Ticket, in_front
from benchhub.ondevice.turns.passing import TURN_S, Patience

ANA, BOB = Ticket(1, 1, "r", {}), Ticket(1, 2, "r", {})


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def looked(patience: Patience, watch: Watch, front: list[Ticket]) -> float:
    """Return how long it takes, looking as often as told, until nobody in `front` is waited for."""
    began = watch.now
    while (again_s := patience.again_s(front)) is not None:
        watch.now += again_s
    return watch.now - began


@pytest.mark.parametrize("front", [[], [ANA], [ANA, BOB]])
def test_each_in_front_has_a_turn(front: list[Ticket]) -> None:
    watch = Watch()
    most_s = len(front) * (TURN_S + 0.5)
    assert len(front) * TURN_S <= looked(Patience(watch), watch, front) <= most_s


def test_who_comes_later_and_goes_first_has_a_turn_of_their_own() -> None:
    watch = Watch()
    patience = Patience(watch)
    looked(patience, watch, [ANA])
    assert looked(patience, watch, [BOB, ANA]) >= TURN_S
    assert patience.again_s([ANA]) is None
    patience.begin_anew()
    assert looked(patience, watch, [ANA]) >= TURN_S


def test_a_time_in_which_everything_was_stopped_is_nobodys_turn() -> None:
    watch = Watch()
    patience = Patience(watch)
    assert patience.again_s([ANA]) is not None
    watch.now += 3600.0
    assert patience.again_s([ANA]) is not None


def test_those_before_whom_we_wait_for_are_in_front_too() -> None:
    """Two roots of one account are its own affair, unless another account is between."""
    ana, eve, mine = Ticket(1, 1, "a", {}), Ticket(2, 2, "e", {}), Ticket(1, 3, "b", {})
    none: list[KeptTime] = []
    assert in_front(mine, [ana, eve, mine], none, 0.0) == [ana, eve]
    assert in_front(mine, [ana, mine], none, 0.0) == []
    assert in_front(eve, [ana, eve, mine], none, 0.0) == [ana]


#: Measures so many times, and says where somebody else did meanwhile; turns are short.
PERSON = """
import os, random, sys, time
from benchhub.ondevice.turns import passing
from benchhub.ondevice.turns.waiting import QueuePlace
passing.TURN_S = 0.2
root, name, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
for _ in range(rounds):
    place = QueuePlace(root, {"user": name, "host": "desk", "run": name, "pid": os.getpid()})
    lease = place.lease(True, lambda queue: None)
    os.mkdir(root + "/measuring")
    time.sleep(random.uniform(0.0, 0.05))
    os.rmdir(root + "/measuring")
    lease.release()
"""


def start(root: Path, name: str, rounds: int) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-c", PERSON, str(root), name, str(rounds)]
    return subprocess.Popen(words, stderr=subprocess.PIPE)


@pytest.mark.usefixtures("processes")
def test_whoever_is_stopped_wherever_two_never_measure_at_once(tmp_path: Path) -> None:
    root, dice = tmp_path / "root", random.Random(1)
    people = [start(root, f"p{number}", 12) for number in range(5)]
    running: Callable[[], list[subprocess.Popen[bytes]]] = lambda: [
        one for one in people if one.poll() is None
    ]
    try:
        until(root.exists, "somebody's beginning")
        while there := running():
            one = dice.choice(there)
            os.kill(one.pid, signal.SIGSTOP)
            time.sleep(dice.choice([0.01, 0.1, 0.6]))  # the subject
            os.kill(one.pid, signal.SIGCONT)
            time.sleep(dice.uniform(0.0, 0.1))  # the subject
    finally:
        for one in running():
            one.kill()
    said = [one.communicate()[1].decode() for one in people]
    assert [one.returncode for one in people] == [0] * len(people), said
