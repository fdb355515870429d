"""What earlier versions stored opens, and shows what it showed: no field reads back as None."""

from __future__ import annotations

import json
import re
import sqlite3
import tomllib
from contextlib import closing
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from differing import Difference, differences
from kept_runs import FOLDER, NAMES, expected, outputs, unpacked

from benchhub.store import Store

#: Schemas after it get a store when they are done: until then their records may still grow.
NEWEST_KEPT = 8
#: What is meant to differ: `where` (documents), a regular expression each for `path`, `was` and
#: `now`, and the `reason`.
LISTED: list[dict[str, str]] = tomllib.loads((FOLDER / "differences.toml").read_text("utf-8")).get(
    "difference", []
)


def meant(document: str, found: Difference) -> list[int]:
    """Return which listed differences explain one that was found."""
    return [
        index
        for index, one in enumerate(LISTED)
        if fnmatchcase(document, one["where"])
        and all(
            re.fullmatch(one.get(part, ".*"), getattr(found, part), re.DOTALL)
            for part in Difference._fields
        )
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_store_of_an_earlier_version_shows_what_it_showed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCHHUB_CACHE", str(tmp_path / "cache"))
    with Store.open(unpacked(name, tmp_path)) as store:
        now = dict(outputs(store))
    was = expected(name)
    assert now.keys() == was.keys()
    unexplained = [
        (document, *found)
        for document in was
        for found in differences(document, was[document], now[document])
        if not meant(f"{name}/{document}", found)
    ]
    assert not unexplained, f"{len(unexplained)} differences, the first {unexplained[:5]}"


def test_every_schema_has_a_store(tmp_path: Path) -> None:
    kept = set()
    for name in NAMES:
        unpacked(name, tmp_path)
        with closing(sqlite3.connect(tmp_path / f"{name}.db")) as store:
            kept |= {revision for (revision,) in store.execute("select * from alembic_version")}
    assert kept == {f"{number:04}" for number in range(1, NEWEST_KEPT + 1)}


def test_what_is_listed_has_a_reason() -> None:
    assert all(one["where"] and one["reason"] for one in LISTED)


def _cell(outcome: str) -> str:
    """A verdict on a cell of its own for each letter, whose case is the outcome."""
    verdict = {"cell": outcome.lower(), "scenario": "latency", "batch": 1, "column": "p50_ms"}
    return json.dumps({**verdict, "outcome": outcome})


def _cells(outcomes: str) -> str:
    return f'{{"x": [{", ".join(map(_cell, outcomes))}]}}'


def _flag(name: str) -> str:
    return json.dumps({"name": name, "evidence": "seen"})


def _flags(names: str) -> str:
    return f'{{"x": [{", ".join(map(_flag, names))}]}}'


@pytest.mark.parametrize(
    ("name", "was", "now", "found"),
    [
        ("a.json", '{"x": [1.0]}', '{"x": [1.0000001]}', [("x[]", "1.0", "1.0000001")]),
        ("a.json", '{"x": 0.1}', '{"x": 0.10000000000000002}', []),
        ("a.json", '{"x": 0}', '{"x": null}', [("x", "0", "null")]),
        ("a.json", '{"x": 1}', "{}", [("x", "1", "null")]),
        ("a.json", _cells("ab"), _cells("ba"), [("x[]", "in order", "in another order")]),
        ("a.json", _cells("ab"), _cells("b"), [("x[latency 1 p50_ms]", _cell("a"), "null")]),
        ("a.json", _cells("ab"), _cells("bA"), [("x[latency 1 p50_ms].outcome", '"a"', '"A"')]),
        ("a.json", _flags(""), _flags("a"), [("x[a]", "null", _flag("a"))]),
        ("a.json", _flags("a"), _flags("ba"), [("x[b]", "null", _flag("b"))]),
        ("a.csv", "a,b\n1,2\n", "a,b,c\n1,2,\n", [("c", "", "a new column")]),
        ("a.csv", "a,b\n1,2\n", "b,a\n2,1\n", [("", "a b", "b a")]),
        ("a.csv", "scenario,batch,a\nx,8,1", "scenario,batch,a\nx,8,2", [("x 8: a", "1", "2")]),
        ("a.csv", "a\n\n1\n", "a\n\n\n", [("", "1 rows", "0 rows")]),
        ("a.html", "<p>one<p>two", "<p>one<p>three", [("", "<p>two", ""), ("", "", "<p>three")]),
        ("a.html", "<svg><path d='1'/><text>a</text></svg>", "<svg><text>a</text></svg>", []),
        ("a.text", "one\n", "one\ntwo\n", [("", "", "two")]),
    ],
)
def test_a_difference_is_found(name: str, was: str, now: str, found: list[Any]) -> None:
    assert list(differences(name, was, now)) == found
