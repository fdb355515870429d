"""A device within the controller's own process: the protocol, a journal, and its faults."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lying_device import FACTS, RUNNER, Script, in_base64, series

from benchhub.device.session import DeviceSession
from benchhub.device.transport import Transport
from benchhub.errors import Unreachable
from benchhub.model.device import DeviceProfile
from campaign.answer import NONCE_BYTES, Answer, encode
from campaign.fault import Events, Fault
from campaign.journal import Journal

#: What a launch says that finds its model gone.
GONE = {"stage": "spawn", "kind": "blob", "message": "model is not whole here; stage it again"}
_BACKENDS = {name: {"version": "0", "reason": None} for name in ("onnxruntime", "null")}


class InProcess:
    """What it did before is in the journal, so that a controller that goes on meets it as it was.

    `full` is a file: while it is there, there is no room on the device.
    """

    def __init__(
        self, name: str, journal: Journal, pace_s: float, faults: Sequence[Fault], full: Path
    ) -> None:
        self.name, self.journal = name, journal
        self._pace_s, self._faults, self.full = pace_s, faults, full
        #: For how many tries to connect it is away after each restart.
        self._absent = sum(fault.absent for fault in faults)
        self._script = Script(self._say)

    def open(self, profile: DeviceProfile, holder: Mapping[str, Any], run: str) -> DeviceSession:
        """Return a session with it, as a run opens one."""
        return DeviceSession.open(profile, RUNNER, holder, connect=self._connect, own_run=run)

    def _connect(self, profile: DeviceProfile) -> Transport:
        restarts = self.journal.count("restarted", self.name)
        if self.journal.count("absent", self.name) < restarts * self._absent:
            self.journal.write("absent", self.name)
            raise Unreachable(f"{self.name}: no answer; is it switched on?")
        return self._script.connect(profile)

    def _say(self, request: Mapping[str, Any], before: int, said: Events) -> Iterable[Any]:
        do = request["do"]
        if do == "facts":
            boot = f"boot {self.journal.count('restarted', self.name)}"
            return [{**said[0], "facts": {**FACTS, "backends": _BACKENDS, "boot_id": boot}}]
        if do == "launch":
            return self._launch(request["job"], said)
        if self.full.exists() and do == "receive":
            return [{"event": "receive", "blobs": {}, "trouble": "no space left on the device"}]
        if self.full.exists() and do == "room":
            return [{**said[0], "free_bytes": 0}]
        return said

    def _launch(self, job: Mapping[str, Any], said: Events) -> Iterable[Any]:
        number = self.journal.count("begun", self.name)
        nonce = int.from_bytes(os.urandom(NONCE_BYTES), "big")
        mine = Answer(job["cell"], job["launch"], nonce)
        self.journal.write("begun", self.name, **mine._asdict())
        time.sleep(self._pace_s)  # the subject
        events = _answered(said, encode(mine, job["iterations"]), dict(job["options"]))
        fault = next((one for one in self._faults if one.moment.begun == number), None)
        told = events if fault is None else fault.in_process(self, events)
        if told is events:
            self.journal.write("answered", self.name, **mine._asdict())
        return told


def _answered(said: Events, samples: list[int], details: dict[str, Any]) -> Events:
    """Return what a launch says with these samples, in times that go with them."""
    elapsed_ns = sum(samples) + 1
    changes: dict[str, dict[str, Any]] = {
        "samples": {"samples": series(samples), "elapsed_ns": elapsed_ns},
        "end": {"wall_ns": elapsed_ns + 1_000_000},
        "ready": {"details": details},
        "memory": {"details": details},
    }
    left_out = ("track", "energy")
    kept = [one for one in said if one["event"] not in left_out]
    return [{**one, **changes.get(one["event"], {})} for one in kept]


def garbled(event: Mapping[str, Any]) -> bytes:
    """Return the beginning of a line, as a process leaves it that is killed while it writes."""
    return (str(event)[:20] + in_base64(b"half")).encode("ascii", "replace")
