"""What lets anybody read a page: tables and code that scroll by keyboard, figures that follow."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from mkdocs.structure.pages import Page

_TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
_HEADING = re.compile(r"<h[1-6][^>]*>(.*?)</h[1-6]>", re.DOTALL)
_FIGURE = re.compile(r'<img alt="([^"]*)" src="([^":]+\.svg)" ?/?>')
_SVG = "http://www.w3.org/2000/svg"


def on_page_content(content: str, page: Page, **_: Any) -> str:
    """Return a page with its wide parts in boxes that scroll, each named after its heading."""
    docs = Path(str(page.file.abs_src_path)).parent
    content = _FIGURE.sub(lambda found: _figure(docs / found[2], found[1]) or found[0], content)
    content = re.sub(r"<pre>(<span></span>)?<code>", r'<pre>\1<code tabindex="0">', content)
    return _TABLE.sub(lambda found: _boxed(found[0], content[: found.start()]), content)


def on_post_page(output: str, **_: Any) -> str:
    """Return a whole page whose search says what it is, to who cannot see it."""
    return output.replace('class="md-search" ', 'class="md-search" aria-label="Search" ', 1)


def _boxed(table: str, before: str) -> str:
    headings = _HEADING.findall(before)
    text = re.sub(r"<a class=\"headerlink\".*?</a>|<[^>]+>", "", headings[-1] if headings else "")
    label = f"Table: {' '.join(text.split())}".replace('"', "&quot;")
    table = table.replace("<table>", '<table class="lines">', 1)
    table = re.sub(r"<th>\s*</th>", "<td></td>", table)  # no name of a column is no head
    return f'<div class="wide" role="group" tabindex="0" aria-label="{label}">{table}</div>'


def _figure(path: Path, alt: str) -> str | None:
    """Return a figure of docs/ as part of the page, which its colours then follow."""
    if not path.is_file() or "docs" not in path.resolve().parts:
        return None
    ET.register_namespace("", _SVG)
    drawn = ET.fromstring(path.read_text("utf-8"))
    drawn.set("role", "img")
    drawn.set("aria-label", alt)
    return f'<span class="figure">{ET.tostring(drawn, encoding="unicode")}</span>'
