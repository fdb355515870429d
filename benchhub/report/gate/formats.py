"""Formats of the gate, a table: a name and the module that renders it.

A format is a module with `SUFFIX` (its file ending) and `render(judged) -> str`. That of `STRICT`
takes `strict`, too.
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
#: The format that can call what is INCONCLUSIVE an error: the others have a word for it.
STRICT = "junit"


def render(name: str, judged: Judged, strict: bool = False) -> str:
    """Return the whole document; the same verdicts give the same text.

    `strict` is for the format of that name, and makes no difference to the others.
    """
    how = {"strict": True} if strict and name == STRICT else {}
    return str(importlib.import_module(FORMATS[name]).render(judged, **how))


def format_of(ending: str) -> str:
    """Return the format of a file ending (`.xml`: junit); ConfigError for one it does not know."""
    known = {importlib.import_module(module).SUFFIX: name for name, module in FORMATS.items()}
    if ending not in known:
        raise ConfigError(
            f"no format of the gate ends in {ending or 'nothing'}; use one of"
            f" {', '.join(sorted(known))}, or say --format"
        )
    return known[ending]
