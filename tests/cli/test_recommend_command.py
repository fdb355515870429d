"""`benchhub recommend`: answers, exit codes, JSON and mistakes, on runs made by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from builders import make_budget, make_cell, make_device, make_plan, make_run, make_variant
from in_process import Reading
from recorded_runs import launches_of, stored

from benchhub.model.request import RunKind, RunRequest
from benchhub.ondevice.wire import Failure
from benchhub.store import Store

FP32, FP16, INT8 = (make_cell(variant=name) for name in ("fp32", "fp16", "int8"))
THERE = make_cell(variant="int8", device="pi"), make_cell(variant="fp32", device="pi")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Reading:
    """Runs whose variants take 10, 9.9 and 5 ms: `apart`, `tie`, `gone`, and one of two devices."""
    reading = Reading(tmp_path_factory.mktemp("recommend"))
    edge = (make_budget("edge", latency_p95_ms=20.0),)
    failure = Failure("load", "raised", "no such operator")
    with Store.open(reading.url) as store:
        apart = [*launches_of(FP32, "apart"), *launches_of(INT8, "apart", scale=0.5)]
        stored(store, "apart", apart, edge, suite="tiny")
        close = [
            *launches_of(FP32, "tie", noise=0.2), *launches_of(FP16, "tie", noise=0.2, scale=0.99)
        ]  # fmt: skip
        stored(store, "tie", close, suite="close")
        gone = launches_of(FP32, "gone", 1, status="failed", failure=failure)
        stored(store, "gone", gone, edge, suite="gone")
        two = [
            *launches_of(FP32, "two"), *launches_of(INT8, "two", scale=0.5),
            *launches_of(THERE[0], "two", scale=2.0), *launches_of(THERE[1], "two"),
        ]  # fmt: skip
        stored(store, "two", two, suite="two")
        some = (
            make_budget("one", variants=("fp32",), latency_p95_ms=20.0),
            make_budget("all", latency_p50_ms=20.0),
        )
        there = (make_budget("pi", devices=("pi",), latency_p95_ms=1.0),)
        for name, limits in (("selective", some), ("elsewhere", there)):
            both = [*launches_of(FP32, name), *launches_of(INT8, name, scale=0.5)]
            stored(store, name, both, limits)
        request = RunRequest("bench", ("localhost",), kind=RunKind.BENCH)
        near = [*launches_of(FP32, "files", noise=0.2), *launches_of(FP16, "files", noise=0.2)]
        stored(store, "files", near, suite="bench", request=request)
        first, second = make_cell(variant="a b"), make_cell(variant="c")
        odd = [*launches_of(first, "names", noise=0.2), *launches_of(second, "names", noise=0.2)]
        stored(store, "names", odd)
        mixed = [
            *launches_of(FP32, "mixed"), *launches_of(INT8, "mixed", scale=0.5),
            *launches_of(FP16, "mixed", 1, status="failed", failure=failure),
            *launches_of(THERE[0], "mixed"),
        ]  # fmt: skip
        stored(store, "mixed", mixed, edge, suite="tiny")
        planned = make_plan(FP32, THERE[1])
        store.create_run(make_run(id="one-of-two"), planned, None, [make_variant("fp32")], edge)
        store.put_device("one-of-two", make_device("localhost"))
        for launch in launches_of(FP32, "one-of-two"):
            store.add(launch)
    return reading


def told(project: Reading, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(project.run("recommend", *words, "--json").out)
    return found


def test_the_answer_comes_first_with_its_evidence(project: Reading) -> None:
    done = project.run("recommend", "apart")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == ("Ship int8 on onnxruntime, 1 thread on localhost; nothing is undecided.")
    assert lines[2] == "SHIP  localhost: int8 on onnxruntime, 1 thread"
    assert lines[4].startswith("PASS          latency_p95_ms ")
    assert lines[4].endswith(" <= 20.0")
    assert lines[5].startswith("  runner-up: fp32 on onnxruntime, 1 thread: 2.0")


def test_json_says_what_may_be_said(project: Reading) -> None:
    (device,) = told(project, "apart", "--budget", "latency_p50_ms=10.5")["devices"]
    assert (device["answer"], device["looked_at"]) == ("ship", 2)
    assert device["may_be_said"].startswith("the pick keeps every limit, and no candidate")
    (evidence,) = device["pick"]["evidence"]
    assert (evidence["key"], evidence["alone"], evidence["outcome"]) == (
        "latency_p50_ms", "PASS", "PASS"
    )  # fmt: skip
    assert evidence["high"] < evidence["as_one_of_many"] < 10.5
    assert device["runner_up"]["variant"] == "fp32"
    assert device["runner_up"]["low"] < 2 < device["runner_up"]["high"]


def test_a_tie_is_named_with_what_would_end_it(project: Reading) -> None:
    done = project.run("recommend", "tie")
    assert done.code == 0
    assert "; a tie on localhost." in done.out.splitlines()[0]
    assert "TIE  localhost: " in done.out
    assert "  next: benchhub run close --device localhost --backend onnxruntime" in done.out
    assert "launches of each: set launches in [scenarios.latency])" in done.out
    assert "note: no limits were given: what is named is the fastest" in done.out


def test_where_all_break_a_limit_the_nearest_miss_is_told(project: Reading) -> None:
    done = project.run("recommend", "apart", "--budget", "latency_p95_ms=1")
    assert done.code == 1
    assert done.out.startswith("Nothing can be shipped: every candidate breaks a limit")
    assert "the nearest miss is int8 on onnxruntime, 1 thread" in done.out
    assert "FAIL          latency_p95_ms " in done.out
    assert "  next: choose a faster variant or backend" in done.out


def test_what_cannot_be_told_has_a_code_of_its_own(project: Reading) -> None:
    done = project.run("recommend", "apart", "--budget", "latency_p95_ms=5.2")
    assert done.code == 4
    assert "UNDECIDED  localhost: nothing is known to keep all limits" in done.out
    assert "  next: " in done.out


def test_a_device_without_results_says_why(project: Reading) -> None:
    done = project.run("recommend", "gone")
    assert done.code == 3
    assert "NOTHING  localhost: no cell finished; fp32 on onnxruntime: " in done.out


def test_what_failed_is_named_in_the_answer_and_is_exit_code_3(project: Reading) -> None:
    done = project.run("recommend", "mixed")
    assert done.code == project.run("gate", "mixed").code == 3
    first = done.out.partition("\n\n")[0].replace("\n", " ")
    assert first == (
        "Ship int8 on onnxruntime, 1 thread on 2 of 2 devices; nothing is undecided, but 1 cell"
        " failed (fp16 on onnxruntime on localhost)."
    )
    assert "SHIP  localhost: int8 on onnxruntime, 1 thread" in done.out
    (line,) = [line for line in done.out.splitlines() if line.startswith("ERROR")]
    assert line == "ERROR  failed, and not looked at:"
    assert "localhost: fp16 on onnxruntime, latency, 1 thread: load: raised: no such" in done.out
    assert "  next: fix the cause, then `benchhub run --rerun-failed mixed`" in done.out
    failed = told(project, "mixed")["failed"]
    assert [(one["device"], one["variant"]) for one in failed["cells"]] == [("localhost", "fp16")]
    assert (failed["devices"], failed["not_made"]) == ({}, [])


def test_what_failed_elsewhere_does_not_count(project: Reading) -> None:
    done = project.run("recommend", "mixed", "--device", "pi")
    assert (done.code, done.err) == (0, "")
    assert "failed" not in done.out


def test_several_devices_stand_side_by_side_after_the_answer(project: Reading) -> None:
    lines = project.run("recommend", "two").out.splitlines()
    lines = lines[lines.index("By p50_ms, of run two") :]
    assert lines[1].split() == [
        "Device", "Answer", "Pick,", "or", "nearest", "to", "one", "p50_ms",
    ]  # fmt: skip
    assert [line.split()[:3] for line in lines[3:5]] == [
        ["localhost", "BEST", "int8"], ["pi", "BEST", "fp32"],
    ]  # fmt: skip


def test_a_device_that_nothing_was_heard_of_is_not_left_out(project: Reading) -> None:
    done = project.run("recommend", "one-of-two", "--robust")
    assert done.code == 3
    assert "on 1 of 2 devices; nothing was measured on pi." in done.out.splitlines()[0]
    assert "NOTHING  pi: no cell finished; fp32 on onnxruntime: no launch was made" in done.out
    assert "    fp32 on onnxruntime, 1 thread: may be better: no launch was made" in done.out
    assert "next: benchhub run --resume one-of-two" in done.out
    assert "One for all: none; on pi nothing is known to keep all limits" in done.out
    assert "note: the run is running: what is not measured yet may be better" in done.out
    here, there = told(project, "one-of-two")["devices"]
    assert (here["unseen"], there["unseen"][0]["may_be_better"]) == ([], True)


def test_one_for_all_is_the_one_whose_worst_cost_is_least(project: Reading) -> None:
    """int8 takes twice as long on the board as fp32 does, and half as long here."""
    one = told(project, "two", "--robust")["for_all"]
    costs = {of["device"]: of["ratio"] for of in one["costs"]}
    assert one["setting"] in ("int8 on onnxruntime, 1 thread", "fp32 on onnxruntime, 1 thread")
    assert max(costs.values()) == pytest.approx(2.0, rel=0.05)
    assert min(costs.values()) == 1.0
    done = project.run("recommend", "two", "--robust")
    assert f"One for all: {one['setting']}" in done.out
    assert "its own best" in done.out


def test_devices_may_be_told_by_a_pattern(project: Reading) -> None:
    names = [one["device"] for one in told(project, "two", "--device", "p*")["devices"]]
    assert names == ["pi"]


def test_a_limit_that_is_about_others_is_named(project: Reading) -> None:
    done = project.run("recommend", "selective")
    assert done.code == 0
    assert "  not held to: latency_p95_ms of one, which are about others" in done.out
    (device,) = told(project, "selective")["devices"]
    assert device["not_held_to"] == ["latency_p95_ms of one"]
    assert "  no limit is about it" in project.run("recommend", "elsewhere").out


def test_a_run_without_a_suite_is_not_measured_again_by_a_suite(project: Reading) -> None:
    done = project.run("recommend", "files")
    assert "next: measure again with --effort rigorous on localhost  (" in done.out
    assert "benchhub run" not in done.out


def test_names_are_quoted_in_commands(project: Reading) -> None:
    assert " --variant 'a b' " in project.run("recommend", "names").out


def test_only_the_devices_that_are_named(project: Reading) -> None:
    assert [one["device"] for one in told(project, "two", "--device", "pi")["devices"]] == ["pi"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["apart", "--device", "pie"], "device pie is not in run apart"),
        (["apart", "--by", "p50"], "--by p50: nothing is chosen by it; did you mean p50_ms?"),
        (["apart", "--budget", "latency_p96_ms=1"], "latency_p96_ms is unknown; did you mean"),
        (["apart", "--budget", "latency_p95_ms=0"], "should be more than 0"),
        (["nowhere"], "nowhere"),
    ],
)
def test_mistakes_are_one_line(project: Reading, words: list[str], line: str) -> None:
    done = project.run("recommend", *words)
    assert (done.code, done.out) == (2, "")
    assert line in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("by", ["p95_ms", "model_bytes", "peak_rss_mib", "throughput_per_s"])
def test_other_quantities_decide_where_they_are_asked_for(project: Reading, by: str) -> None:
    done = project.run("recommend", "apart", "--by", by)
    measured = by in ("p95_ms", "model_bytes")
    assert done.code == (0 if measured else 3)
    assert (f"  {by} " in done.out) == measured
