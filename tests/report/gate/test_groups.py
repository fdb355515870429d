"""What is INCONCLUSIVE for one cause is told once, with one next step."""

from __future__ import annotations

import dataclasses
import json

import pytest
from builders import make_budget, make_cell
from gate_cases import BROKEN, EDGE, FAILS, KEPT, OPEN, latency, make_judged, row_of

from benchhub.model.flag import Flag, FlagKind
from benchhub.model.request import RunRequest
from benchhub.report.gate.entries import GateEntry, entries
from benchhub.report.gate.formats import FORMATS, render
from benchhub.report.gate.groups import MOST_CELLS, SameCause, grouped, groups
from benchhub.report.gate.text import lines


def drifting(name: str, evidence: str, high: float = 51.1):
    flags = (Flag(FlagKind.DRIFT, evidence, caps=True),)
    return latency(name, 48.0, 49.5, high, flags=flags)


DRIFTING = [drifting(f"w{i}", f"the median moved by {i}.5%", 49.0 + i) for i in range(1, 4)]


def flat(text: str) -> str:
    return " ".join(text.split())


def test_one_cause_is_told_once_with_each_cell_and_what_it_took() -> None:
    text = render("text", make_judged(*DRIFTING, FAILS, KEPT))
    assert text.count("drift: launches got slower or faster") == 1
    assert text.count("  next    let the device settle") == 1
    assert "INCONCLUSIVE 3 cells: drift: " in text
    assert "  budget  edge: latency_p95_ms ≤ 50" in text
    for row in DRIFTING:
        high = f"{row['p95_ms'].high:.1f}"
        told = f"rpi: {row.variant} on onnxruntime, latency, 2 threads: 49.5 [48.0, {high}] ms"
        assert f"{told}, 10 launches" in flat(text)
    assert "the median moved by" in text


def test_what_fails_is_told_cell_by_cell_and_before() -> None:
    worse = latency("resnet", 99.0, 100.0, 101.0)
    told = grouped(entries(make_judged(*DRIFTING, FAILS, worse, BROKEN, OPEN)))
    assert [one.outcome for one in told] == [
        "FAIL", "FAIL", "ERROR", "INCONCLUSIVE", "INCONCLUSIVE",
    ]  # fmt: skip
    assert [isinstance(one, SameCause) for one in told].count(True) == 1


def test_what_has_another_cause_or_another_step_stands_apart() -> None:
    few = [row_of(f"few{i}", launches=3, p95_ms=40.0) for i in range(2)]
    busy = [
        dataclasses.replace(few[0], variant=f"b{i}", cell=f"b{i}",
                            flags=(Flag(FlagKind.FOREIGN_CPU, f"{i}0 %", caps=True),))
        for i in range(2)
    ]  # fmt: skip
    judged = make_judged(*DRIFTING, *few, *busy)
    found = [one for one in grouped(entries(judged)) if isinstance(one, SameCause)]
    assert {(one.cause.split(":")[0], len(one.entries)) for one in found} == {
        ("drift", 3), ("needs 10 launches, has 3", 2),
    }  # fmt: skip
    assert len({(one.cause, one.step) for one in found}) == len(found) == 3


def test_a_group_names_some_cells_and_counts_the_others() -> None:
    many = [drifting(f"w{i}", f"by {i} %") for i in range(1, 31)]
    judged = make_judged(*many)
    text = flat(render("text", judged))
    assert text.count(" on onnxruntime, latency") == MOST_CELLS
    assert f"and {30 - MOST_CELLS} more; `benchhub gate {judged.results.run.id} --json`" in text
    assert f"and {30 - MOST_CELLS} more: `benchhub gate --json`" in render("markdown", judged)
    document = json.loads(render("json", judged))
    (group,) = document["groups"]
    assert (group["count"], len(group["cells"])) == (30, 30)
    assert len(document["verdicts"]) == 30
    assert {one["cause"] for one in document["verdicts"]} == {group["cause"]}


def test_a_short_summary_counts_all_of_a_group_that_it_leaves_out() -> None:
    judged = make_judged(FAILS, *DRIFTING, KEPT)
    shown = flat(" ".join(line.text for line in lines(judged, 80, 1)))
    assert "and 4 more; `benchhub gate" in shown
    assert "drift" not in shown


