"""A command whose help ends in examples; and every verb is made one."""

from __future__ import annotations

import inspect
from typing import Any

import typer
from typer.core import TyperCommand

from benchhub.cli.typed.examples import lines


class Verb(TyperCommand):
    """A command whose help ends in two examples and where to read on."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        super().format_help(ctx, formatter)
        for line in lines(" ".join(ctx.command_path.split()[1:])):
            typer.echo(f" {line}" if line else "")
        typer.echo()


def with_examples(app: typer.Typer) -> typer.Typer:
    """Return an app, each of whose commands shows its examples."""
    for command in app.registered_commands:
        command.cls = Verb
        paragraphs = (inspect.getdoc(command.callback) or "").split("\n\n")
        command.help = "\n\n".join(" ".join(one.split()) for one in paragraphs)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            with_examples(group.typer_instance)
    return app
