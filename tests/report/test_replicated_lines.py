"""Whether a report was replicated, as a terminal and programs are told."""

from __future__ import annotations

import json

from published_reports import FACTS, interval, report, row, scaled

from benchhub.config.published.told import PublishedDevice
from benchhub.report.compare.replicated import lines, next_steps
from benchhub.report.compare.replicated_json import render
from benchhub.results.replicate.replicate import replicate

HERE = PublishedDevice(name="here", facts=FACTS)  # type: ignore[arg-type]


def test_times_alone_that_moved_are_said_to_be_of_a_day() -> None:
    theirs = report(scaled(row(), "p50_ms", 2.0), row("int8"))
    found = replicate(theirs, report(row(), row("int8")), HERE)
    (step,) = next_steps(found)
    assert step.startswith("what did not come out again is p50_ms: what a machine takes depends")
    moved = replicate(report(row(), scaled(row("int8"), "speedup", 2.0)), report(), HERE)
    assert not any("its day" in one for one in next_steps(moved))


def test_what_would_tell_more_is_counted() -> None:
    wide = report(row(intervals={"p50_ms": interval(10.0, 0.13)}))
    (step,) = next_steps(replicate(report(row()), wide, HERE))
    assert "launches a cell here would tell of half of the 1 figure" in step
    (other,) = next_steps(replicate(wide, report(row()), HERE))
    assert other.startswith("of 1 figure no number of launches here would tell")
    flagged = report(row(flags=[{"name": "steal"}]))
    (last,) = next_steps(replicate(report(scaled(row(), "p50_ms", 2.0)), flagged, HERE))
    assert "stop what else runs, and run it again" in last


def test_where_nothing_could_be_measured_it_says_what_to_give() -> None:
    found = replicate(report(row()), None, None, lacking={"fp32": "it is nowhere"})
    shown = "\n".join(line.text for line in lines(found, 100))
    assert shown.startswith("CANNOT BE TOLD: tiny, run r1, by nothing that could be measured here")
    assert "1 row: it is nowhere" in shown
    assert "--models DIR" in shown
    told = json.loads(render(found))
    assert (told["ours"], told["outcome"]) == (None, "cannot be told")


def test_names_of_strangers_are_shown_as_they_are() -> None:
    odd = row(variant="<b>[red]x[/red]\x1b[2J")
    found = replicate(report(odd), report(row("y")), HERE)
    shown = "\n".join(line.text for line in lines(found, 60))
    assert "<b>[red]x[/red]" in shown
    assert "\x1b" not in shown + render(found)
    assert all(len(line) <= 60 for line in shown.splitlines())
