from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from builders import make_budget, make_cell
from rows import changed, make_row

from benchhub.errors import ConfigError
from benchhub.model.asked import EFFORTS
from benchhub.model.cell import CellKind, Plan, Skip, SkipKind, SkipReason
from benchhub.model.figure import BY_DEFINITION
from benchhub.model.flag import Flag, FlagKind
from benchhub.model.row import Row, Verdict
from benchhub.model.scenario import VerdictOutcome as Outcome
from benchhub.results.verdicts.judge import check_budgets, check_names, exit_code, judge, unjudged
from benchhub.results.verdicts.next_steps import _LAUNCHES
from benchhub.run.planning.plan import _SHARES


def row_of(scenario="latency", **changes):
    values = {
        "device": "rpi", "variant": "int8", "scenario": scenario, "launches": 10,
        "cell": f"{scenario}-cell", "model_bytes": 1000,
    }  # fmt: skip
    return make_row(**(values | changes))


def latency(low=9.0, p95=10.0, high=11.0, **changes):
    intervals = {"p95_ms": {"low": low, "high": high}}
    return row_of(p95_ms=p95, intervals=intervals, **changes)


def quality(loss=0.005, low=0.001, upper=0.009, baseline=0.8, cases=300, groups=200, **changes):
    share = baseline and {
        "estimate": loss / baseline, "low": low / baseline, "high": None,
        "upper_one_sided": None if upper is None else upper / baseline,
    }  # fmt: skip
    described = {"low": low, "high": 1.0, "upper_one_sided": upper, "baseline": baseline}
    described["groups"] = groups
    intervals = {"quality_loss": described | {"share": share}}
    return row_of("quality", quality_loss=loss, quality_cases=cases, intervals=intervals, **changes)


def one(row, **budget):
    (verdict,) = judge([row] if isinstance(row, Row) else row, [make_budget(**budget)])
    return verdict


P95 = {"latency_p95_ms": 10.5}


def test_no_pass_for_threads_that_the_launches_had_no_cores_for():
    doubt = Flag(FlagKind.OVERSUBSCRIBED, "4 threads on 2 cores (affinity mask)", caps=True)
    verdict = one(latency(flags=(doubt,)), latency_p95_ms=11.0)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason == "oversubscribed: 4 threads on 2 cores (affinity mask)"
    assert verdict.next_step.startswith("ask for no more threads than there are cores")


@pytest.mark.parametrize(
    ("limit", "outcome"),
    [(11.0, Outcome.PASS), (10.5, Outcome.INCONCLUSIVE), (9.0, Outcome.INCONCLUSIVE),
     (8.9, Outcome.FAIL)],
)  # fmt: skip
def test_a_limit_is_held_against_the_interval(limit, outcome):
    verdict = one(latency(), latency_p95_ms=limit)
    assert verdict.outcome is outcome
    assert (verdict.value, verdict.low, verdict.high) == (10, 9, 11)
    assert (verdict.column, verdict.limit, verdict.cell) == ("p95_ms", limit, "latency-cell")
    assert verdict.reason


def look(launches, low, high):
    return {
        "launches": launches, "iterations": 200 * launches, "estimate": 10.1, "low": low,
        "high": high, "n_eff": 99.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("limit", "outcome", "launches"),
    [
        (12.0, Outcome.PASS, 10),
        (10.8, Outcome.PASS, 16),
        (8.5, Outcome.FAIL, 10),
        (9.5, Outcome.FAIL, 16),
        (10.0, Outcome.INCONCLUSIVE, 25),
    ],
)
def test_the_first_look_that_can_tell_decides(limit, outcome, launches):
    looks = [look(10, 9.0, 11.0), look(16, 9.6, 10.7), look(25, 9.7, None)]
    intervals = {"p95_ms": {"low": 9.8, "high": 10.2, "looks": looks}}
    row = row_of(launches=25, p95_ms=10.0, intervals=intervals)
    verdict = one(row, latency_p95_ms=limit)
    assert (verdict.outcome, verdict.launches) == (outcome, launches)


