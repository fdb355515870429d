"""The reference pages as a reader sees them: sections, and the rows of their tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repository import ROOT

FOLDER = ROOT / "docs" / "reference"
CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Row:
    """A row of a table: its cells by the heads of their columns."""

    section: str
    cells: dict[str, str]

    @property
    def names(self) -> list[str]:
        """What is written as code in the first cell that has any."""
        for cell in self.cells.values():
            if found := CODE.findall(cell):
                return [name.replace(r"\|", "|") for name in found]
        return []


def rows(page: str) -> Iterator[Row]:
    """Yield the rows of all tables of a page."""
    section, heads = "", list[str]()
    for line in (FOLDER / page).read_text("utf-8").splitlines():
        if line.startswith("#"):
            section = line.lstrip("# ").strip("`")
        if not line.startswith("|"):
            heads = []
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not heads:
            heads = cells
        elif set(cells) != {"---"}:
            yield Row(section, dict(zip(heads, cells, strict=True)))


def named(page: str, section: str | None = None) -> set[str]:
    """Return the names in the first cells of a page's tables, or of one section's."""
    return {name for row in rows(page) if section in (None, row.section) for name in row.names}


def sources(*folders: str) -> Iterator[Path]:
    """Yield the Python files below folders of the repository."""
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))
