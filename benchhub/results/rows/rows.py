"""From launches to one row per cell: percentiles, throughput, memory, quality, flags; pure."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from benchhub.model.asked import Agreement, Budget
from benchhub.model.cell import Cell, CellKind, Variant
from benchhub.model.device import DeviceInfo, Finding
from benchhub.model.figure import Figure
from benchhub.model.flag import Flag, FlagKind
from benchhub.model.launch import Launch, RunInfo, launches_by_cell
from benchhub.model.quality import AnswerKey, Metric
from benchhub.model.quantities import QUANTITIES, Grain
from benchhub.model.request import RunKind
from benchhub.model.row import QualitySource, Row
from benchhub.model.scenario import TIMED, Scenario
from benchhub.results.rows.alike import artifact_of
from benchhub.results.rows.by_batch import at_other_batches
from benchhub.results.rows.case_tables import Tables
from benchhub.results.rows.fixed_work import findings
from benchhub.results.rows.judged import Agreed, below_chance, group_of, postprocessing
from benchhub.results.rows.judging import JudgedQuality, Judges
from benchhub.results.rows.measured import Launches, Measured, measured
from benchhub.results.rows.quality.of_run import OfRun, in_turn
from benchhub.results.rows.speedup import round_medians_ms, speedups
from benchhub.results.verdicts.early import asks_each_launch, is_clear, time_limits

#: A file with fewer bytes for each weight holds them in fewer bits.
_BYTES_OF_FLOAT32 = 3
#: Quantities that are the artifact's, whatever is measured of it, as they stand in a variant.
_SIZES = tuple(
    one.name
    for one in QUANTITIES.values()
    if one.grain is Grain.FILE and one.column and not one.name.startswith("compression")
)

#: A cell, the launches it takes its figures from, and how many calls of each were warm-up.
Seen = Callable[[Cell, Sequence[Launch], int], None]
#: Of cells that are called at shapes of their own.
_ON_MADE_INPUTS = JudgedQuality(unjudged={"": "it is called on inputs made to fit its shapes"})
#: A suite's models are counted once, and a model that is called at other sizes multiplies more.
_AT_OTHER_SIZES = Figure(withheld="they are counted at the sizes of the data, not at its shapes")


def summarize(
    run: RunInfo,
    cells: Sequence[Cell],
    launches: Iterable[Launch],
    variants: Sequence[Variant],
    devices: Sequence[DeviceInfo],
    *,
    limits: Agreement | None = None,
    answer_key: AnswerKey | None = None,
    metric: Metric | None = None,
    also: Sequence[Metric] = (),
    seed: int = 0,
    tables: Tables | None = None,
    below_chance_allowed: bool = False,
    no_reference: str = "",
    budgets: Sequence[Budget] = (),
) -> tuple[Row, ...]:
    """Return a row for every planned cell, measured or not, in the order of `cells`.

    `answer_key` and `metric` give agreement and quality; without them those columns stay empty.
    `also` are further metrics, `seed` draws the resamples, `tables` keeps what metrics have
    compared; `below_chance_allowed`: budgets of quality may pass on a baseline no better than
    one answer for all cases. `no_reference` is why there is no answer key where a device was to
    answer first. `budgets` tell which cells ended early, and what
    is asked of each launch. The fixed work has no row; what it shows
    of its device is a flag of the others.
    """
    every = list(launches)
    by_cell = launches_by_cell(cells, every)
    asked = Terms(
        limits or Agreement(), answer_key, metric, tuple(also), seed, tables or Tables(),
        below_chance_allowed, no_reference, tuple(budgets), asks_each_launch(budgets),
    )  # fmt: skip
    fixed_work = findings(every)
    return summarized(
        run, cells, lambda cell: by_cell.get(cell.key, ()), variants, devices, fixed_work, asked
    )


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run is summarized by, beside its launches: see `summarize`.

    `each_launch`: percentiles are told of each launch, too.
    """

    limits: Agreement
    answer_key: AnswerKey | None
    metric: Metric | None
    also: tuple[Metric, ...]
    seed: int
    tables: Tables
    below_chance_allowed: bool
    no_reference: str
    budgets: tuple[Budget, ...] = ()
    each_launch: bool = False


