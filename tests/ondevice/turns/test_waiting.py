"""Who waits sleeps until its turn; the order is that of tickets and priorities, and no clock's."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from waiting import until

from benchhub.ondevice.turns import passing, tickets
from benchhub.ondevice.turns.hall import Busy
from benchhub.ondevice.turns.lease import Lease
from benchhub.ondevice.turns.waiting import Demand, QueuePlace

EVE = 64102
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several accounts")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def hall(tmp_path: Path) -> Path:
    folder = tmp_path / "hall"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


class Person(threading.Thread):
    """Asks for a device, and measures on it until told to stop."""

    def __init__(self, log: list[str], root: Path, name: str, asked: Demand, shared: list[str]):
        super().__init__(daemon=True)
        self.log, self.told, self.said = log, name, list[dict[str, Any]]()
        self.stop = threading.Event()
        holder = {"user": name, "host": "desk", "run": f"run of {name}", "pid": 7}
        self.place = QueuePlace(str(root), holder, asked, shared)
        self.start()

    def run(self) -> None:
        lease = self.place.lease(True, self.said.append)
        self.log.append(self.told)
        self.stop.wait(30)
        lease.release()

    @property
    def asleep(self) -> bool:
        return bool(self.said)


class Lab:
    """People who come to one device, one after the other."""

    def __init__(self, root: Path, shared: list[str]) -> None:
        self.root, self.shared, self.log = root, shared, list[str]()
        self.people: list[Person] = []

    def comes(self, name: str, **asked: Any) -> Person:
        person = Person(self.log, self.root, name, Demand(**asked), self.shared)
        self.people.append(person)
        until(lambda: person.asleep or name in self.log, "a turn")
        return person

    def now(self) -> dict[str, Any]:
        return self.people[-1].place.queue()


@pytest.fixture
def lab(root: Path) -> Iterator[Lab]:
    lab = Lab(root, [])
    yield lab
    for person in lab.people:
        person.stop.set()
    for person in lab.people:
        person.join(10)
        assert not person.is_alive()


def try_now(root: Path, shared: list[str] | None = None, **asked: Any) -> Lease:
    place = QueuePlace(str(root), {"user": "now", "host": "h"}, Demand(**asked), shared or [])
    return place.lease(False, lambda queue: None)


def test_first_come_is_first_served(lab: Lab) -> None:
    people = [lab.comes(name) for name in ("ana", "bob", "cy", "dan")]
    for count, person in enumerate(people, 1):
        until(lambda count=count: len(lab.log) == count, "a turn")  # type: ignore[misc]
        person.stop.set()
        person.join(10)
    assert lab.log == ["ana", "bob", "cy", "dan"]


def test_a_higher_priority_goes_before_who_waits_and_never_before_who_measures(lab: Lab) -> None:
    ana, _, _ = lab.comes("ana", priority=-9), lab.comes("bob"), lab.comes("low", priority=-1)
    cy = lab.comes("cy", priority=9)
    order = [(one["user"], one["holds"], one["why"]) for one in lab.now()["entries"]]
    assert order == [
        ("ana", True, ""), ("cy", False, "measures"), ("bob", False, "measures"),
        ("low", False, "measures"),
    ]  # fmt: skip
    assert (lab.now()["place"], lab.now()["waiting"]) == (1, 3)
    assert lab.log == ["ana"]
    ana.stop.set()
    until(lambda: len(lab.log) == 2, "a turn")
    cy.stop.set()
    until(lambda: len(lab.log) == 3, "a turn")
    assert lab.log == ["ana", "cy", "bob"]


def test_who_does_not_wait_is_told_who_measures_and_leaves_nothing_behind(
    lab: Lab, root: Path
) -> None:
    ana = lab.comes("ana")
    with pytest.raises(Busy) as busy:
        try_now(root, priority=9)
    assert busy.value.holder["user"] == "ana"
    assert busy.value.queue is not None
    assert [one["user"] for one in busy.value.queue["entries"]] == ["ana", "now"]
    ana.stop.set()
    ana.join(10)
    try_now(root).release()
    assert not list(root.glob(f"{tickets.PREFIX}*"))


def test_who_measures_is_told_with_what_is_left_and_nobodys_time_of_day(
    root: Path, lab: Lab
) -> None:
    lease = try_now(root)
    lease.expects(480.0)
    lab.comes("bob")
    first, second = lab.now()["entries"]
    lease.release()
    assert 470 < first["left_s"] <= 480
    assert 0 <= first["for_s"] < 60
    assert (second["left_s"], second["mine"], first["mine"]) == (None, True, False)


def test_an_estimate_is_written_only_where_it_moved(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = try_now(root)
    written: list[bytes] = []
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: written.append(data))
    for left_s in (480.0, 479.0, 470.0, 100.0, 99.0):
        lease.expects(left_s)
    monkeypatch.undo()
    lease.release()
    assert len(written) == 2


def test_an_earlier_version_is_waited_for_and_kept_out(root: Path, lab: Lab) -> None:
    """It knows the lock on `lease` alone, and takes it or does not, without waiting."""
    try_now(root).release()  # makes the root
    old = os.open(root / "lease", os.O_RDWR)
    fcntl.flock(old, fcntl.LOCK_EX | fcntl.LOCK_NB)
    (root / "lease.json").write_text(json.dumps({"user": "old", "host": "h", "agent": 5}))
    with pytest.raises(Busy, match="old@h"):
        try_now(root)
    bob = lab.comes("bob")
    assert [one["user"] for one in lab.now()["entries"]] == ["old", "bob"]
    assert lab.log == []
    os.close(old)
    until(lambda: lab.log == ["bob"], "a turn")
    again = os.open(root / "lease", os.O_RDWR)
    with pytest.raises(BlockingIOError):
        fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(again)
    bob.stop.set()


@AS_ROOT
def test_roots_of_one_account_do_not_wait_for_one_another(tmp_path: Path, hall: Path) -> None:
    leases = [try_now(tmp_path / name, [str(hall)]) for name in ("one", "two")]
    for lease in leases:
        lease.release()


@pytest.fixture
def theirs(hall: Path) -> Iterator[Callable[..., Path]]:
    """Return what makes a ticket of another account, held unless told otherwise."""
    held = []

    def make(name: str, says: object, hold: bool = True, owner: int = EVE) -> Path:
        file = hall / f"{tickets.PREFIX}{name}"
        file.write_text(says if isinstance(says, str) else json.dumps(says))
        os.chown(file, owner, -1)
        if hold:
            held.append(os.open(file, os.O_RDONLY))
            fcntl.flock(held[-1], fcntl.LOCK_EX)
        return file

    yield make
    for fd in held:
        os.close(fd)


@AS_ROOT
def test_another_account_that_measures_is_waited_for(
    root: Path, hall: Path, theirs: Callable[..., Path]
) -> None:
    says = {"user": "eve", "host": "h", "holds": 1, "took": 1.0, "until": 1e9}
    theirs(f"{EVE}-1", says)
    with pytest.raises(Busy) as busy:
        try_now(root, [str(hall)], priority=9)
    assert busy.value.holder["account"] == f"uid {EVE}"


@AS_ROOT
@pytest.mark.parametrize(
    ("name", "owner"),
    [
        (f"{EVE}-1", 64105), (f"0{EVE}-1", EVE), (f"{EVE}-01", EVE), (f"{EVE}", EVE),
        (f"{EVE}-x", EVE), (f"{EVE}-{'9' * 40}", EVE), ("0-1", EVE),
    ],
    ids=["of another", "zero", "zero number", "no number", "letters", "long", "ours"],
)  # fmt: skip
def test_a_ticket_that_is_not_its_owners_counts_for_nothing(
    root: Path, hall: Path, theirs: Callable[..., Path], name: str, owner: int
) -> None:
    theirs(name, {"holds": 1}, owner=owner)
    try_now(root, [str(hall)]).release()


@AS_ROOT
@pytest.mark.parametrize(
    "says", ["", "[" * 4000, "{", {"holds": [1]}, {"priority": 10**400}, {"took": 1e999}, "\ud800"]
)
def test_whatever_a_ticket_says_its_lock_is_a_place_and_no_more(
    root: Path, hall: Path, theirs: Callable[..., Path], says: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Its owner goes first, and is passed over where they let the device be free."""
    monkeypatch.setattr(passing, "TURN_S", 0.5)
    file = theirs(f"{EVE}-1", {})
    text = says if isinstance(says, str) else json.dumps(says)
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    log: list[str] = []
    bob = Person(log, root, "bob", Demand(), [str(hall)])
    until(lambda: log == ["bob"], "a turn")
    assert [one["account"] for one in bob.said[0]["entries"]] == [f"uid {EVE}", None]
    bob.stop.set()
    bob.join(10)


