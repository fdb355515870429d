"""Pages that anybody can read, as far as axe-core can tell: nothing serious, light and dark."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe import DARK, LIGHT, serious
from repository import ROOT
from synthetic import results

from benchhub.report.run import render

PUBLISHED = sorted(ROOT.glob("reports/*/report.html"))
#: Found on a page that was made before its charts had words of their own: until it is made anew.
KNOWN = {"cross-hardware": {"svg-img-alt"}}


@pytest.mark.usefixtures("processes", "native")
def test_a_page_with_all_there_is(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(render("html", [results()]), "utf-8")
    assert serious(page, tmp_path, LIGHT) == []
    assert serious(page, tmp_path, DARK, rules=("color-contrast",)) == []


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("page", PUBLISHED, ids=lambda page: page.parent.name)
def test_published_reports(page: Path, tmp_path: Path) -> None:
    found = {str(one[1]) for one in serious(page, tmp_path, LIGHT, opened=False)}
    assert found == KNOWN.get(page.parent.name, set())