def summarized(
    run: RunInfo,
    cells: Sequence[Cell],
    launches: Launches,
    variants: Sequence[Variant],
    devices: Sequence[DeviceInfo],
    fixed_work: Mapping[str, Finding],
    asked: Terms,
    wanted: Collection[Cell] | None = None,
    seen: Seen | None = None,
) -> tuple[Row, ...]:
    """Return what `summarize` does, of launches that are read cell by cell and not held.

    `fixed_work` is what that showed of devices, by name. Of cells beyond `wanted` (None: all are)
    there is no quality in the rows: they are there for others to be held against. `seen` is shown
    what was read, a cell at a time.
    """
    known = {variant.name: variant for variant in variants}
    infos = {device.name: device for device in devices}
    metric = asked.metric
    answered = _answers(run, variants, asked, wanted)
    kept = [cell for cell in cells if cell.kind is not CellKind.CANARY]
    places = {cell: place for place, cell in enumerate(kept)}
    sources = {cell.key: cell for cell in kept}
    by_cell: dict[Cell, Measured] = {}
    after: dict[Cell, Figure | None] = {}

    def take(cell: Cell) -> None:
        of = launches(cell)
        finished = [launch for launch in of if launch.status == "finished"]
        early = _ended_early(sources.get(cell.launches_of, cell), finished, asked.budgets)
        device = infos.get(cell.device)
        one = by_cell[cell] = measured(
            cell, of, device, early, asked.each_launch, partial(launches, cell)
        )
        if seen is not None:
            seen(cell, of, one.dropped)
        if answered is None or one.status != "finished":
            return
        after[cell] = postprocessing(finished, device)
        if not cell.shapes:  # those work on other inputs
            answered.take(places[cell], cell, finished)

    for cell in in_turn(kept, answered):
        take(cell)
    found = [by_cell[cell] for cell in kept]
    told: Mapping[Cell, Agreed] = answered.told if answered else {}
    qualities = dict(answered.qualities) if answered else {}
    if metric is not None and answered is not None:
        qualities |= at_other_batches([(one.cell, one.status) for one in found], qualities)
    doubts = answered.doubts(qualities) if answered else {}
    if asked.no_reference:
        found = [_without_reference(one, asked.no_reference) for one in found]
    unjudged = JudgedQuality(unjudged={"": asked.no_reference} if asked.no_reference else {})
    faster = speedups(found, run.baseline, variants)
    return tuple(
        _row(
            run,
            one,
            known.get(one.cell.variant),
            _base(known, one.cell, run.baseline),
            known.get(run.baseline),
            infos.get(one.cell.device),
            told.get(one.cell, Agreed()),
            doubts.get(one.cell, ()),
            _ON_MADE_INPUTS if one.cell.shapes else qualities.get(group_of(one.cell), unjudged),
            faster.get(one.cell.key),
            fixed_work.get(one.cell.device),
            after.get(one.cell),
            several=bool(asked.also) and metric is not None,
            below_chance_allowed=asked.below_chance_allowed,
        )
        for one in found
    )


def _ended_early(cell: Cell, finished: Sequence[Launch], budgets: Sequence[Budget]) -> bool:
    """Return whether the first launches of a cell showed enough."""
    samples = [launch.samples_ns for launch in finished]
    return bool(cell.ends_after) and is_clear(cell, samples, time_limits(cell, budgets))


def _answers(
    run: RunInfo, variants: Sequence[Variant], asked: Terms, wanted: Collection[Cell] | None
) -> OfRun | None:
    if asked.answer_key is None:
        return None
    judges = None
    if asked.metric is not None:
        judges = Judges((asked.metric, *asked.also), asked.seed, asked.tables)
    only = None if wanted is None else {artifact_of(cell) for cell in wanted}
    meant = {variant.name: variant.approximates for variant in variants}
    return OfRun(asked.answer_key, run.baseline, asked.limits, meant, judges, only)


