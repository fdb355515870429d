"""The terminal's table of a run that has several metrics."""

from __future__ import annotations

from rich.console import Console

from benchhub.cli.show.table import print_table
from benchhub.model.row import Results
from benchhub.report.tables.by_metric import by_metric


def print_quality(console: Console, results: Results) -> None:
    """Print every metric by variant and backend; nothing where there is one."""
    table = by_metric(results)
    caption = f"{table.caption}, 95 % intervals over patients"
    print_table(console, table, caption, f"`benchhub report {results.run.id} --format json`")
