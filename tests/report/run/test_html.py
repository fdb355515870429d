from __future__ import annotations

import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from browser import dump_dom
from synthetic import HOSTILE, results

from benchhub.report.run import render
from benchhub.report.tables.points import flags_that_matter

VOID = {"meta", "br", "hr", "img", "input", "link", "col"}


class Page(HTMLParser):
    """Elements in order, the text of each cell, and every tag that does not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.starts: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.starts.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.starts.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.words.append(data)


@pytest.fixture(scope="module")
def text(native: None) -> str:
    return render("html", [results()])


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_every_element_closes_and_ids_are_unique(page: Page) -> None:
    assert page.open == []
    ids = [attrs["id"] for _, attrs in page.starts if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_nothing_is_fetched_from_anywhere(text: str, page: Page) -> None:
    for tag, attrs in page.starts:
        for name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
            assert (attrs.get(name) or "#").startswith("#"), (tag, attrs)
    assert not re.search(r"@import|url\s*\(|https?://|<link|<iframe|<object", text)


def test_hostile_text_is_shown_and_never_run(text: str, page: Page) -> None:
    assert HOSTILE not in text
    assert any(HOSTILE in words for words in page.words)
    assert sum(tag == "script" for tag, _ in page.starts) == 1


def test_accessible_without_looking(page: Page) -> None:
    starts = page.starts
    assert ("html", {"lang": "en"}) in starts
    tables = sum(tag == "table" for tag, _ in starts)
    assert tables == sum(tag == "caption" for tag, _ in starts) > 8
    assert all(attrs.get("scope") in ("col", "row") for tag, attrs in starts if tag == "th")
    drawn = [attrs for tag, attrs in starts if tag == "svg"]
    charts = [attrs for attrs in drawn if attrs.get("role") == "img"]
    assert len(charts) == 5
    assert all(attrs["aria-labelledby"] for attrs in charts)
    assert all(attrs.get("aria-hidden") for attrs in drawn if attrs not in charts)
    levels = [int(tag[1]) for tag, _ in starts if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_reads_in_the_order_of_importance(text: str) -> None:
    order = ["answer", "answer-lines", "tradeoffs", "map", "filters", "heat", "failed"]
    order += ["verdicts", "cell-table", "more", "conclusions", "charts", "chart-latency"]
    order += ["chart-memory", "chart-size", "doubts", "devices", "origin"]
    places = [text.index(f'id="{name}"') for name in [*order, "glossary"]]
    assert places == sorted(places)


def test_every_cell_failure_skip_flag_and_withheld_number_is_there(page: Page) -> None:
    source = results()
    shown = " ".join(page.words)
    assert sum(tag == "tr" for tag, _ in page.starts) > len(source.rows) + len(source.verdicts)
    for row in source.rows:
        if not row.runs_model:
            assert all(f.evidence not in shown for f in row.flags)
            continue
        kept = flags_that_matter(row)
        why = [figure.withheld for figure in row.figures.values()]
        for said in (row.variant, *(f.evidence for f in kept), *why):
            assert said in shown
    assert "throttled" not in shown, "a quality cell is not about time"
    assert source.rows[-1].reason in shown
    assert all(skip.reason.text in shown for skip in source.skips)
    assert all(device.error in shown for device in source.devices if device.error)
    assert all(variant.sha256 in shown for variant in source.variants)


def test_nothing_measured_is_said_in_words() -> None:
    shown = render("html", [])
    assert "No latency was measured." in shown
    assert "<svg" not in shown


def test_several_runs_name_theirs(native: None) -> None:
    pages = Page(render("html", [results(run="r1"), results(run="r2")]))
    ids = [attrs["id"] for _, attrs in pages.starts if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {"provenance-r1", "provenance-r2"} <= set(ids)


@pytest.mark.usefixtures("processes")
def test_complete_without_javascript_and_sortable_with_it(text: str, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    # Chromium dumps no document with its script engine off; a policy forbids the page's own.
    path.write_text(text.replace("script-src 'unsafe-inline'", "script-src 'none'"), "utf-8")
    off = Page(dump_dom(path, tmp_path / "off"))
    mine = Page(text)
    squeezed = [" ".join("".join(p.words).split()) for p in (off, mine)]
    assert squeezed[0] == squeezed[1], "without JavaScript nothing may be missing"
    assert [attrs for tag, attrs in off.starts if tag == "button"] == [{"type": "reset"}]
    assert all("hidden" in attrs for tag, attrs in off.starts if tag == "form")

    click = '<script>for (const b of document.querySelectorAll("#cells button")) '
    click += 'if (b.textContent.startsWith("Median")) { b.click(); b.click(); }</script></body>'
    path.write_text(text.replace("</body>", click), "utf-8")
    on = dump_dom(path, tmp_path / "on")
    assert len(re.findall(r'<th[^>]* aria-sort="descending"', on)) == 1
    table = on[on.index('id="cells"') :]
    column = list(re.findall(r"<th[^>]*>(.*?)</th>", table[: table.index("</thead>")]))
    at = next(i for i, head in enumerate(column) if "Median" in head)
    body = table[table.index("<tbody>") : table.index("</tbody>")]
    keys = [re.findall(r"<td([^>]*)>", row)[at] for row in re.split(r"<tr[^>]*>", body)[1:]]
    values = [float(m[1]) for k in keys if (m := re.search(r'data-sort="([^"]+)"', k))]
    expected = [row["p50_ms"].value for row in results().rows if row.runs_model]
    expected = [value for value in expected if value is not None]
    assert values == sorted(expected, reverse=True)
    assert all("data-sort" in key for key in keys[: len(values)]), "empty cells come last"


@pytest.mark.usefixtures("processes", "native")
def test_interactive_draws_live_charts_offline(tmp_path: Path) -> None:
    path = tmp_path / "live.html"
    text = render("html", [results()], interactive=True)
    assert not re.search(r"<script[^>]+src=|<link", text)
    path.write_text(text, "utf-8")
    live = dump_dom(path, tmp_path / "live", "--virtual-time-budget=20000")
    assert live.count('class="marks"') == 5
    assert live.count("vega-embed") >= 5
