"""The pages of a board as HTML: the index, and pages of rows beside it; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchhub.model.row import Row
from benchhub.report.answer.bar import bar
from benchhub.report.board.choices import Choices, choices
from benchhub.report.board.line import FIGURES, SIZE, BoardLine
from benchhub.report.board.names import row_id
from benchhub.report.board.opened import machines, opened
from benchhub.report.board.pages import INDEX, RowsPage
from benchhub.report.board.search import searched
from benchhub.report.board.suites import BoardSuite, SuiteRun
from benchhub.report.page.parts import with_code
from benchhub.report.templating import environment, source

if TYPE_CHECKING:
    from jinja2 import Environment

#: Where the answer's own template leads to a cell.
_TO_CELL = re.compile(r'href="#cell=([\w%.-]+)"')
#: Ends of lines between elements: a node each, of which nobody sees anything.
_BETWEEN = re.compile(r"(?<=>)\n+(?=<)")
_HEADS = ("Device", "Backend", "Variant", "Measured", *(one[0] for one in FIGURES), SIZE, "Verdict",
          "Run")  # fmt: skip


def index(
    title: str, suites: Sequence[BoardSuite], pages: Sequence[RowsPage], files: Sequence[str]
) -> str:
    """Return the page that a board begins with; all rows are on it where there are no `pages`.

    `files` are the names of the downloads.
    """
    lines = [one for suite in suites for one in suite.lines]
    known = choices(lines)
    page_of = {one.id: page.path for page in pages for one in page.lines}
    return _filled(
        "board.html.j2", lines, known, page_of,
        title=title, suites=suites, pages=pages, files=files, heads=_HEADS, home=INDEX,
        packed=searched(lines, known, page_of) if pages else "",
    )  # fmt: skip


def rows_page(title: str, page: RowsPage, runs: Mapping[str, SuiteRun]) -> str:
    """Return a page of rows; `runs` are those of the board by id."""
    shown = [runs[name] for name in dict.fromkeys(one.run.id for one in page.lines)]
    return _filled(
        "board-rows.html.j2", page.lines, choices(page.lines), {},
        title=title, page=page, runs=shown, heads=_HEADS, home=f"../{INDEX}",
    )  # fmt: skip


def moved(title: str) -> str:
    """Return what takes the place of a page of rows that are on another one now."""
    return (
        _environment().get_template("board-moved.html.j2").render(title=title, home=f"../{INDEX}")
    )


def _filled(
    name: str, lines: Sequence[BoardLine], known: Choices, page_of: Mapping[str, str], **told: Any
) -> str:
    from markupsafe import Markup

    templates = _environment()
    templates.globals.update(
        style=Markup("\n".join(map(source, ("style.css", "cell.css", "board.css")))),
        script=Markup(source("board.js")),
    )
    text = templates.get_template(name).render(lines=lines, choices=known, **told)

    def lead(found: re.Match[str]) -> str:
        return f'href="{page_of.get(found[1], "")}#{found[1]}"'

    return _BETWEEN.sub("", _TO_CELL.sub(lead, text))


def _environment() -> Environment:
    from markupsafe import Markup

    templates = environment()
    templates.globals.update(
        bar=lambda of: Markup(bar(of)),  # numbers and nothing else
        with_code=with_code,
        address=_address,
        opened=opened,
        machines=machines,
    )
    return templates


def _address(row: Row) -> str:
    return row_id(row.run, row.cell)
