"""A page is drawn once, and again where anything that it may show is another."""

from __future__ import annotations

import dataclasses
import sqlite3
from contextlib import closing

import pytest
from builders import make_budget, make_cell, make_launches, make_plan, make_run, make_variant

from benchhub.model.row import Results
from benchhub.report.run import render
from benchhub.results.kept import page
from benchhub.results.load import load_results
from benchhub.store import Store

RUN = make_run().id
CELL = make_cell(launches=3)


@pytest.fixture
def store(path):
    with Store.open(f"sqlite:///{path}") as opened:
        plan = make_plan(CELL)
        opened.create_run(make_run(status="done"), plan, None, (make_variant(),), ())
        for launch in make_launches(CELL, 3):
            opened.add(launch)
        yield opened


class Pen:
    """Draws real pages, and counts them."""

    def __init__(self) -> None:
        self.drawn = 0

    def page(self, store: Store, of: Results, interactive: bool = False) -> str:
        def draw() -> str:
            self.drawn += 1
            return render("markdown", [of])

        return page.page_once(store, of, draw, interactive)


def test_a_page_is_drawn_once_and_given_again_as_it_was(store) -> None:
    pen = Pen()
    first = pen.page(store, load_results(store, RUN, details=True))
    again = pen.page(store, load_results(store, RUN, details=True))
    assert (again, pen.drawn) == (first, 1)
    assert pen.page(store, load_results(store, RUN, details=True), interactive=True)
    assert pen.drawn == 2


def test_what_changed_is_drawn_anew(store, monkeypatch) -> None:
    pen = Pen()
    of = load_results(store, RUN, details=True)
    pen.page(store, of)
    others = [
        dataclasses.replace(of, budgets=(make_budget(latency_p95_ms=20.0),)),
        dataclasses.replace(of, details={}),
        dataclasses.replace(of, rows=(dataclasses.replace(of.rows[0], status="failed"),)),
        dataclasses.replace(of, run=dataclasses.replace(of.run, status="running")),
    ]
    for other in others:
        assert pen.page(store, other) == render("markdown", [other])
    assert pen.drawn == 5
    for launch in make_launches(CELL, 4)[3:]:
        store.add(launch)
    pen.page(store, load_results(store, RUN, details=True))
    assert pen.drawn == 6
    monkeypatch.setattr(page, "drawing", lambda: "other code")
    pen.page(store, load_results(store, RUN, details=True))
    assert pen.drawn == 7


def test_a_store_in_use_or_code_that_cannot_be_read_costs_time_and_nothing_else(
    store, path, monkeypatch
) -> None:
    pen = Pen()
    of = load_results(store, RUN, details=True)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert pen.page(store, of) == pen.page(store, of) == render("markdown", [of])
    monkeypatch.setattr(page, "drawing", lambda: None)
    pen.page(store, of)
    pen.page(store, of)
    assert pen.drawn == 4


def test_a_page_that_was_damaged_is_drawn_anew(store, path) -> None:
    pen = Pen()
    of = load_results(store, RUN, details=True)
    first = pen.page(store, of)
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE summaries SET data = x'00' WHERE kind = 'page'")
    assert (pen.page(store, of), pen.drawn) == (first, 2)
