"""Which cells beside a candidate's own say something of it: those of its own settings first."""

from __future__ import annotations

from typing import Any

import pytest
from builders import make_budget
from choices import DEVICE, chosen, latency, quality
from rows import changed, make_row

from benchhub.model.flag import Flag, FlagKind
from benchhub.model.row import Row
from benchhub.model.scenario import VerdictOutcome as Outcome
from benchhub.report.recommend.words import held
from benchhub.results.recommend.answer import Advice, DeviceAnswer
from benchhub.results.recommend.candidates import setting
from benchhub.results.recommend.choose import choose


def rate(per_s: float, **more: Any) -> Row:
    ends = {"low": per_s * 0.99, "high": per_s * 1.01}
    name = " ".join(f"{key}={value}" for key, value in more.items())
    return make_row(
        device="pi", scenario="throughput", throughput_per_s=per_s, launches=10,
        cell=f"rate {name}", intervals={"throughput_per_s": ends}, **more,
    )  # fmt: skip


def memory(mib: float, **more: Any) -> Row:
    ends = {"peak_rss_mib": {"low": mib, "high": mib}}
    name = f"memory {more}"
    return make_row(
        device="pi", scenario="memory", peak_rss_mib=mib, launches=10, cell=name, intervals=ends,
        **more,
    )  # fmt: skip


def by_rate(*rows: Row, **limits: float) -> DeviceAnswer:
    return choose(DEVICE, rows, [make_budget("ward", **limits)], "throughput_per_s")


def test_settings_of_throughput_that_differ_have_names_that_differ() -> None:
    rows = [rate(100.0, batch=8), rate(200.0, batch=8, concurrency=2)]
    names = [setting(row) for row in rows]
    assert names == [
        "fp32 on onnxruntime, 1 thread, batch 8",
        "fp32 on onnxruntime, 1 thread, batch 8, concurrency 2",
    ]
    assert setting(rate(100.0, threads=0)) == "fp32 on onnxruntime"


def test_smaller_inputs_are_no_faster_setting() -> None:
    found = by_rate(rate(100.0, shapes="x=1x3x64x64"), rate(900.0, shapes="x=1x3x16x16"))
    assert [one.value for one in found.candidates] == [100.0]


def test_memory_of_a_small_batch_says_nothing_of_a_large_one() -> None:
    """The cell of memory keeps the limit at batch 1; the candidate itself took three times it."""
    taken = {"peak_rss_mib": {"low": 1200.0, "high": 1200.0}}
    large = rate(900.0, batch=32)
    heavy = make_row(
        device="pi", scenario="throughput", batch=32, launches=10, cell="heavy",
        peak_rss_mib=1200.0,
        throughput_per_s=900.0,
        intervals={"throughput_per_s": {"low": 890.0, "high": 910.0}, **taken},
    )  # fmt: skip
    light = rate(100.0)
    found = by_rate(light, heavy, memory(150.0), peak_rss_mib=400.0)
    assert found.pick is not None
    assert found.pick.row.batch == 1
    assert [one.outcome for one in found.candidates] == [Outcome.PASS, Outcome.FAIL]
    (one,) = by_rate(large, memory(150.0), peak_rss_mib=400.0).candidates
    assert held(one.by_limit[0], one).endswith(" <= 400 (at batch 1)")


def test_a_limit_of_latency_for_one_thread_leaves_rates_of_two_alone() -> None:
    rows = [latency("fp32", 9.0), rate(900.0, batch=8, threads=2)]
    ward = make_budget("ward", latency_p95_ms=20.0, threads=(1,))
    found = choose(DEVICE, rows, [ward], "throughput_per_s")
    assert (found.kind, found.free_of) == (Advice.SHIP, ())
    (one,) = found.candidates
    assert held(one.by_limit[0], one).endswith(" <= 20.0 (at batch 1, 1 thread)")


def test_latency_is_held_to_a_limit_at_the_threads_that_it_names() -> None:
    """Latency was measured at two threads as well, as the rate was, and memory at one."""
    rows = [
        latency("fp32", 9.0), latency("fp32", 5.0, threads=2), memory(150.0),
        rate(900.0, batch=8, threads=2),
    ]  # fmt: skip
    ward = make_budget("ward", latency_p95_ms=20.0, threads=(1,))
    found = choose(DEVICE, rows, [ward], "throughput_per_s")
    assert found.kind is Advice.SHIP


def test_other_batches_of_another_scenario_do_not_decide_where_its_own_is_there() -> None:
    rows = [latency("fp32", 9.0), memory(150.0), memory(900.0, batch=32)]
    found = chosen(*rows, peak_rss_mib=400.0)
    assert found.kind is Advice.SHIP


def test_wrong_answers_at_the_batch_that_was_judged_are_wrong_at_others() -> None:
    garbage = Flag(FlagKind.GARBAGE, "1.4 from the reference")
    rows = [rate(900.0, batch=32), quality("fp32", 0.0, 0.001, flags=(garbage,))]
    assert by_rate(*rows).kind is Advice.NONE


@pytest.mark.parametrize("settings", [{"precision": "f16"}, {"options": "fast=1"}])
def test_a_loss_in_another_precision_or_with_other_options_is_not_its_own(
    settings: dict[str, Any],
) -> None:
    usual = quality("fp32", 0.0, 0.001, precision="f32")
    rows = [latency("fp32", 9.0, precision="f32"), usual]
    other = latency("fp32", 3.0, **({"precision": "f32"} | settings))
    other = changed(other, cell="other")
    found = chosen(*rows, other, quality_loss_max=0.01)
    assert found.kind is Advice.OPEN
    assert found.pick is not None
    assert found.pick.value == 9.0
    (evidence,) = found.rivals[0].candidate.evidence
    assert evidence.reason.startswith("its answers were judged at f32, and not at f")
