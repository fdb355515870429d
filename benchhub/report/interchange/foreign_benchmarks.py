"""Anybody's pytest-benchmark files as a run: a file is one launch of each of its benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchhub.errors import ConfigError
from benchhub.model.cell import Cell, Plan, Skip, SkipKind, SkipReason
from benchhub.model.device import DeviceInfo
from benchhub.model.facts import Facts
from benchhub.model.launch import Launch
from benchhub.model.scenario import Scenario
from benchhub.report.interchange.benchmark_file import Benchmark, BenchmarkFile
from benchhub.report.interchange.imported_run import (
    UNKNOWN,
    ImportedRun,
    foreign_run,
    launch_of,
    planned,
    provenance,
    rounds_ns,
)

#: The backend of benchmarks that name none, and the suite of runs that get no other.
NAME = "pytest-benchmark"
#: What a benchmark may say of itself in `extra_info["benchhub"]`.
_WORDS: Mapping[str, type] = {
    "variant": str, "backend": str, "model_sha256": str, "precision": str,
    "batch": int, "threads": int,
}  # fmt: skip
#: Batches, threads and cores beyond are a mistake.
_MOST = 2**31
_NO_TIMES = SkipReason(
    SkipKind.NO_TIMES, "the file has no times of its rounds; write it with --benchmark-json"
)


def run_of_files(
    files: Sequence[BenchmarkFile], run_id: str, device: str | None, suite: str | None
) -> ImportedRun:
    """Return the run of `files`, oldest first; ConfigError where they do not belong together."""
    info = _device(files, device)
    launches: list[Launch] = []
    skips: list[Skip] = []
    taken: set[tuple[str, int]] = set()
    for index, file in enumerate(files):
        for benchmark in file.benchmarks:
            cell, samples = _cell(file, benchmark, info.name), rounds_ns(benchmark)
            if (cell.key, index) in taken:
                raise ConfigError(
                    f"{file.name}: {benchmark.fullname}: another benchmark names the same variant,"
                    " backend and settings; make them differ"
                )
            taken.add((cell.key, index))
            if samples.size:
                launches.append(launch_of(run_id, cell, index, file, benchmark, samples))
            else:
                skips.append(
                    Skip(cell.device, cell.variant, cell.backend, cell.scenario, _NO_TIMES)
                )
    between = (files[0].at, files[-1].at)
    run = foreign_run(run_id, suite or NAME, info, between, provenance(files))
    plan = Plan(planned(launches, files), tuple(skips))
    return ImportedRun(run, plan, (info,), (), tuple(launches))


def _device(files: Sequence[BenchmarkFile], given: str | None) -> DeviceInfo:
    machine = files[0].machine_info
    for key in ("node", "machine", "system", "python_version"):
        values = {str(file.machine_info.get(key)) for file in files}
        if len(values) > 1:
            raise ConfigError(
                f"the files are of different machines ({key}: {', '.join(sorted(values))});"
                " import them one by one, each with a --device"
            )
    name = given or machine.get("node")
    if not name:
        raise ConfigError(f"{files[0].name}: names no machine; add --device NAME")
    cpu = machine.get("cpu")
    cpu = cpu if isinstance(cpu, dict) else {}
    facts = {
        "arch": machine.get("machine"),
        "machine": machine.get("machine"),
        "cpu_model": cpu.get("brand_raw"),
        "os": machine.get("system"),
        "kernel": machine.get("release"),
        "python": machine.get("python_version"),
    }
    known: dict[str, Any] = {
        key: value for key, value in facts.items() if value and isinstance(value, str)
    }
    if _is_count(cpu.get("count")):
        known["cores_logical"] = cpu["count"]
    return DeviceInfo(str(name), "imported", emulated=False, facts=Facts(known))


def _cell(file: BenchmarkFile, benchmark: Benchmark, device: str) -> Cell:
    told = _words(file, benchmark)
    return Cell(
        device=device,
        variant=told.get("variant", benchmark.fullname),
        model_sha256=told.get("model_sha256", UNKNOWN),
        backend=told.get("backend", NAME),
        scenario=Scenario.LATENCY,
        batch=told.get("batch", 0),  # 0: not told
        threads=told.get("threads", 0),
        precision=told.get("precision", ""),
        # The same for every file, whatever it has, so that its cells are found again in others.
        launches=1,
        iterations=0,
        max_timed_s=0.0,
    )


def _words(file: BenchmarkFile, benchmark: Benchmark) -> dict[str, Any]:
    words = {name: benchmark.told[name] for name in _WORDS if benchmark.told.get(name) is not None}
    for name, value in words.items():
        if type(value) is not _WORDS[name] or (_WORDS[name] is int and not _is_count(value)):
            raise ConfigError(
                f"{file.name}: {benchmark.fullname}: extra_info.benchhub.{name} = {value!r}:"
                f" should be of type {_WORDS[name].__name__}"
            )
    return words


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < _MOST
