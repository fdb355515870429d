"""What was computed is kept beside the launches, and never taken for what it is not."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing

import pytest
from builders import make_cell, make_plan, make_run, make_variant
from builders import make_launch as launch_of

from benchhub.store import Store
from benchhub.store.summaries import Summary, named

RUN = make_run().id
ROW = {"a": Summary("1" * 64, b"one"), "b": Summary("2" * 64, b"two")}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results.db"


@pytest.fixture
def store(path):
    with Store.open(f"sqlite:///{path}", busy_timeout_s=2) as opened:
        opened.create_run(make_run(), make_plan(make_cell()), None, (make_variant(),), ())
        yield opened


def test_what_is_kept_comes_back_by_name_and_kind(store):
    assert store.summaries.keep(RUN, "row", ROW)
    assert store.summaries.keep(RUN, "other", {"a": Summary("3" * 64, b"")})
    assert store.summaries.of(RUN, "row") == ROW
    assert store.summaries.of(RUN, "other") == {"a": Summary("3" * 64, b"")}
    assert store.summaries.of("another", "row") == {}


def test_the_last_one_kept_counts(store):
    store.summaries.keep(RUN, "row", ROW)
    store.summaries.keep(RUN, "row", {"b": Summary("4" * 64, b"new")})
    assert store.summaries.of(RUN, "row") == {**ROW, "b": Summary("4" * 64, b"new")}


def test_many_are_kept_at_once(store):
    many = {f"{number:04}": Summary("5" * 64, bytes([number % 256])) for number in range(1234)}
    assert store.summaries.keep(RUN, "row", many)
    assert store.summaries.of(RUN, "row") == many


@pytest.mark.parametrize(
    "change",
    [
        "data = x'6f6e'",
        "data = ''",
        "data = 'one'",
        "data = 5",
        "key = '9'",
        "name = 'c'",
        "kind = 'other'",
        "digest = ''",
    ],
)
def test_one_that_was_changed_is_not_there(store, path, change):
    store.summaries.keep(RUN, "row", ROW)
    with closing(sqlite3.connect(path)) as other, other:
        other.execute(f"update summaries set {change} where name = 'a'")
    assert store.summaries.of(RUN, "row") == {"b": ROW["b"]}
    assert store.summaries.of(RUN, "other") == {}


def test_they_go_with_their_run(store, path):
    store.summaries.keep(RUN, "row", ROW)
    store.delete_run(RUN)
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("select count(*) from summaries").fetchone() == (0,)


def test_of_a_run_that_is_gone_nothing_is_kept(store):
    assert store.summaries.keep("another", "row", ROW) is False


def test_a_store_in_use_by_others_keeps_nothing_and_is_not_waited_for(store, path):
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    with closing(other):
        other.execute("begin immediate")
        assert store.summaries.keep(RUN, "row", ROW) is False
        timer = threading.Timer(0.5, lambda: other.execute("rollback"))
        timer.start()
        store.add(launch_of())  # what was measured waits as long as ever
        timer.join()
    assert store.summaries.keep(RUN, "row", ROW)


def test_a_store_without_the_table_has_none(store, path):
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("drop table summaries")
    assert store.summaries.of(RUN, "row") == {}
    assert store.summaries.keep(RUN, "row", ROW) is False


def test_a_name_fits_its_column():
    assert named("x" * 255) == "x" * 255
    assert len(named("x" * 256)) == 64
    assert named("x" * 256) != named("x" * 257)
