from __future__ import annotations

from dataclasses import replace

import pytest
from builders import make_budget, make_device
from gate_cases import BROKEN, FAILS, KEPT, OPEN, latency, make_judged
from synthetic import results
from wide import wide

from benchhub.model.row import Results
from benchhub.report.answer.device_line import NextStep
from benchhub.report.answer.order import in_order
from benchhub.report.answer.said import MOST_LINES, answered
from benchhub.report.recommend.words import answer
from benchhub.results.recommend.answer import Advice
from benchhub.results.recommend.recommend import recommend


def _judged(*rows: object, **more: object) -> Results:
    found = make_judged(*rows, **more)  # type: ignore[arg-type]
    return replace(found.results, budgets=found.budgets)


def test_the_sentence_is_what_recommend_says() -> None:
    for source in (results(), wide(), _judged(FAILS, KEPT), _judged()):
        shown = in_order(source)
        assert answered(shown).sentence == answer(recommend(shown, shown.budgets))


@pytest.mark.parametrize(
    ("rows", "kind", "mark"),
    [
        ((KEPT, FAILS), Advice.SHIP, "pass"),
        ((OPEN, FAILS), Advice.UNDECIDED, "inconclusive"),
        ((FAILS,), Advice.NONE, "fail"),
        ((BROKEN,), Advice.NOTHING, "fail"),
    ],
    ids=["ship", "undecided", "none", "nothing"],
)
def test_a_device_has_its_answer_with_its_figures(
    rows: tuple[object, ...], kind: Advice, mark: str
) -> None:
    timed = [replace(row, figures={**row.figures, "p50_ms": row["p95_ms"]}) for row in rows]  # type: ignore[attr-defined,index,type-var]
    line = answered(_judged(*timed)).lines[0]
    assert (line.kind, line.mark) == (kind, mark)
    if kind is Advice.NOTHING:
        assert line.figures is None
        return
    assert line.figures is not None
    time = line.figures[0]
    assert (time.name, time.limit, time.asked) == ("p95_ms", 50.0, "≤ 50")
    assert line.limits[0].said.startswith("latency_p95_ms ")


def test_without_budgets_nothing_has_the_colour_of_a_pass() -> None:
    said = answered(replace(in_order(wide()), budgets=(), verdicts=()))
    assert not said.limited
    assert {line.mark for line in said.lines if line.shown} == {""}
    assert any("no limits were given" in doubt for doubt in said.doubts)
    assert said.lines[0].figures is not None
    assert said.lines[0].figures[0].limit is None
    assert said.sentence.startswith("Fastest, held to no limit: ")


def test_a_quick_run_is_not_said_to_leave_nothing_undecided() -> None:
    found = make_judged(KEPT)
    row = replace(KEPT, figures={**KEPT.figures, "p50_ms": KEPT["p95_ms"]})
    run = replace(found.results.run, effort="quick")
    source = replace(found.results, rows=(row,), budgets=found.budgets)
    assert "nothing is undecided" in answered(source).sentence
    quick = answered(replace(source, run=run)).sentence
    assert quick.endswith("; a quick run decides nothing.")


def test_what_failed_or_was_lost_is_said_at_once() -> None:
    sentence = answered(in_order(results())).sentence
    assert "1 cell failed (" in sentence
    assert "1 device stopped early (board-7)" in sentence


def test_a_run_that_goes_on_and_one_that_was_quick_say_so() -> None:
    source = in_order(wide())
    running = replace(source, run=replace(source.run, status="running"))
    assert any("the run is running" in doubt for doubt in answered(running).doubts)
    quick = replace(source, run=replace(source.run, effort="quick"))
    assert any("quick" in doubt and "--effort" in doubt for doubt in answered(quick).doubts)


def test_many_devices_stand_in_groups_with_the_same_answer() -> None:
    names = [f"d{at:02}" for at in range(MOST_LINES + 8)]
    rows = [
        replace(row, device=name, cell=f"{row.cell}-{name}")
        for name in names
        for row in (latency("a", 30.0, 31.0, 32.0, p50_ms=30.0), FAILS)
    ]
    said = answered(_judged(*rows, devices=tuple(map(make_device, names))))
    assert [len(group.lines) for group in said.groups] == [len(names)]
    assert said.groups[0].names.startswith("d00, d01")
    assert not answered(_judged(*rows[:4], devices=tuple(map(make_device, names[:2])))).groups


def test_the_strictest_limit_is_drawn_and_an_undecided_one_before_a_kept_one() -> None:
    row = latency("a", 30.0, 31.0, 32.0, p50_ms=30.0)
    loose, strict = make_budget("l", latency_p95_ms=90.0), make_budget("s", latency_p95_ms=40.0)
    line = answered(_judged(row, budgets=(loose, strict))).lines[0]
    assert line.figures is not None
    assert line.figures[0].limit == 40.0


def test_a_step_is_a_command_or_an_order() -> None:
    assert NextStep("benchhub run x --effort rigorous").typed
    assert not NextStep("more cases for quality_loss_max").typed
