"""A device that speaks the protocol from a script, byte by byte, and says what a test makes it say.

What is in between is the real thing: the session, the agent's end on the controller, the checks.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

from benchhub.device.runner import Runner
from benchhub.device.session import DeviceSession, holder
from benchhub.device.transport import Completed, Progress, RemoteProcess
from benchhub.model.device import DeviceProfile
from benchhub.ondevice import wire

Event = dict[str, Any]
#: What a device sends in answer to one request: whole events, or bytes of any kind.
Said = Iterable[Event | bytes]
RUNNER = Runner(hashlib.sha256(b"runner").hexdigest(), b"runner")
CASES, CLASSES = 4, 3

FACTS: Event = {
    "hostname": "board", "arch": "aarch64", "machine": "aarch64", "board": "Raspberry Pi 4",
    "cpu_model": "Cortex-A72", "isa_flags": ["asimd"], "cores_logical": 4, "cores_physical": 4,
    "cores": [
        {"name": "A72", "kind": None, "count": 4, "max_mhz": 1500, "capacity": 1024},
    ],
    "gpus": [
        {"name": "G1", "vendor": "V", "driver": "1", "memory_bytes": 1, "compute": None,
         "source": "drm"},
    ],
    "memory_bytes": 1 << 32, "swap_bytes": 0, "kernel": "6.1", "os": "Debian 12",
    "glibc": "glibc 2.36", "musl": False, "virtualization": None, "container": None,
    "emulation": None, "python": "3.11.2", "executable": "/usr/bin/python3",
    "packages": {"numpy": "2.0", "psutil": None},
    "backends": {"onnxruntime": {"version": "1.20", "reason": None}},
    "disk_free_bytes": 1 << 40, "clock_resolution_ns": 1, "turbo": None,
    "clock_source": "arch_sys_counter", "clock_sources": ["arch_sys_counter"],
    "throttled": {"now": [], "occurred": []}, "boot_id": "first", "uptime_s": 100,
    "swap_used_bytes": 0,
}  # fmt: skip
CONDITIONS: Event = {
    "at_ns": 1_700_000_000_000_000_000, "governor": "performance", "frequency_mhz": 1500.0,
    "temperature_c": 50.0, "throttle_count": 0, "load_1m": 0.1, "cpu_total_ticks": 1000,
    "cpu_busy_ticks": 100, "cpu_steal_ticks": 0, "own_cpu_ticks": 50, "pressure_cpu_us": 0,
    "memory_available_bytes": 1 << 31, "unavailable": {},
}  # fmt: skip
#: What decides which wheels fit, and an environment that was made of some pins.
TARGET: Event = {
    "implementation_name": "cpython", "implementation_version": "3.11.2", "os_name": "posix",
    "platform_machine": "x86_64", "platform_python_implementation": "CPython",
    "platform_release": "6.1.0", "platform_system": "Linux", "platform_version": "#1 SMP",
    "python_full_version": "3.11.2", "python_version": "3.11", "sys_platform": "linux",
    "libc": "glibc 2.36", "free_threaded": False,
}  # fmt: skip
ENVIRONMENT: Event = {
    "backend": "tiny", "lock": "tiny", "key": "0123456789ab", "version": "1.0",
    "packages": {"tiny-rt": "1.0"}, "pins_sha256": "c" * 64, "base_python": "/usr/bin/python3",
    "python_version": "3.11.2", "machine": "x86_64", "wheels": ["d" * 64], "bytes": 1000,
    "built_at": "2026-01-01T00:00:00Z", "name": "tiny-0123456789ab",
    "python": "/root/envs/tiny/bin/python", "reason": None,
}  # fmt: skip


def in_base64(data: bytes) -> str:
    """Return bytes as the wire carries them."""
    return base64.b64encode(data).decode("ascii")


def series(values: Iterable[int]) -> str:
    """Return nanoseconds as the wire carries them."""
    return in_base64(array("q", values).tobytes())


def call_ns(job: Mapping[str, Any]) -> int:
    """Return how long a call of a job takes here: every cell's answer carries its cell."""
    return 1000 + int(hashlib.sha256(str(job["cell"]).encode()).hexdigest()[:4], 16)


