"""Any N healthy devices of many: the first that are free, whatever the others do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import pytest

from benchhub.errors import DeviceBusy, DeviceError, Unreachable
from benchhub.model.device import DeviceProfile
from benchhub.run.devices import healthy as module
from benchhub.run.devices.healthy import Healthy, healthy
from benchhub.run.loop.engine import Sessions

NAMES = [f"d{number:04}" for number in range(1000)]
DEVICES = [DeviceProfile(name, "ssh", host=name) for name in NAMES]


def choose(
    at_most: int,
    trouble: Mapping[str, Exception | str] | None = None,
    known: Callable[[DeviceProfile], str | None] = lambda device: None,
    count: int = 1000,
) -> tuple[Healthy, set[str], list[str]]:
    """What was chosen, who was asked, and what was said."""
    asked: set[str] = set()
    said: list[str] = []

    def ask(device: DeviceProfile, sessions: Sessions) -> str | None:
        asked.add(device.name)
        found = (trouble or {}).get(device.name)
        if isinstance(found, Exception):
            raise found
        return found

    found = healthy(DEVICES[:count], at_most, known, ask, said.append)
    return found, asked, said


def test_the_first_ones_are_taken_and_nobody_else_is_asked() -> None:
    found, asked, said = choose(5)
    assert [device.name for device in found.devices] == NAMES[:5]
    assert asked == set(NAMES[:5])
    assert (found.passed_over, said) == ({}, [])


def test_who_is_not_healthy_is_passed_over_with_the_reason() -> None:
    trouble = {
        "d0000": DeviceBusy("d0000: in use by x@y"),
        "d0002": Unreachable("d0002: no route to host"),
        "d0003": "not fit to measure: 99 C",
        "d0005": ZeroDivisionError("a fault"),
    }
    kept = {"d0001": "quarantined since then: hot"}
    found, asked, said = choose(3, trouble, lambda device: kept.get(device.name))
    assert [device.name for device in found.devices] == ["d0004", "d0006", "d0007"]
    assert "d0001" not in asked
    assert set(found.passed_over) == {"d0000", "d0001", "d0002", "d0003", "d0005"}
    assert found.passed_over["d0000"] == "in use by x@y"
    assert found.passed_over["d0001"] == "quarantined since then: hot"
    assert "stopped by a fault of benchhub's own" in found.passed_over["d0005"]
    assert "d0003 is passed over: not fit to measure: 99 C" in said


def test_fewer_than_wanted_are_all_there_are() -> None:
    found, asked, _ = choose(10, {"d0001": "busy"}, count=4)
    assert [device.name for device in found.devices] == ["d0000", "d0002", "d0003"]
    assert asked == set(NAMES[:4])


def test_none_at_all_is_an_error_of_the_devices() -> None:
    with pytest.raises(DeviceError) as raised:
        choose(2, dict.fromkeys(NAMES, "busy"))
    assert str(raised.value) == (
        "none of 1,000 devices can be measured now: d0000: busy; d0001: busy; d0002: busy;"
        " and 997 more"
    )


def test_who_does_not_answer_soon_costs_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SOON_S", 0.02)
    silent, stopped = threading.Event(), []

    def ask(device: DeviceProfile, sessions: Sessions) -> str | None:
        if int(device.name[1:]) < 3:
            silent.wait(60)
            stopped.append(sessions.stopping())
        return None

    found = healthy(DEVICES, 4, lambda device: None, ask)
    silent.set()
    taken = {device.name for device in found.devices}
    assert len(taken) == 4
    # On a busy machine others may take as long: what is sure is that nobody waited for the silent.
    assert set(NAMES[:3]) <= set(found.passed_over)
    assert not taken & set(found.passed_over)
    assert all("had not answered after" in why for why in found.passed_over.values())


def test_a_late_answer_counts_while_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SOON_S", 0.02)
    asked, all_asked = [], threading.Event()

    def ask(device: DeviceProfile, sessions: Sessions) -> str | None:
        asked.append(device.name)
        if len(asked) == 4:
            all_asked.set()
        if device.name == "d0000":
            all_asked.wait(60)
            return None
        return "busy"

    found = healthy(DEVICES[:4], 2, lambda device: None, ask)
    assert [device.name for device in found.devices] == ["d0000"]
    assert set(found.passed_over) == set(NAMES[1:4])