def test_what_is_withheld_may_still_break_its_limit():
    looks = [look(10, 12.0, None)]
    row = row_of(withheld=WITHHELD, intervals={"p95_ms": {"looks": looks}})
    verdict = one(row, **P95)
    assert (verdict.outcome, verdict.value, verdict.low) == (Outcome.FAIL, None, 12.0)
    assert one(row, latency_p95_ms=12.5).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("limit", "outcome"),
    [(89.0, Outcome.PASS), (100.0, Outcome.INCONCLUSIVE), (111.0, Outcome.FAIL)],
)
def test_throughput_has_a_lowest_value(limit, outcome):
    row = row_of(
        "throughput",
        throughput_per_s=100.0,
        intervals={"throughput_per_s": {"low": 90.0, "high": 110.0}},
    )
    assert one(row, throughput_min_per_s=limit).outcome is outcome


NEVER_PASS = [
    (latency(high=10.1, launches=9), "needs 10 launches, has 9; run with --effort standard"),
    (latency(high=10.1, status="failed", reason="load: crashed: signal 11"), "signal 11"),
    (latency(high=10.1, status="unmeasured", reason="no launch was made"), "unmeasured"),
    (latency(high=10.1, emulated=True), "emulated"),
    (latency(high=10.1, flags=(Flag(FlagKind.THROTTLED, "3 events"),)), "throttled: 3 events"),
    (latency(high=None), "limits of p95_ms are unknown"),
    (row_of(withheld={"p95_ms": "needs n_eff >= 76 (has 9)"}), "needs n_eff >= 76"),
    (row_of("quality"), r"add \[scenarios.latency\]"),
]


@pytest.mark.parametrize(("row", "reason"), NEVER_PASS)
def test_what_is_not_known_is_never_a_pass(row, reason):
    verdict = one(row, **P95)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(f"{verdict.reason}; {verdict.next_step}")


WITHHELD = {"p95_ms": "needs n_eff >= 102 (has 19)"}
NEXT_STEPS = [
    (row_of(launches=3, withheld=WITHHELD), P95, "run with --effort standard, or raise"),
    (row_of(launches=10, withheld=WITHHELD), P95, "run with --effort rigorous, or raise"),
    (
        row_of(launches=25, withheld=WITHHELD),
        P95,
        "p95_ms is withheld, needs n_eff >= 102 (has 19); "
        "set launches in [scenarios.latency] to 50",
    ),
    (
        latency(flags=(Flag(FlagKind.FOREIGN_CPU, "12%", caps=False),)),
        P95,
        "stop the other programs on the device, then run with --effort rigorous",
    ),
    (
        row_of("throughput", throughput_per_s=100.0, launches=3),
        {"throughput_min_per_s": 50.0},
        "needs 10 launches, has 3; set launches in [scenarios.throughput] to 10",
    ),
    (
        row_of("memory", peak_rss_mib=100.0, launches=3),
        {"peak_rss_mib": 110.0},
        "run with --effort standard",
    ),
    (quality(upper=0.02), {"quality_loss_max": 0.01}, "raise cases in [scenarios.quality]"),
    (
        row_of("quality"),
        {"quality_loss_max": 0.01},
        "quality was not judged: no labels, or no metric that is installed here",
    ),
]


@pytest.mark.parametrize(("row", "budget", "step"), NEXT_STEPS)
def test_what_cannot_be_told_names_a_step_that_helps(row, budget, step):
    verdict = one(row, **budget)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert step in f"{verdict.reason}; {verdict.next_step}"


