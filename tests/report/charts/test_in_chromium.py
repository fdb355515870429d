"""Charts as a browser shows them: its own fonts, light and dark ground, drawn and live."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from browser import dump_dom
from synthetic import results
from test_tradeoff import drawn_at_random
from wide import wide

from benchhub.report.charts import colours, drawn
from benchhub.report.charts.tradeoff import of_device
from benchhub.report.run import render

#: Pairs of level texts of a chart that lie over one another by more than a pixel, as the title.
_OVER = """<script>
const found = [];
for (const chart of document.querySelectorAll("svg")) {
  const turned = (text) => (text.getAttribute("transform") ?? "").includes("rotate");
  const texts = [...chart.querySelectorAll("text")].filter((text) => !turned(text));
  const boxes = texts.map((t) => t.getBoundingClientRect());
  boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b, j) => {
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 1 && high > 3) found.push([texts[i].textContent, texts[i + 1 + j].textContent]);
  }));
}
document.title = JSON.stringify(found);
</script>"""
#: Colours of a text, of a symbol and of the ground of the first live chart, once it is there.
_COLOURS = """<script>
const waiting = setInterval(() => {
  const parts = ["text", '[fill="LIGHT"]'].map((of) => document.querySelector(`.vega-embed ${of}`));
  if (!parts.every(Boolean)) return;
  clearInterval(waiting);
  const ground = getComputedStyle(parts[0].closest("svg.marks")).backgroundColor;
  document.title = JSON.stringify([...parts.map((part) => getComputedStyle(part).fill), ground]);
}, 50);
</script></body>"""


def _title(dom: str) -> str:
    return dom.split("<title>")[1].split("</title>")[0]


def _rgb(text: str) -> str:
    return f"rgb({', '.join(str(int(text[at : at + 2], 16)) for at in (1, 3, 5))})"


@pytest.mark.usefixtures("processes", "native")
def test_no_text_lies_over_another(tmp_path: Path) -> None:
    charts = [
        chart for seed in range(8)
        if (chart := of_device(drawn_at_random(seed), "localhost")) is not None
    ]  # fmt: skip
    charts += drawn.specs([wide()]).values()
    page = tmp_path / "page.html"
    svgs = "".join(f"<div>{drawn.to_svg(chart)}</div>" for chart in charts)
    page.write_text(f"<!DOCTYPE html><title></title><body>{svgs}{_OVER}</body>", "utf-8")
    assert json.loads(_title(dump_dom(page, tmp_path / "profile"))) == []


@pytest.mark.usefixtures("processes", "native")
def test_live_charts_follow_the_readers_ground(tmp_path: Path) -> None:
    light, dark, _ = colours.SLOTS[0]
    text = render("html", [results()], interactive=True)
    page = tmp_path / "live.html"
    head, _, tail = text.rpartition("</body>")  # the runtime has that in a text of its own
    page.write_text(head + _COLOURS.replace("LIGHT", light) + tail, "utf-8")
    for scheme, ink, symbol in ((0, colours.DARK[colours.INK], dark), (1, colours.INK, light)):
        shown = dump_dom(
            page, tmp_path / f"{scheme}", f"--blink-settings=preferredColorScheme={scheme}",
            "--virtual-time-budget=20000",
        )  # fmt: skip
        found = json.loads(_title(shown))
        assert found[1] == _rgb(symbol)
        assert found[2] == "rgba(0, 0, 0, 0)", "the page's ground is seen through"
        # The page may have an ink of its own, as light or as dark.
        assert _bright(found[0]) == _bright(_rgb(ink))


def _bright(rgb: str) -> bool:
    return sum(int(part) for part in rgb[4:-1].split(",")) > 384
