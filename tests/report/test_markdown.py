"""The golden file is rewritten with `python tests/report/test_markdown.py`; read its diff."""

from __future__ import annotations

import re
from pathlib import Path

from synthetic import results

from benchhub.report.formats import render
from benchhub.report.formats.markdown import escape

GOLDEN = Path(__file__).parent / "golden" / "report.md"


def test_golden() -> None:
    assert render("markdown", [results()]) == GOLDEN.read_text("utf-8")


def test_every_table_row_has_the_columns_of_its_heading() -> None:
    width = 0
    for line in render("markdown", [results(), results(run="other")]).splitlines():
        if not line.startswith("|"):
            width = 0
            continue
        found = len(re.findall(r"(?<!\\)\|", line))
        width = width or found
        assert found == width, line


def test_hostile_text_stays_text() -> None:
    text = render("markdown", [results()])
    assert "<script>" not in text
    assert escape("a|b\n# c <i> *x*") == r"a\|b \# c &lt;i&gt; \*x\*"


def test_verdicts_come_first_and_worst_first() -> None:
    text = render("markdown", [results()])
    order = [text.index(f"| {name} |") for name in ("FAIL", "INCONCLUSIVE", "PASS")]
    assert order == sorted(order)
    assert order[-1] < text.index("## raspberry-pi-4")


if __name__ == "__main__":
    GOLDEN.write_text(render("markdown", [results()]), "utf-8")
