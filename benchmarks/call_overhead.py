"""What one call of the null backend costs, over a bare loop and beside LoadGen's null SUT."""

from __future__ import annotations

import statistics
import time
from array import array
from dataclasses import dataclass

from benchhub.ondevice.backends import LoadOptions, null
from benchhub.ondevice.measure.loop import time_calls
from benchhub.stats.interval import Estimate, median_interval
from benchmarks import load_generator
from benchmarks.claim import Claim, compared, paired

LIMIT_NS = 1000.0


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    rounds: int = 30
    calls: int = 20_000


def measure(size: Size | None = None) -> list[Claim]:
    """Return the claims; ratios are of whole nanoseconds a call, all sides in turn every round."""
    size = size or Size()
    ours: list[float] = []
    bare: list[float] = []
    readings: list[float] = []
    peer: list[float] = []
    call = null.load(None, LoadOptions(format="none")).bind({})
    for _ in range(size.rounds):
        elapsed, sample = benchhub_block(call, size.calls)
        ours.append(elapsed)
        readings.append(sample)
        bare.append(bare_block(size.calls))
        if load_generator.available():
            peer.append(load_generator.null_query_ns(size.calls))
    extra = median_interval([a - b for a, b in zip(ours, bare, strict=True)])
    claims = [
        compared(
            "null backend: time a call over a bare loop",
            f"{statistics.median(ours):.0f} ns (+{extra.estimate:.0f} ns; sample reads "
            f"{statistics.median(readings):.0f} ns)",
            f"bare loop {statistics.median(bare):.0f} ns",
            paired(ours, bare),
        ),
        _absolute(extra),
    ]
    if peer:
        claims.append(
            compared(
                "null backend: time a call beside LoadGen's",
                f"{statistics.median(ours):.0f} ns",
                f"LoadGen SingleStream, null SUT {statistics.median(peer):.0f} ns",
                paired(ours, peer),
                at_most=1.0,
            )
        )
    return claims


def _absolute(extra: Estimate) -> Claim:
    return Claim(
        name="null backend: overhead a call, as a share of 1 us",
        ours=f"{extra.estimate:.0f} ns",
        peer="1000 ns allowed",
        ratio=extra.estimate / LIMIT_NS,
        low=None if extra.low is None else extra.low / LIMIT_NS,
        high=None if extra.high is None else extra.high / LIMIT_NS,
        target="<= 1",
        met=extra.estimate <= LIMIT_NS,
    )


def benchhub_block(call: object, calls: int) -> tuple[float, float]:
    """Return nanoseconds a call of the real timing loop, and the median of its samples."""
    buffer = array("q", bytes(8 * calls))
    assert callable(call)
    made, elapsed_ns = time_calls(call, time.perf_counter_ns, buffer, calls, 1, 60 * 10**9)
    return elapsed_ns / made, statistics.median(buffer)


def bare_block(calls: int) -> float:
    """Return nanoseconds a turn of a loop that reads the clock twice and keeps the difference."""
    clock = time.perf_counter_ns
    buffer = array("q", bytes(8 * calls))
    started = clock()
    for index in range(calls):
        before = clock()
        buffer[index] = clock() - before
    return (clock() - started) / calls
