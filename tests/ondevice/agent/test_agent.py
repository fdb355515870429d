from __future__ import annotations

import hashlib
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from controller_side import HOLDER, Device, Talk, alive, children_of
from waiting import PATIENCE_S, until

from benchhub.device.events import schema
from benchhub.ondevice import wire
from benchhub.ondevice.wire import Job

pytestmark = pytest.mark.usefixtures("processes")

MakeJob = Callable[..., Job]


def hang(talk: Talk, job: MakeJob) -> int:
    """Start a launch that hangs and return the child's pid once it does."""
    bad = job(backend="faulty", options={"fault": "hang"})
    talk.send({"do": "launch", "job": wire.encode_job(bad)})
    while talk.receive().get("stage") != "time":
        continue
    (child,) = children_of(talk.process.pid)
    return child


def test_hello_introduces_the_agent(device: Device) -> None:
    greeting = device.start().greeting
    assert greeting["event"] == "hello"
    assert greeting["protocol"] == wire.PROTOCOL
    assert greeting["root"] == str(device.root)
    digest = hashlib.sha256(device.runner.read_bytes()).hexdigest()
    assert greeting["runner_sha256"] == digest


def test_second_agent_is_refused_and_told_who(device: Device) -> None:
    first = device.start()
    second = device.start()
    assert (second.greeting["event"], second.greeting["kind"]) == ("refused", "busy")
    assert "ada@desk, run r1" in second.greeting["message"]
    assert HOLDER.items() <= second.greeting["holder"].items()
    assert second.process.wait(10) == 3
    first.send({"do": "bye"})
    assert first.process.wait(10) == 0
    assert device.start().greeting["event"] == "hello"


def test_root_that_cannot_be_used(device: Device, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    talk = device.start(root=tmp_path / "file" / "below")
    assert (talk.greeting["event"], talk.greeting["kind"]) == ("refused", "root")
    assert "file" in talk.greeting["message"]
    assert talk.process.wait(60) == 3


def test_old_python_is_refused_in_one_line(device: Device, old_python: Path) -> None:
    done = subprocess.run(
        [old_python, device.runner, "agent"], capture_output=True, timeout=PATIENCE_S
    )
    assert done.returncode == 3
    refusal = wire.decode(done.stdout)
    assert (refusal["event"], refusal["kind"]) == ("refused", "python")
    assert "3.6" in refusal["message"]


def test_nonsense_is_an_error_and_the_agent_goes_on(device: Device) -> None:
    talk = device.start()
    assert "dance" in talk.ask("dance")["message"]
    talk.send_raw(b"{not json\n")
    assert talk.receive()["event"] == "error"
    assert talk.ask("launch", job={"nonsense": 1})["event"] == "error"
    assert talk.ask("have", digests=["../../etc/passwd"])["event"] == "error"
    assert talk.ask("conditions")["event"] == "conditions"


def test_facts_and_conditions(device: Device) -> None:
    talk = device.start()
    talk.send({"do": "facts", "id": "what-1"})
    told = talk.hear()
    assert isinstance(told, schema.FactsEvent)
    assert told.to == "what-1"
    facts = told.facts.told().told
    assert facts["cores_logical"] >= 1
    assert facts["disk_free_bytes"] > 0
    assert facts["backends"]["onnxruntime"]["version"]
    talk.send({"do": "conditions", "id": "what-2"})
    answer = talk.hear()
    assert isinstance(answer, schema.ConditionsEvent)
    assert answer.n == told.n + 1
    conditions = answer.conditions.told()
    assert conditions.own_cpu_ticks is not None
    for name in wire.Conditions.__dataclass_fields__:
        if getattr(conditions, name) is None:
            assert conditions.unavailable[name]


def test_end_of_stdin_kills_a_hanging_child(device: Device, job: MakeJob) -> None:
    talk = device.start()
    child = hang(talk, job)
    assert talk.process.stdin
    talk.process.stdin.close()
    talk.process.wait(60)
    until(lambda: not alive(child), "the end of the child")
    assert device.start().greeting["event"] == "hello"


def test_silence_ends_the_agent_and_pings_keep_it(device: Device, job: MakeJob) -> None:
    talk = device.start(heartbeat_s=3.0)
    child = hang(talk, job)
    for _ in range(4):
        talk.send({"do": "ping"})
        with pytest.raises(subprocess.TimeoutExpired):
            talk.process.wait(1.0)
    talk.process.wait(60)
    until(lambda: not alive(child), "the end of the child")


def test_pings_are_answered_also_while_a_launch_hangs(device: Device, job: MakeJob) -> None:
    talk = device.start()
    assert talk.ask("ping", id="p1") == {"event": "pong", "v": 2, "n": 1, "to": "p1"}
    hang(talk, job)
    talk.send({"do": "ping"})
    while talk.receive()["event"] != "pong":  # whatever the child still had to say
        continue


def test_killed_agent_takes_its_child_along(device: Device, job: MakeJob) -> None:
    talk = device.start()
    child = hang(talk, job)
    talk.process.kill()
    talk.process.wait(60)
    until(lambda: not alive(child), "the end of the child")


def test_lease_is_held_while_an_orphan_lives(device: Device, job: MakeJob, tmp_path: Path) -> None:
    stubborn = tmp_path / "stubborn"
    stubborn.write_text("#!/bin/sh\nexec sleep 300\n")
    stubborn.chmod(0o755)
    talk = device.start()
    talk.send({"do": "launch", "job": wire.encode_job(job(python=str(stubborn)))})
    until(lambda: len(children_of(talk.process.pid)) == 1, "the child")
    (orphan,) = children_of(talk.process.pid)
    talk.process.kill()
    talk.process.wait(60)
    try:
        refused = device.start().greeting
        assert (refused["event"], refused["kind"]) == ("refused", "busy")
    finally:
        os.kill(orphan, signal.SIGKILL)
    until(lambda: not alive(orphan), "the end of the orphan")
    assert device.start().greeting["event"] == "hello"


def test_first_line_must_be_hello(device: Device) -> None:
    done = subprocess.run(
        [*device.start().process.args[:1], device.runner, "agent"],  # type: ignore[index]
        input=b'{"do":"facts"}\n',
        capture_output=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 3
    assert wire.decode(done.stdout)["kind"] == "protocol"
