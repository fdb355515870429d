"""Report formats, a table: a name and the module that renders it.

A format is a module with `SUFFIX` (its file ending) and
`render(results, interactive=False) -> str`.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Protocol, cast

from benchhub.errors import ConfigError
from benchhub.model.row import Results

FORMATS: dict[str, str] = {
    "html": "benchhub.report.run.html",
    "markdown": "benchhub.report.run.markdown",
    "csv": "benchhub.report.run.csv",
    "json": "benchhub.report.run.json",
}


class Format(Protocol):
    """What the table's modules offer."""

    SUFFIX: str

    def render(self, results: Sequence[Results], interactive: bool = False) -> str:
        """The whole document as text; the same results give the same bytes."""
        ...


def load(name: str) -> Format:
    """The format's module; ConfigError for a name that is not in `FORMATS`."""
    if name not in FORMATS:
        known = ", ".join(FORMATS)
        raise ConfigError(f"report format {name!r} is unknown; choose one of: {known}")
    return cast(Format, importlib.import_module(FORMATS[name]))


def render(name: str, results: Sequence[Results], interactive: bool = False) -> str:
    """Results of one run or several as text; `interactive` adds live charts to html only."""
    return load(name).render(results, interactive=interactive)


def suffix(name: str) -> str:
    """The file ending of a format, with its dot."""
    return load(name).SUFFIX
