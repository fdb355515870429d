"""`benchhub publish`: runs of a store and files of reports on a board, again, and refusals."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import make_budget, make_cell
from in_process import Reading
from recorded_runs import launches_of, stored
from repository import ROOT

from benchhub.cli.published.board_folder import board_folder
from benchhub.store import Store

FP32, INT8 = make_cell(variant="fp32"), make_cell(variant="int8")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Reading:
    reading = Reading(tmp_path_factory.mktemp("publish"))
    edge = (make_budget("edge", latency_p95_ms=20.0),)
    with Store.open(reading.url) as store:
        for name in ("one", "two"):
            made = [*launches_of(FP32, name), *launches_of(INT8, name, scale=0.5)]
            stored(store, name, made, edge, suite=f"suite-{name}")
    for name in ("one", "two"):
        done = reading.run(
            "report", name, "--format", "json", "-o", str(tmp_path_of(reading, name))
        )
        assert done.code == 0
    return reading


def tmp_path_of(project: Reading, name: str) -> Path:
    """Where the json of a run lies."""
    return project.folder / f"{name}.json"


def _runs(board: Path) -> list[str]:
    return [one["id"] for one in json.loads((board / "board.json").read_text("utf-8"))["runs"]]


def _tree(board: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(board)): path.read_bytes()
        for path in sorted(board.rglob("*"))
        if path.is_file()
    }


def _ids(board: Path) -> set[str]:
    return set(re.findall(r'<tbody id="([^"]+)"', (board / "index.html").read_text("utf-8")))


@pytest.mark.usefixtures("native")
def test_a_run_of_the_store_with_its_report_and_json(project: Reading, tmp_path: Path) -> None:
    done = project.run("publish", "one", "-o", str(tmp_path / "b"))
    assert (done.code, done.out) == (0, "")
    assert done.err.strip() == f"publish: {tmp_path / 'b' / 'index.html'}: 1 run, 2 rows"
    files = _tree(tmp_path / "b")
    assert {"index.html", "board.json", "rows.csv", "rows.json.gz"} <= set(files)
    own = gzip.decompress(files["runs/one/report.json.gz"])
    assert json.loads(own) == json.loads(tmp_path_of(project, "one").read_text("utf-8"))
    assert b'id="cell=' in files["runs/one/report.html"]
    csv = project.run("report", "one", "--format", "csv").out
    assert files["rows.csv"].decode().splitlines() == csv.splitlines()


@pytest.mark.usefixtures("native")
def test_publishing_again_adds_and_keeps(project: Reading, tmp_path: Path) -> None:
    board = tmp_path / "b"
    project.run("publish", "one", "-o", str(board), "--title", "Mine & yours")
    before, html = _ids(board), (board / "runs/one/report.html").read_bytes()
    (board / "README.md").write_text("mine", "utf-8")
    assert project.run("publish", str(tmp_path_of(project, "two")), "-o", str(board)).code == 0
    assert _runs(board) == ["one", "two"]
    assert before < _ids(board)
    assert (board / "runs/one/report.html").read_bytes() == html
    assert (board / "README.md").read_text("utf-8") == "mine"
    assert "Mine &amp; yours" in (board / "index.html").read_text("utf-8")
    files = _tree(board)
    assert project.run("publish", "-o", str(board)).code == 0
    assert _tree(board) == files, "again without runs is as it was"


@pytest.mark.usefixtures("native")
def test_a_file_gives_the_rows_and_the_answer_of_the_store(
    project: Reading, tmp_path: Path
) -> None:
    stored_one, read = tmp_path / "s", tmp_path / "f"
    project.run("publish", "one", "-o", str(stored_one))
    project.run("publish", str(tmp_path_of(project, "one")), "-o", str(read))
    assert (stored_one / "index.html").read_bytes() == (read / "index.html").read_bytes()
    assert (stored_one / "rows.csv").read_bytes() == (read / "rows.csv").read_bytes()
    assert "Ship int8" in (read / "index.html").read_text("utf-8")


def test_links_lead_to_the_files_that_were_given(project: Reading, tmp_path: Path) -> None:
    given = tmp_path / "reports" / "a b" / "report.json"
    given.parent.mkdir(parents=True)
    given.write_bytes(tmp_path_of(project, "one").read_bytes())
    given.with_suffix(".html").write_text("<p>its report</p>", "utf-8")
    board = tmp_path / "reports" / "board"
    assert project.run("publish", str(given), "--link", "-o", str(board)).code == 0
    text = (board / "index.html").read_text("utf-8")
    assert 'href="../a%20b/report.json"' in text
    assert 'href="../a%20b/report.html' in text
    assert not (board / "runs").exists()
    given.unlink()
    done = project.run("publish", "-o", str(board))
    assert done.code == 2
    assert "No such file" in done.err
    assert (board / "index.html").read_text("utf-8") == text


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", b"{", "is no report of benchhub"), ("a.json", b"", "is no report of benchhub"),
        ("a.json", b"[1]", "is no report of benchhub"), ("a.json", b"\xff\x00", "is no report"),
        ("a.json", b'{"schema": 1, "rows": []}', "is no whole report"),
        ("a.json.gz", b"\x1f\x8bno", "is no report of benchhub"),
        ("a.json", b'{"schema": 9, "rows": []}', "schema 9"),
        ("a.json", b"[" * 100_000, "is no report of benchhub"),
        ("a.html", b"<html>", "is no report of benchhub"),
    ],
    ids=range(9),
)  # fmt: skip
def test_a_file_that_is_no_report(
    name: str, content: bytes, said: str, project: Reading, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    done = project.run("publish", str(tmp_path / name), "-o", str(tmp_path / "b"))
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("https://example.org/report.json",), "is an address, and publish reads files"),
        (("nowhere.json",), "no such file"), (("./x",), "no such file"), (("nothing",), "nothing"),
        ((), "there is no board yet"), (("/",), "is a folder"),
    ],
)  # fmt: skip
def test_what_is_no_run(
    words: tuple[str, ...], said: str, project: Reading, tmp_path: Path
) -> None:
    done = project.run("publish", *words, "-o", str(tmp_path / "b"))
    assert done.code == 2
    assert said in done.err
    assert not (tmp_path / "b").exists()


def test_a_folder_of_somebody_else_is_left_alone(project: Reading, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("dear", "utf-8")
    done = project.run("publish", "one", "-o", str(tmp_path))
    assert done.code == 2
    assert "holds files and no board (thesis.tex)" in done.err
    assert _tree(tmp_path) == {"thesis.tex": b"dear"}
    entry = {"id": "one", "json": "runs/one/report.json.gz", "html": "//elsewhere.example/x"}
    for record in (
        [],
        {"board": 1, "title": "", "pages": ["suites/../../x"], "runs": []},
        {"board": 1, "title": "", "pages": [], "runs": [entry]},
    ):
        (tmp_path / "board.json").write_text(json.dumps(record), "utf-8")
        done = project.run("publish", "one", "-o", str(tmp_path))
        assert "is no record of a board" in done.err
    done = project.run("publish", "one", "-o", str(tmp_path / "thesis.tex"))
    assert done.code == 2
    assert "not a folder" in done.err or "Not a directory" in done.err


@pytest.mark.usefixtures("native")
def test_a_disk_that_takes_no_more_leaves_the_old_board(
    project: Reading, tmp_path: Path, files_up_to: Callable[[int], None]
) -> None:
    board = tmp_path / "b"
    project.run("publish", "one", "-o", str(board))
    before = _tree(board)
    files_up_to(9000)
    done = project.run("publish", str(tmp_path_of(project, "two")), "-o", str(board))
    assert done.code == 2
    assert "cannot be written" in done.err
    assert "the board is as it was" in done.err
    assert _tree(board) == before


@pytest.mark.usefixtures("native")
def test_another_run_of_the_same_name_is_refused(project: Reading, tmp_path: Path) -> None:
    board = tmp_path / "b"
    project.run("publish", "one", "-o", str(board))
    before = _tree(board)
    other = json.loads(tmp_path_of(project, "one").read_text("utf-8"))
    other["run"]["started_at"] = "2020-01-01T00:00:00+00:00"
    (tmp_path / "other.json").write_text(json.dumps(other), "utf-8")
    done = project.run("publish", str(tmp_path / "other.json"), "-o", str(board))
    assert done.code == 2
    assert "is another run than the board's one" in done.err
    assert _tree(board) == before


@pytest.mark.usefixtures("native")
def test_drafts_of_who_was_killed_go(project: Reading, tmp_path: Path) -> None:
    board = tmp_path / "b"
    project.run("publish", "one", "-o", str(board))
    (board / ".publishing-0").mkdir()
    (board / ".publishing-0" / "index.html").write_text("half", "utf-8")
    assert project.run("publish", "-o", str(board)).code == 0
    assert not list(board.glob(".publishing-*"))


@pytest.mark.usefixtures("native")
def test_hostile_names_write_nothing_elsewhere(project: Reading, tmp_path: Path) -> None:
    document = json.loads(tmp_path_of(project, "one").read_text("utf-8"))
    text = json.dumps(document)
    odd = text.replace('"suite-one"', '"../../<b>/one"').replace('"localhost"', '"../<i>&\\"/x"')
    (tmp_path / "x.json").write_text(odd, "utf-8")
    (tmp_path / "y.json").write_text(text.replace('"one"', '"../../one"'), "utf-8")
    board = tmp_path / "deep" / "b"
    assert project.run("publish", str(tmp_path / "x.json"), "-o", str(board)).code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"x.json", "y.json", "deep"}
    assert {path.name for path in (tmp_path / "deep").iterdir()} == {"b"}
    index = (board / "index.html").read_text("utf-8")
    assert "<b>/" not in index
    assert "<i>" not in index
    done = project.run("publish", str(tmp_path / "y.json"), "-o", str(board))
    assert done.code == 2
    assert "an id that no run has" in done.err


@pytest.mark.usefixtures("native")
def test_two_at_once_do_not_mix(project: Reading, tmp_path: Path) -> None:
    board = tmp_path / "b"
    project.run("publish", "one", "-o", str(board))
    before = _tree(board)
    with board_folder(board):
        done = project.run("publish", "two", "-o", str(board))
    assert done.code == 2
    assert "another `benchhub publish` writes there" in done.err
    assert _tree(board) == before


@pytest.mark.usefixtures("processes", "native")
def test_without_pyarrow_there_is_no_parquet_and_none_of_before(
    project: Reading, tmp_path: Path
) -> None:
    board = tmp_path / "b"
    project.run("publish", "one", "-o", str(board))
    assert (board / "rows.parquet").is_file()
    blocked = tmp_path / "blocked" / "pyarrow"
    blocked.mkdir(parents=True)
    (blocked / "__init__.py").write_text("raise ImportError('not installed')\n")
    done = subprocess.run(
        [sys.executable, "-m", "benchhub", "publish", "two", "-o", str(board)],
        cwd=project.folder, env=os.environ | {"PYTHONPATH": f"{blocked.parent}:{ROOT}"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "no rows.parquet: pip install 'benchhub[parquet]'" in done.stderr
    assert not (board / "rows.parquet").exists()
    assert "There is no parquet" in (board / "index.html").read_text("utf-8")
