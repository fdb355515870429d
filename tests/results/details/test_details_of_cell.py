"""The details of a cell against numpy, over hand-made launches."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from builders import make_cell, make_conditions, make_launch, make_launches

from benchhub.model.flag import FlagKind
from benchhub.model.launch import Details
from benchhub.model.scenario import Scenario
from benchhub.ondevice.wire import Failure
from benchhub.results.details.distribution import SHARES
from benchhub.results.details.of_cell import details_of
from benchhub.results.rows.measured import measured

MS = 1e6


def of(cell, launches, dropped=0):
    return details_of(cell, launches, dropped)


def timed(cell, *samples):
    return [
        make_launch(cell, place, samples_ns=np.asarray(one, dtype=np.int64))
        for place, one in enumerate(samples)
    ]


def by_numpy(samples):
    """The smallest call that each share of all calls stays within, in ms."""
    return tuple((np.quantile(samples, SHARES, method="inverted_cdf") / MS).tolist())


@pytest.mark.parametrize("scenario", [Scenario.LATENCY, Scenario.PACED])
@pytest.mark.parametrize("dropped", [0, 15])
def test_the_distribution_is_that_of_the_raw_samples(scenario, dropped):
    cell = make_cell(scenario=scenario, rate_per_s=50.0 if scenario is Scenario.PACED else None)
    launches = make_launches(cell, 7)
    found = of(cell, launches, dropped)
    steady = [one.samples_ns[dropped:] for one in launches]
    drawn = found.distribution
    assert drawn.pooled_ms == by_numpy(np.concatenate(steady))
    each = np.array([by_numpy(one) for one in steady])
    assert drawn.lowest_ms == tuple(each.min(axis=0))
    assert drawn.highest_ms == tuple(each.max(axis=0))
    assert (drawn.calls, drawn.launches) == (7 * (200 - dropped), 7)
    assert found.measures == ("p50_ms", "p95_ms")
    for one, samples in zip(found.launches, steady, strict=True):
        expected = np.quantile(samples, [0.5, 0.95], method="inverted_cdf") / MS
        assert one.values == tuple(expected)
        assert one.calls == samples.size


def test_percentiles_are_those_of_the_row():
    cell = make_cell()
    launches = make_launches(cell)
    row = measured(cell, launches, None)
    drawn = of(cell, launches, row.dropped).distribution
    for name, share in (("p50_ms", 0.5), ("p90_ms", 0.9), ("p95_ms", 0.95), ("p99_ms", 0.99)):
        told = row.figures[name]
        at = drawn.pooled_ms[SHARES.index(share)]
        assert at == told.value or told.value is None


def test_the_slowest_call_is_found_where_it_was_timed():
    samples = np.full(50, 1_000_000)
    slow = samples.copy()
    slow[31] = 9_000_000
    cell = make_cell()
    launches = timed(cell, samples, slow, samples)
    drawn = of(cell, launches, 10).distribution
    assert (drawn.slowest_in, drawn.slowest_call) == ("1.0", 32)
    assert drawn.pooled_ms[-1] == 9.0


@pytest.mark.parametrize(
    "samples", [[[5, 5, 5, 5]], [[1, 1, 2, 2], [2, 2, 2, 3], [3]], [[7]], [[0, 0], [0, 4]]]
)
def test_ties_and_few_calls(samples):
    cell = make_cell()
    drawn = of(cell, timed(cell, *samples)).distribution
    assert drawn.pooled_ms == by_numpy(np.concatenate(samples))
    assert drawn.launches == len(samples)
    assert drawn.pooled_ms == tuple(sorted(drawn.pooled_ms))


def test_a_launch_that_ended_within_the_warm_up_is_in_no_distribution():
    cell = make_cell()
    launches = timed(cell, range(100, 140), range(5))
    found = of(cell, launches, 10)
    assert found.distribution.launches == 1
    assert found.launches[1].values == (None, None)


def test_launches_that_failed_are_in_their_place_and_say_why():
    cell = make_cell()
    first, second, third = make_launches(cell, 3)
    failed = dataclasses.replace(
        second, status="failed", failure=Failure("time", "timeout", "no end within 30 s")
    )
    cut = dataclasses.replace(third, status="interrupted")
    again = dataclasses.replace(third, attempt=1, started_at="2026-01-01T12:01:00Z")
    found = of(cell, [first, failed, cut, again])
    assert [one.id for one in found.launches] == ["0.0", "1.0", "2.0", "2.1"]
    assert [one.status for one in found.launches] == [
        "finished", "failed", "interrupted", "finished",
    ]  # fmt: skip
    assert found.launches[1].failure == "time: timeout: no end within 30 s"
    assert found.launches[1].values == found.launches[2].values == ()
    assert found.distribution.launches == 2


def test_nothing_but_failures():
    cell = make_cell()
    failed = make_launch(
        cell, status="failed", samples_ns=np.empty(0, dtype=np.int64),
        failure=Failure("load", "error", "cannot"), before=None, after=None,
    )  # fmt: skip
    found = of(cell, [failed])
    assert found.distribution is None
    assert found.measures == ()
    assert found.launches[0].temperature_c is None
    assert of(cell, []).launches == ()


def test_a_throughput_launch_tells_its_rate():
    cell = make_cell(scenario=Scenario.THROUGHPUT, batch=4, concurrency=2)
    launch = make_launch(cell, samples_ns=np.full(30, 1_000_000), elapsed_ns=20_000_000)
    found = of(cell, [launch])
    assert found.measures == ("throughput_per_s",)
    assert found.launches[0].values == (30 * 4 / 0.02,)
    assert found.distribution is None


def test_a_memory_launch_tells_its_peak():
    cell = make_cell(scenario=Scenario.MEMORY)
    found = of(cell, [make_launch(cell, peak_rss_bytes=200 << 20, imported_rss_bytes=50 << 20)])
    assert found.measures == ("peak_rss_mib", "model_rss_mib")
    assert found.launches[0].values == (200.0, 150.0)
    gpu = of(cell, [make_launch(cell), make_launch(cell, 1, gpu_bytes=3 << 20)])
    assert gpu.measures[-1] == "gpu_mem_mib"
    assert [one.values[-1] for one in gpu.launches] == [None, 3.0]


def test_a_cold_start_and_a_quality_launch():
    cold = make_cell(scenario=Scenario.COLD_START)
    assert of(cold, [make_launch(cold, 2)]).launches[0].values == (20.000002, 15.000002)
    quality = make_cell(scenario=Scenario.QUALITY)
    assert of(quality, [make_launch(quality)]).measures == ()


@pytest.mark.parametrize(
    ("sums", "measures"),
    [
        ({"p50_ms": 15.0, "p95_ms": 20.0}, ("p50_ms", "p95_ms")),
        ({"mean_ms": 3.0}, ("mean_ms",)),
        ({"nonsense": 3.0}, ()),
        ({"p50_ms": "15"}, ("p50_ms",)),
    ],
)
def test_sums_of_other_programs_without_samples(sums, measures):
    cell = make_cell()
    launch = make_launch(
        cell, samples_ns=np.empty(0, dtype=np.int64), details={"sums": sums, "sums_as": "told"}
    )
    found = of(cell, [launch])
    assert found.distribution is None
    assert found.measures == measures
    expected = [sums[name] if isinstance(sums[name], float) else None for name in measures]
    assert list(found.launches[0].values) == expected


def test_conditions_and_doubts_are_of_the_launch():
    cell = make_cell()
    quiet = make_launch(cell)
    hot = make_launch(
        cell, 1, before=make_conditions(load_1m=3.0),
        after=make_conditions(
            at_ns=4_000_000_000, cpu_total_ticks=100_600, cpu_busy_ticks=10_600,
            own_cpu_ticks=5_300, temperature_c=85.0, frequency_mhz=1800.0, throttle_count=2,
        ),
        details={"engine": "built again: another driver"},
    )  # fmt: skip
    first, second = of(cell, [quiet, hot]).launches
    assert first.flags == ()
    assert (second.temperature_c, second.frequency_mhz, second.load_1m) == (85.0, 1800.0, 3.0)
    said = {flag.name: flag.evidence for flag in second.flags}
    assert said == {
        FlagKind.FOREIGN_CPU: "50% of all CPU time went to other programs",
        FlagKind.THROTTLED: "2 throttle events",
        FlagKind.FREQUENCY_CHANGED: "CPU clock between 1800 and 2400 MHz",
        FlagKind.HOT: "reached 85 °C",
        FlagKind.ENGINE_REBUILT: "built again: another driver",
    }


def test_what_a_launch_does_not_tell_is_not_known():
    launch = make_launch(before=None, after=None)
    (found,) = of(make_cell(), [dataclasses.replace(launch, details=Details())]).launches
    assert (found.temperature_c, found.frequency_mhz, found.load_1m) == (None, None, None)
