"""Formats of a comparison of runs, a table: a name and the module that renders it.

A format is a module with `SUFFIX` (its file ending) and `render(comparison) -> str`.
"""

from __future__ import annotations

import importlib

from benchhub.results.compare.runs import RunComparison

FORMATS: dict[str, str] = {
    "text": "benchhub.report.compare.text",
    "json": "benchhub.report.compare.json",
    "markdown": "benchhub.report.compare.markdown",
}


def render(name: str, comparison: RunComparison) -> str:
    """Return the whole document; the same comparison gives the same text."""
    return str(importlib.import_module(FORMATS[name]).render(comparison))
