#!/usr/bin/env python3
"""Writes docs/reference from the code's own tables: `scripts/reference.py`; see `--help`.

A page says what the code says and nothing else, so it is the same on every machine. What other
distributions register is left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "reference"
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from reference_pages import command_line, files, made, measured, words  # noqa: E402

#: Every page, and what makes it.
PAGES: Mapping[str, Callable[[], str]] = {
    "cli.md": command_line.command_line,
    "columns.md": measured.columns,
    "environment.md": made.environment,
    "exit-codes.md": measured.exit_codes,
    "extension-points.md": made.extension_points,
    "failures.md": measured.failures,
    "flags.md": measured.flags,
    "fleet.md": files.fleet,
    "profiles.md": files.profiles,
    "quantities.md": measured.quantities,
    "recipes.md": made.recipes,
    "suites.md": files.suites,
    "tasks.md": made.tasks,
}


def made_pages() -> dict[Path, str]:
    """Return every file that is generated, or has a part that is, with what it should hold."""
    found = {FOLDER / name: make() for name, make in PAGES.items()}
    concepts = ROOT / "docs" / "concepts.md"
    return {**found, concepts: words.replaced(concepts.read_text("utf-8"))}


def differing() -> list[str]:
    """Return what is not as it should be, from the root of the repository."""
    return [
        str(path.relative_to(ROOT))
        for path, text in made_pages().items()
        if not path.is_file() or path.read_bytes() != text.encode()
    ]


def main() -> None:
    """Write the pages, or check them."""
    parser = argparse.ArgumentParser(description="Write docs/reference from the code's tables.")
    parser.add_argument("--check", action="store_true", help="write nothing; name what differs")
    if parser.parse_args().check:
        wrong = differing()
        sys.exit(f"{', '.join(wrong)}: run scripts/reference.py" if wrong else 0)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in made_pages().items():
        path.write_bytes(text.encode())


if __name__ == "__main__":
    main()
