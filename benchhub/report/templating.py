"""The templates of pages, and how all of them are filled: nothing missing, nothing unescaped."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

#: The scripts of a report, one after the other: a server that shows one knows them by their hash.
PAGE_SCRIPTS = ("packed.js", "sort.js", "filter.js", "open.js")


def environment() -> Environment:
    """Return a new environment over the templates of reports: whatever is filled in is escaped."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def source(name: str) -> str:
    """Return the text of a file beside the templates, scripts and styles too."""
    return resources.files("benchhub.report").joinpath("templates", name).read_text("utf-8")
