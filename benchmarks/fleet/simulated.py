"""Devices in this process: what is in between is the real thing, down to the lines on the wire."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from benchhub.device.runner import build_runner
from benchhub.device.transport import Completed, Progress, RemoteProcess
from benchhub.errors import Unreachable
from benchhub.model.cell import CHECK_CASES
from benchhub.model.device import DeviceProfile
from benchhub.ondevice import wire
from benchmarks.fleet.project import LABELS

Event = dict[str, Any]
_NS = 1_000_000_000
FACTS: Event = {
    "hostname": "board", "arch": "aarch64", "machine": "aarch64", "board": "Raspberry Pi 4",
    "cpu_model": "Cortex-A72", "isa_flags": ["asimd"], "cores_logical": 4, "cores_physical": 4,
    "cores": [{"name": "A72", "kind": None, "count": 4, "max_mhz": 1500, "capacity": 1024}],
    "gpus": [], "memory_bytes": 1 << 32, "swap_bytes": 0, "kernel": "6.1", "os": "Debian 12",
    "glibc": "glibc 2.36", "musl": False, "virtualization": None, "container": None,
    "emulation": None, "python": "3.11.2", "executable": "/usr/bin/python3",
    "packages": {"numpy": "2.0", "psutil": "7.0"},
    "backends": {
        "onnxruntime": {"version": "1.23", "reason": None},
        "null": {"version": "0", "reason": None},
    },
    "disk_free_bytes": 1 << 40, "clock_resolution_ns": 1, "turbo": None,
    "clock_source": "arch_sys_counter", "clock_sources": ["arch_sys_counter"],
    "throttled": {"now": [], "occurred": []}, "boot_id": "first", "uptime_s": 100,
    "swap_used_bytes": 0,
}  # fmt: skip
CONDITIONS: Event = {
    "governor": "performance", "frequency_mhz": 1500.0, "temperature_c": 50.0,
    "throttle_count": 0, "load_1m": 0.1, "cpu_total_ticks": 1000, "cpu_busy_ticks": 100,
    "cpu_steal_ticks": 0, "own_cpu_ticks": 50, "pressure_cpu_us": 0,
    "memory_available_bytes": 1 << 31, "unavailable": {},
}  # fmt: skip


@dataclass
class Fleet:
    """Devices that answer honestly, each launch after `launch_s`; a name in `silent` never does.

    `own_s` are the processor seconds that the devices themselves took of this process, and
    `connects` how often one was reached.
    """

    launch_s: float
    silent: frozenset[str] = frozenset()
    own_s: float = 0.0
    connects: int = 0
    first: Callable[[], None] = lambda: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def connect(self, profile: DeviceProfile) -> SimulatedTransport:
        """Return the way to a device; Unreachable, after its time limit, where it is silent."""
        with self.lock:
            self.connects += 1
            if self.connects == 1:
                self.first()
        if profile.name in self.silent:
            time.sleep(profile.connect_timeout_s)
            raise Unreachable(f"{profile.name}: does not answer")
        return SimulatedTransport(profile.name, self)


class SimulatedTransport:
    """Starts agents in this process."""

    def __init__(self, name: str, fleet: Fleet) -> None:
        self.name, self._fleet = name, fleet
        self.warnings: tuple[str, ...] = ()

    def start(self, argv: list[str]) -> RemoteProcess:
        """Start the agent, whatever is asked for."""
        return SimulatedAgent(self._fleet)

    def run(
        self, argv: list[str], data: bytes | Iterable[bytes] = b"", timeout_s: float = 60.0
    ) -> Completed:
        """Do as if that were done."""
        return Completed(0, b"", "")

    def upload(self, source: BinaryIO, remote: str, offset: int, progress: Progress) -> None:
        """Take what is sent."""
        progress(len(source.read()))

    @contextlib.contextmanager
    def watched(self, progress: Progress) -> Iterator[Progress]:
        """Nothing stalls."""
        yield progress

    def close(self) -> None:
        """There is nothing to hang up."""


class SimulatedAgent(RemoteProcess):
    """One agent: its answers are made in the thread that asks, and counted as the device's own."""

    def __init__(self, fleet: Fleet) -> None:
        super().__init__()
        self._fleet = fleet
        self._ready = threading.Condition()
        self._coming: deque[tuple[float, bytes]] = deque()
        self._lines = 0
        self._follows = 0
        self._ended = False

    def write(self, data: bytes | memoryview) -> None:
        """Take a request, or bytes that follow one."""
        if self._ended:
            raise BrokenPipeError
        if self._follows:
            self._follows -= len(data)
            return
        began = time.thread_time()
        request = json.loads(bytes(data))
        if request["do"] == "bye":
            return
        self._follows = request.get("follows", 0)
        due = time.monotonic() + (self._fleet.launch_s if request["do"] == "launch" else 0.0)
        with self._ready:
            said = []
            for event in answers(request):
                head = {"v": wire.PROTOCOL, "n": self._lines, "to": request.get("id", "")}
                said.append(json.dumps({**head, **event}).encode() + b"\n")
                self._lines += 1
            self._coming.append((due, b"".join(said)))
            self._ready.notify()
        self._fleet.own_s += time.thread_time() - began

    def read(self, timeout_s: float) -> bytes:
        """Return what is due; TimeoutError: nothing was."""
        until = time.monotonic() + timeout_s
        with self._ready:
            while not self._ended:
                now = time.monotonic()
                due = self._coming[0][0] if self._coming else until
                if self._coming and due <= now:
                    return self._coming.popleft()[1]
                if now >= until:
                    raise TimeoutError("no output")
                self._ready.wait(min(due, until) - now)
        return b""

    def close_stdin(self) -> None:
        """End it."""
        self.kill()

    def wait(self, timeout_s: float) -> int:
        """Return its status."""
        return 0

    def kill(self) -> None:
        """End it."""
        with self._ready:
            self._ended = True
            self._ready.notify()

    def close(self) -> None:
        """End it."""
        self.kill()


