"""The golden file is rewritten with `python tests/report/run/test_markdown.py`; read its diff."""

from __future__ import annotations

import re
from pathlib import Path

from synthetic import results

from benchhub.report.run import render
from benchhub.report.run.markdown import escape

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


def test_the_answer_comes_first_then_what_asks_for_action() -> None:
    text = render("markdown", [results()])
    order = ["**Ship ", "| Device | Answer |", "**ERROR**", "## All devices and variants"]
    order += ["## Failures", "## Verdicts", "| FAIL |", "<details>", "**INCONCLUSIVE**, "]
    order += ["| PASS |", "## raspberry-pi-4"]
    places = [text.index(name) for name in order]
    assert places == sorted(places)


def test_every_fold_is_closed_and_opens_on_a_blank_line() -> None:
    lines = render("markdown", [results()]).splitlines()
    folds = [i for i, line in enumerate(lines) if line.startswith("<details>")]
    assert len(folds) == lines.count("</details>") > 3
    assert all(lines[i + 1] == "" and lines[i + 2].startswith("|") for i in folds)


if __name__ == "__main__":
    GOLDEN.write_text(render("markdown", [results()]), "utf-8")
