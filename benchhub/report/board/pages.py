"""Which rows stand on which page of a board: all on one, or pages by suite; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchhub.report.board.line import BoardLine
from benchhub.report.board.names import file_name
from benchhub.report.board.suites import BoardSuite

INDEX = "index.html"
#: More rows do not stand on one page, unless nothing parts them.
MOST_ROWS = 200
#: What parts the rows of a suite, in this order.
_PARTS: tuple[Callable[[BoardLine], str], ...] = (
    lambda one: one.row.device,
    lambda one: one.run.id,
    lambda one: one.row.variant,
    lambda one: one.row.backend,
    lambda one: one.row.scenario,
)


@dataclass(frozen=True, slots=True)
class RowsPage:
    """A page of rows: where it lies, and what all of them have in common, a part a word."""

    path: str
    parts: tuple[str, ...]
    lines: tuple[BoardLine, ...]

    @property
    def name(self) -> str:
        """What it is called."""
        return ", ".join(self.parts)


def pages(suites: Sequence[BoardSuite]) -> list[RowsPage]:
    """Return the pages of rows beside the index; none where that has them all."""
    if sum(len(suite.lines) for suite in suites) <= MOST_ROWS:
        return []
    return [page for suite in suites for page in _parted((suite.name,), suite.lines, _PARTS)]


def _parted(
    parts: tuple[str, ...], lines: Sequence[BoardLine], by: Sequence[Callable[[BoardLine], str]]
) -> Iterator[RowsPage]:
    if len(lines) <= MOST_ROWS or not by:
        if lines:
            yield RowsPage(f"suites/{file_name(*parts)}.html", parts, tuple(lines))
        return
    groups: dict[str, list[BoardLine]] = {}
    for one in lines:
        groups.setdefault(by[0](one), []).append(one)
    if len(groups) == 1:
        yield from _parted(parts, lines, by[1:])
        return
    for value, group in groups.items():
        yield from _parted((*parts, value), group, by[1:])