STEPS_FROM_THE_ROW = [
    (row_of(launches=2, withheld=WITHHELD), P95, "needs 10 launches, has 2",
     "run with --effort standard, or raise launches in [scenarios.latency]"),
    (row_of(), P95, "p95_ms was not measured: no launch timed a call",
     "raise iterations or max_timed_s in [scenarios.latency]"),
    (latency(flags=(Flag(FlagKind.COARSE_CLOCK, "2 values", caps=False),)), P95,
     "cannot be told: the interval reaches past the budget (upper limit 11)",
     "raise batch in [scenarios.latency]: the clock is too coarse for such calls"),
    (row_of("quality", peak_rss_mib=100.0, launches=1,
              flags=(Flag(FlagKind.FOREIGN_CPU, "12%", caps=False),)),
     {"peak_rss_mib": 110.0}, "needs 5 launches, has 1", "add [scenarios.memory] to the suite"),
    (latency(status="unmeasured", reason="every launch was interrupted"), P95,
     "the cell is unmeasured: every launch was interrupted",
     "go on with `benchhub run --resume r`"),
    (latency(status="failed", reason="load: raised: no such operator"), P95,
     "the cell is failed: load: raised: no such operator",
     "fix the cause, then `benchhub run --rerun-failed r`"),
    (row_of(emulated=True, withheld=WITHHELD), P95,
     "emulated: its times say nothing about a real device", "measure on a real device"),
    (latency(flags=(Flag(FlagKind.THROTTLED, "3 events"),)), P95, "throttled: 3 events",
     "let the device settle, or cool it, and measure again"),
    (latency(flags=(Flag(FlagKind.THROTTLED, "3 events"), Flag(FlagKind.STEAL, "30 %"))), P95,
     "throttled: 3 events; steal: 30 %", "quiet the device and measure again"),
    (latency(flags=(Flag(FlagKind.NO_STEADY_STATE, "half"),)), P95, "no_steady_state: half",
     "raise iterations in [scenarios.latency] until launches settle"),
    (quality(upper=0.02), {"quality_loss_max": 0.005},
     "cannot be told: the interval reaches past the budget (upper limit 0.02)",
     "raise cases in [scenarios.quality]"),
    (row_of(model_bytes=None), {"model_bytes": 10}, "model_bytes is not known for this model",
     "remove this limit from the budget"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "budget", "reason", "step"), STEPS_FROM_THE_ROW)
def test_the_reason_and_the_next_step_stand_apart(row, budget, reason, step):
    verdict = one(row, **budget)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert (verdict.reason, verdict.next_step) == (reason, step)


@pytest.mark.parametrize(
    ("row", "budget", "step"),
    [
        (latency(), {"latency_p95_ms": 8.0}, "choose a faster variant or backend"),
        (latency(flags=(Flag(FlagKind.STEAL, "30 %"),)), {"latency_p95_ms": 8.0},
         "quiet the device and measure again before you choose a faster variant"),
        (latency(flags=(Flag(FlagKind.GARBAGE, "0.9 off"),)), P95, "check the recipe"),
        (latency(), {"model_bytes": 10}, "compress further; or raise the budget"),
        (quality(low=0.02, loss=0.03), {"quality_loss_max": 0.01}, "compress less"),
        (row_of("throughput", throughput_per_s=9.0,
                  intervals={"throughput_per_s": {"low": 8.0, "high": 10.0}}),
         {"throughput_min_per_s": 11.0},
         "choose a faster variant, or raise batch or concurrency; or lower the budget"),
    ],
)  # fmt: skip
def test_a_broken_limit_says_what_to_change(row, budget, step):
    verdict = one(row, **budget)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.next_step.startswith(step)


def test_a_pass_asks_for_nothing():
    assert one(latency(), latency_p95_ms=11.0).next_step == ""


def test_the_value_is_that_of_the_look_that_decided():
    looks = [look(10, 9.0, 11.0), look(16, 9.6, 10.7), look(25, 9.7, 10.4)]
    intervals = {"p95_ms": {"low": 9.8, "high": 10.2, "looks": looks}}
    verdict = one(row_of(launches=25, p95_ms=9.5, intervals=intervals),
                  latency_p95_ms=10.8)  # fmt: skip
    assert (verdict.low, verdict.value, verdict.high) == (9.6, 10.1, 10.7)
    assert (verdict.launches, verdict.looks) == (16, (10, 16))


def test_the_launches_of_an_effort_are_those_the_plan_makes():
    for scenario, known in _LAUNCHES.items():
        for effort, launches in known.items():
            assert launches == round(EFFORTS[effort].launches * _SHARES[scenario][0])


def test_no_budget_applies_to_the_null_backend():
    null = latency(backend="null", variant="none", model_sha256="", kind=CellKind.HARNESS)
    assert judge([null], [make_budget(**P95, quality_loss_max=0.01, peak_rss_mib=1)]) == ()
    cells = (*CELLS, make_cell(backend="null"))
    with pytest.raises(ConfigError, match="backend null is not in this run"):
        check_budgets([make_budget(backends=("null",))], cells)


