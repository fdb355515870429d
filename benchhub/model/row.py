"""What a report shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchhub.model.cell import Skip, Variant
from benchhub.model.claim import ClaimAnswer
from benchhub.model.device import DeviceInfo, Selftest
from benchhub.model.launch import RunInfo
from benchhub.model.scenario import VerdictOutcome

#: The `method` in `Row.intervals` of what is no measurement: the baseline against itself.
BY_DEFINITION = "by definition"


@dataclass(frozen=True, slots=True)
class Flag:
    """A doubt about a cell, with its evidence; `caps` keeps its verdicts from being PASS."""

    name: str
    evidence: str
    caps: bool = True


@dataclass(slots=True, kw_only=True)
class Row:
    """One cell in a report; the columns of csv and json, in order. None: not measured.

    `withheld` gives the reason for a column that is empty though the cell was measured;
    `provenance` and `intervals` go to json only. `quality_also` holds the further metrics by name:
    value, low, high, loss, loss_low, loss_high, method, unit, higher_is_better.
    """

    run: str
    device: str
    arch: str | None = None
    emulated: bool = False
    backend: str
    backend_version: str | None = None
    provider: str | None = None
    variant: str
    recipe: str | None = None
    model_sha256: str
    scenario: str
    batch: int
    threads: int
    precision: str | None = None
    launches: int = 0
    iterations: int | None = None
    n_eff: float | None = None
    status: str = "finished"
    reason: str | None = None
    flags: tuple[Flag, ...] = ()
    load_ms: float | None = None
    first_inference_ms: float | None = None
    mean_ms: float | None = None
    p50_ms: float | None = None
    p50_low_ms: float | None = None
    p50_high_ms: float | None = None
    p90_ms: float | None = None
    p90_low_ms: float | None = None
    p90_high_ms: float | None = None
    p95_ms: float | None = None
    p95_low_ms: float | None = None
    p95_high_ms: float | None = None
    p99_ms: float | None = None
    p99_low_ms: float | None = None
    p99_high_ms: float | None = None
    throughput_per_s: float | None = None
    throughput_low_per_s: float | None = None
    throughput_high_per_s: float | None = None
    peak_rss_mib: float | None = None
    model_rss_mib: float | None = None
    gpu_mem_mib: float | None = None
    energy_mj: float | None = None
    model_bytes: int | None = None
    gzip_bytes: int | None = None
    params: int | None = None
    nonzero_params: int | None = None
    macs: int | None = None
    compression_params: float | None = None
    compression_bytes: float | None = None
    speedup: float | None = None
    speedup_low: float | None = None
    speedup_high: float | None = None
    quality_metric: str | None = None
    quality: float | None = None
    quality_low: float | None = None
    quality_high: float | None = None
    quality_loss: float | None = None
    quality_loss_low: float | None = None
    quality_loss_high: float | None = None
    quality_cases: int | None = None
    agreement_max_abs: float | None = None
    clock: str | None = None
    concurrency: int = 1
    rate_per_s: float | None = None
    options: str | None = None
    service_p50_ms: float | None = None
    device_p50_ms: float | None = None
    copy_in_p50_ms: float | None = None
    copy_out_p50_ms: float | None = None
    overhead_p50_ms: float | None = None
    energy_source: str | None = None
    postprocess_p50_ms: float | None = None
    sparse_bytes: int | None = None
    # json only
    cell: str = ""
    agreement_relative: float | None = None
    withheld: Mapping[str, str] = field(default_factory=dict)
    intervals: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    quality_parts: Mapping[str, float] = field(default_factory=dict)
    quality_also: Mapping[str, Any] = field(default_factory=dict)


#: The columns of csv, in order: every field of Row up to and including `sparse_bytes`.
COLUMNS: tuple[str, ...] = tuple(Row.__dataclass_fields__)[
    : list(Row.__dataclass_fields__).index("sparse_bytes") + 1
]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A budget applied to one cell: what was asked, what was seen, what follows.

    `next_step` is what to do about it, empty for a PASS. `looks` are the numbers of launches at
    which a percentile was judged, up to the look that decided or the last; the value and its
    limits are those of that look. Empty: judged once, over all launches.
    """

    cell: str
    device: str
    variant: str
    backend: str
    scenario: str
    batch: int
    threads: int
    budget: str
    column: str
    limit: float
    value: float | None
    low: float | None
    high: float | None
    launches: int
    outcome: VerdictOutcome
    reason: str
    next_step: str = ""
    looks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Results:
    """A run as reports see it: rows, verdicts, skips, and where it all came from.

    `selftests` holds for each device the last one before the run began; `unjudged` names the
    budgets, or parts of them, that no measured cell answers; `claims` are the suite's, answered.
    """

    run: RunInfo
    devices: tuple[DeviceInfo, ...]
    rows: tuple[Row, ...]
    verdicts: tuple[Verdict, ...]
    skips: tuple[Skip, ...]
    variants: tuple[Variant, ...]
    selftests: tuple[Selftest, ...] = ()
    unjudged: tuple[str, ...] = ()
    claims: tuple[ClaimAnswer, ...] = ()
