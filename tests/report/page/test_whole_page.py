"""A page that is drawn at once, in a browser: cells by address, filters, what has no script."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest
from browser import dump_dom
from builders import make_budget
from synthetic import results

from benchhub.report.answer.said import answered
from benchhub.report.page.figures import tradeoffs
from benchhub.report.run import render

KEY = "raspberry-pi-4/openvino/int8-static/latency/2"


@pytest.fixture(scope="module")
def page(native: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "report.html"
    path.write_text(render("html", [results()]), "utf-8")
    return path


def _opened(dom: str) -> list[str]:
    return re.findall(r'<details class="opens" id="cell=([^"]+)"[^>]* open=""', dom)


def test_everything_is_drawn_and_nothing_waits(page: Path) -> None:
    text = page.read_text("utf-8")
    assert "application/octet-stream" not in text
    cells = re.findall(r'<details class="opens" id="cell=([^"]+)"', text)
    assert len(cells) == len(set(cells)) == sum(row.runs_model for row in results().rows)
    linked = re.findall(r'href="#cell=([^"]+)"', text)
    assert {unescape(unquote(one)) for one in linked} <= set(map(unescape, cells))


def test_what_merely_misses_least_is_not_marked_as_the_pick(native: None) -> None:
    def drawn(limit_ms: float) -> str:
        budget = make_budget(latency_p95_ms=limit_ms)
        source = replace(results(), budgets=(budget,))
        return "".join(one.svg for one in tradeoffs(answered(source), interactive=False))

    assert ": the pick<" in drawn(1e6)
    assert drawn(1e-6)
    assert ": the pick<" not in drawn(1e-6)


def test_cells_of_two_runs_have_addresses_of_their_own(native: None) -> None:
    text = render("html", [results(run="r1"), results(run="r2")])
    cells = re.findall(r'<details class="opens" id="cell=([^"]+)"', text)
    assert len(cells) == len(set(cells))


@pytest.mark.usefixtures("processes")
def test_an_address_opens_its_cell_and_the_section_around_it(page: Path, tmp_path: Path) -> None:
    dom = dump_dom(page, tmp_path / "p", "--virtual-time-budget=5000", address=f"cell={KEY}")
    assert _opened(dom) == [KEY]
    before = dom[: dom.index(f'id="cell={KEY}"')]
    assert re.findall(r"<details id=\"cells-0-0\"[^>]*>", before)[-1].endswith('open="">')


@pytest.mark.usefixtures("processes")
def test_filters_come_from_the_address_and_go_there(page: Path, tmp_path: Path) -> None:
    address = f"device=raspberry-pi-4&verdict=PASS&cell={KEY}"
    dom = dump_dom(page, tmp_path / "p", "--virtual-time-budget=5000", address=address)
    assert '<form id="filters">' in dom
    cells = re.findall(r'<details class="opens" id="cell=([^"]+)"([^>]*)', dom)
    shown = [key for key, rest in cells if "hidden" not in rest]
    assert shown
    assert all(key.startswith("raspberry-pi-4/") for key in shown)
    heat = dom[dom.index('<table class="heat') :]
    heat = heat[: heat.index("</table>")]
    fields = re.findall(r'<td data-f="[^"]+"( class="[^"]*")?', heat)
    left = [field for field in fields if "off" not in field]
    assert 0 < len(left) < len(fields)
    click = (
        '<script>addEventListener("load", () => { const form = document.getElementById("filters");'
        ' form.backend.value = "1"; form.dispatchEvent(new Event("change"));'
        " document.body.dataset.hash = location.hash; });</script></body>"
    )
    changed = page.with_name("changed.html")
    changed.write_text(page.read_text("utf-8").replace("</body>", click), "utf-8")
    dom = dump_dom(changed, tmp_path / "q", "--virtual-time-budget=5000", address=address)
    told = re.search(r'data-hash="([^"]*)"', dom)
    assert told is not None
    assert "backend=openvino" in told[1]
    assert "device=raspberry-pi-4" in told[1]
    assert "cell=" in told[1]
