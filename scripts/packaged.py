"""What `scripts/release_check.py` holds a built package against: the tree and pyproject.toml."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

#: What nobody could fill in yet, by the key of pyproject.toml, and what has to be done then.
GAPS = {
    "urls": "no [project.urls], nobody has given an address yet. With one: add it there, and to"
    " the long description in place of the words that stand for links (pyproject.toml)",
}
#: The keys of [project] that a complete package fills in.
WANTED = (
    "name", "description", "readme", "license", "license-files", "authors", "requires-python",
    "keywords", "classifiers", "dependencies", "optional-dependencies", "scripts", "entry-points",
    "urls",
)  # fmt: skip


class Failed(Exception):
    """This must not be published; the text is the reason."""


def shipped(files: Iterable[str], target: Mapping[str, Any]) -> dict[str, str]:
    """Return which file of the tree each file of the wheel is, as the build's target is told."""
    places = {name: name for name in target["packages"]} | target["force-include"]
    return {
        places[top] + name[len(top) :]: name
        for name in files
        for top in places
        if name.startswith(f"{top}/")
    }


def same_files(found: Mapping[str, bytes], wanted: Mapping[str, bytes]) -> None:
    """Fail where an archive does not hold exactly these files, to the byte."""
    told = {
        "lacks": wanted.keys() - found.keys(),
        "holds what git does not know:": found.keys() - wanted.keys(),
        "has other bytes in": {
            name for name in found.keys() & wanted.keys() if found[name] != wanted[name]
        },
    }
    wrong = [f"{word} {some(sorted(names))}" for word, names in told.items() if names]
    if wrong:
        raise Failed("; ".join(wrong))


def some(names: list[str]) -> str:
    """Name a few of them, and their number."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def of_sdist(path: Path) -> dict[str, bytes]:
    """Return the files of an sdist, without its folder and what the build adds."""
    with tarfile.open(path) as archive:
        files = {
            member.name.partition("/")[2]: data.read()
            for member in archive
            if (data := archive.extractfile(member)) is not None
        }
    return {name: data for name, data in files.items() if name != "PKG-INFO"}


def of_wheel(path: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return the files that a wheel installs, and by their last name those that tell of it."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    about = {name for name in files if name.partition("/")[0].endswith(".dist-info")}
    return (
        {name: data for name, data in files.items() if name not in about},
        {Path(name).name: files[name] for name in about},
    )


def gaps(project: Mapping[str, Any]) -> list[str]:
    """Return the keys of [project] that are empty and may be; fail where another is."""
    empty = [key for key in WANTED if not project.get(key) and key not in project["dynamic"]]
    if bad := [key for key in empty if key not in GAPS]:
        raise Failed(f"[project] of pyproject.toml has no {', '.join(bad)}")
    return empty


def rendered(text: str) -> str:
    """Return a long description as an index shows it."""
    from readme_renderer.markdown import render

    complaints = io.StringIO()
    page = render(text, stream=complaints)
    if page is None:
        raise Failed(f"it does not render: {complaints.getvalue()}")
    return page


def broken(page: str) -> list[str]:
    """Return what a page refers to that is not there, when the page is not in the tree."""
    parser = _References()
    parser.feed(page)
    there = {f"#{name}" for name in parser.names}
    return [
        found
        for found in parser.references
        if found not in there and not re.match(r"https?://|mailto:", found)
    ]


class _References(HTMLParser):
    """Collects what a page refers to, and what can be referred to in it."""

    def __init__(self) -> None:
        super().__init__()
        self.references: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the references and the name of a tag."""
        self.references += [value or "" for key, value in attrs if key in ("src", "srcset", "href")]
        self.names |= {value for key, value in attrs if key in ("id", "name") and value}
