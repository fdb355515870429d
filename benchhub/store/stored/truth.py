"""The columns of what outputs are judged against, held to their types before anything is judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, ValidationError

from benchhub.store.stored.record import Misfit, Part

_AGAIN = "restore a copy, or start a new run"


class TruthColumns(Part):
    """Since schema 0001; a damaged list would be read as other names, or as none."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    metric: str
    info: Mapping[str, list[Any] | dict[str, Any]]
    also: list[str] | None
    predict: str | None
    spreads: list[float] | None
    readings: Mapping[str, Mapping[str, Any]] | None


def check_truth(row: Mapping[str, Any]) -> None:
    """Raise Misfit unless the columns of a row of `truths` are what they should be."""
    try:
        TruthColumns.model_validate(dict(row))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise Misfit("reference", f"cannot be read, {where}: {first['msg']}", _AGAIN) from error
