"""The command line: one module per verb; the only code that prints or exits.

Exit codes: 0 done or PASS; 1 over budget; 2 usage or configuration; 3 a device or some cells
failed; 4 INCONCLUSIVE; 130 stopped by Ctrl-C. Results go to stdout, everything else to stderr.
Verbs import what they need inside their functions, so that `--help` answers at once.
"""

from __future__ import annotations

import sys

import typer

from benchhub import __version__
from benchhub.cli import (
    ab,
    bench,
    compare,
    compress,
    devices,
    export,
    gate,
    history,
    init,
    report,
    run,
    runs,
    schema,
)
from benchhub.cli.devices import enroll, provision, selftest
from benchhub.errors import BenchhubError

app = typer.Typer(
    name="benchhub",
    help="Measure compressed model variants on your devices and compare them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("init")(init.init)
app.command("bench")(bench.bench)
app.command("run")(run.run)
app.command("report")(report.report)
app.command("gate")(gate.gate)
app.command("compare")(compare.compare)
app.command("compress")(compress.compress)
app.command("export")(export.export)
app.command("ab")(ab.ab)
app.command("history")(history.history)
app.command("schema")(schema.schema)
devices.app.command("enroll")(enroll.enroll)
devices.app.command("provision")(provision.provision)
devices.app.command("selftest")(selftest.selftest)
app.add_typer(devices.app, name="devices")
app.add_typer(runs.app, name="runs")


def _version(value: bool) -> None:
    if value:
        typer.echo(f"benchhub {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version"
    ),
) -> None:
    """Measure compressed model variants on your devices and compare them."""


def main() -> None:
    """Run the command line; every explained error is one line on stderr and its exit code."""
    try:
        app()
    except BenchhubError as error:
        typer.echo(f"benchhub: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(0)
