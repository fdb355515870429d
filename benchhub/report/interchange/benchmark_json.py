"""A run as pytest-benchmark's JSON: one benchmark a timed cell, one round a timed call.

`extra_info["benchhub"]` of a benchmark holds what that format has no place for: the cell, its
intervals, flags and provenance, and which rounds came from which launch. The top level's
`benchhub` holds the run, its devices and variants, so that `imported` can read all of it back.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchhub import __version__
from benchhub.model.cell import Cell
from benchhub.model.device import DeviceInfo
from benchhub.model.facts import Provenance
from benchhub.model.launch import Launch
from benchhub.model.quantities import PERCENTILES, QUANTITIES
from benchhub.model.row import Results, Row
from benchhub.model.scenario import TIMED
from benchhub.report.interchange.round_stats import round_stats
from benchhub.report.plain import plain
from benchhub.report.run.row_json import intervals, provenance, withheld
from benchhub.report.tables.settings import compact, usual_left_out
from benchhub.store.stored.cell import write_cell
from benchhub.store.stored.device import write_device
from benchhub.store.stored.run import write_run
from benchhub.store.stored.variant import write_variant

SCHEMA = 1
#: The version of pytest-benchmark whose fields are written.
FORMAT_VERSION = "5.1.0"
#: What a launch tells beside its samples, as far as `imported` can give it back.
LAUNCH_FIELDS = (
    "index", "attempt", "round", "started_at", "elapsed_ns", "load_ns", "first_inference_ns",
    "backend_version", "provider", "precision", "clock",
)  # fmt: skip
_SETTINGS = ("batch", "threads", "concurrency", "rate_per_s", "precision", "options")


@dataclass(frozen=True, slots=True)
class Export:
    """The document, and how many cells are not in it, by reason."""

    document: Mapping[str, Any]
    left_out: Mapping[str, int]


def export(results: Results, launches: Iterable[Launch], cells: Sequence[Cell]) -> Export:
    """Return a run in pytest-benchmark's format, all of its times in seconds.

    Only cells that time calls of a model on a real device and finished are in it; a run without
    one gives no benchmarks. What is not known is null.
    """
    finished: dict[str, list[Launch]] = defaultdict(list)
    for launch in launches:
        if launch.status == "finished" and launch.samples_ns.size:
            finished[launch.cell.key].append(launch)
    planned = {cell.key: cell for cell in cells}
    left_out: Counter[str] = Counter()
    benchmarks = []
    for row in results.rows:
        reason = _unfit(row, finished[row.cell])
        if reason is None:
            ordered = sorted(finished[row.cell], key=lambda one: one.index)
            benchmarks.append(_benchmark(results, row, planned[row.cell], ordered))
        else:
            left_out[reason] += 1
    run = results.run
    document = {
        "machine_info": _machine(results.devices),
        "commit_info": _commit(run.provenance),
        "benchmarks": benchmarks,
        "datetime": run.finished_at or run.started_at,
        "version": FORMAT_VERSION,
        "benchhub": {
            "schema": SCHEMA,
            "version": __version__,
            "run": write_run(run),
            "devices": [write_device(device) for device in results.devices],
            "variants": [write_variant(variant) for variant in results.variants],
        },
    }
    return Export(document, dict(left_out))


def _unfit(row: Row, launches: Sequence[Launch]) -> str | None:
    if row.scenario not in TIMED:
        return "do not time calls"
    if not row.model_sha256:
        return "run no model"
    if row.emulated:
        return "are of emulated devices"
    if row.status != "finished":
        return f"are {row.status}"
    return None if launches else "have no timed calls"


def _benchmark(
    results: Results, row: Row, cell: Cell, launches: Sequence[Launch]
) -> dict[str, Any]:
    settings = compact(row, usual_left_out(row, _SETTINGS))
    group = f"{row.device} {row.scenario} {settings}"
    name = f"{row.variant}[{row.backend}]"
    params = {"device": row.device, "backend": row.backend, "variant": row.variant}
    params |= {"scenario": row.scenario}
    params |= {one: getattr(row, one) for one in _SETTINGS}
    return {
        "group": group,
        "name": name,
        "fullname": f"{results.run.suite}::{group}::{name}",
        "params": plain(params),
        "param": f"{row.device}-{row.backend}-{row.variant}",
        "extra_info": {"benchhub": _extra(results, row, cell, launches)},
        "options": {"timer": row.clock, "disable_gc": True, "warmup": True},
        "stats": round_stats(np.concatenate([launch.samples_ns for launch in launches])),
    }


def _extra(results: Results, row: Row, cell: Cell, launches: Sequence[Launch]) -> dict[str, Any]:
    shown = [QUANTITIES[name] for name in (*PERCENTILES, "throughput_per_s")]
    numbers = {
        column: row.column(column) for one in shown for column in (one.name, *(one.limits or ()))
    }
    return {
        "run": results.run.id,
        "suite": results.run.suite,
        "model_sha256": row.model_sha256,
        **plain(numbers),
        "n_eff": plain(row.n_eff),
        "intervals": plain(intervals(row)),
        "withheld": plain(withheld(row)),
        "flags": [plain(flag) for flag in row.flags],
        "provenance": plain(provenance(row)),
        "cell": write_cell(cell),
        "launches": [
            {"rounds": int(one.samples_ns.size)}
            | {name: plain(getattr(one, name)) for name in LAUNCH_FIELDS}
            for one in launches
        ],
    }


def _machine(devices: Sequence[DeviceInfo]) -> dict[str, Any]:
    """Return what all devices of the run have in common; null where they differ."""

    def same(values: Sequence[Any]) -> Any:
        return values[0] if values and all(value == values[0] for value in values) else None

    def fact(name: str) -> Any:
        return plain(same([device.facts.told.get(name) for device in devices]))

    return {
        "node": ", ".join(device.name for device in devices) or None,
        "processor": fact("arch"),
        "machine": fact("machine"),
        "python_version": fact("python"),
        "release": fact("kernel"),
        "system": fact("os"),
        "cpu": {
            "arch": fact("arch"),
            "brand_raw": fact("cpu_model"),
            "count": fact("cores_logical"),
        },
    }


def _commit(provenance: Provenance) -> dict[str, Any]:
    """Return the commit if the run knows one; the words for an unknown one are pytest-benchmark's.

    The commit of the folder in which the export happens is not that of the run.
    """
    return {
        "id": provenance.get("commit") or "unversioned",
        "time": None,
        "author_time": None,
        "dirty": None,
        "project": provenance.get("project") or None,
        "branch": provenance.get("branch") or "(unknown)",
    }
