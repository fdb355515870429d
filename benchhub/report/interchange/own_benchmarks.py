"""A file that `benchmark_json` wrote as the run that it was."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from benchhub.errors import ConfigError
from benchhub.model.cell import Cell, Plan, Skip, SkipKind, SkipReason
from benchhub.model.device import DeviceInfo
from benchhub.model.facts import Provenance
from benchhub.model.flag import Flag
from benchhub.model.launch import Launch
from benchhub.outside.mistakes import said
from benchhub.report.interchange.benchmark_file import Benchmark, BenchmarkFile
from benchhub.report.interchange.imported_run import (
    ImportedRun,
    launch_of,
    planned,
    provenance,
    request,
    rounds_ns,
)
from benchhub.store.stored.cell import read_cell
from benchhub.store.stored.device import read_device
from benchhub.store.stored.record import Misfit
from benchhub.store.stored.run import read_run
from benchhub.store.stored.variant import read_variant

_NO_TIMES = SkipReason(
    SkipKind.NO_TIMES, "the file has no times of its rounds; export the run again"
)


#: What a column of the store takes.
_Whole64 = Annotated[int, Field(ge=0, lt=2**63)]


class _Part(BaseModel):
    """What a launch told, beside its samples."""

    rounds: _Whole64
    index: _Whole64
    attempt: _Whole64
    round: _Whole64
    started_at: str
    elapsed_ns: _Whole64 | None = None
    load_ns: _Whole64 | None = None
    first_inference_ns: _Whole64 | None = None
    backend_version: str | None = None
    provider: str | None = None
    precision: str | None = None
    clock: str | None = None


class _Told(BaseModel):
    cell: dict[str, Any]
    launches: list[_Part] = Field(default_factory=list)
    flags: list[Flag] = Field(default_factory=list)


class _Whole(BaseModel):
    run: dict[str, Any]
    devices: list[dict[str, Any]]
    variants: list[dict[str, Any]]


def run_of_export(
    file: BenchmarkFile, run_id: str, device: str | None, suite: str | None
) -> ImportedRun:
    """Return the run in `file` with its own cells and launches, under a new id.

    A cell with a flag that caps verdicts comes back as one launch: the conditions that raised the
    flag are not in the file, and one launch can pass no budget either. ConfigError: the file's
    own part does not fit, or it has several devices and `device` gives one name.
    """
    try:
        whole = TypeAdapter(_Whole).validate_python(file.benchhub)
        told = [(one, TypeAdapter(_Told).validate_python(one.told)) for one in file.benchmarks]
        info = read_run(whole.run)
        variants = tuple(map(read_variant, whole.variants))
        devices = _devices(file, tuple(map(read_device, whole.devices)), device)
        cells = [read_cell(one.cell) for _, one in told]
    except Misfit as misfit:
        raise ConfigError(f"{file.name}: {misfit.why}; export the run again") from misfit
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"{file.name}: what benchhub wrote does not fit: {where}: {said(first)};"
            " export the run again"
        ) from error
    launches: list[Launch] = []
    skips: list[Skip] = []
    for (benchmark, one), cell in zip(told, cells, strict=True):
        cell = cell if device is None else dataclasses.replace(cell, device=device)
        if benchmark.stats.data:
            launches += _launches(run_id, cell, file, benchmark, one)
        else:
            skips.append(Skip(cell.device, cell.variant, cell.backend, cell.scenario, _NO_TIMES))
    name = suite or info.suite
    run = dataclasses.replace(
        info,
        id=run_id,
        suite=name,
        request=request(name, devices),
        provenance=Provenance(
            {**info.provenance.told, **provenance([file]).told, "imported run": info.id}
        ),
    )
    plan = Plan(planned(launches, [file]), tuple(skips))
    return ImportedRun(run, plan, devices, variants, tuple(launches))


def _devices(
    file: BenchmarkFile, devices: tuple[DeviceInfo, ...], given: str | None
) -> tuple[DeviceInfo, ...]:
    if given is None:
        return devices
    if len(devices) != 1:
        names = ", ".join(device.name for device in devices)
        raise ConfigError(f"{file.name}: has several devices ({names}); drop --device")
    return (dataclasses.replace(devices[0], name=given),)


def _launches(
    run_id: str, cell: Cell, file: BenchmarkFile, benchmark: Benchmark, told: _Told
) -> list[Launch]:
    samples = rounds_ns(benchmark)
    doubted = any(flag.caps_times for flag in told.flags)
    if doubted or sum(part.rounds for part in told.launches) != samples.size:
        return [launch_of(run_id, cell, 0, file, benchmark, samples)]
    launches, end = [], 0
    for part in told.launches:
        start, end = end, end + part.rounds
        known: dict[str, Any] = part.model_dump(exclude={"rounds", "index"})
        mine = samples[start:end]
        launches.append(launch_of(run_id, cell, part.index, file, benchmark, mine, **known))
    return launches
