from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from builders import (
    MIB,
    accuracy,
    make_answer_key,
    make_cell,
    make_conditions,
    make_device,
    make_launch,
    make_launches,
    make_run,
    make_variant,
)

from benchhub.model.figure import BY_DEFINITION
from benchhub.model.quality import OwnReference
from benchhub.model.recipe import Recipe
from benchhub.model.request import RunKind, RunRequest
from benchhub.model.row import QualitySource
from benchhub.model.scenario import Scenario
from benchhub.ondevice.wire import Failure
from benchhub.results.rows.agreement import spread
from benchhub.results.rows.rows import summarize

CRASH = Failure("load", "crashed", "signal 11")


def row_of(launches, cell=None, variants=None, **more):
    cell = cell or (launches[0].cell if launches else make_cell())
    variants = variants or [make_variant()]
    (row,) = summarize(make_run(), [cell], launches, variants, [make_device()], **more)
    return row


def names(row):
    return {flag.name: flag.caps for flag in row.flags}


def test_a_latency_row():
    launches = make_launches(count=20)
    row = row_of(launches)
    pooled = np.concatenate([launch.samples_ns for launch in launches])
    assert (row.status, row.reason, row.flags) == ("finished", None, ())
    assert (row.launches, row.iterations) == (20, 4000)
    assert row["mean_ms"].value == pytest.approx(pooled.mean() / 1e6)
    assert row["p50_ms"].value == pytest.approx(np.median(pooled) / 1e6, rel=1e-4)
    assert row["p95_ms"].value == pytest.approx(np.quantile(pooled, 0.95) / 1e6, rel=1e-3)
    assert (
        row["p50_ms"].low
        < row["p50_ms"].value
        < row["p50_ms"].high
        < row["p95_ms"].low
        < row["p99_ms"].value
    )
    assert row.n_eff == row["p95_ms"].interval.n_eff > 1000
    assert row["p50_ms"].interval.method == "launches"
    assert row["throughput_per_s"].value is None
    assert row["load_ms"].value == pytest.approx(20.0000095)
    assert row["first_inference_ms"].value == pytest.approx(15.0000095)
    assert (row["peak_rss_mib"].value, row["model_rss_mib"].value) == (100, 40)
    assert row["peak_rss_mib"].low == 100
    assert (row.arch, row.backend_version, row.clock) == ("x86_64", "1.23.0", "perf_counter_ns")
    assert not any(of.withheld for name, of in row.figures.items() if name != "p99_9_ms")
    assert row.provenance.governor == "performance"
    assert row.provenance.frequency_mhz == (2400, 2400)
    assert row.provenance.details.told == {"python": "3.11.2"}
    assert row.provenance.started_at == (launches[0].started_at, launches[-1].started_at)


def test_what_too_few_samples_cannot_say_is_withheld():
    row = row_of(make_launches(make_cell(iterations=20), 5))
    assert row["p50_ms"].value is not None
    assert [row.column(f"p99_{end}ms") for end in ("", "low_", "high_")] == [None] * 3
    assert row["p99_ms"].withheld.startswith("needs n_eff >= ")
    needed, has = (int(part.strip("()")) for part in row["p99_ms"].withheld.split()[3::2])
    assert has <= 100 < needed


def test_a_throughput_row():
    cell = make_cell(scenario=Scenario.THROUGHPUT, batch=8, iterations=10)
    launches = make_launches(cell, 10, elapsed_ns=10**9)
    launches[3] = dataclasses.replace(launches[3], elapsed_ns=2 * 10**9)
    row = row_of(launches)
    assert row["throughput_per_s"].value == pytest.approx(80 * 2**-0.1)
    assert (
        row["throughput_per_s"].low < row["throughput_per_s"].value < row["throughput_per_s"].high
    )
    assert row["p50_ms"].value is None
    assert row["mean_ms"].value is not None
    assert row.n_eff == 10


@pytest.mark.parametrize("scenario", [Scenario.MEMORY, Scenario.COLD_START])
def test_other_rows_have_no_latency(scenario):
    row = row_of(make_launches(make_cell(scenario=scenario)))
    assert (row["mean_ms"].value, row["p50_ms"].value, row["throughput_per_s"].value) == (
        None,
        None,
        None,
    )
    assert row["load_ms"].value is not None
    assert row["peak_rss_mib"].value == 100


