"""The record: runs, and their launches with raw samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from benchhub.model.arrays import Array, Ints
from benchhub.model.cell import Cell
from benchhub.model.details import Details
from benchhub.model.facts import Provenance
from benchhub.model.request import RunKind, RunRequest
from benchhub.ondevice.wire import Conditions, Failure


@dataclass(frozen=True, slots=True)
class Launch:
    """One fresh process measuring one cell once: the record, raw.

    `status` is finished, failed (the cell is closed) or interrupted (the link broke or the run
    was stopped; it is measured again under the next `attempt`). `outputs` are the arrays the
    device computed, in the model's output order. Of a quality launch whose task predicts they are
    those of the check cases, `predictions` is what the task made of the first output of all cases,
    and `postprocess_ns` how long that took on the controller, case by case.
    """

    run: str
    cell: Cell
    index: int
    attempt: int
    round: int
    started_at: str
    status: str
    failure: Failure | None
    samples_ns: Ints
    warmup_ns: Ints
    outputs: tuple[Array, ...] = ()
    backend_version: str | None = None
    provider: str | None = None
    precision: str | None = None
    clock: str | None = None
    details: Details = field(default_factory=Details)
    import_ns: int | None = None
    load_ns: int | None = None
    first_inference_ns: int | None = None
    elapsed_ns: int | None = None
    imported_rss_bytes: int | None = None
    peak_rss_bytes: int | None = None
    memory_reset: bool | None = None
    wall_ns: int | None = None
    involuntary_switches: int | None = None
    before: Conditions | None = None
    after: Conditions | None = None
    tracks_ns: Mapping[str, Ints] = field(default_factory=dict)
    energy_uj: int | None = None
    energy_elapsed_ns: int | None = None
    energy_source: str | None = None
    gpu_bytes: int | None = None
    gpu_source: str | None = None
    predictions: Array | None = None
    postprocess_ns: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run: one suite on some devices. `status` is running, done, interrupted or failed.

    `request` holds what `--resume` needs to plan the same run again.
    """

    id: str
    suite: str
    suite_sha256: str
    task: str
    baseline: str
    effort: str
    started_at: str
    finished_at: str | None
    status: str
    request: RunRequest
    provenance: Provenance = field(default_factory=Provenance)

    @property
    def kind(self) -> RunKind:
        """What the run is."""
        return self.request.kind
