"""A page of a thousand cells: what is there at once, what is packed, and how that is drawn."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from browser import dump_dom
from synthetic import HOSTILE, results

from benchhub.model.row import Results
from benchhub.report.page.packed import unpacked
from benchhub.report.run import render

DEVICES = tuple((f"board-{at:02}", False) for at in range(20))
KEY = "board-17/openvino/int8-static/throughput/2"
WAIT = "--virtual-time-budget=10000"


@pytest.fixture(scope="module")
def source() -> Results:
    return results(devices=DEVICES)


@pytest.fixture(scope="module")
def page(native: None, source: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "report.html"
    path.write_text(render("html", [source]), "utf-8")
    return path


class Counted(HTMLParser):
    """How many nodes there are as loaded, and the words that are shown."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.nodes = 0
        self.words: list[str] = []
        self.silent = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.nodes += 1
        self.silent += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        self.nodes += bool(data.strip())
        if not self.silent:
            self.words.append(data)


def test_what_decides_is_there_without_a_script(page: Path, source: Results) -> None:
    found = Counted(page.read_text("utf-8"))
    shown = " ".join(found.words)
    for device in source.devices:
        assert device.name in shown
    assert re.search("Ship .* on ", shown)
    assert "INCONCLUSIVE" in shown
    assert (source.rows[-1].reason or "no reason") in shown
    assert found.nodes < 20_000


def test_every_cell_waits_packed_and_hostile_text_stays_text(page: Path, source: Results) -> None:
    text = page.read_text("utf-8")
    blocks = re.findall(r'<script type="application/octet-stream" id="p\d+">([^<]+)', text)
    held = list(map(unpacked, blocks))
    opened = {key for one in held if one.startswith("{") for key in json.loads(one)}
    assert opened == {row.cell for row in source.rows if row.runs_model}
    html = "".join(one for one in held if not one.startswith("{"))
    closed = re.findall(r'<details class="opens" id="cell=([^"]+)"', html)
    assert set(map(unescape, closed)) == opened
    assert HOSTILE not in html
    assert 'class="opens"' not in text


@pytest.mark.usefixtures("processes")
def test_an_address_draws_and_opens_its_cell(page: Path, tmp_path: Path) -> None:
    dom = dump_dom(page, tmp_path / "p", WAIT, address=f"cell={KEY}")
    opened = re.findall(
        r'<details class="opens" id="cell=([^"]+)"[^>]* open=""[^>]*>(.*?)</summary>(.)', dom, re.S
    )
    assert [key for key, _, _ in opened] == [KEY]
    assert opened[0][2] == "<", "what it opens is there"
    drawn = set(re.findall(r'class="opens" id="cell=(board-\d+)/', dom))
    assert drawn == {"board-17"}, "no other device is drawn"


@pytest.mark.usefixtures("processes")
def test_a_browser_that_cannot_unpack_says_so(page: Path, tmp_path: Path) -> None:
    old = page.with_name("old.html")
    text = page.read_text("utf-8")
    old.write_text(
        text.replace("<body>", "<body><script>delete globalThis.DecompressionStream</script>"),
        "utf-8",
    )
    dom = dump_dom(old, tmp_path / "p", WAIT, address="charts")
    assert "no DecompressionStream" in dom
    assert 'class="opens"' not in dom
