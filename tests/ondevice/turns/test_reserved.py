"""Reservations count by the device's own clock; after a restart by the store's, if it has one."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from waiting import until

from benchhub.ondevice.turns import reserved, waiting
from benchhub.ondevice.turns.hall import Busy, Hall, boot_id, entered, now_s
from benchhub.ondevice.turns.order import KeptTime, Ticket, kept_from, ranked
from benchhub.ondevice.turns.waiting import Demand, QueuePlace

ME = os.geteuid()
HOUR = 3600.0
#: A time of day that no test is run at.
UTC = 2e9


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    with entered(str(tmp_path)) as hall:
        yield hall


def written(hall: Hall, name: str = f"{ME}-ab", **says: Any) -> Path:
    """Write a reservation as an agent would: from an hour ago to one ahead, by both clocks."""
    usual = {
        "user": "ana", "host": "desk", "boot": boot_id(), "starts": now_s() - HOUR,
        "ends": now_s() + HOUR, "from_utc": UTC - HOUR, "until_utc": UTC + HOUR,
    }  # fmt: skip
    file = Path(hall.folder) / f"{reserved.PREFIX}{name}"
    file.write_text(json.dumps({**usual, **says}))
    return file


def found(hall: Hall, now_utc: float | None) -> list[tuple[int, int]]:
    """When reservations begin and end, in minutes from now."""
    there = reserved.there(hall, reserved.Clock(now_utc))
    return [(round((o.starts - now_s()) / 60), round((o.ends - now_s()) / 60)) for o in there]


@pytest.mark.parametrize("now_utc", [None, 0.0, UTC, UTC + 5 * HOUR, UTC - 50 * HOUR])
def test_without_a_restart_the_devices_own_clock_counts_alone(
    hall: Hall, now_utc: float | None
) -> None:
    written(hall)
    assert found(hall, now_utc) == [(-60, 60)]


def test_after_a_restart_the_clock_of_the_store_counts(hall: Hall) -> None:
    file = written(hall, boot="before", starts=0.0, ends=1.0)
    assert found(hall, UTC) == [(-60, 60)]
    assert found(hall, UTC - 3 * HOUR) == [(120, 240)]
    assert found(hall, UTC + 2 * HOUR) == []
    assert not file.exists()


@pytest.mark.parametrize("now_utc", [None, 0.0, 1e9])
def test_after_a_restart_and_without_a_clock_nothing_is_kept_and_nothing_forgotten(
    hall: Hall, now_utc: float | None
) -> None:
    file = written(hall, boot="before", starts=0.0, ends=1e9)
    assert found(hall, now_utc) == []
    assert file.exists()
    assert found(hall, UTC) == [(-60, 60)]


def test_what_is_over_is_removed(hall: Hall) -> None:
    file = written(hall, starts=now_s() - 2.0, ends=now_s() - 1.0)
    assert found(hall, None) == []
    assert not file.exists()


@pytest.mark.parametrize(
    "says",
    [
        {"ends": now_s() + 30 * 86400}, {"starts": now_s() + 200 * 86400, "ends": 2e9},
        {"starts": None}, {"ends": True}, {"starts": now_s() + HOUR, "ends": now_s()},
    ],
    ids=["too long", "too far", "without a beginning", "no number", "backwards"],
)  # fmt: skip
def test_times_that_cannot_be_keep_nothing(hall: Hall, says: dict[str, Any]) -> None:
    written(hall, **says)
    assert found(hall, UTC) == []


@pytest.mark.parametrize("name", [f"{ME + 1}-ab", f"{ME}-../x", f"{ME}-AB", f"{ME}-", "ab", "x-ab"])
def test_names_that_are_none_keep_nothing(hall: Hall, name: str) -> None:
    if "/" not in name:
        written(hall, name)
    assert found(hall, UTC) == []


def made(hall: Hall, identity: str, begins: float, ends: float, **more: Any) -> KeptTime:
    says = {"id": identity, "user": "ana", "host": "desk", **more}
    times = {"from_utc": UTC + begins, "until_utc": UTC + ends}
    return reserved.make(hall, reserved.Clock(UTC), {**says, **times}, more.get("stored"))


def test_two_cannot_have_it_at_once_and_one_after_the_other_can(hall: Hall) -> None:
    made(hall, "aa", HOUR, 2 * HOUR)
    with pytest.raises(reserved.Overlap, match="ana@desk"):
        made(hall, "bb", 1.5 * HOUR, 3 * HOUR)
    made(hall, "cc", 2 * HOUR, 3 * HOUR)
    assert sorted(found(hall, None)) == [(60, 120), (120, 180)]
    assert reserved.cancel(hall, "aa")
    assert not reserved.cancel(hall, "aa")
    made(hall, "bb", 0.5 * HOUR, 2 * HOUR)


def test_what_only_the_store_knows_of_counts_too(hall: Hall) -> None:
    record = {"id": "dd", "user": "b", "host": "h", "from_utc": UTC, "until_utc": UTC + HOUR}
    with pytest.raises(reserved.Overlap, match="b@h"):
        made(hall, "ee", 0.0, HOUR, stored=[record])


@pytest.mark.parametrize("now_utc", [None, 0.0])
def test_none_is_made_without_a_clock(hall: Hall, now_utc: float | None) -> None:
    says = {"id": "aa", "from_utc": UTC, "until_utc": UTC + HOUR}
    with pytest.raises(ValueError, match="needs a clock"):
        reserved.make(hall, reserved.Clock(now_utc), says, None)


def ticket(number: int, user: str, **says: Any) -> Ticket:
    return Ticket(ME, number, "r", {"user": user, "host": "desk", **says})


def test_for_whom_it_is_kept_goes_first_and_others_wait() -> None:
    kept = [KeptTime("ab", ME, "ana", "desk", 100.0, 200.0)]
    holder, bob, ana = ticket(1, "bob", holds=1), ticket(2, "cy", priority=9), ticket(3, "ana")
    assert ranked([ana, bob, holder], kept, 150.0) == [holder, ana, bob]
    assert ranked([ana, bob, holder], kept, 50.0) == [holder, bob, ana]
    assert kept_from(ana, kept, 150.0, 0.0) is None
    assert kept_from(bob, kept, 150.0, 0.0) == kept[0]
    assert kept_from(bob, kept, 200.0, 0.0) is None
    named = ticket(4, "eve", id="ab")
    assert kept_from(named, kept, 150.0, 0.0) is None
    assert kept_from(ana._replace(uid=ME + 1), kept, 150.0, 0.0) == kept[0]


def test_who_would_not_be_done_before_it_begins_does_not_begin() -> None:
    kept = [KeptTime("ab", ME, "ana", "desk", 100.0, 200.0)]
    assert kept_from(ticket(1, "bob"), kept, 50.0, 60.0) == kept[0]
    assert kept_from(ticket(1, "bob"), kept, 50.0, 40.0) is None
    assert kept_from(ticket(1, "ana"), kept, 50.0, 60.0) is None


def test_a_reserved_device_is_waited_for_until_it_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "_LOOK_S", 0.1)
    root = tmp_path / "root"
    bob = {"user": "bob", "host": "desk"}
    QueuePlace(str(root), bob, shared=()).lease(False, lambda queue: None).release()
    with entered(str(root)) as hall:
        made(hall, "aa", -60.0, HOUR)
    with pytest.raises(Busy) as busy:
        QueuePlace(str(root), bob, Demand(now=UTC), ()).lease(False, lambda queue: None)
    assert busy.value.queue is not None
    assert [one["id"] for one in busy.value.queue["reserved"]] == ["aa"]
    ana = QueuePlace(str(root), {"user": "ana", "host": "desk"}, shared=())
    ana.lease(False, lambda queue: None).release()
    said: list[dict[str, Any]] = []
    place = QueuePlace(str(root), bob, Demand(now=UTC), ())
    waits = threading.Thread(target=lambda: place.lease(True, said.append).release(), daemon=True)
    waits.start()
    until(lambda: said, "the wait")
    assert [one["why"] for one in said[0]["entries"]] == ["reserved"]
    with entered(str(root)) as hall:
        assert reserved.cancel(hall, "aa")
    waits.join(20)
    assert not waits.is_alive()
