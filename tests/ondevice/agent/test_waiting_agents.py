"""Agents that wait for a device: asleep in the kernel, in order, and gone with their controller."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from controller_side import HOLDER, Device, Talk, alive, children_of
from waiting import until

from benchhub.ondevice import wire

pytestmark = pytest.mark.usefixtures("processes")


def waits(device: Device, name: str, **more: Any) -> Talk:
    """Start an agent that has to wait, and hear that it does."""
    talk = device.begin()
    holder = {**HOLDER, "user": name, "run": f"run of {name}"}
    hello = {"do": "hello", "root": str(device.root), "holder": holder, "wait": True, "id": "h"}
    talk.send({**hello, **more})
    talk.greeting = talk.receive()
    assert talk.greeting["event"] == "waiting"
    return talk


def is_silent(talk: Talk) -> bool:
    return not select.select([talk.process.stdout], [], [], 0.2)[0]


def used(pid: int) -> tuple[int, int]:
    """CPU time in clock ticks, and how often the process was woken, of all its threads."""
    words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    woken = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                woken += int(line.split()[1])
    return int(words[11]) + int(words[12]), woken


def test_who_waits_costs_no_processor_time_while_another_measures(
    device: Device, job: Callable[..., wire.Job]
) -> None:
    """Nothing wakes it, nothing is started: it sleeps in flock(2) until the kernel wakes it."""
    holder = device.start()
    waiter = waits(device, "bob")
    pid = waiter.process.pid
    until(lambda: "flock" in Path(f"/proc/{pid}/wchan").read_text() or not os.getuid(), "sleep")
    time.sleep(0.5)  # the subject
    before, (ticks, woken) = set(children_of(os.getpid())), used(pid)
    began = time.monotonic()
    while time.monotonic() - began < 3.0:
        assert holder.launch(job(iterations=200)).status == "finished"
    after_ticks, after_woken = used(pid)
    assert (after_ticks - ticks, after_woken - woken) == (0, 0)
    assert children_of(pid) == []
    assert set(children_of(os.getpid())) == before
    waiter.send({"do": "ping", "id": "p"})
    told = waiter.receive()
    assert (told["event"], told["to"], told["queue"]["place"]) == ("waiting", "p", 1)
    holder.send({"do": "bye"})
    assert waiter.receive()["event"] == "hello"


def test_a_holder_that_is_killed_frees_the_device_at_once_and_in_order(device: Device) -> None:
    holder = device.start()
    first, second = waits(device, "bob"), waits(device, "cy")
    assert [one["user"] for one in second.greeting["queue"]["entries"]] == ["ada", "bob", "cy"]
    os.kill(holder.greeting["pid"], signal.SIGKILL)
    assert first.receive()["event"] == "hello"
    assert is_silent(second)
    assert first.ask("room", id="r")["event"] == "room"
    os.kill(first.process.pid, signal.SIGKILL)
    assert second.receive()["event"] == "hello"


@pytest.mark.parametrize("how", ["killed", "hangs up", "says bye", "falls silent"])
def test_who_is_gone_leaves_the_queue_at_once(device: Device, how: str) -> None:
    holder = device.start()
    quiet = {"heartbeat_s": 0.5} if how == "falls silent" else {}
    first, second = waits(device, "bob", **quiet), waits(device, "cy")
    if how == "killed":
        os.kill(first.process.pid, signal.SIGKILL)
    elif how == "says bye":
        first.send({"do": "bye"})
    elif how == "hangs up":
        assert first.process.stdin
        first.process.stdin.close()
    until(lambda: not alive(first.process.pid), "its end")

    def told() -> tuple[list[str], int]:
        second.send({"do": "ping", "id": "p"})
        queue = second.receive()["queue"]
        return [one["user"] for one in queue["entries"]], queue["place"]

    # A process counts as ended by its first thread; the kernel drops its locks with the last one.
    until(lambda: told() == (["ada", "cy"], 1), "a queue without who is gone")
    holder.send({"do": "bye"})
    assert second.receive()["event"] == "hello"


def test_what_a_launch_takes_still_is_told_to_who_waits(
    device: Device, job: Callable[..., wire.Job]
) -> None:
    holder = device.start()
    waiter = waits(device, "bob")
    assert waiter.greeting["queue"]["entries"][0]["left_s"] is None
    request = {"do": "launch", "job": wire.encode_job(job()), "id": "l", "left_s": 500}
    holder.send(request)
    while holder.receive()["event"] != "end":
        continue
    waiter.send({"do": "ping", "id": "p"})
    first, second = waiter.receive()["queue"]["entries"]
    assert 400 < first["left_s"] <= 500
    assert (first["user"], second["user"], second["mine"]) == ("ada", "bob", True)


def test_the_agent_that_ends_a_stale_one_keeps_its_place(device: Device) -> None:
    """A run whose link broke does not lose the device to who waits."""
    stale = device.start()
    pid = stale.greeting["pid"]
    os.kill(pid, signal.SIGSTOP)
    other = waits(device, "bob")
    again = device.begin()
    hello = {"do": "hello", "root": str(device.root), "holder": HOLDER, "evict": pid}
    again.send({**hello, "wait": True, "id": "h"})
    said = again.receive()
    assert said["event"] == "hello"
    assert said["evicted"] == f"process {pid}, which was stopped"
    assert is_silent(other)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def test_a_waiter_that_is_stopped_is_passed_over_and_keeps_its_place(device: Device) -> None:
    """It sleeps through its turn; the lock, which the next one takes, keeps it out once awake."""
    holder = device.start()
    first, second, third = waits(device, "bob"), waits(device, "cy"), waits(device, "dan")
    os.kill(first.process.pid, signal.SIGSTOP)
    holder.send({"do": "bye"})
    assert second.receive()["event"] == "hello"
    os.kill(first.process.pid, signal.SIGCONT)
    assert is_silent(first)
    assert is_silent(third)
    third.send({"do": "ping", "id": "p"})
    queue = third.receive()["queue"]
    order = [(one["user"], one["holds"]) for one in queue["entries"]]
    assert order == [("cy", True), ("bob", False), ("dan", False)]
    second.send({"do": "bye"})
    assert first.receive()["event"] == "hello"
    assert is_silent(third)
