"""The files of a board: every row, its permalink, what is newest, and downloads."""

from __future__ import annotations

import gzip
import json
import re
import shlex
from dataclasses import replace
from html import unescape

import pytest
from board_cases import made, on_board, rows_of
from rows import make_row
from synthetic import HOSTILE, results

from benchhub.model.facts import Provenance
from benchhub.model.request import RunKind
from benchhub.report.answer.said import answered
from benchhub.report.board.line import line
from benchhub.report.board.names import row_id
from benchhub.report.board.pages import MOST_ROWS
from benchhub.report.page.packed import unpacked
from benchhub.report.run import render

ONE = (("raspberry-pi-4", False),)
MANY = tuple((f"board-{at}", False) for at in range(5))


def _ids(page: bytes) -> list[str]:
    return re.findall(r'<tbody id="([^"]+)" class="row[ \w]*"', page.decode())


def _all_ids(files: dict[str, bytes]) -> list[str]:
    return [one for name, text in files.items() if name.endswith(".html") for one in _ids(text)]


def test_a_small_board_has_every_row_on_its_index_and_nothing_waits() -> None:
    source = results(devices=ONE)
    files = made(on_board(source))
    assert set(files) == {"index.html", "rows.csv", "rows.json.gz", "rows.parquet"}
    assert _ids(files["index.html"]) == [row_id(source.run.id, c) for c in rows_of(source)]
    text = files["index.html"].decode()
    assert "application/octet-stream" not in text
    assert answered(source).sentence in unescape(text)


def test_the_same_runs_give_the_same_bytes() -> None:
    assert made(on_board(results())) == made(on_board(results()))


def test_downloads_are_those_of_the_report() -> None:
    source = results(hostile=False)
    files = made(on_board(source))
    assert files["rows.csv"].decode() == render("csv", [source])
    told = json.loads(gzip.decompress(files["rows.json.gz"]))
    assert told["rows"] == json.loads(render("json", [source]))["rows"]
    two = [results(run="r1", hostile=False), results(run="r2", hostile=False)]
    files = made(*map(on_board, two))
    assert files["rows.csv"].decode() == render("csv", two)


def test_a_row_is_called_the_same_when_runs_are_added() -> None:
    first = results(run="r1", devices=ONE)
    alone = made(on_board(first))
    many = made(on_board(first), *(on_board(results(run=f"r{at}")) for at in range(2, 6)))
    assert set(_all_ids(alone)) <= set(_all_ids(many))
    assert len(set(_all_ids(many))) == len(_all_ids(many)), "a row stands in one place"


def test_above_some_rows_pages_by_suite_have_them_all() -> None:
    source = results(devices=MANY)
    files = made(on_board(source))
    assert _ids(files["index.html"]) == []
    assert sorted(_all_ids(files)) == sorted(row_id(source.run.id, c) for c in rows_of(source))
    index = files["index.html"].decode()
    pages = [name for name in files if name.startswith("suites/")]
    assert pages
    for page in pages:
        assert f'href="{page}"' in index
        assert 0 < len(_ids(files[page])) <= MOST_ROWS
    packed = re.search(r'id="packed">([^<]+)', index)
    assert packed is not None
    held = json.loads(unpacked(packed[1]))
    assert {row[1] for row in held["rows"]} == set(_all_ids(files))
    for row in held["rows"]:
        assert row[1] in _ids(files[held["paths"][row[0]]])


def test_links_lead_to_rows_and_files_that_are_there() -> None:
    source = results(devices=MANY)
    files = made(on_board(source), on_board(results(run="r2", devices=ONE)))
    ids = {name: set(re.findall(r'\bid="([^"]+)"', text.decode()))
           for name, text in files.items() if name.endswith(".html")}  # fmt: skip
    for name, text in files.items():
        if not name.endswith(".html"):
            continue
        for target in re.findall(r'href="([^"]*)"', text.decode()):
            path, _, part = unescape(target).partition("#")
            assert not re.match(r"[a-z]+:|/", path), target
            where = path.removeprefix("../") if path else name
            if where.startswith("runs/"):
                continue
            assert where in files, target
            anywhere = {one for of in ids.values() for one in of}  # the index finds rows
            assert not part or part in (anywhere if where == "index.html" else ids[where]), target


def test_the_newest_run_of_a_device_comes_first_and_older_ones_are_folded() -> None:
    old, new = (
        results(run="r1", devices=ONE, hostile=False),
        results(run="r2", devices=ONE, hostile=False),
    )
    old = replace(old, run=replace(old.run, started_at="2026-01-01T09:00:00+00:00"))
    new = replace(new, run=replace(new.run, started_at="2026-02-01T09:00:00+00:00"))
    text = made(on_board(new), on_board(old))["index.html"].decode()
    now, _, before = text.partition('<details class="on-paper" id="older">')
    assert _ids(now.encode()) == [row_id("r2", cell) for cell in rows_of(new)]
    assert _ids(before.encode()) == [row_id("r1", cell) for cell in rows_of(old)]
    assert "1 older run" in text


