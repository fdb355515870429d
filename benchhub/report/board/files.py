"""A whole board as files: what lies where, made of runs and of nothing else; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from benchhub.report.board.downloads import downloads
from benchhub.report.board.pages import INDEX, pages
from benchhub.report.board.render import index, moved, rows_page
from benchhub.report.board.suites import BoardRun, suites


def board_files(
    title: str, runs: Sequence[BoardRun], before: Collection[str] = ()
) -> Iterator[tuple[str, bytes]]:
    """Yield the path and content of every file of a board but its record, the index last.

    `before` are paths of pages that an earlier board had: where there is none any more, one stands
    in its place that leads to the index.
    """
    known = suites(runs)
    names = []
    for name, content in downloads([one.results for one in runs]):
        names.append(name)
        yield name, content
    of_rows = pages(known)
    by_id = {run.run.id: run for suite in known for run in suite.runs}
    for page in of_rows:
        yield page.path, rows_page(title, page, by_id).encode("utf-8", "replace")
    for path in sorted(set(before) - {page.path for page in of_rows}):
        yield path, moved(title).encode("utf-8", "replace")
    yield INDEX, index(title, known, of_rows, names).encode("utf-8", "replace")