def launch_events(job: Mapping[str, Any]) -> list[Event]:
    """Return what an honest launch sends: every kind of event that there is, but a failure's."""
    each, count = call_ns(job), job["iterations"]
    answers = np.arange(CASES * CLASSES, dtype="<f4").tobytes()
    events: list[Event] = [
        {"event": "stage", "stage": "import"},
        {"event": "stage", "stage": "load"},
        {"event": "ready", "import_ns": 3000, "load_ns": 2000, "backend_version": "1.20",
         "provider": "CPU", "precision": "f32", "clock": "perf_counter_ns",
         "details": {"threads": 1, "processors": {"cores": 4, "limited_by": None}}},
        {"event": "stage", "stage": "first"},
        {"event": "first", "first_inference_ns": 5000},
        {"event": "stage", "stage": "warmup"},
        {"event": "warmup", "samples": series([each] * job["warmup"])},
        {"event": "stage", "stage": "time"},
        {"event": "energy", "source": "rapl", "energy_uj": 10, "elapsed_ns": each * count + 100},
        {"event": "samples", "samples": series([each] * count), "elapsed_ns": each * count + 10},
        {"event": "track", "name": "device", "samples": series([each - 1] * count)},
    ]  # fmt: skip
    if job["output_cases"] and job["inputs"]:
        events += [
            {"event": "stage", "stage": "outputs"},
            {"event": "outputs", "index": 0, "count": 1, "name": "scores", "dtype": "<f4",
             "shape": [CASES, CLASSES], "data": in_base64(answers[:20])},
            {"event": "more", "data": in_base64(answers[20:])},
        ]  # fmt: skip
    return [
        *events,
        {"event": "stage", "stage": "memory"},
        {"event": "memory", "imported_rss_bytes": 1 << 20, "peak_rss_bytes": 1 << 21,
         "reset": True, "details": {"threads": 1}, "gpu_bytes": 5, "gpu_source": "nvml"},
        {"event": "end", "status": "finished", "failure": None,
         "wall_ns": each * count + 1_000_000, "before": dict(CONDITIONS),
         "after": {**CONDITIONS, "at_ns": CONDITIONS["at_ns"] + 10**9},
         "involuntary_switches": 1},
    ]  # fmt: skip


def failed_events(job: Mapping[str, Any]) -> list[Event]:
    """Return what an honest launch sends that fails while it loads."""
    failure = {"stage": "load", "kind": "raised", "message": "no such operator"}
    end = dict(launch_events(job)[-1], status="failed", failure=failure)
    return [*launch_events(job)[:2], {"event": "failed", **failure}, end]


def honest(request: Mapping[str, Any]) -> list[Event]:
    """Return the events with which an honest device answers a request."""
    do = request["do"]
    digests = request.get("digests") or [entry[0] for entry in request.get("blobs", ())]
    answers: dict[str, Event] = {
        "hello": {
            "protocol": wire.PROTOCOL, "runner_sha256": RUNNER.sha256, "python": "3.11.2",
            "executable": "/usr/bin/python3", "root": "/root", "pid": 7, "blobs": "/root/blobs",
            "evicted": None,
        },
        "ping": {"event": "pong"},
        "facts": {"facts": dict(FACTS)},
        "conditions": {"conditions": dict(CONDITIONS)},
        "have": {"blobs": {one: {"state": "missing", "bytes": 0} for one in digests}},
        "adopt": {"blobs": dict.fromkeys(digests, "adopted")},
        "receive": {"blobs": dict.fromkeys(digests, "adopted")},
        "room": {"free_bytes": 1 << 40},
        "environments": {"target": dict(TARGET), "environments": [dict(ENVIRONMENT)]},
        "provision": {"environment": _made(request), "built": True},
        "unprovision": {"removed": [["tiny-0123456789ab", 1000]]},
    }  # fmt: skip
    if do == "launch":
        return launch_events(request["job"])
    return [{"event": do, **answers.get(do, {})}]


