"""Formats of the gate, a table: a name and the module that renders it.

A format is a module with `SUFFIX` (its file ending) and `render(judged) -> str`.
"""

from __future__ import annotations

import importlib

from benchhub.errors import ConfigError
from benchhub.results.load import Judged

FORMATS: dict[str, str] = {
    "text": "benchhub.report.gate.text",
    "json": "benchhub.report.gate.json",
    "junit": "benchhub.report.gate.junit",
    "markdown": "benchhub.report.gate.markdown",
}


def render(name: str, judged: Judged) -> str:
    """Return the whole document; the same verdicts give the same text."""
    return str(importlib.import_module(FORMATS[name]).render(judged))


def format_of(ending: str) -> str:
    """Return the format of a file ending (`.xml`: junit); ConfigError for one it does not know."""
    known = {importlib.import_module(module).SUFFIX: name for name, module in FORMATS.items()}
    if ending not in known:
        raise ConfigError(
            f"no format of the gate ends in {ending or 'nothing'}; use one of"
            f" {', '.join(sorted(known))}, or say --format"
        )
    return known[ending]
