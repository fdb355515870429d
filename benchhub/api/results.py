"""What a run found, for Python and for notebooks."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from benchhub.api.guarded import guarded
from benchhub.model.cell import FAILED_SKIPS
from benchhub.model.row import Results, Verdict
from benchhub.outside.written import write_whole
from benchhub.report.compare.files import same_files, sentences
from benchhub.results.load import Judged, load_judged
from benchhub.results.verdicts.judge import NO_BUDGETS
from benchhub.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from benchhub.report.tables.table import Table

#: By the ending of a file.
_FORMATS = {
    ".html": "html", ".md": "markdown", ".csv": "csv", ".json": "json",
}  # fmt: skip


class RunResults:
    """A run with its rows, verdicts and report, as it stood when it was loaded.

    `failures` has a line for each cell or device that could not be measured, `faster` the sentences
    on which of several files is faster, or that they tie.
    """

    def __init__(self, judged: Judged, failures: tuple[str, ...]) -> None:
        self._judged = judged
        self.faster = (*sentences(judged.results.races), *same_files(judged.results))
        self.failures = failures

    @property
    def id(self) -> str:
        """The run's id, by which `benchhub report`, `gate`, `compare` and `load` know it."""
        return self.results.run.id

    @property
    def results(self) -> Results:
        """The rows as dataclasses, with intervals, flags and provenance."""
        return self._judged.results

    @property
    def rows(self) -> pd.DataFrame:
        """A row for each cell, columns as in csv; missing values are missing, never 0."""
        from benchhub.report.run.frame import to_frame

        return to_frame([self.results])

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What each budget says of each cell; empty where there is no budget."""
        return self._judged.verdicts

    @property
    def outcome(self) -> str | None:
        """PASS, FAIL, INCONCLUSIVE, or ERROR where something failed; None without budgets."""
        if self.failures:
            return "ERROR"
        return self._judged.overall if self._judged.budgets else None

    @property
    def exit_code(self) -> int:
        """What `benchhub gate` returns: 0, 1 FAIL, 3 something failed, 4 INCONCLUSIVE.

        2 where there are budgets and none applies; without budgets 0.
        """
        if self.failures:
            return 3
        nothing = self._judged.budgets and self._judged.overall == NO_BUDGETS
        return 2 if nothing else self._judged.exit_code

    def report(self, path: str | Path | None = None, format: str | None = None) -> str:  # noqa: A002
        """Return the report as text in a format of `benchhub report`; given a path, write it there.

        Then the path is returned, so that a notebook does not show the whole report.
        The format is html, or what the path's ending says. ValueError: there is no such format;
        ConfigError: it cannot be written.
        """
        from benchhub.report.run import FORMATS

        name = format or (_FORMATS.get(Path(path).suffix, "html") if path else "html")
        if name not in FORMATS:
            raise ValueError(f"format {name} is none of {', '.join(FORMATS)}")
        return self._written(name, path)

    @guarded()
    def _written(self, name: str, path: str | Path | None) -> str:
        from benchhub.report.run import render

        text = render(name, [self.results])
        if path is None:
            return text
        write_whole(Path(path), text, "name another file")
        return str(path)

    def __repr__(self) -> str:
        """The run in a line."""
        said = f", {self.outcome}" if self.outcome else ""
        return f"<benchhub run {self.id}: {len(self.results.rows)} cells{said}>"

    def _repr_html_(self) -> str:
        """Tables of times by device, the verdicts and what failed, for notebooks."""
        from benchhub.report.answer.verdict_table import verdict_table
        from benchhub.report.gate.entries import entries
        from benchhub.report.tables import by_device

        found = [
            build(self.results, device)
            for device in self.results.devices
            for build in (by_device.latency, by_device.throughput, by_device.memory)
        ]
        parts = [f"<p><strong>{escape(repr(self)[1:-1])}</strong></p>"]
        parts += [_table(table) for table in found if table.rows]
        judged = [entry for entry in entries(self._judged) if entry.verdict]
        parts += [_table(verdict_table("verdicts", "Verdicts", self.results, judged))] * bool(
            judged
        )
        parts += [f"<p>{escape(line)}</p>" for line in (*self.faster, *self.failures)]
        return "".join(parts)


def loaded(store: Store, run: str, more: tuple[str, ...] = ()) -> RunResults:
    """Return a run of the store by its id; `more` are lines on what could not be measured."""
    judged = load_judged(store, run, details=True)
    results = judged.results
    failures = [
        f"{row.device} {row.backend} {row.variant} {row.scenario} failed: {row.reason}"
        for row in results.rows
        if row.status == "failed"
    ]
    failures += [info.error for info in results.devices if info.error]
    failures += [
        f"{skip.device} {skip.backend} {skip.variant} was not measured: {skip.reason.text}"
        for skip in results.skips
        if skip.reason.kind in FAILED_SKIPS
    ]
    return RunResults(judged, tuple(dict.fromkeys((*failures, *more))))


def _table(table: Table) -> str:
    """A report's table as HTML; columns without a text are left out."""
    kept = [i for i in range(len(table.columns)) if any(row[i].text for row in table.rows)]
    heads = "".join(f"<th>{escape(table.columns[i].head)}</th>" for i in kept)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(row[i].text)}</td>" for i in kept) + "</tr>"
        for row in table.rows
    )
    caption = f"<caption>{escape(table.caption)}</caption>"
    return f"<table>{caption}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
