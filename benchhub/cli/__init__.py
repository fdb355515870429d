"""The command line: one module per verb; the only code that prints or exits.

Exit codes: 0 done or PASS; 1 over budget; 2 usage or configuration; 3 a device or some cells
failed; 4 INCONCLUSIVE; 70 a fault of benchhub's own; 130 stopped by Ctrl-C or SIGTERM. Results go
to stdout, everything else to stderr.
Verbs import what they need inside their functions, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import typer

from benchhub import __version__
from benchhub.cli import (
    ab,
    bench,
    compress,
    devices,
    export,
    init,
    project,
    report,
    run,
    runs,
    schema,
    store,
)
from benchhub.cli.devices import (
    doctor,
    enroll,
    gateway,
    listing,
    provision,
    queue,
    reserve,
    selftest,
    show,
)
from benchhub.cli.judged import compare, gate, history, recommend
from benchhub.cli.published import publish, replicate, serve
from benchhub.cli.typed.verb import with_examples
from benchhub.errors import BenchhubError
from benchhub.outside import Variable

app = typer.Typer(
    name="benchhub",
    help="Measure compressed model variants on your devices and compare them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog="Begin with `benchhub run quickstart`; read on: docs/README.md",
)
app.command("init")(init.init)
app.command("bench")(bench.bench)
app.command("run")(run.run)
app.command("report")(report.report)
app.command("recommend")(recommend.recommend)
app.command("gate")(gate.gate)
app.command("gateway")(gateway.gateway)
app.command("compare")(compare.compare)
app.command("compress")(compress.compress)
app.command("export")(export.export)
app.command("publish")(publish.publish)
app.command("replicate")(replicate.replicate)
app.command("serve")(serve.serve)
app.command("ab")(ab.ab)
app.command("history")(history.history)
app.command("schema")(schema.schema)
devices.app.command("list")(listing.list_devices)
devices.app.command("show")(show.show)
devices.app.command("doctor")(doctor.doctor)
devices.app.command("enroll")(enroll.enroll)
devices.app.command("provision")(provision.provision)
devices.app.command("selftest")(selftest.selftest)
devices.app.command("queue")(queue.queue)
devices.app.command("reserve")(reserve.reserve)
devices.app.command("reservations")(reserve.reservations)
devices.app.command("release")(reserve.release)
app.add_typer(devices.app, name="devices")
app.add_typer(runs.app, name="runs")
app.add_typer(store.app, name="store")
with_examples(app)

#: What typer raises for what was typed: of its own copy of click, or of click itself.
_REFUSED: Any = next(one for one in typer.BadParameter.__mro__ if one.__name__ == "ClickException")


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
    project.folder()  # every verb works in it, or below: that it is gone is said once


_NO_ENGINE = (
    "--engine is of `run` and `bench` alone: other commands reach devices themselves; to ask those"
    " behind a gateway, give the command on its machine, in its folder and as its user"
)


def main() -> None:
    """Run the command line and exit with what `run_command` returns."""
    sys.exit(run_command())


def run_command() -> int:
    """Run the command that was typed; every explained error is one line on stderr.

    Return its exit code; 1 where a command says so by typer.Exit, and of nothing else. What is not
    explained is raised.
    """
    if Variable.COMPLETE in os.environ:
        return _completed()
    try:
        command = typer.main.get_command(app)
        with command.make_context("benchhub", sys.argv[1:]) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except typer.Abort:  # no answer to a question
        return _told("stopped: no answer", 130)
    except BenchhubError as error:
        return _told(str(error), error.exit_code)
    except _REFUSED as error:
        if getattr(error, "option_name", "") == "--engine":
            return _told(_NO_ENGINE, 2)
        from benchhub.cli.typed.refused import refused

        line = refused(error, sys.argv[1:])
        return _told(line, 2) if line else 2
    return 0


def _completed() -> int:
    """Answer a shell that completes a command; it wants no verdict."""
    try:
        app()
    except SystemExit as end:
        return 2 if end.code else 0
    return 0


def _told(text: str, code: int) -> int:
    project.problem(text)
    return code
