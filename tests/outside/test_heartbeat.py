"""Heartbeats of many agents from one clock: a device that takes no input delays no other's."""

from __future__ import annotations

import threading

from waiting import until

from benchhub.outside.heartbeat import every


class Heart:
    def __init__(self, hangs: threading.Event | None = None) -> None:
        self.beats = 0
        self._hangs = hangs

    def beat(self) -> bool:
        self.beats += 1
        if self._hangs is not None:
            self._hangs.wait(30)
        return True


def test_a_heart_that_hangs_beats_once_and_the_others_go_on() -> None:
    free = threading.Event()
    stuck, well = Heart(free), Heart()
    made = [every(0.01, stuck.beat), every(0.01, well.beat)]
    try:
        until(lambda: well.beats >= 20, "beats of the one that is well")
        assert stuck.beats == 1
    finally:
        free.set()
        for beat in made:
            beat.stop()


def test_a_heart_that_is_over_beats_no_more() -> None:
    ended, well = Heart(), Heart()
    beat = every(0.01, ended.beat)
    last = every(0.01, well.beat)
    until(lambda: ended.beats >= 2, "two beats")
    beat.stop()
    until(lambda: beat.over, "its end")
    before, others = ended.beats, well.beats
    until(lambda: well.beats >= others + 10, "beats of another")
    last.stop()
    assert ended.beats <= before + 1


def test_the_clock_ends_with_the_last_heart_and_starts_again_for_the_next() -> None:
    def clocks() -> list[str]:
        return [one.name for one in threading.enumerate() if one.name == "heartbeats"]

    for _ in range(2):
        heart = Heart()
        beat = every(0.01, heart.beat)
        until(lambda heart=heart: heart.beats >= 1, "a beat")  # type: ignore[misc]
        beat.stop()
        until(lambda: not clocks(), "the end of the clock")
