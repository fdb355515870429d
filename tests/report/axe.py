"""axe-core in Chromium: what it finds that keeps people from reading a page."""

from __future__ import annotations

import importlib.util
import json
import re
from html import unescape
from pathlib import Path

from browser import dump_dom

#: Draws and opens what there is, runs axe, and leaves what it finds in the document.
_RUN = """
addEventListener("load", async () => {
  for (let again = 0; OPENED && again < 3; again += 1) {
    const parts = document.querySelectorAll("details:not(.opens, .opens details)");
    for (const part of parts) part.open = true;
    await new Promise((done) => setTimeout(done, 200));
  }
  const cells = document.querySelectorAll("details.opens");
  for (const cell of OPENED ? [...cells].slice(0, 3) : []) cell.open = true;
  const found = await axe.run(document, { resultTypes: ["violations"], runOnly: RULES });
  document.documentElement.dataset.axe = JSON.stringify(
    found.violations.map((one) => [one.impact, one.id, one.nodes.slice(0, 3).map((n) => n.html)]),
  );
});
"""
DARK = "--blink-settings=preferredColorScheme=0"
LIGHT = "--blink-settings=preferredColorScheme=1"


def serious(
    page: Path, folder: Path, *flags: str, rules: tuple[str, ...] = (), opened: bool = True
) -> list[list[object]]:
    """Return the findings of impact serious or critical on a page, with its sections `opened`.

    Of some `rules` alone, or of all.
    """
    text = page.read_text("utf-8")
    assert "</body>" in text
    with_axe = folder / f"axe-{page.name}"
    run = _RUN.replace("OPENED", "true" if opened else "false")
    run = run.replace("RULES", json.dumps(rules) if rules else "undefined")
    scripts = f"<script>{_source()}</script><script>{run}</script></body>"
    with_axe.write_text(scripts.join(text.rsplit("</body>", 1)), "utf-8")
    dom = dump_dom(with_axe, folder / "profile", "--virtual-time-budget=60000", *flags)
    told = re.search(r'data-axe="([^"]*)"', dom)
    assert told is not None, "axe did not end"
    found: list[list[object]] = json.loads(unescape(told[1]))
    return [one for one in found if one[0] in ("serious", "critical")]


def _source() -> str:
    """axe-core as one script, out of the package that carries it, which is not imported."""
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    path = Path(spec.submodule_search_locations[0]) / "axe.min.js"
    return path.read_text("utf-8").replace("</script", "<\\/script")
