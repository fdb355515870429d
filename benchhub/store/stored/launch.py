"""The columns of a launch, held to their types before anything computes with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationError

from benchhub.model.arrays import Ints
from benchhub.model.cell import Cell
from benchhub.model.launch import Launch
from benchhub.ondevice.wire import Failure
from benchhub.store.stored.record import Part

_Count = Annotated[int, Field(ge=0)]


class LaunchColumns(Part):
    """Since schema 0001; what other versions let through is not read as if it were measured."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    run: str
    launch: int
    attempt: int
    round: int
    started_at: str
    status: Literal["finished", "failed", "interrupted"]
    failure_stage: str | None
    failure_kind: str | None
    failure_message: str | None
    import_ns: _Count | None
    load_ns: _Count | None
    first_inference_ns: _Count | None
    elapsed_ns: _Count | None
    imported_rss_bytes: _Count | None
    peak_rss_bytes: _Count | None
    memory_reset: bool | None
    wall_ns: _Count | None
    involuntary_switches: _Count | None
    backend_version: str | None
    provider: str | None
    precision: str | None
    clock: str | None
    energy_uj: int | None
    energy_elapsed_ns: _Count | None
    energy_source: str | None
    gpu_bytes: _Count | None
    gpu_source: str | None
    details: Mapping[str, Any]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    tracks: Mapping[str, str] | None


def misfit(row: Mapping[str, Any]) -> str | None:
    """Return which column of a row cannot be what it says, and why; None: they all can."""
    try:
        LaunchColumns.model_validate(dict(row))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return None


def unreadable(row: Mapping[str, Any], cell: Cell, why: str, nothing: Ints) -> Launch:
    """Return the launch of a row that cannot be read: failed, and nothing of it is used."""
    return Launch(
        run=str(row["run"]),
        cell=cell,
        index=_number(row["launch"]),
        attempt=_number(row["attempt"]),
        round=_number(row["round"]),
        started_at=str(row["started_at"]),
        status="failed",
        failure=unreadable_because(why),
        samples_ns=nothing,
        warmup_ns=nothing,
    )


def unreadable_because(why: str) -> Failure:
    """Return how a launch failed whose record cannot be read."""
    text = f"what the store holds of it cannot be used, {why}; start a new run"
    return Failure("measure", "record", text)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
