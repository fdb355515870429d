"""The claims of the case studies, on runs in which they hold, do not hold, cannot be told."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from builders import (
    accuracy,
    make_answer_key,
    make_cell,
    make_device,
    make_launch,
    make_run,
    make_skip,
    make_variant,
)
from claim_runs import (
    answers,
    disturbed,
    emulated,
    judged,
    on_gpu,
    read,
    row,
    run_of,
    timed,
    variant,
)
from rows import changed, judged_as

from benchhub.config.suite import load_suite
from benchhub.model.cell import Variant
from benchhub.model.claim import ClaimAnswer, ClaimOutcome
from benchhub.model.figure import LossLimits
from benchhub.model.flag import Flag, FlagKind
from benchhub.model.launch import Details
from benchhub.model.row import Results, Row, RowProvenance
from benchhub.model.scenario import Scenario
from benchhub.results.claims.judge import answer_claims
from benchhub.results.claims.paired_quality import PairedQuality
from benchhub.results.rows.case_tables import Tables
from benchhub.results.rows.rows import summarize

HOLDS, FAILS, UNTOLD = ClaimOutcome.HOLDS, ClaimOutcome.FAILS, ClaimOutcome.UNTOLD
HEAD = '[[claims]]\nid = "c"\ntext = "t"\nsource = "s"\n'


def one(folder: Path, text: str, results: Results) -> ClaimAnswer:
    (found,) = answers(folder, HEAD + text, results)
    return found


# --- cardiac: 1148x at about 4 % ---

SCULPTED = """\
variants = ["sculpted-*"]
where = [{ quantity = "compression_params", at_least = 1148 }]
holds_for = "any"
ask = [{ quantity = "quality_loss_relative", at_most = 0.04 }]
"""


def sculpted(*losses: float, by: float = 1200, half: float = 0.005) -> Results:
    names = [f"sculpted-{index}" for index in range(len(losses))]
    rows = [judged("fp32", 0.0)]
    rows += [judged(name, loss, half) for name, loss in zip(names, losses, strict=True)]
    return run_of(rows, [variant("fp32"), *(variant(name, by) for name in names)])


def test_1148x_holds_where_the_upper_limit_keeps_the_loss(tmp_path: Path) -> None:
    found = one(tmp_path, SCULPTED, sculpted(0.2, 0.016))
    assert found.verdict is HOLDS
    assert found.measured == pytest.approx(0.02)
    assert found.low < found.measured < found.high < 0.04
    assert found.asked == "quality_loss_relative ≤ 0.04"
    assert found.reason.startswith("sculpted-1 on onnxruntime: ")
    assert "1 of 2" in found.reason


def test_1148x_fails_where_every_variant_loses_more(tmp_path: Path) -> None:
    found = one(tmp_path, SCULPTED, sculpted(0.2, 0.1))
    assert found.verdict is FAILS
    assert found.measured == pytest.approx(0.125)  # the closest
    assert "none of 2" in found.reason
    assert "0.70" in found.because[0]
    assert "300 cases" in found.because[0]


def test_1148x_is_open_while_the_interval_reaches_past(tmp_path: Path) -> None:
    found = one(tmp_path, SCULPTED, sculpted(0.03, half=0.01))
    assert found.verdict is UNTOLD
    assert "reaches past ≤ 0.04" in found.reason
    assert "more cases" in found.reason


def test_1148x_is_open_where_nothing_is_so_small(tmp_path: Path) -> None:
    found = one(tmp_path, SCULPTED, sculpted(0.0, by=800))
    assert found.verdict is UNTOLD
    assert found.measured is None
    assert "compression_params ≥ 1,148" in found.reason
    assert "the most is 800 (sculpted-0)" in found.reason


def test_several_tries_need_wider_limits(tmp_path: Path) -> None:
    alone = one(tmp_path, SCULPTED, sculpted(0.0255))
    among = one(tmp_path, SCULPTED, sculpted(0.0255, *[0.2] * 30))
    assert alone.verdict is HOLDS
    assert among.verdict is UNTOLD
    assert "widened" in among.reason
    assert among.high > 0.04 > alone.high


def test_few_cases_prove_nothing(tmp_path: Path) -> None:
    results = sculpted(0.001)
    rows = tuple(changed(one, quality_cases=20) for one in results.rows)
    results = dataclasses.replace(results, rows=rows)
    found = one(tmp_path, SCULPTED, results)
    assert found.verdict is UNTOLD
    assert "20 cases" in found.reason
    assert one(tmp_path, SCULPTED + "min_cases = 20\n", results).verdict is HOLDS


def test_garbage_proves_nothing_but_may_refute(tmp_path: Path) -> None:
    results = sculpted(0.001)
    # Seen in another scenario of the same artifact.
    other = row("sculpted-0", "memory", flags=(Flag(FlagKind.GARBAGE, "1.1 of the spread"),))
    results = run_of([*results.rows, other], results.variants)
    found = one(tmp_path, SCULPTED, results)
    assert found.verdict is UNTOLD
    assert "garbage: 1.1 of the spread" in found.reason
    worse = sculpted(0.4)
    worse = run_of([*worse.rows, other], worse.variants)
    assert one(tmp_path, SCULPTED, worse).verdict is FAILS


# --- cardiac: the pruned net on a CPU beats the unpruned one on a GPU ---

BEATS_GPU = """\
variants = ["sculpted-*"]
gpu = false
holds_for = "any"
ask = [{ quantity = "p50_ms", over = { variants = ["fp32"], gpu = true }, at_most = 1 }]
"""


def crossing(cpu_ms: float, *gpu_ms: float) -> Results:
    rows = [timed("fp32", 10.0), timed("sculpted-0", cpu_ms, threads=2)]
    for threads, latency in enumerate(gpu_ms, 1):
        rows += [on_gpu(timed("fp32", latency, threads=threads))]
        rows += [on_gpu(timed("sculpted-0", 0.01, threads=threads))]
    return run_of(rows, [variant("fp32"), variant("sculpted-0", 1200)])


def test_cpu_beats_gpu(tmp_path: Path) -> None:
    found = one(tmp_path, BEATS_GPU, crossing(0.4, 0.8))
    assert found.verdict is HOLDS
    assert found.measured == pytest.approx(0.5)
    assert "with" not in found.asked
    assert "fp32 on a GPU" in found.asked


def test_cpu_loses_to_gpu(tmp_path: Path) -> None:
    found = one(tmp_path, BEATS_GPU, crossing(1.6, 0.8))
    assert found.verdict is FAILS
    assert found.measured == pytest.approx(2.0)
    assert any("1,200 times fewer" in line for line in found.because)
    assert any("p50 1.60" in line for line in found.because)


def test_every_gpu_row_must_be_beaten(tmp_path: Path) -> None:
    assert one(tmp_path, BEATS_GPU, crossing(0.4, 0.8, 0.2)).verdict is FAILS


def test_about_as_fast_cannot_be_told(tmp_path: Path) -> None:
    assert one(tmp_path, BEATS_GPU, crossing(0.8, 0.81)).verdict is UNTOLD


def test_without_a_gpu_it_says_so(tmp_path: Path) -> None:
    found = one(tmp_path, BEATS_GPU, crossing(0.4))
    assert found.verdict is UNTOLD
    assert "fp32 on a GPU" in found.reason
    assert "in this run" in found.reason


# --- pathology: 70 % at negligible loss; 90 % and 80 % ---

SEVENTY = """\
variants = ["l2-*"]
where = [{ quantity = "params_removed", at_least = 0.7 }]
holds_for = "any"
ask = [{ quantity = "quality_loss_relative", at_most = 0.01 }]
"""
NINETY = """\
variants = ["l2-*"]
where = [{ quantity = "params_removed", at_least = 0.9 }]
holds_for = "any"
ask = [{ quantity = "latency_removed", at_least = 0.8 }]
"""


@pytest.mark.parametrize(
    ("loss", "half", "verdict"),
    [(0.002, 0.004, HOLDS), (0.1, 0.004, FAILS), (0.008, 0.004, UNTOLD)],
)
def test_seventy_percent(tmp_path: Path, loss: float, half: float, verdict: ClaimOutcome) -> None:
    rows = [judged("fp32", 0.0), judged("l2-70", loss, half), judged("l2-30", 0.0, 0.001)]
    results = run_of(rows, [variant("fp32"), variant("l2-70", 3.4), variant("l2-30", 1.4)])
    assert one(tmp_path, SEVENTY, results).verdict is verdict


@pytest.mark.parametrize(("p50_ms", "verdict"), [(1.5, HOLDS), (4.0, FAILS), (2.01, UNTOLD)])
def test_eighty_percent_of_latency(tmp_path: Path, p50_ms: float, verdict: ClaimOutcome) -> None:
    rows = [timed("fp32", 10.0), timed("l2-90", p50_ms), timed("l2-50", 0.1)]
    results = run_of(rows, [variant("fp32"), variant("l2-90", 10.4), variant("l2-50", 2)])
    found = one(tmp_path, NINETY, results)
    assert found.verdict is verdict
    assert found.measured == pytest.approx(1 - p50_ms / 10)


def test_zeros_that_no_backend_skips_are_told(tmp_path: Path) -> None:
    sparse = variant("l2-90", macs=50_000_000, params=1_148_000, nonzero_params=100_000)
    rows = [timed("fp32", 10.0), timed("l2-90", 9.9), timed("l2-90", 10.1, backend="openvino")]
    found = one(tmp_path, NINETY, run_of(rows, [variant("fp32"), sparse]))
    assert found.verdict is FAILS
    said = " ".join(found.because)
    assert "91% of l2-90's 1,148,000 parameters are zero" in said
    assert "No backend here gains from zeros: onnxruntime, openvino" in said


def profiled(name: str, backend: str = "onnxruntime", **operators_us: int) -> Row:
    """A profile of calls of 100 us."""
    taken = {kind: 1000 * us for kind, us in operators_us.items()}
    profile = {"calls": 3, "call_ns": 100_000, "operators_ns": taken}
    told = RowProvenance(details=Details({"profile": profile}))
    return row(name, "profile", backend=backend, provenance=told)


def test_where_a_call_spends_its_time_is_told(tmp_path: Path) -> None:
    rows = [
        timed("fp32", 10.0), timed("l2-90", 9.9), profiled("fp32", Conv=90, Relu=3),
        profiled("l2-90", Conv=40, Relu=20, Add=6, Mul=3, Div=2), profiled("fp32", "openvino", X=9),
    ]  # fmt: skip
    found = one(tmp_path, NINETY, run_of(rows, [variant("fp32"), variant("l2-90", 10.4)]))
    said = "\n".join(found.because)
    assert (
        "Where a call's time goes in onnxruntime on localhost: fp32: Conv 90%, between operators"
        " 7%, Relu 3%; l2-90: Conv 40%, between operators 29%, Relu 20%, Add 6%, others 5%."
    ) in said
    assert "openvino" not in said


# --- chest X-ray: sizes, losses, int8 on x86 and ARM, overhead on GPUs ---


def named(*factors: float, names: tuple[str, ...] = ("fp16", "int8-a")) -> list[Variant]:
    return [variant("fp32"), *(variant(n, by) for n, by in zip(names, factors, strict=True))]


SMALLER = """\
variants = ["fp16", "int8-a"]
ask = [{ quantity = "compression_bytes", between = [2, 4] }]
"""


def test_files_two_to_four_times_smaller(tmp_path: Path) -> None:
    rows = [judged(name, 0.0) for name in ("fp32", "fp16", "int8-a")]
    found = one(tmp_path, SMALLER, run_of(rows, named(2.01, 3.9)))
    assert (found.verdict, found.asked) == (HOLDS, "compression_bytes ≥ 2 and ≤ 4")
    assert found.measured == found.low == found.high == pytest.approx(2.01, abs=1e-3)
    failed = one(tmp_path, SMALLER, run_of(rows, named(1.9, 3.9)))
    assert failed.verdict is FAILS
    assert "fp16: 1.90" in failed.reason
    assert "2.42 MB of 4.60 MB" in failed.because[0]


def test_a_named_variant_that_was_not_made_leaves_it_open(tmp_path: Path) -> None:
    rows = [judged(name, 0.0) for name in ("fp32", "fp16")]
    skip = make_skip(
        "needs the extra `compress`", variant="int8-a", backend="onnxruntime", scenario="quality"
    )
    found = one(tmp_path, SMALLER, run_of(rows, named(2.01, 3.9), [skip]))
    assert found.verdict is UNTOLD
    assert "int8-a: not measured: needs the extra `compress`" in found.reason


LOSSES = """\
variants = ["fp16", "int8-*"]
ask = [{ quantity = "quality_loss", at_most = 0.009 }]
"""


def test_all_losses_within(tmp_path: Path) -> None:
    rows = [judged("fp32", 0.0), judged("fp16", 0.0, 0.001), judged("int8-a", 0.004, 0.003)]
    found = one(tmp_path, LOSSES, run_of(rows, named(2, 4)))
    assert (found.verdict, found.measured) == (HOLDS, 0.004)  # the closest to the limit
    assert "2 of 2" in found.reason


def test_one_loss_beyond_refutes_all(tmp_path: Path) -> None:
    rows = [judged("fp32", 0.0), judged("fp16", 0.0, 0.001), judged("int8-a", 0.05, 0.003)]
    found = one(tmp_path, LOSSES, run_of(rows, named(2, 4)))
    assert (found.verdict, found.measured) == (FAILS, 0.05)
    assert "1 of 2" in found.reason


def test_one_failed_cell_leaves_all_open(tmp_path: Path) -> None:
    broken = row("int8-a", status="failed", reason="load: crash: segfault")
    rows = [judged("fp32", 0.0), judged("fp16", 0.0, 0.001), broken]
    found = one(tmp_path, LOSSES, run_of(rows, named(2, 4)))
    assert found.verdict is UNTOLD
    assert "segfault" in found.reason


SLOWER = """\
variants = ["int8-*"]
arch = ["x86_64"]
gpu = false
each = "backend"
ask = [{ quantity = "speedup", at_most = 1 }]
"""


def quantized(*rows: Row) -> Results:
    base = [timed("fp32", 10.0, backend=name) for name in ("onnxruntime", "openvino", "tflite")]
    return run_of([*base, *rows], named(4, names=("int8-a",)))


def test_int8_slower_on_x86_backend_by_backend(tmp_path: Path) -> None:
    results = quantized(
        timed("int8-a", 12.0),
        timed("int8-a", 5.0, backend="openvino"),
        timed("int8-a", 10.0, backend="tflite"),
    )
    slower, faster, same = answers(tmp_path, HEAD + SLOWER, results)
    assert [a.id for a in (slower, faster, same)] == ["c/onnxruntime", "c/openvino", "c/tflite"]
    assert [a.verdict for a in (slower, faster, same)] == [HOLDS, FAILS, UNTOLD]
    assert slower.text == "t (onnxruntime)"
    assert "no instructions for int8 products" in " ".join(faster.because)
    together = one(tmp_path, SLOWER.replace('each = "backend"\n', ""), results)
    assert together.verdict is FAILS
    assert "int8-a on openvino, 1 thread" in together.reason


def test_a_disturbed_row_proves_and_refutes_nothing(tmp_path: Path) -> None:
    for p50_ms in (5.0, 20.0):
        results = quantized(disturbed(timed("int8-a", p50_ms)))
        found = one(tmp_path, SLOWER.replace('each = "backend"\n', ""), results)
        assert found.verdict is UNTOLD
        assert "throttled: 3 events" in found.reason


ON_ARM = """\
variants = ["int8-*"]
arch = ["aarch64"]
holds_for = "any"
ask = [{ quantity = "latency_removed", at_least = 0.57 }]
"""


def test_emulated_times_tell_nothing(tmp_path: Path) -> None:
    results = quantized(emulated(timed("int8-a", 2.0)))
    found = one(tmp_path, ON_ARM, results)
    assert found.verdict is UNTOLD
    assert found.measured is None
    assert "emulated devices (arm-vm)" in found.reason
    assert "real device" in found.reason


def test_no_arm_device_is_named(tmp_path: Path) -> None:
    found = one(tmp_path, ON_ARM, quantized(timed("int8-a", 2.0)))
    assert found.verdict is UNTOLD
    assert found.reason == "no device of architecture aarch64 in this run (it has x86_64)"


@pytest.mark.parametrize(("p50_ms", "verdict"), [(3.5, HOLDS), (9.0, FAILS), (4.3, UNTOLD)])
def test_a_real_arm_device_decides(tmp_path: Path, p50_ms: float, verdict: ClaimOutcome) -> None:
    found_on = {"device": "pi", "arch": "aarch64"}
    results = quantized(timed("int8-a", p50_ms, **found_on), emulated(timed("int8-a", 1.0)))
    assert one(tmp_path, ON_ARM, results).verdict is verdict


def test_quality_of_emulated_devices_counts(tmp_path: Path) -> None:
    rows = [judged("fp32", 0.0), judged("fp16", 0.0, 0.001)]
    rows += [emulated(judged("int8-a", 0.001, 0.001))]
    assert one(tmp_path, LOSSES, run_of(rows, named(2, 4))).verdict is HOLDS


OVERHEAD = """\
variants = ["int8-*"]
gpu = true
ask = [
    { quantity = "overhead_share", at_least = 0.5 },
    { quantity = "speedup", at_most = 1.1 },
]
"""


def on_accelerator(overhead_ms: float, p50_ms: float) -> Row:
    known = {"low": overhead_ms * 0.98, "high": overhead_ms * 1.02, "method": "launches"}
    return changed(
        on_gpu(timed("int8-a", p50_ms)),
        overhead_p50_ms=overhead_ms,
        device_p50_ms=p50_ms - overhead_ms,
        intervals={"overhead_p50_ms": known},
    )


def test_overhead_eats_the_gain(tmp_path: Path) -> None:
    found = one(tmp_path, OVERHEAD, quantized(on_accelerator(9.0, 10.0)))
    assert found.verdict is HOLDS
    assert found.measured == pytest.approx(0.9)


def test_a_gain_that_overhead_leaves(tmp_path: Path) -> None:
    found = one(tmp_path, OVERHEAD, quantized(on_accelerator(4.0, 5.0)))
    assert found.verdict is FAILS
    assert found.asked == "speedup ≤ 1.1"
    assert any("4.00 ms are launching" in line for line in found.because)


def test_overhead_without_a_gpu(tmp_path: Path) -> None:
    found = one(tmp_path, OVERHEAD, quantized(timed("int8-a", 10.0)))
    assert found.verdict is UNTOLD
    assert "no GPU in this run" in found.reason


# --- nuclei: compression by branch, in several metrics; layer-wise against network-wide ---

CR = """\
variants = ["layer-16", "network-16"]
where = [{ quantity = "achieved_compression", at_least = 15.9 }]
holds_for = "any"
ask = [{ quantity = "quality_loss_relative", metric = "aji", at_most = 0.02 }]
"""


def pruned(*losses: float) -> Results:
    """Layer- and network-wise variants whose AJI of .5 lost so much, their Dice nothing."""
    rows = [judged("fp32", 0.0)]
    for name, loss in zip(("layer-16", "network-16"), losses, strict=True):
        also = judged_as(
            metric="aji", value=0.5 - loss, low=0.4, high=0.6, baseline=0.5,
            loss=LossLimits(loss, loss - 0.001, loss + 0.001, None),
            share=LossLimits(loss / 0.5, loss / 0.5 - 0.002, loss / 0.5 + 0.002, None),
        )  # fmt: skip
        rows.append(judged(name, 0.0, quality_also={"aji": also}))
    made = {"achieved_compression": "16.01"}
    variants = [variant(name, provenance=made) for name in ("layer-16", "network-16")]
    return run_of(rows, [variant("fp32"), *variants])


@pytest.mark.parametrize(
    ("losses", "verdict"),
    [((0.005, 0.1), HOLDS), ((0.05, 0.1), FAILS), ((0.0099, 0.1), UNTOLD)],
)
def test_a_compression_in_another_metric(
    tmp_path: Path, losses: tuple[float, float], verdict: ClaimOutcome
) -> None:
    found = one(tmp_path, CR, pruned(*losses))
    assert found.verdict is verdict
    assert found.measured == pytest.approx(losses[0] / 0.5)
    assert "(aji)" in found.asked


def test_a_metric_that_was_not_measured(tmp_path: Path) -> None:
    found = one(tmp_path, CR.replace('"aji"', '"pq"'), pruned(0.001, 0.1))
    assert found.verdict is UNTOLD
    assert "no metric pq: this run has dice, aji" in found.reason


CROSSOVER = """\
[[claims.parts]]
variants = ["layer-4"]
ask = [{ quantity = "quality_loss", minus = { variants = ["network-4"] }, at_most = 0 }]
[[claims.parts]]
variants = ["layer-32"]
ask = [{ quantity = "quality_loss", minus = { variants = ["network-32"] }, at_least = 0 }]
"""


def crossover(layer4: float, network4: float, layer32: float, network32: float) -> Results:
    losses = {
        "layer-4": layer4, "network-4": network4, "layer-32": layer32, "network-32": network32
    }  # fmt: skip
    rows = [judged("fp32", 0.0), *(judged(name, loss) for name, loss in losses.items())]
    return run_of(rows, [variant("fp32"), *(variant(name) for name in losses)])


def test_a_crossover(tmp_path: Path) -> None:
    found = one(tmp_path, CROSSOVER, crossover(0.01, 0.03, 0.3, 0.2))
    assert found.verdict is HOLDS
    assert "all parts hold" in found.reason
    other_way = one(tmp_path, CROSSOVER, crossover(0.01, 0.03, 0.2, 0.3))
    assert other_way.verdict is FAILS
    assert other_way.reason.startswith("part 2 of 2: ")
    assert other_way.measured == pytest.approx(-0.1)
    close = one(tmp_path, CROSSOVER, crossover(0.01, 0.011, 0.3, 0.2))
    assert close.verdict is UNTOLD
    assert close.reason.startswith("part 1 of 2: ")


def test_what_it_is_set_against_must_be_sound(tmp_path: Path) -> None:
    results = crossover(0.01, 0.03, 0.3, 0.2)
    bad = {"status": "failed", "reason": "load: crash: out of memory"}
    rows = (changed(one, **bad) if one.variant == "network-4" else one for one in results.rows)
    results = dataclasses.replace(results, rows=tuple(rows))
    found = one(tmp_path, CROSSOVER, results)
    assert found.verdict is UNTOLD
    assert "network-4 on onnxruntime, which it is set against" in found.reason


# --- the frame ---


def test_answers_keep_the_suites_order(tmp_path: Path) -> None:
    text = "".join(HEAD.replace('"c"', f'"{name}"') + SCULPTED for name in ("z", "a", "m"))
    assert [a.id for a in answers(tmp_path, text, sculpted(0.01))] == ["z", "a", "m"]


def test_the_baseline_is_no_candidate_unless_named(tmp_path: Path) -> None:
    ask = 'ask = [{ quantity = "quality_loss", at_most = 0.5 }]\n'
    only = run_of([judged("fp32", 0.0)], [variant("fp32")])
    assert one(tmp_path, ask, only).verdict is UNTOLD
    assert one(tmp_path, 'variants = ["fp32"]\n' + ask, only).verdict is HOLDS


def test_limits_of_two_launches_are_none(tmp_path: Path) -> None:
    memory = row(
        "int8-a", "memory", peak_rss_mib=10.0, launches=2,
        intervals={"peak_rss_mib": {"low": 9.0, "high": 11.0, "confidence": 0.5}},
    )  # fmt: skip
    ask = 'ask = [{ quantity = "peak_rss_mib", at_most = 50 }]\n'
    found = one(tmp_path, ask, run_of([memory], named(4, names=("int8-a",))))
    assert found.verdict is UNTOLD
    assert "2 launches give no 95 % limits" in found.reason


def test_a_withheld_percentile_says_what_it_needs(tmp_path: Path) -> None:
    held = row("int8-a", "latency", withheld={"p99_ms": "needs n_eff >= 382 (has 40)"})
    ask = 'ask = [{ quantity = "p99_ms", at_most = 50 }]\n'
    found = one(tmp_path, ask, run_of([held], named(4, names=("int8-a",))))
    assert found.verdict is UNTOLD
    assert "needs n_eff >= 382 (has 40)" in found.reason


def test_differences_of_quality_are_paired_where_that_can_be(tmp_path: Path) -> None:
    """The same two models: their own intervals leave open what their cases tell."""
    run, answer_key, metric = make_run(), make_answer_key(cases=400), accuracy()
    wrong = np.flatnonzero(answer_key.reference[0].argmax(axis=1) == answer_key.labels)
    outputs = {"fp32": answer_key.reference[0]}
    for name, lost in (("layer-4", wrong[:20]), ("network-4", wrong[:36])):
        outputs[name] = answer_key.reference[0].copy()
        outputs[name][lost] = outputs[name][lost][:, ::-1]
    cells = [
        make_cell(variant=name, model_sha256=digit * 64, scenario=Scenario.QUALITY, launches=1)
        for name, digit in zip(outputs, "abc", strict=True)
    ]
    launches = [make_launch(cell, outputs=(outputs[cell.variant],)) for cell in cells]
    variants = [make_variant(cell.variant, sha256=cell.model_sha256) for cell in cells]
    rows = summarize(
        run, cells, launches, variants, [make_device()], answer_key=answer_key, metric=metric
    )  # fmt: skip
    results = run_of(rows, variants)
    paired = PairedQuality(
        lambda key: [one for one in launches if one.cell.key == key],
        answer_key, [metric], 0, Tables(),
    )  # fmt: skip
    text = HEAD + (
        'variants = ["layer-4"]\n'
        'ask = [{ quantity = "quality_loss", minus = { variants = ["network-4"] }, at_most = 0 }]\n'
    )
    claims = load_suite(read(tmp_path, text, ["layer-4", "network-4"])).claims
    (apart,) = answer_claims(claims, results)
    (together,) = answer_claims(claims, results, paired)
    assert [apart.measured, together.measured] == pytest.approx([-0.04, -0.04])
    assert apart.verdict is UNTOLD
    assert together.verdict is HOLDS
    assert "paired by case" in together.reason
    assert apart.low < together.low < together.high < apart.high


def test_each_variant_answers_for_itself(tmp_path: Path) -> None:
    text = HEAD + 'each = "variant"\nask = [{ quantity = "quality_loss", at_most = 0.01 }]\n'
    rows = [judged("fp32", 0.0), judged("fp16", 0.0, 0.001), judged("int8-a", 0.1)]
    found = answers(tmp_path, text, run_of(rows, named(2, 4)))
    assert [(a.id, a.verdict) for a in found] == [("c/fp16", HOLDS), ("c/int8-a", FAILS)]


def test_each_without_any_is_one_answer(tmp_path: Path) -> None:
    text = (
        'variants = ["int8-*"]\neach = "backend"\nask = [{ quantity = "speedup", at_least = 1 }]\n'
    )
    found = one(tmp_path, text, run_of([judged("fp32", 0.0)], named(4, names=("int8-a",))))
    assert (found.id, found.verdict) == ("c", UNTOLD)


def test_a_variant_that_one_backend_cannot_read_is_not_missing_there(tmp_path: Path) -> None:
    text = 'variants = ["fp16", "int8-a"]\neach = "backend"\nholds_for = "any"\n'
    text += 'ask = [{ quantity = "speedup", at_least = 1.1 }]\n'
    rows = [timed("fp32", 10.0), timed("fp16", 10.0), timed("int8-a", 10.0, backend="tflite")]
    found = answers(tmp_path, HEAD + text, run_of(rows, named(2, 4)))
    assert [(a.id, a.verdict) for a in found] == [("c/onnxruntime", FAILS), ("c/tflite", FAILS)]


@pytest.mark.parametrize(
    ("quantity", "caps", "verdict"),
    [
        ("quality_loss", True, UNTOLD),
        ("quality_loss", False, HOLDS),
        ("quality_loss_relative", True, UNTOLD),
        ("quality", True, HOLDS),
    ],
)
def test_a_loss_against_a_baseline_below_chance_is_untold(
    tmp_path: Path, quantity: str, caps: bool, verdict: ClaimOutcome
) -> None:
    flag = Flag(FlagKind.BELOW_CHANCE, "dice of the baseline is 0.8, and one answer has 0.9", caps)
    rows = [judged("fp32", 0.0, flags=(flag,)), judged("int8", 0.01, flags=(flag,))]
    text = f'variants = ["int8"]\nask = [{{ quantity = "{quantity}", at_most = 0.9 }}]\n'
    found = one(tmp_path, text, run_of(rows, [variant("fp32"), variant("int8")]))
    assert found.verdict is verdict
    assert ("below_chance" in found.reason) is (verdict is UNTOLD)
