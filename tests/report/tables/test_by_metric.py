"""The table of a run with several metrics, wherever it is shown."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from rows import changed, judged_as
from synthetic import HOSTILE, results

from benchhub.cli.show.quality import print_quality
from benchhub.model.figure import BY_DEFINITION, LossLimits
from benchhub.model.row import Results, Row
from benchhub.report.run import render
from benchhub.report.tables.by_metric import by_metric
from benchhub.report.tables.cells import quality_parts


def judged(**changes: Any) -> Results:
    """Results whose quality cells have two further metrics, one of which is better when lower."""
    made = results(**changes)
    rows = (_twice_more(row) if row.scenario == "quality" else row for row in made.rows)
    return dataclasses.replace(made, rows=tuple(rows))


def _twice_more(row: Row) -> Row:
    itself = row.variant == "fp32"
    lost = (0.0, None, None, None) if itself else (0.02, 0.011, 0.031, None)
    how = {"method": BY_DEFINITION} if itself else {}
    also = {
        "dice_worst5": judged_as(
            metric="dice_worst5", value=0.61, low=0.58, high=0.64, loss=LossLimits(*lost), **how
        ),
        HOSTILE: judged_as(
            metric=HOSTILE, value=0.12, unit="mm", higher_is_better=False, **how,
            loss=LossLimits(0.0 if itself else 0.01, None, None, None),
        ),
    }  # fmt: skip
    after = {} if row.emulated else {"postprocess_p50_ms": 3.25}
    return changed(row, quality_also=also, several_metrics=True, **after)


def terminal(shown: Results, width: int) -> str:
    stream = StringIO()
    print_quality(Console(file=stream, width=width, color_system=None), shown)
    return stream.getvalue()


def test_a_line_a_variant_and_backend_a_column_a_metric() -> None:
    table = by_metric(judged())
    assert [column.head for column in table.columns] == [
        "Device", "Variant", "Backend", "macro_auc", "dice_worst5", HOSTILE, "Post-processing ms",
    ]  # fmt: skip
    assert [column.below for column in table.columns[3:]] == ["", "", "mm, lower is better", ""]
    assert len(table.rows) == 4 * 2 * 2
    base, other = table.rows[:2]
    assert [cell.text for cell in base[1:3]] == ["fp32", "onnxruntime"]
    assert (base[4].text, base[4].below) == ("0.610 [0.580, 0.640]", "baseline")
    assert (other[4].text, other[4].below) == ("0.610 [0.580, 0.640]", "loss 0.020 [0.011, 0.031]")
    assert (other[5].text, other[5].below) == ("0.120", "loss 0.010, limits unknown")
    assert [row[-1].text for row in table.rows] == ["3.25"] * 8 + [""] * 8


def test_a_metric_that_was_not_judged_says_so(native: None) -> None:
    made = judged()
    first = next(row for row in made.rows if row.quality_also)
    also = {"dice_worst5": first.quality_also["dice_worst5"]}
    fewer = changed(first, quality_also=also, unjudged={HOSTILE: "undefined"})
    rows = tuple(fewer if row is first else row for row in made.rows)
    made = dataclasses.replace(made, rows=rows)
    assert by_metric(made).rows[0][5].text == "withheld"
    assert "undefined" in render("html", [made])


@pytest.mark.parametrize(
    "format_name", [pytest.param("html", marks=pytest.mark.asks("native")), "markdown"]
)
def test_runs_of_one_metric_have_no_such_table(format_name: str) -> None:
    assert by_metric(results()).rows == ()
    assert "uality by metric" not in render(format_name, [results()])
    assert terminal(results(), 200) == ""


@pytest.mark.parametrize(
    "format_name", [pytest.param("html", marks=pytest.mark.asks("native")), "markdown"]
)
def test_reports_show_a_table_a_run(format_name: str) -> None:
    one = render(format_name, [judged()])
    assert "dice\\_worst5" in one or "dice_worst5" in one
    assert "0.610 [0.580, 0.640]" in one.replace("\\", "")
    assert HOSTILE not in one
    both = render(format_name, [judged(run="first"), judged(run="second")])
    for run in ("first", "second"):
        assert f"Quality by metric, run {run}" in both


def test_html_explains_the_table_where_there_is_one(native: None) -> None:
    assert "post-processing" not in render("html", [results()]).lower()
    assert "told apart" in render("html", [judged()])


def test_json_and_csv_hold_the_figures() -> None:
    made = judged()
    rows = json.loads(render("json", [made]))["rows"]
    shown = next(row for row in rows if row["quality_also"] and row["variant"] != "fp32")
    assert shown["quality_also"]["dice_worst5"]["loss_high"] == 0.031
    assert shown["postprocess_p50_ms"] == 3.25
    lines = csv.DictReader(io.StringIO(render("csv", [made]), newline=""))
    assert sum(line["postprocess_p50_ms"] == "3.25" for line in lines) == 8


def test_the_terminal_shows_limits_where_they_fit() -> None:
    made = dataclasses.replace(judged(devices=(("pi", False),), hostile=False))
    wide, narrow, least = (terminal(made, width) for width in (130, 70, 30))
    assert "Quality by metric, 95 % intervals over patients" in wide
    assert "0.610 [0.580, 0.640]" in wide
    assert wide.count("int8-static") == 2
    assert "0.610" in narrow
    assert "0.580" not in narrow
    assert all(len(line) <= 100 for line in narrow.splitlines())
    lines = least.splitlines()
    assert "    0.610 [0.580, 0.640]" in lines[lines.index("  dice_worst5") :]
    assert all(len(line) <= 30 for line in lines)


def test_each_batch_has_a_line_that_says_which_it_is() -> None:
    made = judged()
    mine = [row for row in made.rows if row.scenario == "quality"]
    more = [changed(row, batch=16, cell=f"{row.cell}-16") for row in mine]
    table = by_metric(dataclasses.replace(made, rows=(*made.rows, *more)))
    at = [column.head for column in table.columns].index("Settings")
    told = [row[at].text for row in table.rows]
    assert told.count("b16") == len(more) == len(told) - len(more)
    row = changed(mine[0], quality_parts={"lung": 0.5})
    both = (row, changed(row, batch=16, quality_parts={"lung": 0.7}))
    table = quality_parts([dataclasses.replace(made, rows=both)])
    assert [column.head for column in table.columns][3:] == ["Settings", "lung"]
    assert [(one[3].text, one[4].text) for one in table.rows] == [
        (f"b{row.batch}", "0.500"), ("b16", "0.700"),
    ]  # fmt: skip
    alone = quality_parts([dataclasses.replace(made, rows=(row,))])
    assert [column.head for column in alone.columns][3:] == ["lung"]
