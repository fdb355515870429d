"""`benchhub devices`: which machines there are, and whether they are fit to measure."""

from __future__ import annotations

import typer

app = typer.Typer(
    help="List, enrol and check devices.",
    no_args_is_help=True,
    epilog="Read on: docs/how-to/devices.md",
)
