"""A report's json read back: it tells the same again, and what is none ends in a line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from repository import ROOT
from synthetic import results
from wide import wide

from benchhub.errors import BenchhubError, ConfigError
from benchhub.model.row import Results
from benchhub.report.answer.said import answered
from benchhub.report.board.read import read_runs
from benchhub.report.run import render
from benchhub.text import all_visible, visible

PUBLISHED = ("cardiac-sculpting", "cross-hardware")


def _document(*sources: Results) -> Any:
    return json.loads(render("json", sources))


@pytest.mark.parametrize("source", [results(), wide()], ids=["all-there-is", "wide"])
def test_it_tells_the_same_again(source: Results) -> None:
    document = all_visible(_document(source))
    read = read_runs("x", document)
    assert len(read) == 1
    again = _document(read[0].results)
    for one in document["variants"]:  # of files only the names are published
        one["path"] = one["path"].rpartition("/")[2]
    assert again == document
    assert read[0].with_budgets


@pytest.mark.parametrize("source", [results(), wide()], ids=["all-there-is", "wide"])
def test_the_answer_is_that_of_the_report(source: Results) -> None:
    read = read_runs("x", _document(source))[0].results
    told, first = answered(read), answered(source)
    assert told.sentence == first.sentence
    assert [(one.device, one.said, one.figures) for one in told.lines] == [
        (one.device, visible(one.said), one.figures) for one in first.lines
    ]


def test_several_runs_come_apart() -> None:
    first, second = results(run="r1"), results(run="r2", seed=2)
    read = [one.results for one in read_runs("x", _document(first, second))]
    assert [one.run.id for one in read] == ["r1", "r2"]
    for mine, source in zip(read, (first, second), strict=True):
        assert [row.cell for row in mine.rows] == [row.cell for row in source.rows]
        assert [one.value for one in mine.verdicts] == [one.value for one in source.verdicts]


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_reports_lose_nothing(name: str) -> None:
    document = json.loads((ROOT / "reports" / name / "report.json").read_text("utf-8"))
    read = read_runs(name, document)[0]
    again = _document(read.results)
    assert again["rows"] == document["rows"]
    for mine, told in zip(again["verdicts"], document["verdicts"], strict=True):
        assert told.items() <= mine.items(), "an earlier version told less"
    assert again["devices"] == document["devices"]
    assert again["run"]["outcome"] == document["run"]["outcome"]


def _damaged(change: Any) -> Any:
    document = _document(results())
    change(document)
    return document


@pytest.mark.parametrize(
    "document",
    [
        None, [], {}, {"schema": 1}, {"rows": {}}, {"schema": 1, "rows": []},
        {"schema": 1, "rows": [], "run": []}, {"schema": 2, "rows": []},
        {"schema": "1", "rows": [], "run": {"id": "r"}},
        _damaged(lambda told: told["rows"][0].pop("cell")),
        _damaged(lambda told: told["rows"][0].update(flags=[{"name": "no_such", "evidence": ""}])),
        _damaged(lambda told: told["rows"][0].update(p50_ms="fast")),
        _damaged(lambda told: told["rows"][0].update(run="another")),
        _damaged(lambda told: told["rows"][0].update(intervals=[1])),
        _damaged(lambda told: told["run"].update(kind="riddle")),
        _damaged(lambda told: told["run"].update(id=7)),
        _damaged(lambda told: told["verdicts"][0].update(outcome="MAYBE")),
        _damaged(lambda told: told.update(devices=[None])),
    ],
    ids=range(18),
)  # fmt: skip
def test_what_is_no_report_is_one_line(document: Any) -> None:
    with pytest.raises(ConfigError, match=r"^some\.json: ") as told:
        read_runs("some.json", document)
    assert "\n" not in str(told.value)
    assert isinstance(told.value, BenchhubError)


def test_what_a_later_version_adds_does_not_harm() -> None:
    document = _document(results())
    for one in (*document["rows"], document["run"], *document["devices"], *document["verdicts"]):
        one["from_later"] = {"a": 1}
    assert read_runs("x", document)[0].results.rows


def test_an_earlier_version_is_known_by_what_it_lacks() -> None:
    document = _document(results())
    del document["budgets"]
    assert not read_runs("x", document)[0].with_budgets
