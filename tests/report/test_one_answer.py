"""Every command and format gives the same answer on a run, and PASS only where a budget judged."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from builders import make_budget, make_cell, make_device
from gate_cases import BROKEN, EDGE, FAILS, KEPT, OPEN, latency, make_judged, row_of

from benchhub.api.results import RunResults
from benchhub.model.figure import BY_DEFINITION
from benchhub.model.flag import Flag, FlagKind
from benchhub.pytest_plugin.measured import MeasuredRun
from benchhub.report.gate.formats import render as gated
from benchhub.report.run import render
from benchhub.report.tables.conclude import overall
from benchhub.results.load import Judged
from benchhub.results.verdicts.judge import unapplied

GARBAGE = latency("int4", 1.0, 1.1, 1.2, flags=(Flag(FlagKind.GARBAGE, "relative difference 1.2"),))
UNMEASURED = row_of("int2", status="unmeasured", reason="not begun", launches=0)
ELSEWHERE = make_budget("elsewhere", variants=("int1",), latency_p95_ms=50.0)
GONE = make_budget("gone", backends=("tensorrt",), latency_p95_ms=1.0)
PLANNED = make_cell(device="rpi", backend="tensorrt", variant="int8")

ROWS = {
    "kept": (KEPT,), "fails": (KEPT, FAILS), "open": (KEPT, OPEN), "broken": (KEPT, BROKEN),
    "garbage": (KEPT, GARBAGE), "unmeasured": (UNMEASURED,), "nothing": (),
}  # fmt: skip
BUDGETS = {
    "none": (), "edge": (EDGE,), "elsewhere": (ELSEWHERE,), "gone": (GONE,),
    "both": (EDGE, ELSEWHERE), "edge-gone": (EDGE, GONE), "empty": (make_budget("empty"),),
}  # fmt: skip
LOST = make_device("jetson", error="jetson: no route to host; check the cable")


def judged_of(rows: str, budgets: str, lost: bool) -> Judged:
    """A run of these rows under these budgets, with a device that was lost."""
    devices = (make_device("rpi"), *((LOST,) if lost else ()))
    judged = make_judged(*ROWS[rows], budgets=BUDGETS[budgets], devices=devices, cells=(PLANNED,))
    beside = unapplied(judged.budgets, judged.verdicts, (PLANNED,))
    results = replace(judged.results, unjudged=judged.unjudged, unapplied=beside)
    return replace(judged, results=results)


def answers(judged: Judged) -> dict[str, str]:
    """What each format says."""
    junit = ET.fromstring(gated("junit", judged))
    properties = {p.get("value") for p in junit.iter("property") if p.get("name") == "outcome"}
    markdown = re.search(r"^\*\*([A-Z ]+)\*\*: ", render("markdown", [judged.results]), re.M)
    assert markdown is not None
    return {
        "markdown": markdown.group(1),
        "json": json.loads(render("json", [judged.results]))["run"]["outcome"],
        "gate text": gated("text", judged).split(":")[0],
        "gate markdown": gated("markdown", judged).split("**")[1],
        "gate json": json.loads(gated("json", judged))["outcome"],
        "junit": " or ".join(map(str, properties)),
    }


@pytest.mark.parametrize("budgets", BUDGETS)
@pytest.mark.parametrize("rows", ROWS)
def test_all_formats_give_one_answer(rows: str, budgets: str) -> None:
    for lost in (False, True):
        judged = judged_of(rows, budgets, lost)
        assert set(answers(judged).values()) == {judged.overall}


@pytest.mark.usefixtures("native")
def test_the_page_gives_it_too() -> None:
    told = set()
    for rows, budgets in itertools.product(("kept", "fails", "open", "broken"), ("edge", "both")):
        judged = judged_of(rows, budgets, lost=False)
        told.add(judged.overall)
        page = render("html", [judged.results])
        banner = re.search(r"Gate: <b>([^<]+)</b>", page)
        assert banner is not None
        assert banner.group(1) == judged.overall
    free = judged_of("kept", "elsewhere", lost=False).results
    assert "Gate: <b>NO BUDGETS</b>" in render("html", [free])
    assert told == {"PASS", "FAIL", "INCONCLUSIVE", "ERROR"}


@pytest.mark.parametrize(("rows", "budgets"), list(itertools.product(ROWS, BUDGETS)))
def test_pass_needs_a_verdict_and_nothing_that_failed(rows: str, budgets: str) -> None:
    judged = judged_of(rows, budgets, lost=False)
    applied = bool(judged.verdicts)
    assert (judged.overall == "NO BUDGETS") is not (applied or bool(judged.unjudged))
    if judged.overall == "PASS":
        assert {verdict.outcome for verdict in judged.verdicts} == {"PASS"}
        assert rows == "kept"
        assert budgets in ("edge", "both")
    if rows == "garbage" and applied:
        assert judged.overall == "FAIL"
    if budgets in ("gone", "edge-gone"):
        assert judged.overall != "PASS"


def test_an_answer_without_a_budget_says_which_and_what_to_do() -> None:
    narrowed = gated("text", judged_of("kept", "elsewhere", lost=False))
    assert "matches any budget (elsewhere); check their selectors" in " ".join(narrowed.split())
    assert "There is nothing to do" not in narrowed
    bare = gated("text", judged_of("kept", "none", lost=False))
    assert "has no budgets; add [[budgets]] or give --budgets FILE" in " ".join(bare.split())
    partly = gated("text", judged_of("kept", "both", lost=False))
    assert "elsewhere applies to no cell of this run." in " ".join(partly.split())


def test_several_runs_pass_only_if_each_was_judged() -> None:
    kept, free = (judged_of("kept", name, lost=False).results for name in ("edge", "elsewhere"))
    failed = judged_of("fails", "edge", lost=False).results
    assert overall([kept, kept]) == "PASS"
    assert overall([kept, free]) == "NO BUDGETS"
    assert overall([free, failed]) == "FAIL"
    told = json.loads(render("json", [kept, free]))["runs"]
    assert [run["outcome"] for run in told] == ["PASS", "NO BUDGETS"]


@pytest.mark.parametrize("lost", [False, True], ids=["", "device lost"])
def test_the_baseline_against_itself_is_no_answer(lost: bool) -> None:
    interval = {"quality_loss": {"low": None, "high": None, "method": BY_DEFINITION}}
    itself = row_of("fp32", "quality", quality_loss=0.0, quality_cases=50, intervals=interval)
    near = make_budget("near", quality_loss_max=0.02)
    both = make_budget("both", quality_loss_max=0.02, model_bytes=2000)
    devices = (make_device("rpi"), *((LOST,) if lost else ()))
    alone = make_judged(itself, budgets=(near,), devices=devices)
    assert [verdict.outcome for verdict in alone.verdicts] == ["PASS"]
    assert set(answers(alone).values()) == {alone.overall} == {"NO BUDGETS"}
    said = " ".join(gated("text", alone).split())
    assert "whose loss against itself is 0 by definition; measure a variant beside it" in said
    assert "Every budget" not in said
    beside = make_judged(itself, budgets=(both,), devices=devices)
    assert set(answers(beside).values()) == {beside.overall} == {"ERROR" if lost else "PASS"}
    assert overall([beside.results, alone.results]) == ("ERROR" if lost else "NO BUDGETS")


def test_no_answer_is_no_pass_for_programs_either() -> None:
    interval = {"quality_loss": {"low": None, "high": None, "method": BY_DEFINITION}}
    itself = row_of("fp32", "quality", quality_loss=0.0, quality_cases=50, intervals=interval)
    alone = make_judged(itself, budgets=(make_budget("near", quality_loss_max=0.02),))
    for judged in (alone, judged_of("kept", "elsewhere", lost=False)):
        assert judged.overall == "NO BUDGETS"
        assert RunResults(judged, ()).exit_code == 2
        with pytest.raises(pytest.fail.Exception, match=r"^benchhub: (in|no cell of) run "):
            MeasuredRun(judged, (), "xfail").assert_budgets()
    kept = judged_of("kept", "edge", lost=False)
    assert RunResults(kept, ()).exit_code == 0
    MeasuredRun(kept, (), "xfail").assert_budgets()
    assert RunResults(judged_of("kept", "none", lost=False), ()).exit_code == 0
