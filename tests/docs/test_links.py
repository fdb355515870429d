"""Links lead somewhere, and every page can be reached from the index and is said once."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest
from markdown_pages import DOCS, INDEX, anchors, links, named, pages, prose
from repository import ROOT

#: So many words in a row that stand in two pages are said twice.
_WORDS = 15
PAGES = pages()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_relative_links_and_anchors_resolve(page: Path) -> None:
    wrong = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            wrong.append(f"{target}: no such file")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            wrong.append(f"{target}: no such heading")
    assert not wrong


def test_every_page_is_linked_from_the_index() -> None:
    linked = {(INDEX.parent / target.partition("#")[0]).resolve() for target in links(INDEX)}
    assert [named(page) for page in DOCS.rglob("*.md") if page not in {*linked, INDEX}] == []


def test_pages_lie_in_a_part_or_where_others_name_them() -> None:
    parts = {"tutorial", "how-to", "reference", "explanation"}
    at_the_top = {page.stem for page in DOCS.glob("*.md")}
    assert {path.name for path in DOCS.iterdir() if path.is_dir()} == parts
    assert at_the_top == {
        "README", "architecture", "claims", "concepts", "decisions", "extending", "measurement",
    }  # fmt: skip


def test_nothing_is_said_twice() -> None:
    where = defaultdict(set)
    for page in PAGES:
        if named(page).split("/")[0] not in ("suites", "reports", "CHANGELOG.md"):
            said = words(page)
            for place in range(len(said) - _WORDS + 1):
                where[tuple(said[place : place + _WORDS])].add(named(page))
    twice = defaultdict(list)
    for said_twice, names in where.items():
        if len(names) > 1:
            twice[" and ".join(sorted(names))].append(" ".join(said_twice))
    assert {names: texts[0] for names, texts in twice.items()} == {}


def test_what_the_program_and_its_files_name_of_the_docs_is_there() -> None:
    files = [
        path
        for top in ("benchhub", "benchmarks", "scripts", "suites", "tests", "device_profiles")
        for path in (ROOT / top).rglob("*")
        if path.suffix in (".py", ".toml", ".md", ".j2", ".ini") and path.is_file()
    ]
    lost = [
        f"{path.relative_to(ROOT)} names {name}"
        for path in files
        for name in re.findall(r"\bdocs/[\w/-]+\.md\b", path.read_text("utf-8", "replace"))
        if not (ROOT / name).exists()
    ]
    assert not lost


def words(page: Path) -> list[str]:
    """Return what a page says in its prose and tables, word by word; not that a script made it."""
    lines = [line for line in prose(page) if not line.startswith("*Made by ")]
    text = re.sub(r"\]\([^)]*\)", "", " ".join(lines))
    return re.findall(r"[\w.%/-]+", text.lower())
