"""The rows of all runs of a board as files for programs, by the writers of reports; pure."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence

from benchhub.errors import ConfigError
from benchhub.model.row import Results
from benchhub.report.run import render
from benchhub.report.run.parquet import to_parquet

JSON, CSV, PARQUET = DOWNLOADS = ("rows.json.gz", "rows.csv", "rows.parquet")


def downloads(results: Sequence[Results]) -> Iterator[tuple[str, bytes]]:
    """Yield the name and bytes of each; of parquet none where pyarrow is not installed."""
    yield CSV, render("csv", results).encode("utf-8", "replace")
    yield JSON, zipped(render("json", results))
    try:
        yield PARQUET, to_parquet(results)
    except ConfigError:
        return


def zipped(text: str) -> bytes:
    """Return a text gzipped, with the same bytes whenever it is."""
    return gzip.compress(text.encode("utf-8", "replace"), mtime=0)
