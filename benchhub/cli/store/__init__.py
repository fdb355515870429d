"""`benchhub store`: the results database as a whole."""

from __future__ import annotations

import typer

from benchhub.cli.store import check, copy, prune, schema

app = typer.Typer(
    help="Check, copy, upgrade and prune a results database.", no_args_is_help=True,
    epilog="Read on: docs/how-to/stores.md",
)  # fmt: skip
app.command("check")(check.check)
app.command("copy")(copy.copy)
app.command("prune")(prune.prune)
app.command("upgrade")(schema.upgrade)
app.command("downgrade")(schema.downgrade)
