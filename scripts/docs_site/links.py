"""Links from page to page, and to files of the repository that the site does not have.

These stand there as text with their path: the repository has no address that a link could lead to.
"""

from __future__ import annotations

import html
import posixpath
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parent))
import pages

_FENCED = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
_TARGET = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)|\]\(([^()\s]+)\)", re.DOTALL)
_ELSEWHERE = re.compile(r'<a href="repository:([^"]+)">(.*?)</a>', re.DOTALL)
_copied: frozenset[str] = frozenset()


def on_pre_build(config: MkDocsConfig) -> None:
    """Look up once what is copied."""
    global _copied
    _copied = pages.copied()


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page whose links lead to where files lie in the site."""
    here = page.file.src_uri

    def turned(found: re.Match[str]) -> str:
        target = found[2]
        return found[0] if target is None else f"]({relative(target, here)})"

    parts = _FENCED.split(markdown)
    return "".join(
        part if place % 2 else _TARGET.sub(turned, part) for place, part in enumerate(parts)
    )


def relative(target: str, here: str) -> str:
    """Return what a link of a page is in the site, where the page lies `here`."""
    path, found, anchor = target.partition("#")
    if not path or "://" in target or target.startswith("mailto:"):
        return target
    in_repository = posixpath.normpath(posixpath.join(posixpath.dirname(pages.source(here)), path))
    beginning = f"{in_repository}/index.html"
    there = pages.place(beginning if beginning in _copied else in_repository, _copied)
    if there is None:
        return f"repository:{in_repository}"
    if there.endswith(".ipynb"):
        there = f"{there.removesuffix('.ipynb')}.md"
    return posixpath.relpath(there, posixpath.dirname(here) or ".") + found + anchor


def on_page_content(content: str, **_: Any) -> str:
    """Return a page on which files that the site does not have are named by their path."""
    return _ELSEWHERE.sub(lambda found: _named(found[1], found[2]), content)


def _named(path: str, text: str) -> str:
    said = html.unescape(re.sub(r"<[^>]+>", "", text))
    return text if path in said else f"{text} (<code>{html.escape(path)}</code>)"
