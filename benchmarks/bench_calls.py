"""The timing loop around nothing, beside a bare loop: `pytest benchmarks`."""

from __future__ import annotations

import time
from array import array

import pytest

from benchhub.ondevice.backends import LoadOptions, null
from benchhub.ondevice.measure.loop import time_calls
from benchmarks.call_overhead import bare_block

CALLS = 10_000


@pytest.mark.benchmark(group="10,000 calls that do nothing")
def bench_loop(benchmark) -> None:
    call = null.load(None, LoadOptions(format="none")).bind({})
    buffer = array("q", bytes(8 * CALLS))
    made, _ = benchmark(time_calls, call, time.perf_counter_ns, buffer, CALLS, 1, 60 * 10**9)
    assert made == CALLS


@pytest.mark.benchmark(group="10,000 calls that do nothing")
def bench_bare_loop(benchmark) -> None:
    assert benchmark(bare_block, CALLS) > 0
