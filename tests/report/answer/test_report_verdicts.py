from __future__ import annotations

from dataclasses import replace

from gate_cases import BROKEN, FAILS, KEPT, OPEN, make_judged
from synthetic import results

from benchhub.report.answer.verdicts import verdicts_of
from benchhub.report.gate.entries import entries
from benchhub.results.load import judged


def _found(*rows: object):  # type: ignore[no-untyped-def]
    made = make_judged(*rows)  # type: ignore[arg-type]
    return verdicts_of(replace(made.results, budgets=made.budgets))


def test_every_verdict_stands_in_one_place() -> None:
    source = results()
    found = verdicts_of(source)
    told = [found.failing, found.kept, *(group.table for group in found.undecided)]
    assert sum(len(table.rows) for table in told) == sum(
        entry.verdict is not None for entry in entries(judged(source))
    )


def test_what_is_undecided_stands_by_cause_with_one_next_step() -> None:
    others = [replace(OPEN, cell=f"other-{at}", variant=f"v{at}") for at in range(3)]
    found = _found(OPEN, *others, KEPT, FAILS)
    assert len(found.undecided) == 1
    group = found.undecided[0]
    assert group.told.counted == "4 cells"
    assert group.told.step
    assert len(group.table.rows) == 4


def test_a_line_knows_its_cell_and_a_failed_cell_is_an_error() -> None:
    found = _found(BROKEN, FAILS)
    assert [row and row.variant for row in found.failing.of] == ["fp32", "fp16"]
    assert [line[0].text for line in found.failing.rows] == ["FAIL", "ERROR"]


def test_the_device_is_a_column_only_where_there_are_several() -> None:
    heads = [column.head for column in _found(KEPT).kept.columns]
    assert "Device" not in heads
    assert "Device" in [column.head for column in verdicts_of(results()).kept.columns]
