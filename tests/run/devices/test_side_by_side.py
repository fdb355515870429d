"""Many devices asked at once: every answer comes, nobody waits for the dead, a stop closes all."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest
from waiting import PATIENCE_S

from benchhub.errors import ConfigError, DeviceError, Unreachable
from benchhub.model.device import DeviceProfile
from benchhub.run.devices.side_by_side import AT_ONCE, Answer, side_by_side
from benchhub.run.loop.engine import Sessions


def devices(count: int, **keys: Any) -> list[DeviceProfile]:
    return [
        DeviceProfile(f"d{number:04}", "ssh", host=f"10.0.0.{number}", **keys)
        for number in range(count)
    ]


def test_a_thousand_devices_answer_whatever_becomes_of_some() -> None:
    at_once, most, lock = [0], [0], threading.Lock()

    def ask(device: DeviceProfile, sessions: Sessions) -> str:
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        try:
            match int(device.name[1:]) % 10:
                case 1:
                    raise Unreachable(f"{device.name}: does not answer")
                case 2:
                    raise ConfigError("its ssh_config is gone")
                case 3:
                    raise ZeroDivisionError("a fault")
            return f"{device.name} answers"
        finally:
            with lock:
                at_once[0] -= 1

    asked = devices(1000)
    found = {answer.device.name: answer for answer in side_by_side(asked, ask)}
    assert sorted(found) == [device.name for device in asked]
    assert 1 <= most[0] <= AT_ONCE
    assert found["d0000"].told == "d0000 answers"
    for name, said in (
        ("d0001", "d0001: does not answer"), ("d0002", "d0002: its ssh_config is gone"),
        ("d0003", "d0003: stopped by a fault of benchhub's own (ZeroDivisionError"),
    ):  # fmt: skip
        assert found[name].told is None
        assert str(found[name].error).startswith(said)
        assert isinstance(found[name].error, DeviceError)
    assert sum(answer.error is None for answer in found.values()) == 700


def test_a_device_that_hangs_is_waited_for_by_nobody_else() -> None:
    free = threading.Event()

    def ask(device: DeviceProfile, sessions: Sessions) -> None:
        if device.name == "d0000":
            free.wait(60)

    answers = side_by_side(devices(100), ask)
    others = [next(answers).device.name for _ in range(99)]
    assert "d0000" not in others
    free.set()
    assert [answer.device.name for answer in answers] == ["d0000"]


@pytest.mark.parametrize(
    "keys", [{"machine": "one"}, {"host": "same"}], ids=["a machine", "a folder"]
)
def test_devices_that_share_something_take_turns(keys: dict[str, str]) -> None:
    shared: Sequence[DeviceProfile] = [
        DeviceProfile(f"d{number}", "ssh", **keys) for number in range(6)
    ]
    working, order = threading.Lock(), []

    def ask(device: DeviceProfile, sessions: Sessions) -> bool:
        order.append(device.name)
        alone = working.acquire(blocking=False)
        threading.Event().wait(0.002)
        if alone:
            working.release()
        return alone

    answers: list[Answer[bool]] = list(side_by_side(shared, ask))
    assert all(answer.told for answer in answers)
    assert order == [device.name for device in shared]


class Held:
    """A session that blocks who asks it until it is closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()


def test_who_stops_closes_the_sessions_and_asks_nobody_else() -> None:
    held = [Held() for _ in range(4)]
    left, open_now = iter(held), threading.Semaphore(0)
    asked: list[str] = []

    def ask(device: DeviceProfile, sessions: Sessions) -> None:
        asked.append(device.name)
        if device.name == "d0000":
            return
        mine = next(left)
        sessions.connected(device.name, mine)  # type: ignore[arg-type]
        open_now.release()
        mine.closed.wait(60)

    answers = side_by_side(devices(50), ask, at_once=4)
    assert next(answers).error is None
    for _ in held:
        assert open_now.acquire(timeout=PATIENCE_S)
    with pytest.raises(KeyboardInterrupt):
        answers.throw(KeyboardInterrupt())
    assert all(one.closed.wait(60) for one in held)
    assert len(asked) == 1 + len(held)
