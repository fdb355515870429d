"""Two runs held side by side: what moved, what may be said of it, and what may not be compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import accuracy, make_answer_key, make_cell, make_conditions, make_device
from recorded_runs import launches_of, record

from benchhub.errors import ConfigError
from benchhub.model.cell import CellKind
from benchhub.model.scenario import Scenario
from benchhub.ondevice.wire import Failure
from benchhub.results.compare.conditions import Question
from benchhub.results.compare.moves import Change, Margins
from benchhub.results.compare.runs import ComparedRun, RunComparison, State, compare_runs

A, B = "run-a", "run-b"
CELL = make_cell()
NEW_MODEL = make_cell(model_sha256="b" * 64)


def pair(
    scale=1.0, cell=CELL, other=NEW_MODEL, before=None, after=None, **options
) -> RunComparison:
    """Compare two runs of one cell, the second `scale` times as slow."""
    one = record(A, launches_of(cell, A), **(before or {}))
    two = record(B, launches_of(other, B, scale=scale), sha256="b" * 64, **(after or {}))
    return compare_runs(one, two, **options)


def changes(comparison: RunComparison) -> dict[str, Change]:
    (cell,) = comparison.cells
    return {move.metric: move.change for move in cell.moves}


@pytest.mark.parametrize(
    ("scale", "change", "code"),
    [(1.10, Change.REGRESSED, 1), (1.0, Change.EQUIVALENT, 0), (0.9, Change.IMPROVED, 0)],
)
def test_a_move_is_told_with_its_ratio(scale, change, code):
    comparison = pair(scale)
    assert changes(comparison) == {"p50_ms": change, "p95_ms": change}
    assert comparison.exit_code == code
    move = comparison.cells[0].moves[0]
    assert move.effect == pytest.approx(scale, rel=0.02)
    assert move.low < move.effect < move.high
    assert (move.method, move.launches_before, move.launches_after) == ("rank-sum", 10, 10)
    assert move.before == pytest.approx(10, rel=0.02)
    assert move.holm >= move.q_value >= move.p_value
    told = {(one.what, one.before, one.after) for one in comparison.differences}
    assert ("model", "a" * 12, "b" * 12) in told


def test_more_throughput_is_better():
    cell = make_cell(scenario=Scenario.THROUGHPUT)
    faster = pair(0.9, cell, replace(cell, model_sha256="b" * 64))
    slower = pair(1.1, cell, replace(cell, model_sha256="b" * 64))
    assert changes(faster) == {"throughput_per_s": Change.IMPROVED}
    assert changes(slower) == {"throughput_per_s": Change.REGRESSED}
    assert slower.cells[0].moves[0].effect == pytest.approx(1 / 1.1, rel=0.02)


def test_the_margin_decides_what_matters():
    assert changes(pair(1.10, margins=Margins(share=0.2)))["p50_ms"] is Change.EQUIVALENT
    tight = pair(1.005, margins=Margins(share=0.001))
    assert changes(tight)["p50_ms"] is Change.INCONCLUSIVE
    assert tight.exit_code == 4
    assert "benchhub ab" in tight.cells[0].moves[0].reason


def test_launches_do_not_have_to_be_as_many_nor_the_planned_number_the_same():
    longer = make_cell(model_sha256="b" * 64, launches=25, iterations=100)
    one = record(A, launches_of(CELL, A))
    two = record(B, launches_of(longer, B, count=25))
    (cell,) = compare_runs(one, two).cells
    assert cell.state is State.COMPARED
    assert (cell.moves[0].launches_before, cell.moves[0].launches_after) == (10, 25)


FACTS = {
    "arch": "x86_64", "cpu_model": "A", "memory_bytes": 8_000_000_000, "kernel": "6.1",
    "turbo": True, "uptime_s": 5, "gpus": [{"name": "G", "driver": "1", "source": "x"}],
}  # fmt: skip


def facts(**other):
    return {"device": make_device(facts=FACTS | other)}


MACHINES = [
    ({"cpu_model": "B"}, "cpu_model: A → B"),
    ({"memory_bytes": 4_000_000_000}, "memory_bytes: 8,000,000,000 → 4,000,000,000"),
    ({"turbo": False}, "turbo: yes → no"),
    ({"gpus": [{"name": "H", "driver": "1", "source": "x"}]}, "gpus: name=G → name=H"),
]


@pytest.mark.parametrize(("other", "said"), MACHINES)
@pytest.mark.parametrize("question", list(Question))
def test_another_machine_is_never_comparable(other, said, question):
    comparison = pair(2.0, before=facts(), after=facts(**other), question=question)
    assert set(changes(comparison).values()) == {Change.NOT_COMPARABLE}
    assert all(said in move.reason for move in comparison.cells[0].moves)
    assert comparison.exit_code == 4


@pytest.mark.parametrize(
    ("other", "said"),
    [({"kernel": "6.8"}, "kernel: 6.1 → 6.8"),
     ({"gpus": [{"name": "G", "driver": "2", "source": "x"}]}, "GPU driver: 1 → 2"),
     ({"firmware": "old"}, None), ({"uptime_s": 9}, None),
     ({"memory_bytes": 8_010_000_000}, None)],
)  # fmt: skip
def test_other_software_is_only_comparable_if_that_is_the_question(other, said):
    after = facts(**other)
    comparison = pair(2.0, before=facts(), after=after)
    expected = Change.NOT_COMPARABLE if said else Change.REGRESSED
    assert changes(comparison)["p50_ms"] is expected
    assert said is None or said in comparison.cells[0].moves[0].reason
    assert (
        changes(pair(2.0, before=facts(), after=after, question=Question.STACK))["p50_ms"]
        is Change.REGRESSED
    )
    same_model = pair(2.0, CELL, CELL, facts(), after, question=Question.SYSTEM)
    assert changes(same_model)["p50_ms"] is Change.REGRESSED


def test_the_clock_forbids_comparing_times_and_nothing_else():
    cell = make_cell(scenario=Scenario.MEMORY)
    comparison = pair(1.0, cell, cell, before=facts(), after=facts(turbo=False))
    assert changes(comparison) == {"peak_rss_mib": Change.EQUIVALENT}


def versions(one: str, two: str, question: Question, other=CELL) -> RunComparison:
    before = record(A, launches_of(CELL, A, backend_version=one))
    after = record(B, launches_of(other, B, scale=1.5, backend_version=two))
    return compare_runs(before, after, question)


def test_another_backend_version_is_the_question_or_an_obstacle():
    refused = versions("1.22", "1.23", Question.MODEL)
    assert changes(refused)["p50_ms"] is Change.NOT_COMPARABLE
    assert "onnxruntime version: 1.22 → 1.23" in refused.cells[0].moves[0].reason
    assert changes(versions("1.22", "1.23", Question.BACKEND))["p50_ms"] is Change.REGRESSED
    both = versions("1.22", "1.23", Question.BACKEND, NEW_MODEL)
    assert "model: aaaaaaaaaaaa → bbbbbbbbbbbb" in both.cells[0].moves[0].reason
    assert changes(both)["p50_ms"] is Change.NOT_COMPARABLE


def test_real_and_emulated_do_not_compare_nor_do_emulated_times():
    emulated = {"device": make_device(emulated=True)}
    mixed = pair(2.0, before={"device": make_device()}, after=emulated)
    assert "emulated: no → yes" in mixed.cells[0].moves[0].reason
    both = pair(2.0, before=emulated, after=emulated)
    assert set(changes(both).values()) == {Change.NOT_COMPARABLE}
    assert "of instructions" in both.cells[0].moves[0].reason


def test_other_settings_and_precision_do_not_compare():
    for other in ({"threads": 2}, {"batch": 8}, {"options": '{"provider": "acl"}'}):
        told = pair(2.0, other=replace(CELL, **other))
        (name,) = other
        assert changes(told)["p50_ms"] is Change.NOT_COMPARABLE
        assert f"{name}: " in told.cells[0].moves[0].reason
    before = record(A, launches_of(CELL, A, precision="f32"))
    after = record(B, launches_of(CELL, B, precision="bf16"))
    told = compare_runs(before, after)
    assert "precision: f32 → bf16" in told.cells[0].moves[0].reason


def test_other_data_does_not_compare_and_other_cases_forbid_only_quality():
    data = {"provenance": {"benchhub": "0.1.0", "sha256": "1", "cases": "240"}}
    other = {"provenance": {"benchhub": "0.2.0", "sha256": "2", "cases": "240"}}
    fewer = {"provenance": {"benchhub": "0.1.0", "sha256": "1", "cases": "100"}}
    assert changes(pair(2.0, before=data, after=other))["p50_ms"] is Change.NOT_COMPARABLE
    assert changes(pair(2.0, before=data, after=fewer))["p50_ms"] is Change.REGRESSED


def test_another_governor_or_clock_of_the_cells_themselves():
    others = (
        ("governor", "powersave", "governor: performance → powersave"),
        ("frequency_mhz", 1200.0, "CPU clock, MHz: 2400 → 1200"),
    )
    for name, value, said in others:
        state = make_conditions(**{name: value})
        after = record(B, launches_of(CELL, B, scale=2.0, before=state, after=state))
        told = compare_runs(record(A, launches_of(CELL, A)), after)
        assert changes(told)["p50_ms"] is Change.NOT_COMPARABLE
        assert said in told.cells[0].moves[0].reason


def test_a_disturbed_cell_never_regresses():
    busy = make_conditions(at_ns=4 * 10**9, cpu_total_ticks=100_600, cpu_busy_ticks=10_600)
    after = record(B, launches_of(NEW_MODEL, B, scale=2.0, after=busy))
    told = compare_runs(record(A, launches_of(CELL, A)), after)
    assert changes(told)["p50_ms"] is Change.INCONCLUSIVE
    assert "foreign_cpu after" in told.cells[0].moves[0].reason
    assert told.exit_code == 4


def test_fixed_work_that_took_longer_is_the_device_and_not_the_model():
    fixed = make_cell(variant="canary", backend="null", kind=CellKind.CANARY)

    def made(run: str, cell, scale: float, fixed_scale: float) -> ComparedRun:
        launches = launches_of(cell, run, scale=scale)
        known = record(run, launches, sha256=cell.model_sha256)
        work = tuple(launches_of(fixed, run, scale=fixed_scale))
        return replace(known, launches={**known.launches, fixed.key: work})

    slow = made(B, NEW_MODEL, 1.2, 1.1)
    told = compare_runs(made(A, CELL, 1.0, 1.0), slow)
    assert changes(told)["p50_ms"] is Change.NOT_COMPARABLE
    assert "time of fixed work: " in told.cells[0].moves[0].reason
    whole = compare_runs(made(A, CELL, 1.0, 1.0), slow, Question.STACK)
    assert changes(whole)["p50_ms"] is Change.REGRESSED
    alike = compare_runs(made(A, CELL, 1.0, 1.0), made(B, NEW_MODEL, 1.2, 1.0))
    assert changes(alike)["p50_ms"] is Change.REGRESSED


def test_a_cell_that_fails_now_is_told_and_one_that_is_gone():
    failure = Failure("load", "raised", "no such operator")
    after = record(B, launches_of(CELL, B, count=1, status="failed", failure=failure))
    told = compare_runs(record(A, launches_of(CELL, A)), after)
    assert (told.cells[0].state, told.exit_code) == (State.FAILED, 3)
    assert "no such operator" in told.cells[0].reason
    both = [*launches_of(CELL, A), *launches_of(make_cell(variant="int8"), A)]
    gone = compare_runs(record(A, both), record(B, launches_of(CELL, B)))
    assert [cell.state for cell in gone.cells] == [State.COMPARED, State.ONLY_BEFORE]
    assert gone.exit_code == 4
    more = compare_runs(record(B, launches_of(CELL, B)), record(A, both))
    assert more.cells[-1].state is State.ONLY_AFTER
    assert more.exit_code == 0
    never = compare_runs(record(A, launches_of(CELL, A)), record(B, [], cells=[CELL]))
    assert (never.cells[0].state, never.exit_code) == (State.UNMEASURED, 4)


def test_no_cell_in_common_and_a_run_with_itself_are_mistakes():
    one = record(A, launches_of(CELL, A))
    with pytest.raises(ConfigError, match="with itself"):
        compare_runs(one, one)
    other = record(B, launches_of(make_cell(device="elsewhere"), B))
    with pytest.raises(ConfigError, match="no cell in common"):
        compare_runs(one, other)


def noisy(count: int, run: str, scale: float = 1.0, slow: int = 0) -> list:
    """Launches of `count` cells; the first `slow` of them are `scale` times as slow."""
    cells = [make_cell(variant=f"v{index}") for index in range(count)]
    return [
        launch
        for index, cell in enumerate(cells)
        for launch in launches_of(cell, run, scale=scale if index < slow else 1.0, noise=0.02)
    ]


def test_many_cells_raise_no_false_alarm_and_the_one_that_moved_is_found():
    """Ten comparisons of 20 cells that are alike: at 5 % a family, 3 of 10 has chance .012."""
    before, after = record(A, noisy(20, A)), record(B, noisy(20, B))
    alarms = 0
    for number in range(10):
        finished: dict[str, tuple] = {}
        for launch in noisy(20, f"b{number}"):
            finished[launch.cell.key] = (*finished.get(launch.cell.key, ()), launch)
        told = compare_runs(before, replace(after, launches=finished), margins=Margins(share=0.0))
        alarms += told.exit_code == 1
    assert alarms < 3
    found = compare_runs(before, record(B, noisy(20, B, 1.2, slow=1)))
    assert found.cells[0].row.variant == "v0"
    assert {move.change for move in found.cells[0].moves} == {Change.REGRESSED}
    assert found.exit_code == 1


def test_cells_that_moved_though_nothing_changed_raise_a_doubt():
    told = compare_runs(record(A, launches_of(CELL, A)), record(B, launches_of(CELL, B, scale=1.2)))
    assert changes(told)["p50_ms"] is Change.REGRESSED
    assert "it may be the day" in told.notes[0]
    assert not pair(1.2).notes


def outputs_of(answer_key, flips: int):
    scores = answer_key.reference[0].copy()
    scores[:flips] = scores[:flips, ::-1]
    return (scores,)


@pytest.mark.parametrize(
    ("flips", "change"),
    [(0, Change.EQUIVALENT), (13, Change.REGRESSED), (1, Change.EQUIVALENT)],
)
def test_quality_is_compared_case_by_case(flips, change):
    answer_key, cell = make_answer_key(), make_cell(scenario=Scenario.QUALITY, launches=1)
    sides = [
        record(run, launches_of(cell, run, count=1, outputs=outputs_of(answer_key, count)),
               answer_key=answer_key, metric=accuracy())
        for run, count in ((A, 0), (B, flips))
    ]  # fmt: skip
    told = compare_runs(sides[0], sides[1], margins=Margins(quality=0.02))
    assert changes(told) == {"quality": change}
    move = told.cells[0].moves[0]
    assert move.effect == pytest.approx(move.before - move.after)
    assert move.difference


def test_other_labels_are_other_cases():
    answer_key, cell = make_answer_key(), make_cell(scenario=Scenario.QUALITY, launches=1)
    other = replace(answer_key, labels=1 - answer_key.labels)
    sides = [
        record(run, launches_of(cell, run, count=1, outputs=answer_key.reference), answer_key=known,
               metric=accuracy())
        for run, known in ((A, answer_key), (B, other))
    ]  # fmt: skip
    assert changes(compare_runs(sides[0], sides[1])) == {"quality": Change.NOT_COMPARABLE}


def test_garbage_that_was_none_before_has_regressed_however_fast():
    answer_key = make_answer_key()
    wrong = (np.full((4, 2), 9.0, np.float32) * np.array([[1, -1]], np.float32),)
    sides = [
        record(run, launches_of(CELL, run, scale=scale, outputs=outputs), answer_key=answer_key,
               metric=accuracy())
        for run, scale, outputs in ((A, 1.0, (answer_key.reference[0][:4],)), (B, 0.1, wrong))
    ]  # fmt: skip
    told = changes(compare_runs(sides[0], sides[1]))
    assert told == {"outputs": Change.REGRESSED, "p50_ms": Change.NOT_COMPARABLE,
                    "p95_ms": Change.NOT_COMPARABLE}  # fmt: skip


def test_cells_of_which_nothing_is_compared_show_no_absence_of_a_regression():
    cell = make_cell(scenario=Scenario.PROFILE)
    told = pair(cell=cell, other=cell)
    assert [(one.state, one.moves) for one in told.cells] == [(State.COMPARED, ())]
    assert told.exit_code == 4
