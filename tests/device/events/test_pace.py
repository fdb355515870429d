"""No device is listened to faster than the controller can bear, and none is refused for it."""

from __future__ import annotations

from benchhub.device.events.pace import Pace


class Clock:
    """A time that goes on as it is slept, and by `step_s` whenever it is looked at."""

    def __init__(self, step_s: float = 0.0) -> None:
        self.at, self.slept, self._step_s = 0.0, 0.0, step_s

    def now(self) -> float:
        self.at += self._step_s
        return self.at

    def sleep(self, pause_s: float) -> None:
        self.at += pause_s
        self.slept += pause_s


def test_what_is_slow_enough_is_never_waited_for() -> None:
    clock = Clock()
    pace = Pace(100, clock.now, clock.sleep)
    for _ in range(1000):
        clock.at += 0.011
        pace.one()
    assert clock.slept == 0


def test_a_flood_is_taken_at_the_rate_after_the_first_second() -> None:
    clock = Clock()
    pace = Pace(100, clock.now, clock.sleep)
    for _ in range(1000):
        pace.one()
    assert 8.9 <= clock.at <= 9.1  # 100 at once, and 900 at 100 a second


def test_a_flood_that_pauses_has_its_first_second_again() -> None:
    clock = Clock()
    pace = Pace(100, clock.now, clock.sleep)
    for _ in range(100):
        pace.one()
    clock.at += 60
    before = clock.slept
    for _ in range(100):
        pace.one()
    assert clock.slept - before <= 0.02
