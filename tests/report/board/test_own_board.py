"""The board of the project's own reports: of all that it names, and not too large."""

from __future__ import annotations

import csv
import gzip
import json

import pytest
from repository import ROOT

BOARD = ROOT / "reports" / "board"
KEPT = sorted(ROOT.glob("reports/*/report.json"))


def test_it_has_the_rows_of_every_report_as_they_are() -> None:
    """Else: `cd reports`, and the command of reports/board/README.md."""
    named = {one["id"]: one for one in json.loads((BOARD / "board.json").read_text())["runs"]}
    told = json.loads(gzip.decompress((BOARD / "rows.json.gz").read_bytes()))
    assert {one["id"] for one in told["runs"]} == set(named)
    linked = {(BOARD / one["json"]).resolve() for one in named.values()}
    assert {path.resolve() for path in KEPT} <= linked
    for path in linked:
        report = json.loads(path.read_text("utf-8"))
        mine = [row for row in told["rows"] if row["run"] == report["run"]["id"]]
        assert mine == report["rows"], f"{path} was made anew, and the board was not"
    with (BOARD / "rows.csv").open(newline="", encoding="utf-8") as file:
        assert len(list(csv.reader(file))) == len(told["rows"]) + 1


@pytest.mark.parametrize("name", ["json", "html"])
def test_what_it_leads_to_is_there(name: str) -> None:
    for run in json.loads((BOARD / "board.json").read_text())["runs"]:
        assert (BOARD / run[name]).is_file()


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in BOARD.rglob("*") if path.is_file()) < 4_000_000
    assert (BOARD / "index.html").stat().st_size < 500_000
