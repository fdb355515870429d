"""The p50 of one ONNX file: benchhub's launches against loops and tools that measure the same."""

from __future__ import annotations

import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchhub.ondevice.measure.loop import time_calls
from benchmarks import latency_peer, load_generator
from benchmarks.claim import Claim, compared, paired
from benchmarks.quickstart import INPUT, MODEL, SHAPE, Bench, bench

_PEER = Path(__file__).with_name("latency_peer.py")
_MEDIAN = re.compile(r"Median:\s+([\d.]+) (us|ms)")
_NS = {"us": 1e3, "ms": 1e6}


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: alternating blocks in one process, then rounds of fresh ones."""

    blocks: int = 120
    block_calls: int = 41
    rounds: int = 20
    calls: int = 300
    app_rounds: int = 8
    app_seconds: int = 2


Side = Callable[[], float]


def measure(size: Size | None = None) -> list[Claim]:
    """Return the claims; every ratio is benchhub's p50 over the peer's, round by round."""
    size = size or Size()
    with tempfile.TemporaryDirectory() as folder, bench(Path(folder)) as here:
        found = _same_session(here, size)
        peers = ["bare", *(["loadgen"] if load_generator.available() else [])]
        sides = {"ours": lambda: _launch(here, "onnxruntime", size.calls)}
        for peer in peers:
            sides[peer] = lambda peer=peer: _peer(peer, here, size.calls)  # type: ignore[misc]
        found += claims("onnxruntime, fresh processes", rounds(sides, size.rounds))
        if size.app_rounds:
            calls = 800 * size.app_seconds
            found += claims("openvino, fresh processes", rounds({
                "ours": lambda: _launch(here, "openvino", calls),
                "benchmark_app": lambda: benchmark_app_ns(size.app_seconds),
            }, size.app_rounds))  # fmt: skip
    return found


def _same_session(here: Bench, size: Size) -> list[Claim]:
    """Alternate short blocks on one session in this process: only the harness differs."""
    call = latency_peer.prepared("onnxruntime", str(MODEL), str(here.cases_path))
    for _ in range(size.block_calls):
        call()
    sides: dict[str, Side] = {
        "ours": lambda: loop(call, size.block_calls),
        "bare": lambda: latency_peer.bare(call, size.block_calls),
    }
    if load_generator.available():
        sides["loadgen"] = lambda: load_generator.p50_ns(call, size.block_calls)
    return claims("onnxruntime, one session", rounds(sides, size.blocks))


def loop(call: Callable[[], Any], calls: int) -> float:
    """Return the median that the device's own timing loop reads."""
    buffer = array("q", bytes(8 * calls))
    made, _ = time_calls(call, time.perf_counter_ns, buffer, calls, 1, 60 * 10**9)
    return float(statistics.median(buffer[:made]))


def rounds(sides: dict[str, Side], rounds: int) -> dict[str, list[float]]:
    """Return what each side measured in each round, in a random order each time.

    A fixed rotation would always put the same side behind the one that leaves the caches coldest.
    """
    shuffle = random.Random(rounds).shuffle
    found: dict[str, list[float]] = {name: [] for name in sides}
    order = list(sides)
    for _ in range(rounds):
        shuffle(order)
        for name in order:
            found[name].append(sides[name]())
    return found


def claims(what: str, found: dict[str, list[float]], within: float = 0.01) -> list[Claim]:
    """Return, per peer, the claim that our p50 lies within a share of its p50, both ways."""
    ours = found.pop("ours")
    return [
        compared(
            f"p50, {what}, against {peer}",
            f"{statistics.median(ours) / 1e3:.1f} us",
            f"{peer} {statistics.median(values) / 1e3:.1f} us",
            paired(ours, values),
            at_most=1 + within,
            at_least=1 / (1 + within),
            target=f"within {within:.0%}".replace("%", " %"),
        )
        for peer, values in found.items()
    ]


def _launch(here: Bench, backend: str, calls: int) -> float:
    outcome = here.launch(backend, iterations=calls, output_cases=0)
    return float(statistics.median(outcome.samples_ns))


def _peer(peer: str, here: Bench, calls: int) -> float:
    argv = [sys.executable, str(_PEER), peer, "onnxruntime", str(MODEL), str(here.cases_path)]
    done = subprocess.run([*argv, str(calls)], check=True, capture_output=True, text=True)
    return float(done.stdout)


def benchmark_app_ns(seconds: int) -> float:
    """Return the median that OpenVINO's benchmark_app prints."""
    program = shutil.which("benchmark_app", path=str(Path(sys.executable).parent))
    if program is None:
        raise FileNotFoundError("benchmark_app is not beside this Python; install openvino")
    shape = ",".join(str(size) for size in (1, *SHAPE))
    options = (
        f"-d CPU -api sync -hint none -nstreams 1 -nthreads 1 -infer_precision f32 -t {seconds}"
    )
    argv = [program, "-m", str(MODEL), "-shape", f"{INPUT}[{shape}]", *options.split()]
    done = subprocess.run(argv, check=True, capture_output=True, text=True)
    found = _MEDIAN.search(done.stdout)
    if found is None:
        raise ValueError(f"benchmark_app printed no median:\n{done.stdout[-2000:]}")
    return float(found[1]) * _NS[found[2]]
