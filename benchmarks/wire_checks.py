"""What it costs the controller to check what a device sends: launches of samples, and outputs."""

from __future__ import annotations

import base64
import json
import statistics
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchhub.device.events.expected import Expected, ExpectedOutput
from benchhub.device.events.folding import Folding
from benchhub.device.events.parse import parse
from benchhub.device.events.plausible import implausible
from benchhub.ondevice.job import encode, encode_ints, encode_piece, pieces
from benchhub.ondevice.wire import PROTOCOL, Job
from benchhub.stats.interval import Estimate, median_interval
from benchmarks.claim import Claim

SAMPLES, OUTPUT_BYTES = 200, 5_000_000
LIMIT_NS = 100_000.0
#: A 5 MB output is on its way for this long, in base64 at 1 Gbit/s.
WAY_NS = OUTPUT_BYTES * 4 / 3 * 8
WAY_SHARE = 0.03


@dataclass(frozen=True, slots=True)
class Size:
    """How often each is read."""

    rounds: int = 200


def measure(size: Size | None = None) -> list[Claim]:
    """Return the claims; what is read without a check is the peer, in turn every round."""
    size = size or Size()
    return [
        _claim(
            f"checks of a launch of {SAMPLES} samples, over reading its JSON",
            Job("cell", 0, "null", "latency", None, "none", {}, output_cases=0),
            Expected(),
            _events(Job("cell", 0, "null", "latency", None, "none", {}, output_cases=0), 0),
            LIMIT_NS,
            size.rounds,
        ),
        _claim(
            "checks of an output of 5 MB, over reading its JSON and base64",
            _OF_OUTPUTS,
            Expected(4, (ExpectedOutput((OUTPUT_BYTES // 16,), OUTPUT_BYTES // 4),)),
            _events(_OF_OUTPUTS, OUTPUT_BYTES),
            WAY_SHARE * WAY_NS,
            max(2, size.rounds // 10),
        ),
    ]


_OF_OUTPUTS = Job(
    "cell", 0, "null", "quality", "a" * 64, "onnx", {"x": "b" * 64}, iterations=0, output_cases=4
)


def _claim(
    name: str, job: Job, expected: Expected, lines: list[bytes], limit_ns: float, rounds: int
) -> Claim:
    checked, bare = [], []
    for _ in range(rounds):
        checked.append(_taken_ns(lambda: _checked(job, expected, lines)))
        bare.append(_taken_ns(lambda: _unchecked(lines)))
    extra = median_interval([a - b for a, b in zip(checked, bare, strict=True)])
    return _absolute(name, extra, statistics.median(checked), limit_ns)


def _absolute(name: str, extra: Estimate, whole_ns: float, limit_ns: float) -> Claim:
    return Claim(
        name=name,
        ours=f"{extra.estimate / 1e3:+.0f} us (with the reading {whole_ns / 1e3:.0f} us)",
        peer=f"{limit_ns / 1e3:.0f} us allowed",
        ratio=extra.estimate / limit_ns,
        low=None if extra.low is None else extra.low / limit_ns,
        high=None if extra.high is None else extra.high / limit_ns,
        target="<= 1",
        met=extra.estimate <= limit_ns,
    )


def _taken_ns(do: Callable[[], object]) -> int:
    started = time.perf_counter_ns()
    do()
    return time.perf_counter_ns() - started


def _checked(job: Job, expected: Expected, lines: list[bytes]) -> None:
    folding = Folding(job, expected)
    for line in lines:
        folding.take(parse(line))
    doubt = implausible(folding.outcome, job, expected)
    if doubt is not None or folding.outcome.status != "finished":
        raise AssertionError(doubt)


def _unchecked(lines: list[bytes]) -> list[Any]:
    """Read the same as any reader of JSON would, and believe it."""
    found = []
    for line in lines:
        event = json.loads(line)
        for name in ("data", "samples"):
            if name in event:
                event[name] = base64.b64decode(event[name])
        found.append(event)
    return found


def _events(job: Job, output_bytes: int) -> list[bytes]:
    """Return the lines of an honest launch."""
    conditions = {
        "at_ns": 1, "governor": None, "frequency_mhz": 2400.0, "temperature_c": 50.0,
        "throttle_count": 0, "load_1m": 0.1, "cpu_total_ticks": 1, "cpu_busy_ticks": 1,
        "cpu_steal_ticks": 0, "own_cpu_ticks": 1, "pressure_cpu_us": 0,
        "memory_available_bytes": 1, "unavailable": {"governor": "no cpufreq in /sys"},
    }  # fmt: skip
    details = {f"setting {index}": index for index in range(12)}
    events: list[dict[str, Any]] = [
        {"event": "stage", "stage": "import"},
        {"event": "stage", "stage": "load"},
        {"event": "ready", "import_ns": 1, "load_ns": 1, "backend_version": "1", "provider": "CPU",
         "precision": "f32", "clock": "perf_counter_ns", "details": details},
        {"event": "stage", "stage": "first"},
        {"event": "first", "first_inference_ns": 1},
    ]  # fmt: skip
    if job.iterations:
        samples = array("q", range(1000, 1000 + job.iterations))
        events += [
            {"event": "stage", "stage": "warmup"},
            {"event": "warmup", "samples": encode_ints(samples[:10])[0]},
            {"event": "stage", "stage": "time"},
            {"event": "samples", "samples": encode_ints(samples)[0], "elapsed_ns": sum(samples)},
        ]
    if output_bytes:
        first, *others = pieces(memoryview(bytes(range(250)) * (output_bytes // 250)))
        events += [
            {"event": "stage", "stage": "outputs"},
            {"event": "outputs", "index": 0, "count": 1, "name": "y", "dtype": "<f4",
             "shape": [4, output_bytes // 16], "data": encode_piece(first)},
            *({"event": "more", "data": encode_piece(piece)} for piece in others),
        ]  # fmt: skip
    events += [
        {"event": "stage", "stage": "memory"},
        {"event": "memory", "imported_rss_bytes": 1, "peak_rss_bytes": 2, "reset": True,
         "details": details},
        {"event": "end", "status": "finished", "failure": None, "wall_ns": 10**9,
         "before": conditions, "after": conditions, "involuntary_switches": 0},
    ]  # fmt: skip
    return [
        encode({"v": PROTOCOL, "n": number, "to": "00000000-1", **event})
        for number, event in enumerate(events)
    ]
