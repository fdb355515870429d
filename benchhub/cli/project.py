"""Where a command works: the project folder, its store and the cache."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from benchhub.config.folders import cache as cache
from benchhub.config.folders import here, store_url
from benchhub.outside import Variable
from benchhub.outside.masked import masked
from benchhub.text import abridged, visible

if TYPE_CHECKING:
    from benchhub.store import Store

STORE = typer.Option(
    None, "--store", envvar=str(Variable.STORE), metavar="URL",
    help="Results database (default: benchhub.db in the current folder)",
)  # fmt: skip
DEVICE = typer.Option(
    [], "--device", metavar="NAME",
    help="Device, group or profile file, 'rack1-*', or label=KEY:VALUE; repeatable"
    " (default: localhost)",
)  # fmt: skip
DEVICES = typer.Argument(
    None, metavar="[DEVICE]...",
    help="Names, groups, 'rack1-*' or label=KEY:VALUE (default: localhost)",
)  # fmt: skip
EXCLUDE = typer.Option(
    [], "--exclude", metavar="NAME", help="Not these of the devices; named as they are; repeatable"
)
AT_MOST = typer.Option(
    None, "--at-most", metavar="N", min=1,
    help="Any N of the devices: the first that are free and fit to measure",
)  # fmt: skip
ENGINE = typer.Option(
    "local", "--engine", metavar="local|URL",
    help="Through gateways: dask://HOST:PORT on this machine, tls://HOST:PORT?ca=..&cert=..&key=..",
)  # fmt: skip
JSON = typer.Option(False, "--json", help="Print JSON to stdout")
#: A line that nobody reads to its end tells nothing: a file may hold a name of a million letters.
_MOST_CHARS = 8000


def folder() -> Path:
    """Return the project folder: where the command was started."""
    return here()


def write(path: Path, content: str | bytes, verb: str, next_step: str = "") -> None:
    """Write a file that a command made, and say so on stderr; ConfigError if that cannot be."""
    from benchhub.outside.written import write_whole

    write_whole(path, content, next_step)
    note(f"{verb}: {path}")


def problem(text: str) -> None:
    """Say on stderr what is wrong, on one line, without what is secret or would be obeyed."""
    _tell(f"benchhub: {abridged(masked(visible(text)), _MOST_CHARS)}")


def note(text: str) -> None:
    """Say on stderr what goes on, on one line, without what is secret or would be obeyed."""
    _tell(masked(visible(text)))


def _tell(line: str) -> None:
    """Write a line to stderr; what is wider than the terminal goes on at a word, not within one."""
    if sys.stderr.isatty():
        from rich.console import Console

        from benchhub.report.lines import folded

        width = Console(stderr=True).width
        line = "\n".join(folded(line, max(40, width), "  ", breaks=False))
    typer.echo(line, err=True)


def put(text: str) -> None:
    """Print a document to stdout, with the bytes that a file of it has, whatever the terminal."""
    sys.stdout.flush()
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        sys.stdout.write(text)
        return
    binary.write(text.encode("utf-8", "replace"))
    binary.flush()


def store_there(url: str | None, make: bool = False) -> str | None:
    """Return the URL of the results database; None where there is none yet and none is to be."""
    there = make or url is not None or (folder() / "benchhub.db").is_file()
    return (url or store_url(folder())) if there else None


def check_store(url: str | None) -> None:
    """StoreError where a run cannot be written to the store."""
    from benchhub.errors import StoreError

    with open_store(url) as found:
        if not found.writable:
            raise StoreError(
                f"{found.file or 'the results database'} is read-only: make the file and its folder"
                " writable, or use another --store"
            )


def open_store(url: str | None) -> Store:
    """Open the results database that was asked for, or the project's own."""
    from benchhub.store import Store

    return Store.open(store(url))


def store(url: str | None) -> str:
    """Return the URL of the results database that was asked for, or of the project's own."""
    return url or store_url(folder())