def test_an_older_run_stays_for_devices_that_no_newer_one_has() -> None:
    old = results(run="r1", hostile=False)
    new = results(run="r2", devices=ONE, hostile=False)
    old = replace(old, run=replace(old.run, started_at="2026-01-01T09:00:00+00:00"))
    new = replace(new, run=replace(new.run, started_at="2026-02-01T09:00:00+00:00"))
    text = made(on_board(old), on_board(new))["index.html"].decode()
    now = text.partition('<details class="on-paper" id="older">')[0]
    mine = {row.device for row in old.rows if row_id("r1", row.cell) in _ids(now.encode())}
    assert mine == {"emulated-arm64"}
    assert "On emulated-arm64; newer runs have its other devices." in text
    assert answered(old).sentence not in unescape(text)


def test_without_budgets_nothing_is_said_to_ship() -> None:
    text = made(on_board(results(), old=True))["index.html"].decode()
    assert "Ship " not in text.partition('<section id="all">')[0]
    assert "is of an earlier version, which did not keep" in text
    assert "PASS" in text


def test_hostile_names_stay_text() -> None:
    device = f"{HOSTILE}\"'&/../x"
    source = results(devices=((device, False),))
    source = replace(source, run=replace(source.run, suite=f"../{HOSTILE}"))
    files = made(on_board(source), title=HOSTILE)
    for name, text in files.items():
        assert re.fullmatch(r"(suites/)?[a-z0-9.-]+", name)
        if name.endswith(".html"):
            assert HOSTILE not in text.decode()
    big = replace(
        results(devices=tuple((f"{HOSTILE}/{at}", False) for at in range(9))), run=source.run
    )
    for name, text in made(on_board(big), title=HOSTILE).items():
        assert re.fullmatch(r"(suites/)?[a-z0-9.-]+", name)
        assert not name.endswith(".html") or HOSTILE not in text.decode()


def test_nothing_leads_outside() -> None:
    for name, text in made(on_board(results(devices=MANY))).items():
        if name.endswith(".html"):
            assert not re.search(
                r"(?:src|href|action|url\()\s*=?\s*[\"'(]?(?:https?:)?//", text.decode()
            )


def test_pages_that_are_no_more_lead_to_the_index() -> None:
    files = made(on_board(results(devices=ONE)), before=["suites/gone.html"])
    text = files["suites/gone.html"].decode()
    assert 'href="../index.html"' in text
    assert list(files)[-1] == "index.html", "what leads to the rest is written last"


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"withheld": {"p95_ms": "needs n_eff >= 59"}}, "p95 ms withheld: needs n_eff >= 59"),
        ({"p50_ms": 3.0, "launches": 1}, "p50 ms without an interval: 1 launch cannot bound it"),
        ({"p50_ms": 3.0, "p50_low_ms": 2.0, "launches": 10},
         "p50 ms without an interval: its samples do not bound the upper end"),
        ({"status": "failed", "reason": "load raised"}, "failed: load raised"),
    ],
)  # fmt: skip
def test_a_figure_without_an_interval_says_why(columns: dict[str, object], told: str) -> None:
    source = results()
    row = make_row(run=source.run.id, cell="c", **columns)
    found = line(row, source.run, source.devices[0], "", True, "a.json", "")
    assert told in found.lacking
    page = made(on_board(replace(source, rows=(row,), verdicts=())))["index.html"].decode()
    assert told in unescape(page)


def test_the_command_measures_the_row_again() -> None:
    source = results(devices=ONE)
    row = next(one for one in source.rows if one.variant == "int8-static")
    found = line(row, source.run, source.devices[0], "", True, "a.json", "")
    assert found.command == (
        f"benchhub run {source.run.suite} --device raspberry-pi-4 --backend onnxruntime"
        " --variant int8-static --scenario latency"
    )


@pytest.mark.parametrize("kind", [RunKind.SUITE, RunKind.BENCH, RunKind.AB])
def test_a_command_runs_benchhub_alone_whatever_a_file_tells(kind: RunKind) -> None:
    source = results(devices=ONE)
    told = Provenance({"command": f"benchhub {kind} x; rm -rf ~ `id` $(id) | sh\n#"})
    asked = replace(source.run.request, kind=kind, suite="$(id)", limits={"a; id": 1.0})
    run = replace(source.run, suite="`id`; x", request=asked, provenance=told)
    row = make_row(run=run.id, device="$(id)", variant="; id #", backend="| id", cell="c")
    found = line(row, run, source.devices[0], "", True, "a.json", "").command
    words = shlex.split(found)
    assert words[0] == "benchhub"
    assert shlex.join(words) == found, "no word is more than a word to a shell"
