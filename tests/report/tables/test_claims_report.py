"""Claims in every format: the last table, its verdicts in words, the evidence below it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from browser import dump_dom
from synthetic import HOSTILE, PIPED, results

from benchhub.model.claim import ClaimAnswer, ClaimOutcome
from benchhub.model.row import Results
from benchhub.report.run import render
from benchhub.report.tables.claims import lines, tally

ANSWERS = (
    ClaimAnswer(
        "1148x", "1148x at 4 %", "Sreeram 2023", 0.02, 0.01, 0.03, ClaimOutcome.HOLDS,
        "sculpted: 0.02 meets it", "quality_loss_relative ≤ 0.04",
    ),
    ClaimAnswer(
        "slower", HOSTILE, PIPED, 2.0, 1.9, 2.1, ClaimOutcome.FAILS, f"int8: {PIPED}",
        "speedup ≤ 1", (f"as many operations {HOSTILE}", "no backend gains"),
    ),
    ClaimAnswer(
        "gpu", "CPU beats GPU", "Sreeram 2023", None, None, None, ClaimOutcome.UNTOLD,
        "no GPU in this run", "p50_ms ≤ 1",
    ),
    ClaimAnswer(
        "small", "twice smaller", "Abid 2021", 2.5, 2.5, 2.5, ClaimOutcome.HOLDS, "all meet it",
        "compression_bytes ≥ 2",
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def claimed() -> Results:
    return dataclasses.replace(results(hostile=False), claims=ANSWERS)


def test_json_has_every_field_in_order(claimed: Results) -> None:
    found = json.loads(render("json", [claimed]))["claims"]
    assert [one["id"] for one in found] == ["1148x", "slower", "gpu", "small"]
    assert found[0] == {
        "id": "1148x", "text": "1148x at 4 %", "source": "Sreeram 2023", "measured": 0.02,
        "low": 0.01, "high": 0.03, "verdict": "holds", "reason": "sculpted: 0.02 meets it",
        "asked": "quality_loss_relative ≤ 0.04", "because": [],
    }  # fmt: skip
    assert found[2]["measured"] is None
    assert [one["verdict"] for one in found[1:3]] == ["does not hold", "cannot be told"]


def test_markdown_ends_in_the_table(claimed: Results) -> None:
    text = render("markdown", [claimed])
    table = text[text.index("## Claims, and what was measured here") :]
    assert "<details>" not in table
    first = next(line for line in table.splitlines() if line.startswith("| 1148x"))
    assert "0.0200 \\[0.0100, 0.0300\\]" in first
    assert "| holds |" in first
    assert "2.50 (exact)" in table
    assert "not measured" in table
    assert "Claims: 2 hold, 1 does not hold, 1 cannot be told." in text
    cells = [line.replace("\\|", "").count("|") for line in table.splitlines() if line[:1] == "|"]
    assert set(cells) == {5}
    assert "  - no backend gains" in table


@pytest.mark.usefixtures("processes", "native")
def test_html_says_verdicts_in_words_and_colour(claimed: Results, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(render("html", [claimed]), "utf-8")
    dom = dump_dom(path, tmp_path / "profile")
    section = dom[dom.index('<details id="claim-table"') :]
    assert "<summary>" not in section[: section.index("</section>")].partition("</summary>")[2]
    for words, mark in (
        ("holds", "pass"), ("does not hold", "fail"), ("cannot be told", "inconclusive")
    ):  # fmt: skip
        assert f'<td class="{mark}" data-sort=' in section
        assert f">{words}</td>" in section
    assert '<a href="#claim-table">Claims: ' in dom
    assert HOSTILE not in section  # escaped
    assert "<dd>no backend gains</dd>" in section


def test_without_claims_there_is_nothing(native: None) -> None:
    plain = results(hostile=False)
    assert "claim" not in render("markdown", [plain]).lower()
    assert 'id="claim-table"' not in render("html", [plain])
    assert json.loads(render("json", [plain]))["claims"] == []
    assert tally([plain]) == ""


def test_each_run_has_its_own(claimed: Results) -> None:
    other = results(run="20260202-def", hostile=False)
    other = dataclasses.replace(other, claims=ANSWERS[:1])
    text = render("markdown", [claimed, other])
    table = text[text.index("## Claims,") :]
    assert table.count("| 20260101-abc |") == 4
    assert table.count("| 20260202-def |") == 1
    found = json.loads(render("json", [claimed, other]))["claims"]
    assert [one["run"] for one in found] == ["20260101-abc"] * 4 + ["20260202-def"]


@pytest.mark.parametrize("width", [60, 100])
def test_the_terminal_gets_lines_that_fit(width: int) -> None:
    shown = list(lines(ANSWERS, width))
    assert all(len(line.text) <= width for line in shown)
    starts = [line.text for line in shown if line.text[:1].strip()]
    assert starts[0].startswith("holds          1148x")
    assert any(start.startswith("does not hold  ") for start in starts)
    assert any(start.startswith("cannot be told ") for start in starts)
    assert any("no GPU in this run" in line.text for line in shown)
