"""An agent of the same run that holds the lease: stopped, or waiting on a link that is gone."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
from controller_side import HOLDER, Device

pytestmark = pytest.mark.usefixtures("processes")


def hello(device: Device, **more: Any) -> dict[str, Any]:
    """Introduce ourselves to a further agent, and return what it says."""
    talk = device.begin()
    talk.send({"do": "hello", "root": str(device.root), "holder": HOLDER, "id": "h", **more})
    return talk.receive()


def test_a_stopped_agent_of_the_same_run_is_ended_and_named(device: Device) -> None:
    first = device.start()
    pid = first.greeting["pid"]
    os.kill(pid, signal.SIGSTOP)
    assert hello(device)["kind"] == "busy"
    greeting = hello(device, evict=pid)
    assert greeting["event"] == "hello"
    assert greeting["evicted"] == f"process {pid}, which was stopped"


def test_an_agent_of_another_run_is_left_alone(device: Device) -> None:
    first = device.start()
    other = {**HOLDER, "run": "another"}
    greeting = hello(device, evict=first.greeting["pid"], holder=other)
    assert greeting["kind"] == "busy"
    assert greeting["holder"]["run"] == HOLDER["run"]
    assert first.ask("room", id="r")["event"] == "room"


def test_an_agent_that_took_the_lease_since_it_was_asked_for_is_left_alone(device: Device) -> None:
    first = device.start()
    seen = hello(device)["holder"]["agent"]
    assert seen == first.greeting["pid"]
    first.send({"do": "bye"})
    first.process.wait(20)
    second = device.start()
    greeting = hello(device, evict=seen)
    assert greeting["kind"] == "busy"
    assert greeting["holder"]["agent"] == second.greeting["pid"]
    assert second.ask("room", id="r")["event"] == "room"