def test_sizes_are_set_against_the_baseline():
    variant = make_variant(
        "int8", recipe=Recipe("int8-static"), model_bytes=1000, params=1000, nonzero_params=500
    )
    cells = [make_cell(variant="int8"), make_cell()]
    rows = summarize(make_run(), cells, [], [make_variant(), variant], [])
    assert (rows[0]["compression_bytes"].value, rows[0]["compression_params"].value) == (4, 2)
    assert (rows[0].recipe, rows[1].recipe) == ("int8-static", None)
    assert rows[1]["compression_bytes"].value == 1


def test_a_model_is_not_counted_at_the_shapes_of_a_sweep():
    cells = [make_cell(), make_cell(shapes="x=1x3x512x512")]
    variants = [make_variant(macs=3456)]
    plain, swept = summarize(make_run(), cells, [], variants, [])
    assert plain["macs"].value == 3456
    assert (swept["macs"].value, swept["params"]) == (None, plain["params"])
    assert "sizes of the data" in swept["macs"].withheld
    # a bench that is called at one shape alone has counted that
    bench = make_run(request=RunRequest("bench", ("localhost",), kind=RunKind.BENCH))
    _, alone = summarize(bench, cells, [], variants, [])
    assert alone["macs"].value == 3456


def test_a_cell_without_launches_says_so():
    row = row_of([], make_cell())
    assert (row.status, row.reason) == ("unmeasured", "no launch was made")
    gone = make_device(error="localhost does not answer")
    (row,) = summarize(make_run(), [make_cell()], [], [make_variant()], [gone])
    assert row.reason == "localhost does not answer"
    row = row_of([make_launch(status="interrupted")])
    assert (row.status, row.reason) == ("unmeasured", "every launch was interrupted")


def test_a_failed_cell_gives_its_reason_and_no_numbers():
    failed = make_launch(index=2, status="failed", failure=CRASH)
    row = row_of([make_launch(index=0), make_launch(index=1), failed])
    assert (row.status, row.reason) == ("failed", "load: crashed: signal 11")
    assert row.launches == 2
    assert (row["p50_ms"].value, row["load_ms"].value, row["peak_rss_mib"].value) == (
        None,
        None,
        None,
    )


def test_a_failure_that_was_measured_again_is_over():
    launches = make_launches()
    failed = dataclasses.replace(launches[4], status="failed", failure=CRASH)
    launches[4] = dataclasses.replace(launches[4], attempt=1)
    assert row_of([*launches, failed]).status == "finished"


def test_interrupted_launches_are_told():
    launches = make_launches()
    cut = dataclasses.replace(launches[4], status="interrupted")
    launches[4] = dataclasses.replace(launches[4], attempt=1)
    row = row_of([*launches, cut])
    assert names(row) == {"relaunched": False}
    assert row.launches == 10


def busy(ticks, steal=0, **changes):
    after = make_conditions(
        at_ns=4_000_000_000,
        cpu_total_ticks=100_600,
        cpu_busy_ticks=10_300 + ticks,
        own_cpu_ticks=5_300,
        cpu_steal_ticks=steal,
        **changes,
    )
    return {"after": after}


def back(**before):
    """A counter that stood higher before the launch than after it."""
    return {"before": make_conditions(**before)} | busy(0)


def gone(name):
    return busy(0, **{name: None})


def gapped(share):
    """Calls of 10 ms, and so much of their time in none of them."""
    samples = np.random.default_rng(1).normal(1e7, 1e4, 200).astype(np.int64)
    return {"samples_ns": samples, "elapsed_ns": int(samples.sum() / (1 - share))}