def test_the_baseline_loses_nothing_against_itself():
    itself = {"quality_loss": {"low": None, "high": None, "method": BY_DEFINITION}}
    row = row_of("quality", quality_loss=0.0, quality_cases=50, intervals=itself)
    verdict = one(row, quality_loss_max=0.01)
    assert (verdict.outcome, verdict.low, verdict.high) == (Outcome.PASS, None, None)
    assert "by definition" in verdict.reason


def test_a_flag_that_does_not_cap_changes_nothing():
    row = latency(high=10.1, flags=(Flag(FlagKind.HOT, "84 °C", caps=False),))
    assert one(row, **P95).outcome is Outcome.PASS


def test_a_disturbed_fail_tells_of_the_disturbance():
    verdict = one(latency(low=12.0, flags=(Flag(FlagKind.STEAL, "20%"),)), **P95)
    assert verdict.outcome is Outcome.FAIL
    assert "steal: 20%" in verdict.reason


def test_one_launch_decides_nothing():
    row = latency(low=12.0, launches=1, flags=(Flag(FlagKind.SINGLE_LAUNCH, "x"),))
    assert one(row, **P95).outcome is Outcome.INCONCLUSIVE


def test_garbage_fails_every_budget_of_the_variant_there():
    garbage = (Flag(FlagKind.GARBAGE, "outputs lie 0.9 off"),)
    rows = [latency(high=1.0, p95=1.0, low=1.0), quality(flags=garbage)]
    elsewhere = latency(high=1.0, device="other")
    asked = make_budget(latency_p95_ms=10.5, quality_loss_max=1.0, model_bytes=10**9)
    verdicts = judge([*rows, elsewhere], [asked])
    here = [verdict for verdict in verdicts if verdict.device == "rpi"]
    assert len(here) == 3
    assert {verdict.outcome for verdict in here} == {Outcome.FAIL}
    assert all("outputs lie 0.9 off" in verdict.reason for verdict in here)
    assert next(v for v in verdicts if v.device == "other").outcome is Outcome.PASS


def test_garbage_of_another_precision_or_option_is_not_this_ones():
    garbage = {"flags": (Flag(FlagKind.GARBAGE, "outputs lie 0.9 off"),)}
    asked = {"latency_p95_ms": 11.5}
    for other in ({"precision": "f16"}, {"precision": "f32", "options": "provider=acl"}):
        rows = [latency(precision="f32"), latency(**other), quality(**other, **garbage)]
        assert [v.outcome for v in judge(rows, [make_budget(**asked)])] == [
            Outcome.PASS,
            Outcome.FAIL,
        ]
        (size,) = judge(rows, [make_budget(model_bytes=10**9)])
        assert size.outcome is Outcome.FAIL
    unknown = [latency(precision="f32"), quality(precision=None, **garbage)]
    assert one(unknown, **asked).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("row", "budget", "outcome"),
    [
        (quality(), {"quality_loss_max": 0.01}, Outcome.PASS),
        (quality(upper=0.011), {"quality_loss_max": 0.01}, Outcome.INCONCLUSIVE),
        (quality(low=0.011, upper=0.02), {"quality_loss_max": 0.01}, Outcome.FAIL),
        (
            quality(),
            {"quality_loss_max": 0.01, "quality_loss_relative": True},
            Outcome.INCONCLUSIVE,
        ),
        (quality(), {"quality_loss_max": 0.012, "quality_loss_relative": True}, Outcome.PASS),
        (quality(groups=199), {"quality_loss_max": 0.01}, Outcome.INCONCLUSIVE),
        (quality(groups=50), {"quality_loss_max": 0.01, "quality_min_cases": 50}, Outcome.PASS),
        (quality(upper=None), {"quality_loss_max": 0.01}, Outcome.INCONCLUSIVE),
        (quality(emulated=True, launches=1), {"quality_loss_max": 0.01}, Outcome.PASS),
        (latency(), {"quality_loss_max": 0.01}, Outcome.INCONCLUSIVE),
    ],
)
def test_quality_is_a_test_of_non_inferiority(row, budget, outcome):
    assert one(row, **budget).outcome is outcome


