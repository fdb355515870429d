"""Markdown of a reference page: its head, tables and code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_MADE = (
    "*Made by `scripts/reference.py` of the tables in the code: change those, and run it again.*"
)


def page(title: str, *parts: str) -> str:
    """Return a page: its title, that it is generated, and its parts, empty ones left out."""
    return "\n\n".join([f"# {title}", _MADE, *(part for part in parts if part)]) + "\n"


def section(title: str, *parts: str, level: int = 2) -> str:
    """Return a heading with what stands below it."""
    return "\n\n".join([f"{'#' * level} {title}", *(part for part in parts if part)])


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; columns that are empty in every row are left out."""
    body = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    kept = [index for index in range(len(heads)) if any(row[index] for row in body)]
    lines = [[heads[index] for index in kept], ["---"] * len(kept)]
    lines += [[row[index] for index in kept] for row in body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(text: object) -> str:
    """Return a text as code."""
    return f"`{text}`"


def codes(texts: Iterable[object]) -> str:
    """Return texts as code, with commas."""
    return ", ".join(map(code, texts))


def value(default: object) -> str:
    """Return a default as TOML would have it; nothing where there is none."""
    if default is None or default == "" or isinstance(default, list | dict):
        return ""
    if isinstance(default, bool):
        return code(str(default).lower())
    return code(f"{default:g}" if isinstance(default, float) else default)


def sentence(text: str | None) -> str:
    """Return the first sentence of a docstring, on one line."""
    paragraph = " ".join((text or "").strip().split("\n\n")[0].split())
    end = paragraph.find(". ")
    return paragraph if end < 0 else paragraph[: end + 1]
