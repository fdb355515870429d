"""A board in Chromium: filters, permalinks, what has no script, narrow pages, and axe."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe import DARK, LIGHT, serious
from board_cases import made, on_board
from browser import dump_dom
from synthetic import HOSTILE, results

from benchhub.report.board.names import row_id

WAIT = "--virtual-time-budget=8000"
NO_SCRIPT = "--blink-settings=scriptEnabled=false"
PI = (("raspberry-pi-4", False),)
SMALL = results(run="r1")
LARGE = results(run="r2", devices=tuple((f"board-{at:02}", False) for at in range(9)))
KEY = "raspberry-pi-4/openvino/int8-static/latency/2"


def _written(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "index.html"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _written(tmp_path_factory.mktemp("small"), made(on_board(SMALL)))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _written(tmp_path_factory.mktemp("large"), made(on_board(SMALL), on_board(LARGE)))


def _rows(dom: str) -> dict[str, str]:
    """The rows of a page by id, each with its other attributes."""
    return dict(re.findall(r'<tbody id="([^"]+)" class="row"([^>]*)>', dom))


@pytest.mark.usefixtures("processes")
def test_filters_and_order_come_from_the_address(small: Path, tmp_path: Path) -> None:
    address = "device=raspberry-pi-4&backend=openvino&q=int8&sort=p50+ms+down"
    dom = dump_dom(small, tmp_path / "p", WAIT, address=address)
    rows = _rows(dom)
    shown = [key for key, rest in rows.items() if "hidden" not in rest]
    assert len(rows) == sum(row.runs_model for row in SMALL.rows)
    assert 0 < len(shown) < len(rows)
    wanted = {
        row_id("r1", row.cell)
        for row in SMALL.rows
        if (row.device, row.backend) == ("raspberry-pi-4", "openvino") and "int8" in row.variant
    }
    assert set(shown) == wanted
    assert f"{len(shown)} of {len(rows)} rows" in dom
    by_id = {row_id("r1", row.cell): row["p50_ms"].value for row in SMALL.rows}
    times = [by_id[key] for key in rows]
    known = [one for one in times if one is not None]
    assert known == sorted(known, reverse=True)
    assert times[: len(known)] == known, "what has no value stands last"


@pytest.mark.usefixtures("processes")
def test_what_is_chosen_goes_to_the_address_and_to_the_answers(small: Path, tmp_path: Path) -> None:
    click = (
        '<script>addEventListener("load", () => { const form = document.getElementById("filters");'
        ' form.device.value = [...form.device.options].find((o) => o.text === "emulated-arm64").value;'
        ' form.device.dispatchEvent(new Event("input", { bubbles: true }));'
        " document.body.dataset.hash = location.hash; });</script></body>"
    )
    page = small.with_name("clicked.html")
    page.write_text(small.read_text("utf-8").replace("</body>", click), "utf-8")
    dom = dump_dom(page, tmp_path / "p", WAIT)
    assert 'data-hash="#device=emulated-arm64"' in dom
    answers = dom[dom.index('<table class="answer"') :].partition("</table>")[0]
    lines = re.findall(r"<tr([^>]*)>\s*<th scope=\"row\">([\w-]+)", answers)
    assert {name: "hidden" in rest for rest, name in lines} == {
        "raspberry-pi-4": True, "emulated-arm64": False, "board-7": True,
    }  # fmt: skip


@pytest.mark.usefixtures("processes")
def test_a_permalink_opens_its_row(small: Path, tmp_path: Path) -> None:
    key = row_id("r1", KEY)
    dom = dump_dom(small, tmp_path / "p", WAIT, address=key)
    row = dom[dom.index(f'<tbody id="{key}"') :].partition("</tbody>")[0]
    assert '<details open="">' in row
    assert dom.count('<details open="">') == 1


@pytest.mark.usefixtures("processes")
def test_a_permalink_of_the_index_finds_a_row_on_its_page(large: Path, tmp_path: Path) -> None:
    cell = next(row.cell for row in LARGE.rows if row.device == "board-05" and row.runs_model)
    dom = dump_dom(large, tmp_path / "p", WAIT, address=row_id("r2", cell))
    row = dom[dom.index(f'<tbody id="{row_id("r2", cell)}"') :].partition("</tbody>")[0]
    assert '<details open="">' in row


@pytest.mark.usefixtures("processes")
def test_the_index_of_a_large_board_searches_all_pages(large: Path, tmp_path: Path) -> None:
    address = "device=board-07&scenario=latency&q=int8-static"
    dom = dump_dom(large, tmp_path / "p", WAIT, address=address)
    found = dom[dom.index('id="found"') :].partition("</table>")[0]
    links = re.findall(r'href="(suites/[^#"]+)#([^"]+)"', found)
    wanted = {
        row_id("r2", row.cell)
        for row in LARGE.rows
        if (row.device, row.scenario, row.variant) == ("board-07", "latency", "int8-static")
    }
    assert {key for _, key in links} == wanted
    for path, key in links:
        assert f'id="{key}"' in (large.parent / path).read_text("utf-8")


@pytest.mark.usefixtures("processes")
def test_without_a_script_nothing_is_hidden(small: Path, large: Path, tmp_path: Path) -> None:
    dom = dump_dom(small, tmp_path / "p", NO_SCRIPT)
    assert not any("hidden" in rest for rest in _rows(dom).values())
    assert '<form id="filters" hidden=""' in dom
    dom = dump_dom(large, tmp_path / "p", NO_SCRIPT)
    assert len(re.findall(r'<p class="pages">', dom)) == len({SMALL.run.suite, LARGE.run.suite})


@pytest.mark.usefixtures("processes")
def test_hostile_texts_run_nothing_where_they_are_searched(tmp_path: Path) -> None:
    devices = tuple((f"{HOSTILE}{at}", False) for at in range(9))
    page = _written(tmp_path, made(on_board(results(devices=devices)), title=HOSTILE))
    planted = "<script>globalThis.alert = () => (document.body.dataset.ran = 'yes')</script>"
    page.write_text(page.read_text("utf-8").replace("<head>", f"<head>{planted}"), "utf-8")
    dom = dump_dom(page, tmp_path / "p", WAIT, address="q=int8")
    assert 'id="found"' in dom
    assert "data-ran" not in dom
    assert HOSTILE not in dom


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("which", ["small", "large"])
def test_a_narrow_page_does_not_scroll_sideways(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    page: Path = request.getfixturevalue(which)
    wide = "<script>document.body.dataset.wide = document.documentElement.scrollWidth;</script>"
    shown = page.with_name("narrow.html")
    # Chromium's window is never so narrow: a frame is.
    frame = page.with_name("frame.html")
    shown.write_text(page.read_text("utf-8").replace("</body>", f"{wide}</body>"), "utf-8")
    frame.write_text(
        '<!DOCTYPE html><iframe id="f" width="400" height="800" src="narrow.html"></iframe><script>'
        'addEventListener("load", () => { const of = document.getElementById("f").contentDocument;'
        "document.body.dataset.told = of.documentElement.scrollWidth; });</script>",
        "utf-8",
    )
    dom = dump_dom(frame, tmp_path / "p", WAIT, "--allow-file-access-from-files")
    told = re.search(r'data-told="(\d+)"', dom)
    assert told is not None
    assert int(told[1]) <= 400


@pytest.mark.usefixtures("processes")
def test_anybody_can_read_it(small: Path, large: Path, tmp_path: Path) -> None:
    assert serious(small, tmp_path, LIGHT) == []
    assert serious(small, tmp_path, DARK, rules=("color-contrast",)) == []
    assert serious(large, tmp_path, LIGHT) == []
