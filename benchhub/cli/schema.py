"""`benchhub schema`: JSON Schema of the files users write, for editors."""

from __future__ import annotations

import enum
import json
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel


class SchemaKind(enum.StrEnum):
    """The files that have a schema."""

    SUITE = "suite"
    DEVICE = "device"
    FLEET = "fleet"


def schema(kind: SchemaKind = typer.Argument(help="Which file")) -> None:
    """Print the JSON Schema of suite.toml, of a device profile or of fleet.toml."""
    from benchhub.config.fleet.tables import FleetFile
    from benchhub.config.schema import ProfileFile, SuiteFile

    models: dict[SchemaKind, type[BaseModel]] = {
        SchemaKind.SUITE: SuiteFile, SchemaKind.DEVICE: ProfileFile, SchemaKind.FLEET: FleetFile,
    }  # fmt: skip
    typer.echo(json.dumps(models[kind].model_json_schema(by_alias=True), indent=2))
