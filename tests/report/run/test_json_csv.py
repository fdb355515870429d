from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from synthetic import FORMULA, HOSTILE, PIPED, results

from benchhub.errors import ConfigError
from benchhub.model.columns import COLUMNS
from benchhub.report.run import FORMATS, load, render, suffix


def _refuse(token: str) -> Any:
    raise AssertionError(f"{token} is not JSON")


def _parsed(*runs: str) -> Any:
    source = [results(run=run) for run in runs]
    return json.loads(render("json", source), parse_constant=_refuse)


def test_json_top_level_is_the_contract() -> None:
    document = _parsed("r1")
    top = ["schema", "run", "devices", "rows", "verdicts", "skips", "variants", "selftests"]
    top += ["claims", "races", "budgets"]
    assert list(document) == top
    assert document["schema"] == 1
    assert document["run"]["id"] == "r1"


def test_json_rows_hold_every_column_in_order_and_what_csv_cannot() -> None:
    source = results()
    rows = _parsed(source.run.id)["rows"]
    assert len(rows) == len(source.rows)
    for shown, row in zip(rows, source.rows, strict=True):
        assert tuple(shown)[: len(COLUMNS)] == COLUMNS
        assert shown["p50_ms"] == row["p50_ms"].value, "a float must read back exactly"
        why = {name: f"n/a: {of.withheld}" for name, of in row.figures.items() if of.withheld}
        assert shown["withheld"] == why
        assert shown["quality_parts"] == (dict(row.quality.parts) if row.quality else {})
        assert shown["provenance"]["model_sha256"] == row.provenance.model_sha256
        assert shown["agreement_relative"] == row.agreement_relative
        assert [f["name"] for f in shown["flags"]] == [f.name for f in row.flags]
        assert all(set(flag) == {"name", "evidence", "caps"} for flag in shown["flags"])


def test_json_infinite_and_nan_are_null() -> None:
    rows = _parsed("r1")["rows"]
    assert rows[0]["intervals"]["mean_ms"]["high"] is None
    assert next(row for row in rows if row["status"] == "failed")["mean_ms"] is None


def test_json_of_several_runs_names_the_run_of_everything() -> None:
    document = _parsed("r1", "r2")
    assert [run["id"] for run in document["runs"]] == ["r1", "r2"]
    for name in ("devices", "rows", "verdicts", "skips", "variants"):
        assert {item["run"] for item in document[name]} == {"r1", "r2"}, name


def test_csv_is_rfc_4180_with_exactly_the_columns() -> None:
    source = results()
    text = render("csv", [source])
    lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert tuple(lines[0]) == COLUMNS
    assert len(lines) == len(source.rows) + 1
    assert {len(line) for line in lines} == {len(COLUMNS)}
    assert text.endswith("\r\n")
    table = [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]
    for shown, row in zip(table, source.rows, strict=True):
        assert shown["p50_ms"] == _text(row["p50_ms"].value)
        assert shown["threads"] == str(row.threads)
    assert table[-1]["variant"] == HOSTILE
    assert table[-1]["reason"] == f"load raised: {PIPED}"


def _text(value: float | None) -> str:
    return "" if value is None else repr(value)


def test_csv_defuses_formulas_in_text_only() -> None:
    source = results()
    table = list(csv.DictReader(io.StringIO(render("csv", [source]), newline="")))
    assert table[-1]["recipe"] == f"'{FORMULA}"
    losses = [row["quality_loss_low"] for row in table if row["quality_loss_low"]]
    assert any(loss.startswith("-") for loss in losses), "a negative number is not a formula"


@pytest.mark.parametrize(
    "name", [pytest.param("html", marks=pytest.mark.asks("native")), "markdown", "csv", "json"]
)
def test_same_results_give_same_text(name: str) -> None:
    assert render(name, [results()]) == render(name, [results()])


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_takes_no_results_at_all(name: str) -> None:
    assert isinstance(render(name, []), str)


def test_table_of_formats() -> None:
    assert [suffix(name) for name in FORMATS] == [".html", ".md", ".csv", ".json"]
    with pytest.raises(ConfigError, match=r"'pdf' is unknown; choose one of: html"):
        load("pdf")