@AS_ROOT
def test_a_number_that_somebody_made_up_stops_nobody(
    root: Path, hall: Path, theirs: Callable[..., Path]
) -> None:
    theirs(f"{EVE}-{10**15 - 1}", {"priority": 0})
    leases = [try_now(root.with_name(f"root{i}"), [str(hall)]) for i in range(3)]
    for lease in leases:
        lease.release()


@AS_ROOT
def test_traps_in_our_name_are_passed_over(root: Path, hall: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (hall / f"{tickets.PREFIX}0-1").symlink_to(precious)
    os.mkfifo(hall / f"{tickets.PREFIX}0-2")
    (hall / f"{tickets.PREFIX}0-3").mkdir()
    lease = try_now(root, [str(hall)])
    assert precious.read_text() == "precious"
    lease.release()


def test_the_file_of_one_that_was_killed_is_removed_by_the_next(root: Path) -> None:
    try_now(root).release()
    left = root / f"{tickets.PREFIX}{os.geteuid()}-7"
    left.write_text("{}")
    try_now(root).release()
    assert not left.exists()


def test_roots_of_one_number_on_two_disks_are_two(
    hall: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first folder of every disk has the same number there."""
    stat = os.stat

    def same(path: Any, **more: Any) -> os.stat_result:
        facts = list(stat(path, **more))
        if str(path) in (str(tmp_path / "one"), str(tmp_path / "other")):
            facts[1], facts[2] = 2, len(str(path))  # number, disk
        return os.stat_result(facts)

    monkeypatch.setattr(os, "stat", same)
    holder = {"user": "ana", "host": "desk", "run": "r", "pid": 7}
    places = [
        QueuePlace(str(tmp_path / name), holder, Demand(), [str(hall)]) for name in ("one", "other")
    ]
    leases = [place.lease(False, lambda queue: None) for place in places]
    for lease in leases:
        lease.release()