def test_calls_of_microseconds_may_have_as_long_between_them():
    samples = np.random.default_rng(2).normal(20_000, 100, 200).astype(np.int64)
    launches = make_launches(samples_ns=samples, elapsed_ns=int(samples.sum()) * 5)
    assert "gaps" not in names(row_of(launches))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (busy(20), {}),
        (busy(60), {"foreign_cpu": False}),
        (busy(240), {"foreign_cpu": True}),
        (busy(0, steal=20), {"steal": False}),
        (busy(0, steal=90), {"steal": True}),
        (busy(0, throttle_count=3), {"throttled": True}),
        (busy(0, frequency_mhz=1800.0), {"frequency_changed": False}),
        (busy(0, temperature_c=84.0), {"hot": False}),
        (busy(0, pressure_cpu_us=600_000), {"pressure": False}),
        (back(throttle_count=2), {"counters_lost": True}),
        (gone("throttle_count"), {"counters_lost": True}),
        (back(cpu_total_ticks=200_000), {"counters_lost": True}),
        (back(cpu_busy_ticks=50_000), {"counters_lost": True}),
        (back(own_cpu_ticks=10**9), {"counters_lost": True}),
        (back(cpu_steal_ticks=9), {"counters_lost": True}),
        (back(pressure_cpu_us=10**7), {"counters_lost": True}),
        (back(cpu_steal_ticks=2), {}),  # processors do not count at the same moment
        ({"before": make_conditions(throttle_count=None)}, {}),
        (gapped(0.9), {"gaps": True}),
        (gapped(0.55), {"gaps": True}),
        (gapped(0.45), {}),
        ({**gapped(0.9), "cell": make_cell(concurrency=2)}, {}),
        ({"memory_reset": False}, {"memory_not_reset": False}),
        ({"details": {"engine": "built"}}, {}),
        (
            {"details": {"engine": "built again: of the kept engine, driver 570 is 575 now"}},
            {"engine_rebuilt": False},
        ),
        ({"before": None, "after": None}, {}),
        ({"samples_ns": np.full(200, 10_000_000)}, {"coarse_clock": False}),
        (
            {"samples_ns": np.linspace(1e7, 1.2e7, 200).astype(np.int64)},
            {"slowdown": True},
        ),
    ],
)
def test_disturbances_are_flagged_with_evidence(changes, expected):
    row = row_of(make_launches(**changes))
    assert names(row) == expected
    assert all(any(c.isdigit() for c in flag.evidence) for flag in row.flags)


def test_one_disturbed_launch_of_ten_is_ordinary():
    launches = make_launches()
    launches[5] = dataclasses.replace(launches[5], **busy(280, steal=50))
    assert names(row_of(launches)) == {}


def test_one_launch_caps_and_is_labelled():
    row = row_of([make_launch()])
    assert names(row) == {"single_launch": True, "incomplete": False}
    assert row["p50_ms"].interval.method == "within-launch"


def test_agreement_is_the_worst_of_all_launches():
    answer_key = make_answer_key()
    good = (answer_key.reference[0][:4],)
    launches = make_launches(outputs=good)
    row = row_of(launches, answer_key=answer_key)
    assert (row["agreement_max_abs"].value, row.agreement_relative) == (0, 0)
    launches[7] = dataclasses.replace(launches[7], outputs=(1 - good[0],))
    row = row_of(launches, answer_key=answer_key)
    assert names(row) == {"garbage": True, "varying_outputs": False}
    launches[7] = dataclasses.replace(launches[7], outputs=(good[0] * math.nan,))
    row = row_of(launches, answer_key=answer_key)
    assert names(row) == {"nonfinite": True, "garbage": True, "varying_outputs": False}
    assert row["agreement_max_abs"].value == math.inf


def test_a_refitted_variant_is_held_against_its_own_answers():
    answer_key = make_answer_key()
    refitted = (
        5 * answer_key.reference[0][:64]
    )  # of another size: garbage, if the baseline had to tell
    # Launches answer 64 cases, as those of quality do; the reference holds the first four.
    own = OwnReference((refitted[:4],), (spread(refitted),))
    answer_key = dataclasses.replace(answer_key, own={"pruned": own})
    launches = make_launches(make_cell(variant="int8"), outputs=(refitted,))
    pruned = [make_variant(), make_variant("int8", approximates="pruned")]
    row = row_of(launches, variants=pruned, answer_key=answer_key)
    assert names(row) == {}
    assert row.agreement_relative == 0
    launches[3] = dataclasses.replace(launches[3], outputs=answer_key.reference)
    row = row_of(launches, variants=pruned, answer_key=answer_key)
    assert names(row) == {"garbage": True, "varying_outputs": False}
    assert "from pruned's" in row.flags[0].evidence
    row = row_of(launches, answer_key=answer_key)
    assert "from the baseline's" in row.flags[0].evidence


def quality_cells(*variants, device="localhost"):
    return [
        make_cell(variant=variant, scenario=scenario, device=device, iterations=20)
        for variant in variants
        for scenario in (Scenario.QUALITY, Scenario.LATENCY)
    ]


