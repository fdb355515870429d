from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from builders import make_cell, make_launch, make_launches, make_run, make_variant

from benchhub.model.figure import BY_DEFINITION
from benchhub.model.scenario import Scenario
from benchhub.results.rows.rows import summarize


def compared(cells, launches, **against):
    names = dict.fromkeys(["fp32", "int8", *(cell.variant for cell in cells)])
    variants = [make_variant(name, against=against.get(name.replace("-", "_"))) for name in names]
    return summarize(make_run(), cells, launches, variants, [])


def faster(launches, cell, factor=2.0):
    """The same launches as another cell's, drift included, `factor` times as fast."""
    return [
        dataclasses.replace(
            launch,
            cell=cell,
            samples_ns=(launch.samples_ns / factor).astype(np.int64),
            elapsed_ns=round(launch.elapsed_ns / factor),
        )
        for launch in launches
    ]


def drifting(cell, count=10):
    launches = make_launches(cell, count)
    return [
        dataclasses.replace(launch, samples_ns=launch.samples_ns * (1 + index % 4))
        for index, launch in enumerate(launches)
    ]


def test_pairs_of_a_round_cancel_the_drift():
    base, other = make_cell(), make_cell(variant="int8")
    launches = drifting(base)
    rows = compared([base, other], launches + faster(launches, other))
    base = rows[0]["speedup"]
    assert (base.value, base.low, base.high) == (1, None, None)
    assert rows[0]["speedup"].interval.method == BY_DEFINITION
    assert rows[1]["speedup"].value == pytest.approx(2, rel=1e-5)
    assert rows[1]["speedup"].low == pytest.approx(2, rel=1e-5)
    assert rows[1]["speedup"].interval.method == "signed-rank"
    assert rows[1]["speedup"].interval.n_eff == 10


def test_rounds_that_restarted_on_resume_pair_in_order():
    base, other = make_cell(), make_cell(variant="int8")
    launches = [
        dataclasses.replace(launch, round=index % 5) for index, launch in enumerate(drifting(base))
    ]
    rows = compared([base, other], launches + faster(launches, other))
    assert rows[1]["speedup"].interval.n_eff == 10
    assert rows[1]["speedup"].high == pytest.approx(2, rel=1e-5)


def test_only_common_rounds_count():
    base, other = make_cell(), make_cell(variant="int8")
    launches = drifting(base)
    rows = compared([base, other], launches[:4] + faster(launches, other)[2:])
    assert rows[1]["speedup"].interval.n_eff == 2
    assert rows[1]["speedup"].interval.method == "log-t"
    rows = compared([base, other], launches[:4] + faster(launches, other)[4:])
    assert rows[1]["speedup"].value is None
    assert rows[1]["speedup"].withheld.startswith("no round")


def test_throughput_is_compared_by_rate():
    base = make_cell(scenario=Scenario.THROUGHPUT, batch=8)
    other = dataclasses.replace(base, variant="int8")
    launches = drifting(base)
    rows = compared([base, other], launches + faster(launches, other, 3))
    assert rows[1]["speedup"].value == pytest.approx(3, rel=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        {"device": "other"},
        {"backend": "openvino"},
        {"threads": 2},
        {"batch": 4},
        {"concurrency": 2},
        {"precision": "bf16"},
        {"options": '{"provider": "cuda"}'},
    ],
)
def test_only_the_same_settings_compare(change):
    base, other = make_cell(), make_cell(variant="int8", **change)
    rows = compared([base, other], make_launches(base) + make_launches(other))
    assert rows[1]["speedup"].value is None
    assert "baseline was not measured" in rows[1]["speedup"].withheld


