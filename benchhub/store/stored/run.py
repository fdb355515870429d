"""A run as the store keeps it: the columns of its row, but for what it set out to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from benchhub.errors import StoreError
from benchhub.model.facts import Provenance
from benchhub.model.launch import RunInfo
from benchhub.model.request import RunRequest
from benchhub.store.stored.record import Record, parsed, undamaged, written
from benchhub.store.stored.request import read_request, write_request


class RunV1(Record):
    """Since schema 0001; the request has a version of its own."""

    id: str
    suite: str
    suite_sha256: str
    task: str
    baseline: str
    effort: str
    started_at: str
    finished_at: str | None
    status: Literal["running", "done", "interrupted", "failed"]
    request: dict[str, Any]
    provenance: dict[str, Any]


#: The columns of a run.
COLUMNS = tuple(name for name in RunV1.model_fields if name != "v")


def write_run(run: RunInfo) -> dict[str, Any]:
    """Return a run as JSON types."""
    return written(
        RunV1(
            id=run.id,
            suite=run.suite,
            suite_sha256=run.suite_sha256,
            task=run.task,
            baseline=run.baseline,
            effort=run.effort,
            started_at=run.started_at,
            finished_at=run.finished_at,
            status=run.status,
            request=write_request(run.request),
            provenance=dict(run.provenance.told),
        )
    )


def read_run(raw: Mapping[str, Any]) -> RunInfo:
    """Invert `write_run`, or raise Misfit."""
    of = parsed("run", raw, RunV1)
    return RunInfo(
        id=of.id,
        suite=of.suite,
        suite_sha256=of.suite_sha256,
        task=of.task,
        baseline=of.baseline,
        effort=of.effort,
        started_at=of.started_at,
        finished_at=of.finished_at,
        status=of.status,
        request=read_request(of.request),
        provenance=Provenance(of.provenance),
    )


def listed_run(raw: Mapping[str, Any]) -> RunInfo:
    """Return a run; one that cannot be read is there as damaged, so that others are found."""
    try:
        with undamaged("a run"):
            return read_run(raw)
    except StoreError:
        names = [name for name in COLUMNS if name not in ("request", "provenance", "status")]
        texts: dict[str, Any] = {name: str(raw[name] or "") for name in names}
        return RunInfo(**texts, status="damaged", request=RunRequest(texts["suite"], ()))
