"""A real agent over a real subprocess, spoken to in lines."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchhub.device.events.expected import UNTOLD
from benchhub.device.events.folding import Folding
from benchhub.device.events.parse import parse
from benchhub.device.events.schema import Event
from benchhub.ondevice import wire

HOLDER = {"user": "ada", "host": "desk", "pid": 7, "run": "r1"}


class Device:
    """A root folder, the runner, and whatever agents a test starts on it."""

    def __init__(self, root: Path, runner: Path) -> None:
        self.root = root
        self.runner = runner
        self._agents: list[subprocess.Popen[bytes]] = []

    def put(self, data: bytes) -> str:
        """Store `data` as a blob and return its digest."""
        digest = hashlib.sha256(data).hexdigest()
        (self.root / "blobs").mkdir(parents=True, exist_ok=True)
        (self.root / "blobs" / digest).write_bytes(data)
        return digest

    def begin(self) -> Talk:
        """Start an agent, and say nothing yet."""
        process = subprocess.Popen(
            [sys.executable, str(self.runner), "agent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._agents.append(process)
        return Talk(process)

    def start(self, heartbeat_s: float = 60.0, root: Path | None = None) -> Talk:
        """Start an agent and introduce ourselves; the reply is in `greeting`."""
        talk = self.begin()
        hello = {"do": "hello", "root": str(root or self.root), "holder": HOLDER}
        talk.send({**hello, "heartbeat_s": heartbeat_s})
        talk.greeting = talk.receive()
        return talk

    def close(self) -> None:
        """End every agent that still runs."""
        for process in self._agents:
            assert process.stdin
            assert process.stdout
            process.stdin.close()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


class Talk:
    """One controller's side of the protocol."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.greeting: dict[str, Any] = {}

    def send(self, message: Mapping[str, Any]) -> None:
        self.send_raw(wire.encode(message))

    def send_raw(self, line: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, "the agent ended"
        return wire.decode(line)

    def hear(self) -> Event:
        """Return the next event as the controller reads it."""
        assert self.process.stdout
        return parse(self.process.stdout.readline())

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        self.send({"do": do, **request})
        return self.receive()

    def launch(self, job: wire.Job) -> wire.Outcome:
        """Run `job` to its end."""
        self.send({"do": "launch", "job": wire.encode_job(job), "id": f"launch {job.launch}"})
        folding = Folding(job, UNTOLD)
        while not folding.take(self.hear()):
            continue
        return folding.outcome


def alive(pid: int) -> bool:
    """Return whether a process runs; one that only waits to be collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def children_of(pid: int) -> list[int]:
    """Return the processes whose parent is `pid`."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parent = Path(f"/proc/{name}/stat").read_text().rsplit(")", 1)[1].split()[1]
            except OSError:
                continue
            if int(parent) == pid:
                found.append(int(name))
    return found
