"""Emulated devices are labelled wherever their figures stand, and ranked nowhere."""

from __future__ import annotations

import io
import json
from dataclasses import replace

from rich.console import Console
from rows import changed
from wide import DEVICES, wide

from benchhub.cli.show.results import print_gate
from benchhub.cli.show.timed import print_timed
from benchhub.model.row import Results
from benchhub.report.charts import drawn as charts
from benchhub.report.run import render
from benchhub.report.tables.conclude import conclusions
from benchhub.report.tables.front import front
from benchhub.report.tables.points import comparable, points
from benchhub.results.load import Judged

EMULATED = [name for name, emulated, _ in DEVICES if emulated]
REAL = [name for name, emulated, _ in DEVICES if not emulated]


def _fast_emulated() -> Results:
    """A run whose emulated devices would win every ranking they took part in."""
    source = wide()
    rows = [
        changed(r, p50_ms=median / 1e6, p50_low_ms=0.0, p50_high_ms=median / 1e5)
        if r.emulated and (median := r["p50_ms"].value) is not None
        else r
        for r in source.rows
    ]
    return replace(source, rows=tuple(rows))


def test_no_ranking_has_them_even_where_they_are_fastest() -> None:
    source = _fast_emulated()
    found = points(source.rows)
    assert {p.row.device for p in found} == {*EMULATED, *REAL}
    assert {p.row.device for p in comparable(found)} == set(REAL)
    assert {p.row.device for p in front(found)} == set(REAL), "a front of every device at once"


def test_taking_them_away_changes_no_conclusion_about_real_devices() -> None:
    source = _fast_emulated()
    alone = replace(
        source,
        devices=tuple(d for d in source.devices if not d.emulated),
        rows=tuple(r for r in source.rows if not r.emulated),
    )
    said = {c.device: c.sentences for c in conclusions(source)}
    assert {name: said[name] for name in REAL} == {
        c.device: c.sentences for c in conclusions(alone)
    }
    for name in EMULATED:
        assert "not ranked" in " ".join(said[name])
        assert not any(
            word in " ".join(said[name]) for word in ("lowest", "fastest", "Highest", "Best")
        )


def test_charts_have_them_in_panels_of_their_own_behind_the_real_ones() -> None:
    for name, chart in charts.specs([_fast_emulated()]).items():
        if name in ("size", "tradeoff"):
            continue  # of files, or of a device each
        spec = chart.to_dict()
        panels = [(p, grid) for grid in spec["vconcat"] for p in grid.get("concat", [grid])]
        titles = [panel["title"] for panel, _ in panels]
        order = [t["text"] for t in titles]
        assert set(order[-len(EMULATED) :]) == set(EMULATED), name
        marks = ["not ranked" in t.get("subtitle", "") for t in titles]
        assert marks == sorted(marks), name
        assert sum(marks) == len(EMULATED), name
        assert all(grid["resolve"]["scale"]["x"] == "independent" for _, grid in panels), name


def test_every_format_says_so(native: None) -> None:
    source = wide()
    texts = (render("html", [source]), render("markdown", [source]), _terminal(source))
    for name in EMULATED:
        words = "emulated: translated instructions" if "user" in name else "emulated time"
        for text in texts:
            shown = [line for line in text.splitlines() if name in line]
            assert any(words in line for line in shown), name
    for row in json.loads(render("json", [source]))["rows"]:
        assert row["emulated"] is (row["device"] in EMULATED)


def _terminal(source: Results) -> str:
    console = Console(file=io.StringIO(), width=100)
    print_timed(console, source)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_the_terminal_shows_them_last_and_without_a_best_setting() -> None:
    text = _terminal(wide())
    places = [text.index(f"Latency on {name}") for name in (*REAL, *EMULATED)]
    assert places == sorted(places)
    behind = text[places[len(REAL)] :]
    assert "the fastest settings" not in behind
    assert "Highest rate" not in behind


def test_their_verdicts_stand_behind_those_of_real_devices() -> None:
    source = wide()
    console = Console(file=io.StringIO(), width=200)
    print_gate(console, Judged(source, (), source.verdicts, (), 1))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    for outcome in ("FAIL", "INCONCLUSIVE", "PASS"):
        mine = [line for line in lines if line.startswith(outcome)]
        marks = ["(emulated)" in line for line in mine]
        assert marks == sorted(marks)
