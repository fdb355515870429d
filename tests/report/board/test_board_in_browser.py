"""A board in Chromium: filters, permalinks, what has no script, narrow pages, and axe."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest
from axe import DARK, LIGHT, serious
from board_cases import made, on_board
from browser import dump_dom
from synthetic import HOSTILE, results

from benchhub.report.board.names import row_id

SMALL = results(run="r1")
PI = (("raspberry-pi-4", False),)
FEW = results(run="r5", devices=PI, hostile=False)
LARGE = results(run="r2", devices=tuple((f"board-{at:02}", False) for at in range(9)))
ODD = results(run="r3", devices=tuple((f"{HOSTILE}{at}", False) for at in range(9)))
KEY = row_id("r1", "raspberry-pi-4/openvino/int8-static/latency/2")
AWAY = row_id("r2", "board-05/openvino/int8-static/latency/2")
CHOSEN = "device=raspberry-pi-4&backend=openvino&q=int8&sort=p50+ms+down"
#: What is looked at: a page, the address on it, and whether there are scripts.
LOOKED_AT = {
    "chosen": (f"small/index.html#{CHOSEN}", True),
    "ranked": ("small/index.html#sort=p50+ms", True),
    "answers": ("small/index.html#device=emulated-arm64", True),
    "clicked": ("small/clicked.html", True),
    "permalink": (f"small/index.html#{KEY}", True),
    "from the index": (f"large/index.html#{AWAY}", True),
    "searched": ("large/index.html#device=board-07&scenario=latency&q=int8-static", True),
    "hostile": ("odd/index.html#q=int8", True),
    "small, no script": ("small/index.html", False),
    "large, no script": ("large/index.html", False),
}  # fmt: skip
_CLICK = """<script>addEventListener("load", () => {
  const device = document.getElementById("filters").device;
  device.value = [...device.options].find((one) => one.text === "emulated-arm64").value;
  device.dispatchEvent(new Event("input", { bubbles: true }));
  document.body.dataset.hash = location.hash; });</script></body>"""
#: Planted before everything else of a page: tells if anything ran that should not.
_TRAP = "<head><script>globalThis.alert = () => (document.documentElement.dataset.ran = 1)</script>"
_FRAME = '<iframe width="400" height="700" sandbox="allow-same-origin{}" src="{}"></iframe>'
_LOOK = """<script>addEventListener("load", () => setTimeout(() => {
  const told = [...document.querySelectorAll("iframe")].map((frame) => {
    const of = frame.contentDocument;
    const rows = [...of.querySelectorAll("tbody.row")];
    return {
      html: of.documentElement.outerHTML,
      wide: of.documentElement.scrollWidth,
      shown: rows.filter((row) => row.getClientRects().length).map((row) => row.id),
      pages: [...of.querySelectorAll(".pages a")].filter((a) => a.getClientRects().length).length,
      nodes: of.querySelectorAll("*").length,
    };
  });
  document.documentElement.dataset.told = JSON.stringify(told);
}, 2000));</script>"""


@dataclass(frozen=True)
class Looked:
    """A page as a browser 400 pixels wide has it: which rows are seen, and how wide it is."""

    html: str
    wide: int
    shown: list[str]
    pages: int
    nodes: int


def _write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "index.html"


@pytest.fixture(scope="module")
def boards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("boards")
    small = _write(folder / "small", made(on_board(SMALL)))
    small.with_name("clicked.html").write_text(
        small.read_text("utf-8").replace("</body>", _CLICK), "utf-8"
    )
    _write(folder / "large", made(on_board(SMALL), on_board(LARGE)))
    odd = _write(folder / "odd", made(on_board(ODD), title=HOSTILE))
    odd.write_text(odd.read_text("utf-8").replace("<head>", _TRAP), "utf-8")
    return folder


@pytest.fixture(scope="module")
def looked(
    processes: None, boards: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Looked]:
    """Every page of `LOOKED_AT`, each in a frame of one browser."""
    frames = "".join(
        _FRAME.format(" allow-scripts" if scripts else "", page.replace("&", "&amp;"))
        for page, scripts in LOOKED_AT.values()
    )
    top = boards / "frames.html"
    top.write_text(f"<!DOCTYPE html><title>All</title>{frames}{_LOOK}", "utf-8")
    flags = ("--virtual-time-budget=20000", "--allow-file-access-from-files")
    dom = dump_dom(top, tmp_path_factory.mktemp("profile"), *flags)
    told = re.search(r'data-told="([^"]*)"', dom)
    assert told is not None
    found = json.loads(unescape(told[1]))
    return {name: Looked(**one) for name, one in zip(LOOKED_AT, found, strict=True)}


def _rows(dom: str) -> list[str]:
    return re.findall(r'<tbody id="([^"]+)" class="row[ \w]*"', dom)


def test_filters_and_order_come_from_the_address(looked: dict[str, Looked]) -> None:
    page = looked["chosen"]
    rows = _rows(page.html)
    assert len(rows) == sum(row.runs_model for row in SMALL.rows)
    wanted = {
        row_id("r1", row.cell)
        for row in SMALL.rows
        if (row.device, row.backend) == ("raspberry-pi-4", "openvino") and "int8" in row.variant
    }
    assert set(page.shown) == wanted
    assert 0 < len(wanted) < len(rows)
    assert f"{len(wanted)} of {len(rows)} rows" in page.html
    by_id = {row_id("r1", row.cell): row["p50_ms"].value for row in SMALL.rows}
    times = [by_id[key] for key in page.shown]
    known = [one for one in times if one is not None]
    assert known == sorted(known, reverse=True)
    assert times[: len(known)] == known, "what has no value stands last"


def test_emulated_devices_stand_behind_real_ones_whatever_they_took(
    looked: dict[str, Looked],
) -> None:
    emulated = {row_id("r1", row.cell): row.emulated for row in SMALL.rows}
    order = [emulated[key] for key in _rows(looked["ranked"].html)]
    assert order == sorted(order)
    assert set(order) == {False, True}


def test_what_is_chosen_goes_to_the_address_and_to_the_answers(looked: dict[str, Looked]) -> None:
    assert 'data-hash="#device=emulated-arm64"' in looked["clicked"].html
    for name in ("answers", "clicked"):
        dom = looked[name].html
        answers = dom[dom.index('<table class="answer"') :].partition("</table>")[0]
        lines = re.findall(r"<tr([^>]*)>\s*<th scope=\"row\">([\w-]+)", answers)
        assert {name: "hidden" in rest for rest, name in lines} == {
            "raspberry-pi-4": True, "emulated-arm64": False, "board-7": True,
        }  # fmt: skip


@pytest.mark.parametrize(("name", "key"), [("permalink", KEY), ("from the index", AWAY)])
def test_a_permalink_opens_its_row(name: str, key: str, looked: dict[str, Looked]) -> None:
    dom = looked[name].html
    row = dom[dom.index(f'<tbody id="{key}"') :].partition("</tbody>")[0]
    assert '<details open="">' in row
    assert dom.count('<details open="">') == 1


def test_the_index_of_a_large_board_searches_all_pages(
    looked: dict[str, Looked], boards: Path
) -> None:
    found = looked["searched"].html.partition('id="found"')[2].partition("</table>")[0]
    links = re.findall(r'href="(suites/[^#"]+)#([^"]+)"', found)
    wanted = {
        row_id("r2", row.cell)
        for row in LARGE.rows
        if (row.device, row.scenario, row.variant) == ("board-07", "latency", "int8-static")
    }
    assert {key for _, key in links} == wanted
    for path, key in links:
        assert f'id="{key}"' in (boards / "large" / path).read_text("utf-8")


def test_without_a_script_nothing_is_hidden(looked: dict[str, Looked]) -> None:
    page = looked["small, no script"]
    assert page.shown == _rows(page.html)
    assert len(page.shown) == sum(row.runs_model for row in SMALL.rows)
    assert '<form id="filters" hidden=""' in page.html
    large = looked["large, no script"]
    assert large.pages == len(re.findall(r'href="suites/[^"#]+"', large.html))
    assert large.pages


def test_hostile_texts_run_nothing(looked: dict[str, Looked]) -> None:
    dom = looked["hostile"].html
    assert dom.count("<td") > 100, "they were found, and drawn"
    assert "data-ran" not in dom
    assert HOSTILE not in dom


def test_a_narrow_page_does_not_scroll_sideways(looked: dict[str, Looked]) -> None:
    assert {name: one.wide for name, one in looked.items() if one.wide > 400} == {}


def test_the_index_of_a_large_board_is_light(looked: dict[str, Looked]) -> None:
    assert looked["large, no script"].nodes < 2000


@pytest.mark.usefixtures("processes")
def test_anybody_can_read_it(boards: Path, tmp_path: Path) -> None:
    few = _write(tmp_path, made(on_board(results(run="r4", devices=PI), old=True), on_board(FEW)))
    assert serious(few, tmp_path, LIGHT) == []
    assert serious(few, tmp_path, DARK, rules=("color-contrast",), opened=False) == []
    assert serious(boards / "large" / "index.html", tmp_path, LIGHT, opened=False) == []
