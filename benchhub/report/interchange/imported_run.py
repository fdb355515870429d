"""What every imported run consists of, whoever wrote its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from benchhub.errors import ConfigError
from benchhub.model.arrays import Ints
from benchhub.model.cell import Cell, Plan, Variant
from benchhub.model.device import DeviceInfo
from benchhub.model.facts import Provenance
from benchhub.model.launch import Details, Launch, RunInfo
from benchhub.model.request import RunKind, RunRequest
from benchhub.report.interchange.benchmark_file import Benchmark, BenchmarkFile
from benchhub.store import Store

EFFORT = "imported"
#: The model of what names none: a cell without any is one of the null backend.
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ImportedRun:
    """A run that was made elsewhere, ready for the store."""

    run: RunInfo
    plan: Plan
    devices: tuple[DeviceInfo, ...]
    variants: tuple[Variant, ...]
    launches: tuple[Launch, ...]

    def save(self, store: Store) -> None:
        """Write the run; ConfigError if it is in the store."""
        if any(run.id == self.run.id for run in store.runs()):
            raise ConfigError(
                f"these files were imported as run {self.run.id};"
                f" `benchhub runs delete {self.run.id}` to import them again"
            )
        store.create_run(self.run, self.plan, None, self.variants, ())
        try:
            for device in self.devices:
                store.put_device(self.run.id, device)
            for launch in self.launches:
                store.add(launch)
        except BaseException:  # half a run would be taken for a whole one
            store.delete_run(self.run.id)
            raise


def rounds_ns(benchmark: Benchmark) -> Ints:
    """Return the rounds of a benchmark in ns, shape (rounds,); empty where the file has none."""
    return np.rint(np.asarray(benchmark.stats.data or [], dtype=np.float64) * 1e9).astype(np.int64)


def launch_of(
    run: str,
    cell: Cell,
    index: int,
    file: BenchmarkFile,
    benchmark: Benchmark,
    samples_ns: Ints,
    **known: Any,
) -> Launch:
    """Return rounds of one process as a launch; what `known` does not tell stays empty."""
    timer = benchmark.options.get("timer")
    details = {
        "imported": "pytest-benchmark",
        "file": file.name,
        "benchmark": benchmark.fullname,
        "calls_per_round": benchmark.stats.iterations,
    }
    usual: dict[str, Any] = {
        "attempt": 0,
        "round": index,
        "started_at": file.saved_at,
        "clock": str(timer) if timer else None,
    }
    return Launch(
        run=run,
        cell=cell,
        index=index,
        status="finished",
        failure=None,
        samples_ns=samples_ns,
        warmup_ns=np.empty(0, dtype=np.int64),
        details=Details(details),
        **(usual | known),
    )


def planned(launches: Sequence[Launch], files: Sequence[BenchmarkFile]) -> tuple[Cell, ...]:
    """Return the cells of `launches` in their order; ConfigError if there are none."""
    cells = {launch.cell.key: launch.cell for launch in launches}
    if not cells:
        raise ConfigError(
            f"{files[0].name}: has no benchmark with the times of its rounds; write it with"
            " `pytest --benchmark-json=FILE`, or save with --benchmark-save-data"
        )
    return tuple(cells.values())


def foreign_run(
    run_id: str, suite: str, device: DeviceInfo, between: tuple[datetime, datetime], of: Provenance
) -> RunInfo:
    """Return the run of a file that another program wrote, begun and ended at the times given."""
    started, finished = (at.isoformat(timespec="seconds") for at in between)
    return RunInfo(
        id=run_id,
        suite=suite,
        suite_sha256="",
        task="",
        baseline="",
        effort=EFFORT,
        started_at=started,
        finished_at=finished,
        status="done",
        request=request(suite, [device]),
        provenance=of,
    )


def request(suite: str, devices: Sequence[DeviceInfo]) -> RunRequest:
    """Return the request of a run that nobody can resume."""
    return RunRequest(suite, tuple(device.name for device in devices), kind=RunKind.IMPORT)


def provenance(files: Sequence[BenchmarkFile]) -> Provenance:
    """Return where an imported run comes from."""
    commits = {str((file.commit_info or {}).get("id")) for file in files}
    known = sorted(commits - {"None", "unversioned", "unknown"})
    told = {
        "imported": "pytest-benchmark JSON",
        "imported files": ", ".join(file.name for file in files),
        "imported sha256": ", ".join(file.sha256 for file in files),
        **({"commit": ", ".join(known)} if known else {}),
    }
    return Provenance(told)