def test_a_batch_that_only_one_option_was_judged_at_is_open_for_the_other():
    unlike = {"flags": (Flag(FlagKind.BATCH_DEPENDENT, "outputs lie apart", caps=True),)}
    judged_at_8 = dataclasses.replace(quality(), batch=8, options="provider=cpu")
    rows = [
        judged_at_8,
        latency(batch=8, options="provider=cpu", **unlike),
        latency(batch=8, options="provider=xnnpack", **unlike),
    ]
    found = judge(rows, [make_budget(quality_loss_max=0.01)])
    assert [verdict.outcome for verdict in found] == [Outcome.PASS, Outcome.INCONCLUSIVE]


def test_relative_loss_is_a_share_of_the_baseline_with_limits_of_its_own():
    share = {"estimate": 0.005 / 0.8, "low": 0.0, "high": None, "upper_one_sided": 0.0125}
    row = changed(quality(), intervals={"quality_loss": {"share": share}})
    verdict = one(row, quality_loss_max=0.013, quality_loss_relative=True)
    assert (verdict.outcome, verdict.high) == (Outcome.PASS, 0.0125)
    assert verdict.value == pytest.approx(0.005 / 0.8)
    verdict = one(row, quality_loss_max=0.012, quality_loss_relative=True)
    assert verdict.outcome is Outcome.INCONCLUSIVE


def test_no_loss_is_a_share_of_nothing():
    verdict = one(quality(baseline=0.0), quality_loss_max=0.5, quality_loss_relative=True)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "the baseline's quality is 0" in verdict.reason
    assert "in points" in verdict.next_step


def test_few_differing_cases_are_named_as_the_reason():
    row = changed(quality(upper=0.02), intervals={"quality_loss": {"method": "Clopper-Pearson"}})
    verdict = one(row, quality_loss_max=0.01)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "so few cases differ" in verdict.reason
    assert verdict.next_step == "raise cases in [scenarios.quality]"


@pytest.mark.parametrize(("limit", "outcome"), [(1000, Outcome.PASS), (999, Outcome.FAIL)])
def test_model_bytes_are_exact_and_judged_once(limit, outcome):
    assert one([latency(), quality()], model_bytes=limit).outcome is outcome


@pytest.mark.parametrize("limit", [50, 200])
def test_memory_of_an_emulated_device_is_the_emulators_too(limit):
    described = {"peak_rss_mib": {"low": 90.0, "high": 110.0}}
    row = row_of("memory", peak_rss_mib=100.0, intervals=described, launches=5, emulated=True)
    verdict = one(row, peak_rss_mib=limit)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "the emulator's own" in verdict.reason


def test_memory_is_judged_in_its_own_cells_or_else_where_it_was_seen():
    described = {"low": 90.0, "high": 110.0}
    seen = {"peak_rss_mib": 100.0, "intervals": {"peak_rss_mib": described}}
    rows = [row_of(**seen), row_of("memory", **seen, launches=5)]
    assert one(rows, peak_rss_mib=110).cell == "memory-cell"
    assert one(rows, peak_rss_mib=110).outcome is Outcome.PASS
    assert one(rows[:1], peak_rss_mib=110).cell == "latency-cell"
    few = row_of("memory", **seen, launches=4)
    assert one(few, peak_rss_mib=110).reason.startswith("needs 5 launches")


def test_selectors_choose_cells():
    rows = [latency(threads=n, device=device) for n in (1, 2) for device in ("rpi", "other")]
    verdicts = judge(rows, [make_budget(devices=("rpi",), threads=(2,), **P95)])
    assert [(verdict.device, verdict.threads) for verdict in verdicts] == [("rpi", 2)]
    assert len(judge(rows, [make_budget(**P95)])) == 4
    assert judge(rows, [make_budget(backends=("openvino",), **P95)]) == ()


