"""Rows of paced and concurrent cells; what a call consists of, what it costs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from builders import MIB, make_cell, make_device, make_launch, make_launches, make_run, make_variant

from benchhub.model.cell import Cell
from benchhub.model.launch import Launch
from benchhub.model.row import PacingTold, Row
from benchhub.model.scenario import Scenario
from benchhub.results.rows.rows import summarize


def row_of(launches: list[Launch]) -> Row:
    cells = [launches[0].cell]
    (row,) = summarize(make_run(), cells, launches, [make_variant()], [make_device()])
    return row


def paced_cell(rate: float = 50.0, **changes: object) -> Cell:
    return make_cell(scenario=Scenario.PACED, rate_per_s=rate, arrivals="poisson", **changes)


def paced(cell: Cell, service_ns: float = 1e7, count: int = 10, **changes: object) -> list[Launch]:
    """Launches whose calls take about `service_ns` and wait an exponential while before."""
    made = []
    for index in range(count):
        rng = np.random.default_rng(index)
        service = (service_ns * np.exp(0.05 * rng.standard_normal(cell.iterations))).astype(
            np.int64
        )
        samples = service + rng.exponential(service_ns / 2, cell.iterations).astype(np.int64)
        told = {"offered": cell.iterations, "completed": cell.iterations, "late_starts": 3}
        values = {
            "samples_ns": samples,
            "tracks_ns": {"service": service},
            "details": {"paced": told},
            "elapsed_ns": 10**10,
        }
        made.append(make_launch(cell, index, **(values | changes)))
    return made


def test_a_paced_row_counts_from_when_calls_were_due() -> None:
    launches = paced(paced_cell())
    row = row_of(launches)
    pooled = np.concatenate([launch.samples_ns for launch in launches])
    service = np.concatenate([launch.tracks_ns["service"] for launch in launches])
    assert (row.scenario, row.rate_per_s, row.concurrency) == ("paced", 50.0, 1)
    assert row["p95_ms"].value == pytest.approx(np.quantile(pooled, 0.95) / 1e6, rel=1e-3)
    assert row["p50_ms"].low is not None
    assert row["p50_ms"].low < row["p50_ms"].value < row["p50_ms"].high
    assert row.n_eff == row["p95_ms"].interval.n_eff
    assert row["service_p50_ms"].value == pytest.approx(np.median(service) / 1e6, rel=1e-3)
    assert row["service_p50_ms"].low < row["service_p50_ms"].value < row["p50_ms"].value
    assert row["service_p50_ms"].interval.method == "launches"
    assert (
        row["throughput_per_s"].value,
        row["device_p50_ms"].value,
        row["overhead_p50_ms"].value,
    ) == (None, None, None)
    assert row.flags == ()


@pytest.mark.parametrize(
    ("rate", "concurrency", "flag"),
    [(85.0, 1, None), (95.0, 1, "near_capacity"), (105.0, 1, "overloaded"), (105.0, 2, None)],
)
def test_a_rate_beyond_what_is_served_is_flagged(
    rate: float, concurrency: int, flag: str | None
) -> None:
    row = row_of(paced(paced_cell(rate, concurrency=concurrency)))
    assert [one.name for one in row.flags] == ([flag] if flag else [])
    if flag:
        (one,) = row.flags
        assert one.caps is (flag == "overloaded")
        assert one.evidence.startswith(f"{rate:g} calls a second arrive where 99.")


def test_calls_that_were_never_begun_are_counted() -> None:
    told = {"offered": 500, "completed": 200, "late_starts": 190}
    row = row_of(paced(paced_cell(), details={"paced": told}))
    (flag,) = row.flags
    assert (flag.name, flag.caps) == ("overloaded", True)
    assert "3000 of 5000 calls were never begun" in flag.evidence
    assert row.provenance.paced == PacingTold(5000, 2000, 1900, None)
    assert row_of(make_launches()).provenance.paced is None


def test_throughput_with_concurrency_is_calls_over_wall_time() -> None:
    cell = make_cell(scenario=Scenario.THROUGHPUT, batch=4, iterations=30, concurrency=3)
    samples = np.full(90, 10_000_000)
    row = row_of(make_launches(cell, 10, samples_ns=samples, elapsed_ns=300_000_000))
    assert row["throughput_per_s"].value == pytest.approx(4 * 90 / 0.3)
    assert row.concurrency == 3


def tracked(count: int = 10, **missing: object) -> list[Launch]:
    launches = []
    for launch in make_launches(count=count):
        rng = np.random.default_rng(launch.index)
        device = (launch.samples_ns * rng.uniform(0.5, 0.6, launch.samples_ns.size)).astype(int)
        tracks = {
            "device": device,
            "copy_in": np.full(device.size, 1_000_000),
            "copy_out": np.full(device.size, 500_000),
        }
        tracks.update(missing)  # type: ignore[arg-type]
        launches.append(dataclasses.replace(launch, tracks_ns=tracks))
    return launches


def test_what_the_accelerator_did_is_apart_from_the_overhead() -> None:
    launches = tracked()
    row = row_of(launches)
    left = np.concatenate(
        [one.samples_ns - one.tracks_ns["device"] - 1_500_000 for one in launches]
    )
    assert row["overhead_p50_ms"].value == pytest.approx(np.median(left) / 1e6, rel=1e-3)
    assert (row["copy_in_p50_ms"].value, row["copy_out_p50_ms"].value) == (1.0, 0.5)
    assert 5 < row["device_p50_ms"].value < 6
    for column in ("device", "copy_in", "copy_out", "overhead"):
        found = row[f"{column}_p50_ms"]
        assert found.low <= found.value <= found.high
    assert row["service_p50_ms"].value is None


def test_overhead_of_a_paced_call_counts_from_its_start() -> None:
    cell = paced_cell()
    launches = [
        dataclasses.replace(
            one, tracks_ns={**one.tracks_ns, "device": one.tracks_ns["service"] - 2_000_000}
        )
        for one in paced(cell)
    ]
    assert row_of(launches)["overhead_p50_ms"].value == 2.0


def test_a_track_that_is_not_whole_is_left_out() -> None:
    row = row_of(tracked(device=np.arange(7)))
    assert (row["device_p50_ms"].value, row["overhead_p50_ms"].value) == (None, None)
    assert row["copy_in_p50_ms"].value == 1.0


def test_clocks_that_disagree_leave_no_negative_overhead() -> None:
    row = row_of(tracked(device=np.full(200, 10**9)))
    assert row["overhead_p50_ms"].value == 0


def test_few_launches_withhold_a_median() -> None:
    launches = [
        dataclasses.replace(one, samples_ns=one.samples_ns[:2], tracks_ns={"device": [1, 2]})
        for one in make_launches(count=2)
    ]
    launches = [
        dataclasses.replace(one, tracks_ns={"device": np.array([1, 2])}) for one in launches
    ]
    row = row_of(launches)
    assert row["device_p50_ms"].value is None
    assert row["device_p50_ms"].withheld.startswith("needs n_eff >= ")


def test_energy_is_that_of_one_inference() -> None:
    cell = make_cell(scenario=Scenario.THROUGHPUT, batch=4)
    source = "rapl package-0, in-band"
    launches = [
        make_launch(cell, index, energy_uj=800_000 + 8_000 * index, energy_source=source)
        for index in range(10)
    ]
    launches[9] = dataclasses.replace(launches[9], energy_uj=None, energy_source=None)
    row = row_of(launches)
    # The median of 1.00 .. 1.08, 800 inferences each.
    assert row["energy_mj"].value == pytest.approx(1.04)
    assert row.energy_source == source
    assert row["energy_mj"].low < row["energy_mj"].value < row["energy_mj"].high
    assert row["energy_mj"].interval.n_eff == 9
    assert row_of(make_launches(cell))["energy_mj"].value is None


def test_energy_of_different_counters_is_not_mixed() -> None:
    cell = make_cell()
    both, package = "rapl package-0 + nvml gpu 0, in-band", "rapl package-0, in-band"
    launches = [
        make_launch(cell, index, energy_uj=10**6, energy_source=both if index else package)
        for index in range(10)
    ]
    row = row_of(launches)
    assert (row["energy_mj"].value, row.energy_source) == (None, None)
    assert row["energy_mj"].withheld == f"launches were counted by {both} and by {package}"


def test_gpu_memory_is_a_median_with_its_source() -> None:
    launches = make_launches(count=7)
    held = [
        dataclasses.replace(one, gpu_bytes=(500 + one.index) * MIB, gpu_source="nvml, gpu 0")
        for one in launches
    ]
    row = row_of(held)
    assert row["gpu_mem_mib"].value == 503
    assert row["gpu_mem_mib"].low == 500
    assert row.provenance.gpu_memory_source == "nvml, gpu 0"
    assert row_of(launches)["gpu_mem_mib"].value is None
