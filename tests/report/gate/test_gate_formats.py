"""What the gate says: the worst first, and to every answer what to do next."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
from builders import make_budget, make_cell, make_device
from gate_cases import (
    BROKEN,
    EDGE,
    FAILS,
    HOSTILE,
    KEPT,
    OPEN,
    WITHHELD,
    latency,
    make_judged,
    row_of,
)

from benchhub.errors import ConfigError
from benchhub.model.flag import Flag, FlagKind
from benchhub.model.scenario import VerdictOutcome
from benchhub.report.gate.entries import entries
from benchhub.report.gate.formats import FORMATS, format_of, render
from benchhub.report.gate.text import lines


def test_the_worst_cell_comes_first() -> None:
    worse = latency("resnet", 99.0, 100.0, 101.0)
    far = latency("emulated", 900.0, 1000.0, 1100.0, device="qemu", emulated=True)
    devices = (make_device("rpi"), make_device("qemu", emulated=True))
    judged = make_judged(KEPT, OPEN, FAILS, far, worse, BROKEN, devices=devices)
    assert [(e.outcome, e.what.split()[0]) for e in entries(judged)] == [
        ("FAIL", "resnet"), ("FAIL", "fp32"), ("ERROR", "fp16"), ("INCONCLUSIVE", "int8"),
        ("INCONCLUSIVE", "emulated"), ("PASS", "int8-static"),
    ]  # fmt: skip


def test_too_little_throughput_is_worse_the_less_it_is() -> None:
    def row(variant: str, rate: float):
        known = {"throughput_per_s": {"low": rate - 1, "high": rate + 1}}
        return row_of(variant, "throughput", throughput_per_s=rate, intervals=known)

    judged = make_judged(row("fast", 80.0), row("slow", 20.0),
                         budgets=(make_budget("rate", throughput_min_per_s=100.0),))  # fmt: skip
    found = entries(judged)
    assert [entry.what.split()[0] for entry in found] == ["slow", "fast"]
    assert found[0].asked == "throughput_min_per_s ≥ 100"
    assert found[0].seen == "20.0 [19.0, 21.0]/s"


@pytest.mark.parametrize(
    ("rows", "answer", "code", "said"),
    [
        ((KEPT,), "PASS", 0, ["There is nothing to do", "31.0 [30.0, 32.5] ms, 10 launches"]),
        ((FAILS, KEPT), "FAIL", 1,
         ["edge: latency_p95_ms ≤ 50", "61.2 [58.9, 63.0] ms, 10 launches", "even the lower limit",
          "choose a faster variant", "benchhub run quickstart", "change it in the suite"]),
        ((OPEN,), "INCONCLUSIVE", 4,
         ["49.5 [48.0, 51.1] ms", "--effort rigorous", "neither a pass nor a failure"]),
        ((WITHHELD,), "INCONCLUSIVE", 4, ["withheld, 10 launches", "needs n_eff >= 102"]),
        ((BROKEN, KEPT), "ERROR", 3,
         ["no such operator", "benchhub run --rerun-failed 20260101-120000-abcd"]),
    ],
)  # fmt: skip
def test_a_reader_knows_what_to_do_next(rows, answer, code, said) -> None:
    judged = make_judged(*rows)
    assert judged.exit_code == code
    text = render("text", judged)
    assert text.startswith(f"{answer}: suite quickstart, run 20260101-120000-abcd: ")
    flat = " ".join(text.split())
    for words in said:
        assert words in flat
    for entry in entries(judged):
        assert bool(entry.step) == (entry.outcome != "PASS")


@pytest.mark.parametrize("width", [80, 160])
def test_lines_keep_to_the_terminal(width: int) -> None:
    judged = make_judged(FAILS, OPEN, KEPT, BROKEN, WITHHELD)
    shown = [line.text for line in lines(judged, width)]
    assert max(map(len, shown)) <= width


def test_a_disturbed_fail_asks_to_measure_again_first() -> None:
    row = latency("fp32", 58.9, 61.2, 63.0, flags=(Flag(FlagKind.STEAL, "30 %", caps=True),))
    (entry,) = entries(make_judged(row))
    assert entry.outcome == "FAIL"
    assert entry.step.startswith("quiet the device and measure again before")


def test_every_format_tells_the_looks_that_were_taken() -> None:
    looks = [
        {"launches": n, "iterations": 200 * n, "estimate": 49.0, "low": low, "high": high,
         "n_eff": 400.0}
        for n, low, high in ((10, 47.0, 51.0), (16, 48.0, 49.9), (25, 48.2, 49.8))
    ]  # fmt: skip
    row = row_of(p95_ms=49.1, launches=25, intervals={"p95_ms": {"looks": looks}})
    judged = make_judged(row)
    assert judged.overall == "PASS"
    for name in ("text", "junit"):
        told = " ".join(render(name, judged).split())
        assert "49.0 [48.0, 49.9] ms, 16 launches (looks at 10, 16)" in told
    assert "| 16 (looks at 10, 16) |" in render("markdown", judged)
    (verdict,) = json.loads(render("json", judged))["verdicts"]
    assert (verdict["launches"], verdict["looks"], verdict["next_step"]) == (16, [10, 16], "")


def test_a_withheld_percentile_shows_what_is_known_of_it() -> None:
    judged = make_judged(WITHHELD)
    known = dataclasses.replace(
        judged.verdicts[0], low=70.0, outcome=VerdictOutcome.FAIL, reason="even the lower limit"
    )
    (entry,) = entries(dataclasses.replace(judged, verdicts=(known,)))
    assert entry.seen == "withheld, above 70.0 ms"
    assert entry.strain == pytest.approx(1.4)


def test_garbage_asks_for_the_recipe_and_not_for_speed() -> None:
    row = latency("fp32", 1.0, 1.0, 1.0, flags=(Flag(FlagKind.GARBAGE, "0.9 off", caps=True),))
    (entry,) = entries(make_judged(row))
    assert (entry.outcome, "recipe" in entry.step) == ("FAIL", True)


def test_a_lost_device_and_a_failed_cell_without_a_budget_are_errors() -> None:
    lost = make_device("jetson", error="jetson: no route to host; check the cable")
    other = make_budget("edge", variants=("int8-static",), latency_p95_ms=50.0)
    judged = make_judged(KEPT, BROKEN, budgets=(other,), devices=(make_device("rpi"), lost))
    said = {entry.what: entry.outcome for entry in entries(judged)}
    assert said["whole device"] == "ERROR"
    assert said["fp16 on onnxruntime, latency, 2 threads"] == "ERROR"
    assert judged.overall == "ERROR"


def test_a_budget_that_nothing_could_be_measured_for_is_told_in_every_format() -> None:
    gone = make_budget("gpu", backends=("tensorrt",), latency_p95_ms=1.0)
    judged = make_judged(KEPT, budgets=(EDGE, gone), cells=(make_cell(backend="tensorrt"),))
    assert judged.exit_code == 4
    for name in FORMATS:
        assert "gpu" in render(name, judged), name


def test_json_has_every_field_of_a_verdict_and_the_next_step() -> None:
    judged = make_judged(FAILS, OPEN, BROKEN, WITHHELD)
    document = json.loads(render("json", judged))
    assert (document["outcome"], document["exit_code"]) == ("ERROR", 3)
    first = document["verdicts"][0]
    assert (first["outcome"], first["key"], first["launches"]) == ("FAIL", "latency_p95_ms", 10)
    assert (first["low"], first["value"], first["high"]) == (58.9, 61.2, 63.0)
    assert first["next_step"]
    assert [v["error"] for v in document["verdicts"] if v["variant"] == "fp16"] == [True]


def test_markdown_begins_with_the_verdict_and_folds_what_passed() -> None:
    said = render("markdown", make_judged(FAILS, OPEN, KEPT))
    first, *_ = said.splitlines()
    assert first.startswith("**FAIL**: benchhub gate of quickstart: 1 FAIL, 1 INCONCLUSIVE, 1 PASS")
    before, after = said.split("<details>")
    assert "fp32 on onnxruntime" in before
    assert "int8-static" not in before
    assert "int8-static" in after
    for fact in ("run 20260101-120000-abcd", "suite quickstart (555555555555)", "rpi",
                 "onnxruntime 1.23.0", "benchhub 0.1.0"):  # fmt: skip
        assert fact in after
    tables = [line for line in said.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} == {9, 7}


def test_markdown_of_many_cells_fits_a_comment() -> None:
    rows = [latency(f"v{i}", 58.0, 61.0, 63.0) for i in range(400)]
    rows += [latency(f"w{i}", 8.0, 9.0, 10.0) for i in range(400)]
    said = render("markdown", make_judged(*rows))
    assert len(said) < 65_536
    assert "And 340 more" in said


@pytest.mark.parametrize("name", FORMATS)
def test_hostile_words_stay_words(name: str) -> None:
    row = latency(HOSTILE, 58.9, 61.2, 63.0)
    broken = row_of("fp16", status="failed", reason=HOSTILE)
    said = render(name, make_judged(row, broken, suite="a.b --> c"))
    assert said
    if name == "markdown":
        assert "<script>" not in said
        assert said.count("-->") == 1
    if name == "json":
        assert json.loads(said)["verdicts"][0]["variant"] == HOSTILE


def test_the_same_verdicts_give_the_same_text() -> None:
    for name in FORMATS:
        assert render(name, make_judged(FAILS, OPEN)) == render(name, make_judged(FAILS, OPEN))


def test_a_files_ending_says_its_format() -> None:
    assert {e: format_of(e) for e in (".xml", ".md", ".json", ".txt")} == {
        ".xml": "junit", ".md": "markdown", ".json": "json", ".txt": "text",
    }  # fmt: skip
    with pytest.raises(ConfigError, match=r"ends in \.html.*--format"):
        format_of(".html")