def test_limits_of_several_budgets_stand_with_their_cells() -> None:
    two = (EDGE, make_budget("lab", latency_p95_ms=49.0))
    text = flat(render("text", make_judged(*DRIFTING[:2], budgets=two)))
    assert "INCONCLUSIVE 4 verdicts on 2 cells: drift" in text
    assert "10 launches; lab: latency_p95_ms ≤ 49" in text


def test_budgets_for_which_nothing_was_measured_are_one_group() -> None:
    gone = [make_budget(name, backends=("tensorrt",), latency_p95_ms=1.0) for name in ("a", "b")]
    judged = make_judged(
        KEPT, budgets=(EDGE, *gone), cells=(make_cell(backend="tensorrt"),)
    )  # fmt: skip
    text = flat(render("text", judged))
    assert "INCONCLUSIVE 2 budgets: nothing that it selects could be measured cells a b" in text


@pytest.mark.parametrize("width", [80, 100])
def test_figures_are_not_broken_and_lines_keep_their_width(width: int) -> None:
    names = [f"{'n' * size}" for size in range(1, 7)]
    judged = make_judged(*(drifting(name, f"{name} %") for name in names))
    shown = [line.text for line in lines(judged, width)]
    assert max(map(len, shown)) <= width
    assert sum("49.5 [48.0, 51.1] ms, " in f"{line} " for line in shown) == len(names)


def quick(*rows, command: str = "benchhub run quickstart --device pi4", **more):
    return make_judged(*rows, effort="quick", provenance={"command": command}, **more)


FEW = [row_of(f"q{i}", launches=3, p95_ms=40.0) for i in range(3)]
TYPE = "`benchhub run quickstart --device pi4 --effort standard`"


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_a_quick_run_says_once_that_it_cannot_decide_and_what_to_type(name: str) -> None:
    said = flat(render(name, quick(FAILS, *FEW, KEPT))).replace("\\", "")
    told = "quick cannot decide: latency_p95_ms takes 10 launches, and quick makes 3; type "
    assert said.count(told + TYPE) == 1
    assert said.index(told) < said.index("q0 on onnxruntime")


def test_the_last_word_of_a_quick_run_is_the_same_command() -> None:
    judged = quick(*FEW)
    assert f"measure again with {TYPE}, then gate" in flat(render("text", judged))
    assert TYPE in json.loads(render("json", judged))["next"]


def test_several_limits_name_the_launches_they_take() -> None:
    memory = row_of("m", "memory", launches=3, peak_rss_mib=100.0)
    both = (EDGE, make_budget("ram", peak_rss_mib=200.0))
    text = flat(render("text", quick(*FEW, memory, budgets=both)))
    assert "latency_p95_ms takes 10 launches, peak_rss_mib 5, and quick makes 3" in text


@pytest.mark.parametrize(
    "judged",
    [
        make_judged(*FEW),
        quick(FAILS, KEPT),
        quick(*DRIFTING),
        quick(row_of("q", launches=3, p95_ms=40.0, emulated=True)),
        quick(row_of("q", "throughput", launches=3, throughput_per_s=9.0),
              budgets=(make_budget("rate", throughput_min_per_s=1.0),)),
    ],
    ids=["another effort", "decided", "disturbed", "emulated", "no effort helps"],
)  # fmt: skip
def test_quick_is_not_blamed_for_what_another_effort_does_not_mend(judged) -> None:
    for name in FORMATS:
        assert "quick cannot decide" not in render(name, judged)
        assert "--effort standard`" not in render(name, judged)


def test_a_run_without_a_command_names_what_it_chose() -> None:
    request = RunRequest("edge/suite.toml", ("device_profiles/pi4.toml",), effort="quick")
    text = flat(render("text", make_judged(*FEW, effort="quick", request=request)))
    assert "type `benchhub run edge --device pi4 --effort standard`" in text


def test_one_that_is_alone_is_a_group_for_programs_alone() -> None:
    found = entries(make_judged(OPEN, KEPT))
    (alone,) = groups(found)
    assert alone.cause == "the interval reaches past the budget"
    assert all(isinstance(one, GateEntry) for one in grouped(found))