def test_quality_is_judged_on_the_devices_outputs_and_shown_in_all_rows():
    answer_key = make_answer_key()
    hits = np.flatnonzero(answer_key.reference[0].argmax(axis=1) == answer_key.labels)[:30]
    worse = answer_key.reference[0].copy()
    worse[hits] = worse[hits][:, ::-1]
    cells = quality_cells("fp32", "int8")
    launches = []
    for cell in cells:
        whole = answer_key.reference[0] if cell.variant == "fp32" else worse
        outputs = (whole if cell.scenario is Scenario.QUALITY else whole[:4],)
        launches += make_launches(cell, 2, outputs=outputs)
    rows = summarize(
        make_run(), cells, launches, [make_variant()], [], answer_key=answer_key, metric=accuracy()
    )
    assert [row["quality_loss"].value for row in rows] == pytest.approx([0, 0, 0.1, 0.1])
    assert {row.column("quality_cases") for row in rows} == {300}
    assert rows[3].quality.low < rows[3].quality.value < rows[3].quality.high
    source = QualitySource(cells[2].key, "fp32 on localhost and onnxruntime")
    assert rows[3].provenance.quality == source
    assert rows[3].quality.loss.upper_one_sided > 0.1
    assert (rows[0]["quality_loss"].low, rows[0]["quality_loss"].high) == (None, None)
    assert rows[0]["quality_loss"].interval.method == BY_DEFINITION
    assert rows[2].quality.parts.keys() == {"negative", "positive"}


def test_without_the_baseline_on_the_device_the_reference_stands_in():
    answer_key = make_answer_key()
    cells = quality_cells("int8")
    launches = make_launches(cells[0], 2, outputs=answer_key.reference)
    rows = summarize(make_run(), cells, launches, [], [], answer_key=answer_key, metric=accuracy())
    assert rows[0]["quality_loss"].value == 0
    assert rows[0].provenance.quality.against == "fp32 on the controller at float32"


def test_a_quantized_baseline_is_not_said_to_be_float32():
    answer_key = make_answer_key()
    cells = quality_cells("int8")
    launches = make_launches(cells[0], 2, outputs=answer_key.reference)
    whole = {"answer_key": answer_key, "metric": accuracy()}
    for size, said in ((1200, ", in its file's own precision"), (4000, " at float32")):
        variants = [make_variant("fp32", model_bytes=size), make_variant("int8")]
        rows = summarize(make_run(), cells, launches, variants, [], **whole)
        assert rows[0].provenance.quality.against == f"fp32 on the controller{said}"


def test_quality_that_cannot_be_judged_says_why():
    answer_key = make_answer_key()
    cells = quality_cells("int8")
    launches = make_launches(cells[0], 2, outputs=(answer_key.reference[0] * math.nan,))
    rows = summarize(make_run(), cells, launches, [], [], answer_key=answer_key, metric=accuracy())
    assert rows[0]["quality_loss"].value is None
    assert rows[0]["quality"].withheld == "outputs are not finite"
    assert rows[0]["peak_rss_mib"].value == make_launch().peak_rss_bytes / MIB


def test_no_loss_is_counted_from_a_baseline_that_gives_garbage():
    answer_key = make_answer_key()
    cells = quality_cells("fp32", "int8")
    wrong = (1 - answer_key.reference[0],)
    launches = make_launches(cells[0], 2, outputs=wrong)
    launches += make_launches(cells[2], 2, outputs=answer_key.reference)
    rows = summarize(make_run(), cells, launches, [], [], answer_key=answer_key, metric=accuracy())
    assert names(rows[0])["garbage"]
    assert rows[0]["quality_loss"].value > 0.5
    assert rows[2]["quality_loss"].value == 0
    on_controller = "fp32 on the controller at float32"
    assert {rows[i].provenance.quality.against for i in (0, 2)} == {on_controller}


def test_a_loss_of_precision_is_not_taken_for_the_baseline():
    answer_key = make_answer_key()
    cell = make_cell(scenario=Scenario.QUALITY, precision="bf16")
    hits = np.flatnonzero(answer_key.reference[0].argmax(axis=1) == answer_key.labels)[:30]
    worse = answer_key.reference[0].copy()
    worse[hits] = worse[hits][:, ::-1]
    launches = make_launches(cell, 2, outputs=(worse,))
    row = row_of(launches, answer_key=answer_key, metric=accuracy())
    assert row["quality_loss"].value == pytest.approx(0.1)
    assert row.provenance.quality.against == "fp32 on the controller at float32"


def test_an_answer_that_never_varies_is_no_garbage_for_a_rounding_error():
    answer_key = make_answer_key()
    constant = np.full((300, 2), 0.1, dtype=np.float32)
    answer_key = dataclasses.replace(answer_key, reference=(answer_key.reference[0], constant))
    off = np.nextafter(constant[:4], np.float32(1))
    row = row_of(make_launches(outputs=(answer_key.reference[0][:4], off)), answer_key=answer_key)
    assert row.flags == ()