def test_a_sweep_is_compared_within_each_setting():
    base = make_cell()
    cuda = dataclasses.replace(base, options='{"provider": "cuda"}', precision="bf16")
    cells = [base, cuda, *(dataclasses.replace(one, variant="int8") for one in (base, cuda))]
    on_cpu, on_cuda = drifting(base), faster(drifting(base), cuda, 10)
    launches = on_cpu + on_cuda + faster(on_cpu, cells[2], 2) + faster(on_cuda, cells[3], 3)
    rows = compared(cells, launches)
    assert [row["speedup"].value for row in rows] == pytest.approx([1, 1, 2, 3], rel=1e-4)
    assert rows[3]["speedup"].interval.against == "fp32"


def test_a_variant_is_compared_with_the_one_it_names():
    named = [make_cell(backend="tflite", variant=name) for name in ("tflite-fp32", "tflite-int8")]
    launches = drifting(named[0])
    rows = compared(named, launches + faster(launches, named[1], 4), tflite_int8="tflite-fp32")
    assert rows[1]["speedup"].value == pytest.approx(4, rel=1e-4)
    assert rows[1]["speedup"].interval.against == "tflite-fp32"
    # The suite's baseline does not run on this backend: the base of others is its own.
    assert rows[0]["speedup"].value == 1
    assert rows[0]["speedup"].interval.method == BY_DEFINITION


def test_a_base_of_others_is_held_to_the_baseline_where_that_ran():
    fp32, base, other = (make_cell(variant=name) for name in ("fp32", "fp16", "fp16-pruned"))
    launches = drifting(fp32)
    launches += faster(launches, base, 2) + faster(launches, other, 6)
    rows = compared([fp32, base, other], launches, fp16_pruned="fp16")
    assert [row["speedup"].value for row in rows] == pytest.approx([1, 2, 3], rel=1e-4)


def test_paced_calls_have_no_speedup():
    base = make_cell(scenario=Scenario.PACED, rate_per_s=20.0, arrivals="poisson")
    other = dataclasses.replace(base, variant="int8")
    launches = make_launches(base)
    rows = compared([base, other], launches + faster(launches, other))
    assert [row["speedup"].value for row in rows] == [None, None]
    assert "wait for one another" in rows[1]["speedup"].withheld


def test_a_failed_baseline_gives_no_speedup():
    base, other = make_cell(), make_cell(variant="int8")
    rows = compared([base, other], [make_launch(base, status="failed"), *make_launches(other)])
    assert rows[1]["speedup"].value is None
    assert rows[0]["speedup"].value is None


def test_the_null_backend_has_no_speedup_and_nothing_to_withhold():
    base, null = make_cell(), make_cell(backend="null")
    launches = drifting(base)
    rows = compared([base, null], launches + faster(launches, null))
    assert rows[1]["speedup"].value is None
    assert not rows[1]["speedup"].withheld


def test_a_base_of_others_is_no_base_by_definition_where_the_baseline_was_lost():
    options = '{"provider": "cpu"}'
    fp32, base, other = (make_cell(variant=name, options=options) for name in ("fp32", "a", "b"))
    launches = drifting(base) + faster(drifting(base), other, 3)
    rows = compared([fp32, base, other], launches, b="a")
    assert rows[1]["speedup"].value is None
    assert "fp32 on onnxruntime" in rows[1]["speedup"].withheld
    assert rows[2]["speedup"].value == pytest.approx(3, rel=1e-4)


def test_one_pair_of_launches_without_a_median_shows_no_speed_up():
    base, other = make_cell(), make_cell(variant="int8")
    few = [
        dataclasses.replace(launch, samples_ns=launch.samples_ns[:1])
        for launch in make_launches(base, 2)
    ]
    alone = compared([base, other], few[:1] + faster(few[:1], other))[1]
    assert alone["p50_ms"].withheld.startswith("needs n_eff")
    assert alone["speedup"].value is None
    assert "one pair of launches, and its median is not known: needs" in alone["speedup"].withheld
    pair = compared([base, other], few + faster(few, other))[1]
    assert pair["p50_ms"].value is None
    assert pair["speedup"].value == pytest.approx(2, rel=1e-4)
