"""Links lead somewhere, and every page can be reached from the index and is said once."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import pytest
from markdown_pages import DOCS, INDEX, anchors, links, named, pages, prose
from repository import ROOT

#: Pages of the reference that are being written; a name goes from here once its page is there.
TO_COME = {
    f"docs/reference/{name}.md"
    for name in (
        "cli", "suites", "profiles", "columns", "exit-codes", "flags", "failures", "environment",
        "extension-points", "recipes", "tasks", "quantities", "compatibility",
    )
}  # fmt: skip
#: Of the same kind: a link of a page that is being rewritten.
STALE = {("docs/concepts.md", "scenarios.md")}
#: How long a paragraph has to be for its second telling to be one too many.
_WORDS = 25
PAGES = pages()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_relative_links_and_anchors_resolve(page) -> None:
    wrong = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if (named(page), target) in STALE or named_or_empty(file) in TO_COME - there():
            continue
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


def test_no_paragraph_is_said_twice() -> None:
    where = defaultdict(set)
    for page in PAGES:
        if named(page).split("/")[0] not in ("suites", "reports", "CHANGELOG.md"):
            for said in paragraphs(page):
                where[said].add(named(page))
    assert {said[:60]: sorted(names) for said, names in where.items() if len(names) > 1} == {}


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
        if not (ROOT / name).exists() and name not in TO_COME
    ]
    assert not lost


def paragraphs(page) -> Iterator[str]:
    """Yield paragraphs, items of lists and rows of tables that are long enough to matter."""
    text = "\n".join(prose(page))
    for part in re.split(r"\n\s*\n|\n(?=[|\-*] ?)|\n(?=\d+\. )", text):
        said = " ".join(re.sub(r"\]\([^)]*\)|[\[*`]", "", part).split()).lower()
        if len(said.split()) >= _WORDS:
            yield said


def named_or_empty(file) -> str:
    return named(file) if file.is_relative_to(ROOT) else ""


def there() -> set[str]:
    return {name for name in TO_COME if (ROOT / name).exists()}