def _without_reference(one: Measured, why: str) -> Measured:
    """Return a cell with `why`, where it was not launched since there was nothing to judge by."""
    waited = one.cell.scenario is Scenario.QUALITY and not one.launches
    return dataclasses.replace(one, reason=why) if waited else one


def _base(variants: Mapping[str, Variant], cell: Cell, baseline: str) -> Variant | None:
    variant = variants.get(cell.variant)
    named = variant.against if variant else None
    return variants.get(named or "", variants.get(baseline))


def _row(
    run: RunInfo,
    of: Measured,
    variant: Variant | None,
    base: Variant | None,
    baseline: Variant | None,
    device: DeviceInfo | None,
    told: Agreed,
    doubts: tuple[Flag, ...],
    quality: JudgedQuality,
    speedup: Figure | None,
    fixed_work: Finding | None,
    after: Figure | None,
    *,
    several: bool,
    below_chance_allowed: bool,
) -> Row:
    cell = of.cell
    figures = {**dict(_sizes(variant, base)), **of.figures}
    if cell.shapes and run.kind is RunKind.SUITE:
        figures["macs"] = _AT_OTHER_SIZES
    if told.max_abs is not None:
        figures["agreement_max_abs"] = Figure(told.max_abs)
    if speedup is not None:
        figures["speedup"] = speedup
    if after is not None:
        figures["postprocess_p50_ms"] = after
    flags = [*of.flags, *told.flags, *doubts]
    if (doubt := below_chance(quality, below_chance_allowed)) is not None:
        flags.append(doubt)
    moved = fixed_work is not None and fixed_work.level != "ok"
    if moved and fixed_work and cell.scenario in TIMED and cell.runs_model:
        flags.append(Flag(FlagKind.CANARY, fixed_work.found, caps=True))
    return Row(
        run=run.id,
        device=cell.device,
        arch=device.facts.arch if device else None,
        emulated=device.emulated if device else False,
        backend=cell.backend,
        backend_version=of.backend_version,
        provider=of.provider,
        variant=cell.variant,
        recipe=variant.recipe.name if variant and variant.recipe else None,
        model_sha256=cell.model_sha256,
        scenario=str(cell.scenario),
        batch=cell.batch,
        threads=cell.threads,
        precision=of.precision,
        concurrency=cell.concurrency,
        rate_per_s=cell.rate_per_s,
        options=_options_text(cell.options),
        shapes=cell.shapes or None,
        launches=of.finished,
        iterations=of.iterations,
        n_eff=of.n_eff,
        status=of.status,
        reason=of.reason,
        flags=tuple(flags),
        clock=of.clock,
        energy_source=of.energy_source,
        figures=figures,
        quality=quality.first,
        quality_also=quality.also,
        several_metrics=several,
        medians_ms=round_medians_ms(of),
        unjudged=quality.unjudged,
        agreement_relative=told.relative,
        cell=cell.key,
        kind=cell.kind,
        of_suite=not run.kind.without_answers,
        left_out=run.provenance.left_out,
        provenance=dataclasses.replace(of.provenance, quality=_source(quality.source, baseline)),
    )


def _source(source: QualitySource | None, baseline: Variant | None) -> QualitySource | None:
    """Return against whose outputs quality was judged; a baseline of few bits is no float32."""
    if source is None or baseline is None or not baseline.params:
        return source
    if baseline.model_bytes >= _BYTES_OF_FLOAT32 * baseline.params:
        return source
    against = source.against.replace(" at float32", ", in its file's own precision")
    return dataclasses.replace(source, against=against)


def _sizes(variant: Variant | None, base: Variant | None) -> Iterator[tuple[str, Figure]]:
    if variant is None:
        return
    for name in _SIZES:
        if (value := getattr(variant, name)) is not None:
            yield name, Figure(value)
    if base is not None and variant.model_bytes:
        yield "compression_bytes", Figure(base.model_bytes / variant.model_bytes)
    if base is not None and variant.nonzero_params and base.nonzero_params:
        yield "compression_params", Figure(base.nonzero_params / variant.nonzero_params)


def _options_text(options: str) -> str | None:
    chosen = json.loads(options)
    return " ".join(f"{name}={value}" for name, value in sorted(chosen.items())) or None
