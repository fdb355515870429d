"""`benchhub schema`: JSON Schema of the files users write, for editors."""

from __future__ import annotations

import enum
import json

import typer


class SchemaKind(enum.StrEnum):
    """The files that have a schema."""

    SUITE = "suite"
    DEVICE = "device"


def schema(kind: SchemaKind = typer.Argument(help="Which file")) -> None:
    """Print the JSON Schema of suite.toml or of a device profile."""
    from benchhub.config.schema import ProfileFile, SuiteFile

    model = SuiteFile if kind is SchemaKind.SUITE else ProfileFile
    typer.echo(json.dumps(model.model_json_schema(by_alias=True), indent=2))