def answers(request: Mapping[str, Any]) -> list[Event]:
    """Return the events with which an honest device answers a request."""
    do = request["do"]
    if do == "launch":
        return _launch(request["job"])
    digests = request.get("digests") or [entry[0] for entry in request.get("blobs", ())]
    known: dict[str, Event] = {
        "hello": {
            "protocol": wire.PROTOCOL, "runner_sha256": build_runner().sha256, "python": "3.11.2",
            "executable": "/usr/bin/python3", "root": "/root", "pid": 7, "blobs": "/root/blobs",
            "evicted": None,
        },
        "ping": {"event": "pong"},
        "facts": {"facts": FACTS},
        "conditions": {"conditions": _conditions()},
        "have": {"blobs": {one: {"state": "whole", "bytes": 1} for one in digests}},
        "adopt": {"blobs": dict.fromkeys(digests, "adopted")},
        "receive": {"blobs": dict.fromkeys(digests, "adopted")},
        "room": {"free_bytes": 1 << 40},
    }  # fmt: skip
    return [{"event": do, **known.get(do, {})}]


def _conditions() -> Event:
    return {"at_ns": time.time_ns(), **CONDITIONS}


def _launch(job: Mapping[str, Any]) -> list[Event]:
    each, count = 10_000, job["iterations"]
    calls = [each + 7 * number for number in range(count)]
    stages: list[Event] = [
        {"event": "stage", "stage": stage} for stage in ("import", "load", "first", "warmup")
    ]
    stages[2:2] = [
        {"event": "ready", "import_ns": 3000, "load_ns": 2000, "backend_version": "1.23",
         "provider": "CPU", "precision": "f32", "clock": "perf_counter_ns",
         "details": {"threads": 1, "processors": {"cores": 4, "limited_by": None}}},
    ]  # fmt: skip
    stages[4:4] = [{"event": "first", "first_inference_ns": 15_000}]
    return [
        *stages,
        {"event": "warmup", "samples": _series([each] * job["warmup"])},
        {"event": "stage", "stage": "time"},
        {"event": "samples", "samples": _series(calls), "elapsed_ns": sum(calls) + 10},
        *_outputs(job),
        {"event": "stage", "stage": "memory"},
        {"event": "memory", "imported_rss_bytes": 1 << 20, "peak_rss_bytes": 1 << 21,
         "reset": True, "details": {"threads": 1}, "gpu_bytes": None, "gpu_source": None},
        {"event": "end", "status": "finished", "failure": None,
         "wall_ns": sum(calls) + 1_000_000, "before": _conditions(), "after": _conditions(),
         "involuntary_switches": 1},
    ]  # fmt: skip


def _outputs(job: Mapping[str, Any]) -> list[Event]:
    """Return answers to the cases that outputs are asked of, which no model gave."""
    if not job["output_cases"] or not job["inputs"]:
        return []
    data = base64.b64encode(array("f", [0.5] * (CHECK_CASES * LABELS)).tobytes()).decode("ascii")
    return [
        {"event": "stage", "stage": "outputs"},
        {"event": "outputs", "index": 0, "count": 1, "name": "scores", "dtype": "<f4",
         "shape": [CHECK_CASES, LABELS], "data": data},
    ]  # fmt: skip


def _series(values: Iterable[int]) -> str:
    return base64.b64encode(array("q", values).tobytes()).decode("ascii")
