#!/usr/bin/env python3
"""Draws what docs/explanation/reading-a-report.md shows: `scripts/report_pictures.py [REPORT]`.

REPORT, an HTML file (the published quickstart), in Chromium: its first screen with numbered
call-outs, in the dark, and as wide as a phone. Nothing of the project is imported.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "reports" / "quickstart" / "report.html"
PICTURES = ROOT / "docs" / "explanation" / "reading-a-report"
#: What the numbers on the picture stand at: elements of the page, in the order of the text.
CALLED_OUT = (
    ".sentence",
    "table.answer tbody tr:first-child th",
    "table.answer tbody tr:first-child td:nth-of-type(1)",
    "table.answer tbody tr:first-child td:nth-of-type(2)",
    "table.answer tbody tr:first-child td:nth-of-type(3)",
    "table.answer tbody tr:first-child td:nth-of-type(4)",
    "table.answer tbody tr:first-child td:nth-of-type(6)",
    ".gate",
    "#tradeoffs h3",
    "#filters",
    "#map td",
)
_MARKS = """<script>addEventListener("load", () => {
  document.body.style.paddingLeft = "40px";
  %s.forEach((wanted, at) => {
    const box = document.querySelector(wanted).getBoundingClientRect();
    const mark = document.createElement("b");
    mark.textContent = at + 1;
    mark.style.cssText = "position:absolute;width:22px;height:22px;border-radius:11px;z-index:9;" +
      "background:#b3261e;color:#fff;font:bold 13px/22px sans-serif;text-align:center";
    mark.style.left = Math.max(2, box.left + scrollX - 24) + "px";
    mark.style.top = box.top + scrollY - 6 + "px";
    document.body.append(mark);
  });
});</script></body>"""
#: Chromium has no window as narrow as a phone.
_PHONE = '<body style="margin:0"><iframe src="%s" style="border:0;width:400px;height:900px">'
_LIGHT, _DARK = (
    "--blink-settings=preferredColorScheme=1",
    "--blink-settings=preferredColorScheme=0",
)


def main(report: Path = REPORT) -> int:
    """Write the pictures of a report."""
    text = report.read_text("utf-8")
    marks = _MARKS % str(list(CALLED_OUT))
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "called-out.html"
        told.write_text(marks.join(text.rsplit("</body>", 1)), "utf-8")
        phone = Path(folder) / "phone.html"
        phone.write_text(_PHONE % report.resolve().as_uri(), "utf-8")
        PICTURES.mkdir(exist_ok=True)
        _shoot(told, "first-screen", "1300,1780", _LIGHT, folder)
        _shoot(report.resolve(), "dark", "1300,900", _DARK, folder)
        _shoot(phone, "phone", "500,900", _LIGHT, folder)
    return 0


def _shoot(page: Path, name: str, size: str, scheme: str, folder: str) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        raise SystemExit("report_pictures: no chromium; apt-get install chromium")
    argv = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    argv += ["--allow-file-access-from-files", "--virtual-time-budget=4000", scheme]
    argv += [f"--user-data-dir={folder}/profile", f"--window-size={size}"]
    argv += [f"--screenshot={PICTURES / f'{name}.png'}", page.as_uri()]
    subprocess.run(argv, check=True, capture_output=True, timeout=90)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