def _made(request: Mapping[str, Any]) -> Event:
    pins = hashlib.sha256(request.get("pins", "").encode()).hexdigest()
    return {**ENVIRONMENT, "pins_sha256": pins}


@dataclass
class Script:
    """What a device says: honest answers, but for what `lie` makes of them.

    `lie` gets the request, how many of its kind came before, and the honest answer; it returns
    events, which get their numbers and their request's id unless they have some, or bytes.
    """

    lie: Callable[[Mapping[str, Any], int, list[Event]], Said] = lambda request, before, said: said
    heard: list[Event] = field(default_factory=list)
    processes: int = 0

    def connect(self, profile: DeviceProfile) -> ScriptedTransport:
        return ScriptedTransport(profile.name, self)

    def session(self, profile: DeviceProfile) -> DeviceSession:
        """Open a session, as a run does."""
        return DeviceSession.open(profile, RUNNER, holder("run-1"), connect=self.connect)


class ScriptedTransport:
    """Starts processes that follow the script."""

    def __init__(self, name: str, script: Script) -> None:
        self.name, self._script = name, script
        self.warnings: tuple[str, ...] = ()

    def start(self, argv: list[str]) -> RemoteProcess:
        self._script.processes += 1
        return ScriptedProcess(self._script)

    def run(self, argv: list[str], data: Any = b"", timeout_s: float = 60.0) -> Completed:
        return Completed(0, b"", "")

    def upload(self, source: BinaryIO, remote: str, offset: int, progress: Progress) -> None:
        progress(len(source.read()))

    @contextlib.contextmanager
    def watched(self, progress: Progress) -> Iterator[Progress]:
        yield progress

    def close(self) -> None:
        pass


class ScriptedProcess(RemoteProcess):
    """An agent; where the script has nothing more to say it is silent, and no test waits for it."""

    def __init__(self, script: Script) -> None:
        super().__init__()
        self._script = script
        self._coming: deque[Iterator[bytes]] = deque()
        self._count = 0
        self._before: dict[str, int] = {}
        self._follows = 0
        self._ended = False

    def write(self, data: bytes | memoryview) -> None:
        if self._ended:
            raise BrokenPipeError
        if self._follows:
            self._follows -= len(data)
            return
        request = json.loads(bytes(data))
        if request["do"] == "bye":
            return
        self._follows = request.get("follows", 0)
        self._script.heard.append(request)
        before = self._before.get(request["do"], 0)
        self._before[request["do"]] = before + 1
        self._coming.append(self._lines(request, before))

    def _lines(self, request: Event, before: int) -> Iterator[bytes]:
        for one in self._script.lie(request, before, honest(request)):
            if isinstance(one, bytes):
                yield one
                continue
            head = {"v": wire.PROTOCOL, "n": self._count, "to": request["id"]}
            self._count += 1
            yield wire.encode({**head, **one}) if _is_json(one) else _loose({**head, **one})

    def read(self, timeout_s: float) -> bytes:
        while self._coming and not self._ended:
            piece = next(self._coming[0], None)
            if piece is None:
                self._coming.popleft()
            elif piece == END:
                self._ended = True
            else:
                return piece
        if self._ended:
            return b""
        raise TimeoutError("no output")

    def close_stdin(self) -> None:
        self._ended = True

    def wait(self, timeout_s: float) -> int:
        return 0

    def kill(self) -> None:
        self._ended = True

    def close(self) -> None:
        self._ended = True


#: In a script: the process ends here.
END = b"<end>"


def _is_json(event: Event) -> bool:
    try:
        json.dumps(event, allow_nan=False)
    except (ValueError, RecursionError):
        return False
    return True


def _loose(event: Event) -> bytes:
    """Return what is no JSON, such as NaN, as careless programs write it."""
    try:
        return json.dumps(event).encode() + b"\n"
    except RecursionError:
        return b'{"deep":' + b"[" * 5000 + b"\n"
