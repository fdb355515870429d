"""The reference pages are what the code says, and leave nothing out.

What a page should have is found by another way than the one it was made by: in sources, in files
that ship, and in what earlier versions wrote.
"""

from __future__ import annotations

import ast
import csv
import io
import re
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from reference_pages_read import CODE, FOLDER, named, rows
from repository import ROOT

from benchhub.config import schema
from benchhub.ondevice import wire

sys.path.insert(0, str(ROOT / "scripts"))
import reference
from reference_pages import files, measured

PAGES = sorted(reference.PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_what_the_code_says(page: str) -> None:
    assert (FOLDER / page).read_text("utf-8") == reference.PAGES[page](), "scripts/reference.py"


def test_nothing_differs_and_what_does_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reference.differing() == []
    monkeypatch.setattr(measured, "KINDS", {**wire.KINDS, "new": "something new"})
    assert reference.differing() == ["docs/reference/failures.md"]


def test_pages_do_not_depend_on_terminal_or_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in (("COLUMNS", "40"), ("LC_ALL", "tr_TR.UTF-8"), ("FORCE_COLOR", "1")):
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    made = {page: make() for page, make in reference.PAGES.items()}
    assert made == {page: (FOLDER / page).read_text("utf-8") for page in PAGES}
    for text in made.values():
        assert "\x1b" not in text
        assert not re.search(r"/(home|root|tmp|usr)/", text)
        assert reference.PAGES.keys() >= set(re.findall(r"\]\(([\w-]+\.md)", text))


def _anchors(path: Path) -> set[str]:
    """Return what a link into a page may end in, as GitHub makes it of headings."""
    heads = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", [*(f"reference/{page}" for page in PAGES), "concepts.md"])
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / "docs" / page
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", path.read_text("utf-8")):
        there = (path.parent / target).resolve() if target else path
        assert there.is_file(), target
        assert not anchor or anchor in _anchors(there), f"{target}#{anchor}"


@pytest.mark.parametrize("page", PAGES)
def test_everything_on_a_page_has_words(page: str) -> None:
    for row in rows(page):
        for head, cell in row.cells.items():
            if head == "meaning" or head.startswith(("what", "why")):
                assert cell, f"{page}: {row.section}: {row.names}"


def _old_headers() -> Iterator[list[str]]:
    with tarfile.open(ROOT / "tests" / "old_stores" / "expected.tar.xz") as archive:
        for member in archive:
            if member.name.endswith(".csv") and (stream := archive.extractfile(member)):
                yield next(csv.reader(io.StringIO(stream.read().decode())))


def test_every_column_that_csv_ever_had_is_on_its_page_in_order() -> None:
    known = [row.names[0] for row in rows("columns.md")]
    headers = list(_old_headers())
    assert headers
    for header in headers:
        assert [name for name in known if name in header] == header


_PLACES = {"suite": "[suite]", "variants": "[[variants]]", "budgets": "[[budgets]]"}
_OF_CLAIMS = ("[[claims]]", "[[claims.parts]]", "over` and `minus")
_ASKED = "ask` and `where"


def _suites() -> list[Any]:
    folder = ROOT / "suites"
    files = [
        (path, tomllib.loads(path.read_text("utf-8"))) for path in sorted(folder.rglob("*.toml"))
    ]
    return [
        pytest.param(found, id=str(path.relative_to(folder)))
        for path, found in files
        if "suite" in found
    ]


def _undocumented(suite: dict[str, Any]) -> Iterator[str]:
    """Yield the keys of a suite that no page has."""
    for table, here in _PLACES.items():
        entries = suite.get(table, [])
        for entry in [entries] if isinstance(entries, dict) else entries:
            yield from entry.keys() - named("suites.md", here)
    for name, settings in suite["scenarios"].items():
        yield from {name} - named("suites.md", "[scenarios]")
        yield from settings.keys() - named("suites.md", "[scenarios.NAME]")
    for claim in suite.get("claims", []):
        yield from _of_claim(claim)
    data = named("tasks.md", suite["suite"]["task"]) | named("tasks.md", "Every task")
    yield from suite.get("data", {}).keys() - data
    options = {
        (CODE.findall(row.cells["backend"])[0], CODE.findall(row.cells["key"])[0])
        for row in rows("suites.md")
        if row.section == "[options.BACKEND]"
    }
    for backend, chosen in suite.get("options", {}).items():
        yield from (f"{backend}.{key}" for key in chosen if (backend, key) not in options)
    for variant in suite["variants"]:
        recipe = variant.get("recipe", {})
        yield from _of_recipe({"name": recipe} if isinstance(recipe, str) else recipe, suite)


def _of_claim(claim: dict[str, Any]) -> Iterator[str]:
    yield from claim.keys() - {name for place in _OF_CLAIMS for name in named("suites.md", place)}
    for part in claim.get("parts", []):
        yield from _of_claim(part)
    for ask in (*claim.get("ask", []), *claim.get("where", [])):
        yield from ask.keys() - named("suites.md", _ASKED)
        for selector in (ask.get("over", {}), ask.get("minus", {})):
            yield from selector.keys() - named("suites.md", _OF_CLAIMS[-1])


def _of_recipe(recipe: dict[str, Any], suite: dict[str, Any]) -> Iterator[str]:
    if not recipe:
        return
    known = named("recipes.md", recipe["name"])
    if recipe["name"] == "train":
        of_task = [row for row in rows("tasks.md") if row.section == suite["suite"]["task"]]
        known |= {name for row in of_task for name in CODE.findall(row.cells.get("options", ""))}
    yield from recipe.keys() - known - {"name"}


@pytest.mark.parametrize("suite", _suites())
def test_every_key_of_a_suite_that_ships_is_on_a_page(suite: dict[str, Any]) -> None:
    assert list(_undocumented(suite)) == []


def test_a_key_that_is_on_no_page_is_found() -> None:
    suite = {
        "suite": {"task": "cardiac", "a": 1},
        "variants": [{"recipe": {"name": "train", "width": 4, "b": 1}}],
        "scenarios": {"latency": {"c": 1}},
        "budgets": [{"d": 1}],
        "claims": [{"id": "x", "ask": [{"over": {"e": 1}}], "parts": [{"f": 1}]}],
        "data": {"size": 1, "g": 1},
        "options": {"openvino": {"h": 1, "streams": 2}},
    }
    assert sorted(_undocumented(suite)) == ["a", "b", "c", "d", "e", "f", "g", "openvino.h"]


def test_every_key_of_a_profile_that_ships_is_on_its_page() -> None:
    for path in sorted((ROOT / "device_profiles").glob("*.toml")):
        found = tomllib.loads(path.read_text("utf-8"))
        assert found.keys() <= named("profiles.md", "The file")
        for table in found.keys() - {"labels"}:
            assert found[table].keys() <= named("profiles.md", f"[{table}]"), path.name
        assert path.stem in named("profiles.md", "Profiles that ship")


def test_every_table_of_a_file_is_shown_and_each_of_its_keys_has_words() -> None:
    shown = {model.__name__ for model in (*files.SUITE, *files.PROFILE)}
    tree = ast.parse(Path(schema.__file__).read_text("utf-8"))
    there = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    assert {name for name in there if not name.startswith("_")} <= shown
    for model in (*files.SUITE, *files.PROFILE):
        silent = [key for key, one in files.keys(model).items() if "description" not in one]
        assert not silent, model.__name__
