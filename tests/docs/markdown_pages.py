"""Markdown as far as links go: which a page has, and which anchors can be linked to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from repository import ROOT

DOCS = ROOT / "docs"
INDEX = DOCS / "README.md"
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?)(?: +#+)?$")


def pages() -> list[Path]:
    """Return the pages of the docs, and the others of the project that link to them."""
    root = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
    beside = [path for top in ("suites", "reports") for path in (ROOT / top).glob("*/README.md")]
    return sorted([*root, *beside, *DOCS.rglob("*.md")])


def links(page: Path) -> Iterator[str]:
    """Yield the targets of a page's links and images that lie in the repository."""
    for line in prose(page):
        for target in _LINK.findall(re.sub(r"`[^`]*`", "", line)):
            if "://" not in target and not target.startswith("mailto:"):
                yield target


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for line in prose(page):
        heading = _HEADING.match(line)
        if heading:
            text = re.sub(r"\]\([^()]*\)|[\[`]", "", heading[1]).lower()
            slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
            again = sum(
                one == slug or re.fullmatch(rf"{slug}-\d+", one) is not None for one in found
            )
            found.add(f"{slug}-{again}" if again else slug)
    return found


def prose(page: Path) -> Iterator[str]:
    """Yield the lines of a page outside of blocks of code."""
    fenced = False
    for line in page.read_text("utf-8").splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield line


def named(page: Path) -> str:
    """Return a page's path in the repository."""
    return page.relative_to(ROOT).as_posix()
