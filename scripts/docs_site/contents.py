"""The navigation: parts and pages of docs/README.md in its order, then what lies beside docs/."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parent))
import pages

_ENTRY = re.compile(r"\[([^\]]+)\]\(([^()\s#]+)\)")
_PARTS = re.compile(r"^## (.+)$", re.MULTILINE)


def parts() -> dict[str, dict[str, str]]:
    """Return the pages of each part of the table of contents by their titles there."""
    text = (pages.ROOT / pages.CONTENTS[0]).read_text("utf-8")
    found: dict[str, dict[str, str]] = {}
    titles = _PARTS.split(text)[1:]
    for part, told in zip(titles[::2], titles[1::2], strict=True):
        linked = {path: _titled(title) for title, path in _ENTRY.findall(told)}
        found[part] = {title: path for path, title in linked.items() if not path.startswith("..")}
    return found


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Set the navigation, once it is known which pages there are."""
    nav: list[Any] = [{"Home": "index.md"}]
    for part, found in parts().items():
        nav.append({part: [{title: _page(path, files)} for title, path in found.items()]})
    beside = sorted(name for path, name in pages.pages().items() if path not in pages.AT_THE_ROOT)
    reports = [name for name in beside if name.startswith("reports/")]
    suites = [name for name in beside if name.startswith("suites/")]
    nav.append({"Measured": [*reports, {"Suites": suites}]})
    names = ("contributing", "security", "changelog")
    project = [{name.capitalize(): f"project/{name}.md"} for name in names]
    nav.append({"Project": [{"All pages": pages.CONTENTS[1]}, *project]})
    config.nav = nav
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Leave the room of the navigation to the first page: it is a part of its own."""
    if page.is_homepage:
        page.meta["hide"] = ["navigation"]
    return markdown


def _titled(text: str) -> str:
    words = " ".join(text.split()).strip("`")
    return words[:1].upper() + words[1:]


def _page(path: str, files: Files) -> str:
    """Return the page of a notebook, where one is made of it, or the page itself."""
    made = str(Path(path).with_suffix(".md"))
    return made if path.endswith(".ipynb") and files.get_file_from_path(made) else path
