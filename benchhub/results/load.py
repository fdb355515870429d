"""From the record to what reports show: everything derived anew from raw launches."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchhub.config.fleet.words import meant
from benchhub.config.folders import cache
from benchhub.config.suite import load_budgets
from benchhub.errors import ConfigError, StoreError
from benchhub.model.asked import Agreement, Budget
from benchhub.model.cell import FAILED_SKIPS, Plan, SkipKind, SkipReason, Variant, without
from benchhub.model.claim import Claim
from benchhub.model.device import LEFT_OUT, DeviceInfo, Finding, Selftest
from benchhub.model.facts import Provenance
from benchhub.model.launch import RunInfo
from benchhub.model.quality import AnswerKey, Metric
from benchhub.model.request import RunRequest
from benchhub.model.row import Results, Verdict
from benchhub.results.claims.judge import answer_claims
from benchhub.results.claims.paired_quality import PairedQuality
from benchhub.results.compare.files import races
from benchhub.results.decided import Decided, decoded, encoded
from benchhub.results.details import with_details
from benchhub.results.details.kept import KeptDetails
from benchhub.results.device_reference import missing_reference, reference_cells, reference_told
from benchhub.results.kept.ahead import make_ahead
from benchhub.results.kept.rows import PATIENCE_S, Raw, keep_some, summarized_once
from benchhub.results.kept_tables import KeptTables
from benchhub.results.rows.case_tables import Tables
from benchhub.results.rows.quality.reading_words import readings_told
from benchhub.results.rows.rows import Terms
from benchhub.results.typed import without_folders
from benchhub.results.verdicts.early import asks_each_launch
from benchhub.results.verdicts.judge import (
    answer,
    check_names,
    exit_code,
    judge,
    selects,
    unapplied,
    unjudged,
)
from benchhub.store import Store
from benchhub.store.fingerprints import Recorded
from benchhub.store.upkeep.pruning import DECIDED, RESULTS
from benchhub.tasks.metrics import get_metric
from benchhub.tasks.own.metric import as_stored
from benchhub.text import instant


def load_results(
    store: Store,
    run_id: str,
    claims: Sequence[Claim] | None = None,
    each_launch: bool = False,
    details: bool = False,
) -> Results:
    """Return the results of a run as it stands, finished or not; ConfigError if there is none.

    `claims` are held against it in place of those it began with. `each_launch`: percentiles are
    told of each launch, too, as they are where its budgets ask for that. `details`: what each cell
    opens is there, too, as of `with_details`, of launches that are read once.
    """
    run = store.run(run_id)
    devices = _devices(store, run_id)
    if store.pruned_at(run_id) is not None:
        found = _pruned(store, run, devices, claims)
        return with_details(store, found) if details else found
    of = _read(store, run, devices, each_launch)
    planned, plan, variants, asked = of.planned, of.plan, of.variants, of.asked
    answer_key, metric, budgets, raw = asked.answer_key, asked.metric, asked.budgets, of.raw
    told = {
        **run.provenance.told,
        **reference_told(run, answer_key, asked.no_reference),
        **readings_told(answer_key),
    }
    kept = KeptDetails(store, raw, plan.cells) if details else None
    keep = partial(_keep_some, details=details)
    ahead = partial(make_ahead, keep, store, run_id, raw.recorded, answer_key, asked.each_launch)
    seen = kept.take if kept else None
    summarized = summarized_once(store, raw, run, plan.cells, variants, devices, asked, ahead, seen)
    rows, canaries = summarized.rows, summarized.fixed_work
    verdicts = judge(rows, budgets)
    loaded = Results(
        run=dataclasses.replace(
            run,
            request=_without_folders(run.request),
            provenance=without_folders(Provenance(told)),
        ),
        devices=tuple(_without_location(_told(d, canaries)) for d in devices),
        rows=rows,
        verdicts=verdicts,
        skips=plan.skips,
        variants=_published(variants),
        selftests=_selftests(store, run, devices),
        unjudged=unjudged(budgets, verdicts, planned.cells),
        unapplied=unapplied(budgets, verdicts, planned.cells),
        budgets=tuple(budgets),
    )
    if run.kind.without_answers and len(variants) > 1:
        real = {device.name for device in devices if not device.emulated}
        held = [cell for cell in plan.cells if cell.device in real]
        loaded = dataclasses.replace(loaded, races=races(held, raw.launches))
    paired = None
    if answer_key is not None and metric is not None:
        metrics = (metric, *asked.also)
        paired = PairedQuality(raw.of, answer_key, metrics, asked.seed, asked.tables)
    held_against = store.claims(run_id) if claims is None else claims
    loaded = dataclasses.replace(loaded, claims=answer_claims(held_against, loaded, paired))
    return with_details(store, loaded, kept) if kept else loaded


def _keep_some(
    url: str,
    run_id: str,
    recorded: Recorded,
    only: Collection[str],
    each_launch: bool,
    *,
    details: bool,
) -> None:
    """In a process of its own: compute the rows of the cells with these keys, and keep them."""
    with Store.open(url) as store:
        run = store.run(run_id)
        devices = _devices(store, run_id)
        of = _read(store, run, devices, each_launch, recorded)
        cells = of.plan.cells
        kept = KeptDetails(store, of.raw, cells, only) if details else None
        seen = kept.take if kept else None
        keep_some(store, of.raw, run, cells, of.variants, devices, of.asked, only, seen)
        if kept:
            kept.write(PATIENCE_S)


@dataclass(frozen=True, slots=True)
class _Stored:
    """A run as it is stored: what was planned and is possible, and by what it is summarized."""

    planned: Plan
    plan: Plan
    raw: Raw
    variants: tuple[Variant, ...]
    asked: Terms


def _read(
    store: Store,
    run: RunInfo,
    devices: tuple[DeviceInfo, ...],
    each_launch: bool,
    recorded: Recorded | None = None,
) -> _Stored:
    planned = store.plan(run.id)
    raw = Raw(store, run.id, planned.cells, recorded)
    answer_key = store.answer_key(run.id)
    metric, also = metrics_of(answer_key)
    limit = run.provenance.max_relative_disagreement
    no_reference = ""
    if run.provenance.reference_device and answer_key is None:
        of = reference_cells(planned.cells, run.baseline, run.provenance.reference_device)
        tried = [launch for cell in of for launch in raw.launches(cell)]
        tried.sort(key=lambda one: instant(one.started_at))
        no_reference = missing_reference(run, planned.cells, tried, devices)
    budgets = store.budgets(run.id)
    asked = Terms(
        Agreement(limit) if limit else Agreement(), answer_key, metric, tuple(also),
        run.provenance.seed, _tables(), run.provenance.below_chance_allowed, no_reference, budgets,
        each_launch or asks_each_launch(budgets),
    )  # fmt: skip
    plan = as_possible(planned, devices, raw.measured(planned.cells))
    return _Stored(planned, plan, raw, store.variants(run.id), asked)


def _devices(store: Store, run_id: str) -> tuple[DeviceInfo, ...]:
    return tuple(sorted(store.devices(run_id), key=lambda device: device.emulated))


def decide(store: Store, run_id: str) -> bytes:
    """Return what was decided of a run, to be kept in place of its samples.

    StoreError: it cannot be kept as it is.
    """
    found = load_results(store, run_id)
    return encoded(
        Decided(
            found.rows, found.verdicts, found.skips, found.unjudged, found.unapplied, found.claims,
            found.races, {one.name: one.findings for one in found.devices},
            found.run.provenance.told,
        )
    )  # fmt: skip


def _pruned(
    store: Store, run: RunInfo, devices: Sequence[DeviceInfo], claims: Sequence[Claim] | None
) -> Results:
    """Return the results of a run whose samples are gone: what was decided while they were there.

    ConfigError: other claims, which nothing answers any more.
    """
    if claims is not None:
        list(store.launches(run.id))  # says so
    kept = store.summaries.of(run.id, DECIDED).get(RESULTS)
    if kept is None:
        raise StoreError(
            f"run {run.id} is pruned, and what was decided of it is damaged or not there: restore"
            " a copy of the store"
        )
    of = decoded(kept.data)
    return Results(
        run=dataclasses.replace(
            run, request=_without_folders(run.request), provenance=Provenance(of.told)
        ),
        devices=tuple(
            _without_location(dataclasses.replace(one, findings=of.findings.get(one.name, ())))
            for one in devices
        ),
        rows=of.rows,
        verdicts=of.verdicts,
        skips=of.skips,
        variants=_published(store.variants(run.id)),
        selftests=_selftests(store, run, devices),
        unjudged=of.unjudged,
        unapplied=of.unapplied,
        claims=of.claims,
        races=of.races,
        budgets=store.budgets(run.id),
    )


def _published(variants: Sequence[Variant]) -> tuple[Variant, ...]:
    return tuple(dataclasses.replace(one, path=Path(one.path.name)) for one in variants)


def _selftests(store: Store, run: RunInfo, devices: Sequence[DeviceInfo]) -> tuple[Selftest, ...]:
    last = (store.selftests.last(device.name, until=run.started_at) for device in devices)
    return store.selftests.of(run.id) or tuple(one for one in last if one is not None)


def _tables() -> Tables:
    try:
        return Tables(KeptTables(cache() / "case-tables"))
    except ConfigError:  # without a folder for it nothing is kept
        return Tables()


def load_judged(
    store: Store, run_id: str, file: Path | None = None, details: bool = False
) -> Judged:
    """Return a run held against its suite's budgets, or against those of `file`.

    `details`: as of `load_results`, for the suite's own budgets.
    ConfigError: there is no such run, or the file cannot be read or names what the run never knew.
    """
    if file is not None:
        return held_against(store, run_id, load_budgets(file), file)
    return judged(load_results(store, run_id, details=details))


def held_against(store: Store, run_id: str, budgets: Sequence[Budget], told: Path) -> Judged:
    """Return a run held against other budgets than its own, which came from `told`.

    ConfigError, before any launch is read: they name what the run never knew.
    """
    plan = store.plan(run_id)
    labels: dict[str, Mapping[str, str]] = {cell.device: {} for cell in plan.cells}
    labels |= {skip.device: {} for skip in plan.skips}
    labels |= {device.name: device.labels for device in store.devices(run_id)}
    budgets = [
        dataclasses.replace(budget, devices=meant(budget.devices, labels)) for budget in budgets
    ]
    check_names(told, budgets, plan)
    loaded = load_results(store, run_id, each_launch=asks_each_launch(budgets))
    verdicts = judge(loaded.rows, budgets)
    left = unjudged(budgets, verdicts, plan.cells)
    beside = unapplied(budgets, verdicts, plan.cells)
    return judged(
        dataclasses.replace(
            loaded, verdicts=verdicts, unjudged=left, unapplied=beside, budgets=tuple(budgets)
        )
    )


def judges_nothing(store: Store, run_id: str, budgets: Sequence[Budget]) -> bool:
    """Return whether no planned cell is one that any of `budgets` sets a limit to."""
    cells = [cell for cell in store.plan(run_id).cells if cell.runs_model]
    return not any(
        budget.limits and any(selects(budget, cell) for cell in cells) for budget in budgets
    )


def judged(loaded: Results) -> Judged:
    """Return what the gate makes of results and the budgets that they were held against."""
    code = exit_code(loaded.verdicts, failures(loaded), len(loaded.unjudged))
    return Judged(loaded, loaded.budgets, loaded.verdicts, loaded.unjudged, code)


def unmade(results: Results) -> tuple[str, ...]:
    """Return the variants whose recipe failed, and those that a backend cannot run."""
    failed = (s.variant for s in results.skips if s.reason.kind in FAILED_SKIPS)
    return tuple(dict.fromkeys(failed))


def _told(device: DeviceInfo, canaries: Mapping[str, Finding]) -> DeviceInfo:
    found = [canaries[device.name]] if device.name in canaries else []
    return dataclasses.replace(device, findings=(*device.findings, *found))


def _without_folders(request: RunRequest) -> RunRequest:
    """Return a request with files by their last two names: reports are published, folders not."""
    known = {name: _short(value) for name, value in request.told().items()}
    return dataclasses.replace(request, **known)


def _short(value: Any) -> Any:
    if isinstance(value, str) and Path(value).is_absolute():
        return "/".join(Path(value).parts[-2:])
    if isinstance(value, Mapping):
        return {name: _short(inner) for name, inner in value.items()}
    return tuple(map(_short, value)) if isinstance(value, list | tuple) else value


def _without_location(device: DeviceInfo) -> DeviceInfo:
    return dataclasses.replace(device, facts=device.facts.public())


def as_possible(
    plan: Plan, devices: tuple[DeviceInfo, ...], measured: Collection[str] = ()
) -> Plan:
    """Return `plan` with the cells of backends that a device turned out to lack as skips.

    Not those in `measured`, by key: a backend may be gone when a run is resumed.
    """
    for device in devices:
        for finding in device.findings:
            if finding.backend and finding.level != "ok":
                reason = None
                if finding.level != LEFT_OUT:
                    reason = SkipReason(SkipKind.NO_BACKEND, f"{finding.found}; {finding.fix}")
                plan = without(plan, device.name, finding.backend, reason, measured)
    return plan


def metrics_of(answer_key: AnswerKey | None) -> tuple[Metric | None, tuple[Metric, ...]]:
    """Return the metric that outputs are judged by first, if it is known here, and the others."""
    if answer_key is None:
        return None, ()
    found = [
        as_stored(name, reading)
        if (reading := answer_key.readings.get(name)) and reading.labels == "own"
        else _known_metric(name)
        for name in (answer_key.metric, *answer_key.also)
    ]
    return found[0], tuple(metric for metric in found[1:] if metric is not None)


def _known_metric(name: str) -> Metric | None:
    try:
        return get_metric(name)
    except ConfigError:
        return None  # of a task that is not installed here: quality stays empty
    except ImportError:
        return None  # nor is what it needs


@dataclass(frozen=True, slots=True)
class Judged:
    """A run with the verdicts of a gate: `budgets` are those applied, `unjudged` their names
    where nothing that they select could be measured."""

    results: Results
    budgets: tuple[Budget, ...]
    verdicts: tuple[Verdict, ...]
    unjudged: tuple[str, ...]
    exit_code: int

    @property
    def overall(self) -> str:
        """PASS, FAIL, INCONCLUSIVE, ERROR where a device or a cell failed, or NO BUDGETS."""
        results = self.results
        return answer(self.verdicts, failures(results), len(self.unjudged))


def failures(results: Results) -> int:
    """Return how many cells, devices and variants failed: while one did, nothing passes."""
    failed = sum(row.status == "failed" for row in results.rows)
    return failed + sum(bool(device.error) for device in results.devices) + len(unmade(results))