def verdict(outcome):
    return Verdict(
        "c", "d", "v", "b", "latency", 1, 1, "edge", "latency_p95_ms", "p95_ms", 1.0, None, None,
        None, 10, outcome, "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("outcomes", "failed", "code"),
    [
        ([], 0, 0),
        ([Outcome.PASS], 0, 0),
        ([Outcome.PASS, Outcome.INCONCLUSIVE], 0, 4),
        ([Outcome.INCONCLUSIVE, Outcome.FAIL], 0, 1),
        ([Outcome.FAIL], 1, 3),
        ([Outcome.PASS], 1, 3),
    ],
)
def test_the_worst_wins(outcomes, failed, code):
    assert exit_code([verdict(outcome) for outcome in outcomes], failed) == code


CELLS = (make_cell(device="raspberry-pi-4"), make_cell(device="localhost", threads=2))


@pytest.mark.parametrize(
    ("selectors", "message"),
    [
        ({"devices": ("raspberry-pi-5",)}, "device raspberry-pi-5 .*did you mean raspberry-pi-4"),
        ({"variants": ("fp23",)}, "variant fp23 .*did you mean fp32"),
        ({"backends": ("tflite",)}, "backend tflite is not in this run; known: onnxruntime"),
        ({"threads": (8,)}, "thread count 8 is not in this run"),
        ({"devices": ("localhost",), "threads": (1,)}, "together"),
    ],
)
def test_a_budget_for_no_cell_is_a_mistake(selectors, message):
    with pytest.raises(ConfigError, match=f"budget edge matches no cell: .*{message}"):
        check_budgets([make_budget(**selectors)], CELLS)


FILE = Path("budgets.toml")
SKIPPED = Skip("rpi", "int4", "tflite", "latency", SkipReason(SkipKind.UNBUILT, "no such model"))


@pytest.mark.parametrize(
    ("selectors", "message"),
    [
        ({"variants": ("int8", "int9")}, "budgets.toml: budget edge names variant int9, .* int8"),
        ({"devices": ("rpi", "moon")}, "names device moon"),
        ({"backends": ("onnxruntime", "onxruntime")}, "names backend onxruntime"),
        ({"threads": (1, 64)}, "names thread count 64"),
    ],
)
def test_a_name_that_a_run_never_heard_of_is_a_mistake_beside_others_too(selectors, message):
    plan = Plan((make_cell(device="rpi", variant="int8"),), (SKIPPED,))
    with pytest.raises(ConfigError, match=message):
        check_names(FILE, [make_budget(**(P95 | selectors))], plan)
    with pytest.raises(ConfigError, match=r"budgets.toml: budget edge sets no limit"):
        check_names(FILE, [make_budget()], plan)


def test_a_name_that_was_skipped_is_none():
    plan = Plan((make_cell(device="rpi", variant="int8"),), (SKIPPED,))
    check_names(FILE, [make_budget(variants=("int8", "int4"), **P95)], plan)


def test_a_budget_for_some_cell_is_fine():
    check_budgets([make_budget(), make_budget(devices=("localhost", "gone"))], CELLS)


def test_a_budget_whose_cells_all_became_skips_is_no_pass():
    here, gone = make_cell(device="rpi"), make_cell(device="rpi", backend="tflite")
    budgets = [
        make_budget(name="shown", backends=("onnxruntime",), **P95),
        make_budget(name="lost", backends=("tflite",), **P95),
        make_budget(name="elsewhere", devices=("jetson",), **P95),
        make_budget(name="empty"),
    ]
    verdicts = judge([latency(high=10.1)], budgets)
    assert [verdict.outcome for verdict in verdicts] == [Outcome.PASS]
    assert unjudged(budgets, verdicts, [here, gone]) == ("lost",)
    assert exit_code(verdicts) == 0
    assert exit_code(verdicts, unjudged_budgets=1) == 4


def test_a_backend_that_a_budget_names_and_that_was_not_measured_is_no_pass():
    cells = [make_cell(device="rpi"), make_cell(device="rpi", backend="tflite")]
    budget = make_budget(name="both", backends=("onnxruntime", "tflite"), **P95)
    verdicts = judge([latency(high=10.1)], [budget])
    assert unjudged([budget], verdicts, cells) == ("both (backend tflite)",)
    assert unjudged([make_budget(name="any", **P95)], verdicts, cells) == ("any",)
