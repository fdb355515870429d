"""From the record to what reports show: everything derived anew from raw launches."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchhub.canary import doubted, findings, is_canary
from benchhub.claims.judge import answer_claims
from benchhub.config import load_budgets
from benchhub.errors import ConfigError
from benchhub.gate import check_names, exit_code, judge, unjudged
from benchhub.kept_tables import KeptTables
from benchhub.model import (
    Agreement,
    Claim,
    DeviceInfo,
    Finding,
    Metric,
    Plan,
    Results,
    RunInfo,
    Truth,
)
from benchhub.paired_quality import PairedQuality
from benchhub.places import cache
from benchhub.plan import without
from benchhub.quality_tables import Tables
from benchhub.report.gate.entries import Judged
from benchhub.report.speedup import compare
from benchhub.store import Store
from benchhub.summary import summarize
from benchhub.tasks.metrics import get_metric

#: They stay in the store, and `benchhub devices show` tells them.
_PRIVATE_FACTS = {"boot_id", "executable", "hostname", "root"}


def load_results(store: Store, run_id: str, claims: Sequence[Claim] | None = None) -> Results:
    """Return the results of a run as it stands, finished or not; ConfigError if there is none.

    `claims` are held against it in place of those it began with.
    """
    run = store.run(run_id)
    devices = tuple(sorted(store.devices(run_id), key=lambda device: device.emulated))
    launches = list(store.launches(run_id))
    measured = {launch.cell.key for launch in launches}
    planned = store.plan(run_id)
    plan = as_possible(planned, devices, measured)
    variants = store.variants(run_id)
    truth = store.truth(run_id)
    metric, also = metrics_of(truth)
    tables = Tables(KeptTables(cache() / "case-tables"))
    limit = run.provenance.get("max_relative_disagreement")
    rows = summarize(
        run,
        [cell for cell in plan.cells if not is_canary(cell)],
        launches,
        variants,
        devices,
        limits=Agreement(float(limit)) if limit else None,
        truth=truth,
        metric=metric,
        also=also,
        seed=_seed(run),
        tables=tables,
    )
    canaries = findings(launches)
    rows = doubted(compare(rows, launches, run.baseline, variants), canaries)
    budgets = store.budgets(run_id)
    verdicts = judge(rows, budgets)
    loaded = Results(
        run=dataclasses.replace(
            run,
            request=_without_folders(run.request),
            provenance={**run.provenance, **_short_command(run.provenance)},
        ),
        devices=tuple(_without_location(_told(d, canaries)) for d in devices),
        rows=rows,
        verdicts=verdicts,
        skips=plan.skips,
        variants=tuple(dataclasses.replace(v, path=Path(v.path.name)) for v in variants),
        selftests=store.selftests.of(run_id)
        or tuple(
            last
            for device in devices
            if (last := store.selftests.last(device.name, until=run.started_at)) is not None
        ),
        unjudged=unjudged(budgets, verdicts, planned.cells),
    )
    paired = None
    if truth is not None and metric is not None:
        paired = PairedQuality(launches, truth, (metric, *also), _seed(run), tables)
    asked = store.claims(run_id) if claims is None else claims
    return dataclasses.replace(loaded, claims=answer_claims(asked, loaded, paired))


def load_judged(store: Store, run_id: str, file: Path | None = None) -> Judged:
    """Return a run held against its suite's budgets, or against those of `file`.

    ConfigError: there is no such run, or the file cannot be read or names what the run never knew.
    """
    loaded = load_results(store, run_id)
    budgets = store.budgets(run_id)
    if file is not None:
        budgets, plan = load_budgets(file), store.plan(run_id)
        check_names(file, budgets, plan)
        verdicts = judge(loaded.rows, budgets)
        left = unjudged(budgets, verdicts, plan.cells)
        loaded = dataclasses.replace(loaded, verdicts=verdicts, unjudged=left)
    failed = sum(row.status == "failed" for row in loaded.rows)
    lost = sum(bool(device.error) for device in loaded.devices)
    code = exit_code(loaded.verdicts, failed + lost, len(loaded.unjudged))
    return Judged(loaded, tuple(budgets), loaded.verdicts, loaded.unjudged, code)


def _told(device: DeviceInfo, canaries: Mapping[str, Finding]) -> DeviceInfo:
    found = [canaries[device.name]] if device.name in canaries else []
    return dataclasses.replace(device, findings=(*device.findings, *found))


def _without_folders(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request with files by their last two names: reports are published, folders not."""
    return {key: _short(value) for key, value in request.items()}


def _short_command(provenance: Mapping[str, Any]) -> dict[str, str]:
    words = str(provenance.get("command", "")).split(" ")
    return {"command": " ".join(map(_short, words))} if words != [""] else {}


def _short(value: Any) -> Any:
    if isinstance(value, str) and Path(value).is_absolute():
        return "/".join(Path(value).parts[-2:])
    return [_short(item) for item in value] if isinstance(value, list | tuple) else value


def _without_location(device: DeviceInfo) -> DeviceInfo:
    facts = {key: value for key, value in device.facts.items() if key not in _PRIVATE_FACTS}
    if "backends" in facts:  # their reasons and interpreters name folders
        facts["backends"] = {
            name: {"version": one.get("version"), "provisioned": bool(one.get("python"))}
            for name, one in facts["backends"].items()
        }
    return dataclasses.replace(device, facts=facts)


def as_possible(
    plan: Plan, devices: tuple[DeviceInfo, ...], measured: Collection[str] = ()
) -> Plan:
    """Return `plan` with the cells of backends that a device turned out to lack as skips.

    Not those in `measured`, by key: a backend may be gone when a run is resumed.
    """
    for device in devices:
        for finding in device.findings:
            backend = finding.check.removeprefix("backend ")
            if backend != finding.check and finding.level != "ok":
                reason = f"{finding.found}; {finding.fix}"
                plan = without(plan, device.name, backend, reason, measured)
    return plan


def metrics_of(truth: Truth | None) -> tuple[Metric | None, tuple[Metric, ...]]:
    """Return the metric that outputs are judged by first, if it is known here, and the others."""
    if truth is None:
        return None, ()
    found = [_known_metric(name) for name in (truth.metric, *truth.also)]
    return found[0], tuple(metric for metric in found[1:] if metric is not None)


def _known_metric(name: str) -> Metric | None:
    try:
        return get_metric(name)
    except ConfigError:
        return None  # of a task that is not installed here: quality stays empty
    except ImportError:
        return None  # nor is what it needs


def _seed(run: RunInfo) -> int:
    """Return the seed that quality is resampled with: the suite's; 0 in runs that kept none."""
    told = str(run.provenance.get("seed", ""))
    return int(told) if told.isdecimal() else 0
