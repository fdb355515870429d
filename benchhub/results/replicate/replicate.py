"""A report held against a run, figure by figure and claim by claim; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from benchhub.config.published.told import PublishedDevice, PublishedReport, PublishedRow
from benchhub.errors import ConfigError, nearest
from benchhub.results.replicate.answer import ReplicatedRow, Replication, ReportedDevice
from benchhub.results.replicate.claims import claims, where
from benchhub.results.replicate.decide import decided
from benchhub.results.replicate.figures import LOSS, SPEEDUP, Ground, claimed, doubts, held
from benchhub.results.replicate.kinds import unlike
from benchhub.results.replicate.matched import Counterparts
from benchhub.results.replicate.oneself import Itself

#: Too little to matter: of a time or a rate, and of quality.
MARGIN, QUALITY_MARGIN = 0.10, 0.01
#: Theirs and ours.
Sides = tuple[Itself, Itself | None]


def replicate(
    theirs: PublishedReport,
    ours: PublishedReport | None,
    here: PublishedDevice | None,
    of: Sequence[str] = (),
    margin: float = MARGIN,
    quality_margin: float = QUALITY_MARGIN,
    remade: bool = False,
    lacking: Mapping[str, str] | None = None,
) -> Replication:
    """Return what of their report comes out again in ours, which is of the device `here` alone.

    `of` are names or patterns of their devices; empty: those of the kind of the one here, if there
    are any, else all. Where `here` is None nothing is known of it. `remade` takes a variant of the
    same name for the same model. `lacking` says of their variants why they could not be measured.
    ConfigError: no such device.
    """
    devices = [
        ReportedDevice(
            one.name, unlike(one, here) if here else "nothing is known of the device here"
        )
        for one in theirs.devices
    ]
    asked_for = chosen_devices(theirs, of)
    chosen = [one for one in devices if one.name in asked_for]
    if not of:
        chosen = [one for one in chosen if not one.unlike] or chosen
    # Where nothing was measured all that they claim is told, each with why it was not.
    kinds = {one.name: here is None or not one.unlike for one in chosen}
    pairs = Counterparts(theirs, ours, remade, lacking or {})
    about = [row for row in theirs.rows if row.device in kinds and row.runs_model]
    asked = [row for row in about if row.status == "finished" and claimed(row, kinds[row.device])]
    same_cases = ours is not None and _same_cases(theirs, ours)
    sides = Itself(theirs), Itself(ours) if ours else None
    rows = [_row(row, sides, pairs, kinds[row.device], same_cases) for row in asked]
    told, looked_at = decided(rows, margin, quality_margin)
    stopped = [one for one in ours.devices if one.error] if ours else []
    known = {id(one.row): one for one in told}
    said = [known.get(id(row)) or _without_figures(row, sides, pairs) for row in about]
    bases = {
        (one.row.device, one.row.cell): pairs.other_base(one.row, one.ours)
        for one in said
        if one.ours is not None
    }
    return Replication(
        theirs=theirs,
        ours=ours,
        margin=margin,
        quality_margin=quality_margin,
        devices=tuple(chosen),
        elsewhere=tuple(one.name for one in devices if one not in chosen),
        rows=told,
        claims=tuple(claims(theirs, ours, said, bases, kinds)) if ours else (),
        differences=tuple(_differences(theirs, ours, pairs)) if ours else (),
        looked_at=looked_at,
        left_out=len(about) - len(asked),
        failed=(*(f"{one.name}: {one.error}" for one in stopped), *_failed(said)),
    )


def chosen_devices(theirs: PublishedReport, of: Sequence[str]) -> list[str]:
    """Return which of their devices may be asked about; ConfigError: there is no such one."""
    names = [one.name for one in theirs.devices]
    for pattern in of:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise ConfigError(
                f"--of {pattern}: the report has no such device{nearest(pattern, names)}"
            )
    return [name for name in names if not of or any(fnmatchcase(name, one) for one in of)]


def _without_figures(row: PublishedRow, sides: Sides, pairs: Counterparts) -> ReplicatedRow:
    ours = pairs.of(row)
    if ours is None:
        return ReplicatedRow(row, None, reason=pairs.why_none(row))
    return ReplicatedRow(row, ours, doubts=_doubts(row, ours, sides))


def _doubts(row: PublishedRow, ours: PublishedRow, sides: Sides) -> tuple[str, str]:
    """Return what was flagged of two rows, and of them with the rows that speed-ups refer to."""
    with_bases = [
        [one for one in (row_of, side.base(row_of) if side else None) if one is not None]
        for row_of, side in zip((row, ours), sides, strict=True)
    ]
    return doubts([row], [ours], False), doubts(with_bases[0], with_bases[1], True)


def _row(
    row: PublishedRow,
    sides: Sides,
    pairs: Counterparts,
    same_kind: bool,
    same_cases: bool,
) -> ReplicatedRow:
    notes = [sides[0].contradicted(row)]
    ours = pairs.of(row)
    if ours is not None and ours.status != "finished":
        reason = f"{ours.status} here: {ours.reason or 'no reason is told'}"
        return ReplicatedRow(row, ours, (), reason, tuple(filter(None, notes)))
    if ours is None:
        return ReplicatedRow(row, None, (), pairs.why_none(row), tuple(filter(None, notes)))
    if ours.model_sha256 != row.model_sha256:
        notes.append(
            f"made anew here: {row.variant} is {ours.model_sha256[:12]}, not the same file"
        )
    exact = same_cases and row.quality_cases == ours.quality_cases and row.quality_cases is not None
    bases = {SPEEDUP: pairs.other_base(row, ours), LOSS: pairs.other_baseline()}
    flagged = _doubts(row, ours, sides)
    of_times = dict.fromkeys(
        ("p50_ms", "throughput_per_s", "load_ms", "first_inference_ms"), flagged[0]
    )
    ground = Ground(same_kind, exact, bases, of_times | {SPEEDUP: flagged[1]})
    figures = tuple(held(name, row, ours, ground) for name in claimed(row, same_kind))
    return ReplicatedRow(row, ours, figures, "", tuple(filter(None, notes)), flagged)


def _same_cases(theirs: PublishedReport, ours: PublishedReport) -> bool:
    """Return whether both judged quality by the same data, as far as they tell."""
    one, other = theirs.run, ours.run
    told = [(run.task, run.told("sha256"), run.told("dataset")) for run in (one, other)]
    return told[0] == told[1] and bool(one.told("sha256"))


def _failed(rows: Sequence[ReplicatedRow]) -> Iterator[str]:
    for one in rows:
        if one.row.status == "finished" and one.ours is not None and one.ours.status == "failed":
            yield f"{one.row.variant}: {where(one.ours)}: {one.ours.reason or 'no reason is told'}"


def _differences(
    theirs: PublishedReport, ours: PublishedReport, pairs: Counterparts
) -> Iterator[str]:
    """Yield what else is not the same there and here, a line each."""
    one, other = theirs.run, ours.run
    for name in ("suite", "task", "effort"):
        if getattr(one, name) != getattr(other, name):
            yield f"{name}: {getattr(one, name)} there, {getattr(other, name)} here"
    if one.suite == other.suite and one.suite_sha256 != other.suite_sha256:
        yield f"the file of suite {one.suite} is another one here"
    versions: dict[str, set[tuple[str, str]]] = {}
    for row in theirs.rows:
        mine = pairs.of(row)
        if mine is not None and row.backend_version != mine.backend_version:
            told = row.backend_version or "not told", mine.backend_version or "not told"
            versions.setdefault(row.backend, set()).add(told)
    for backend in sorted(versions):
        for there, here in sorted(versions[backend]):
            yield f"{backend}: {there} there, {here} here"
    for name, what in (
        ("benchhub", "benchhub"),
        ("sha256", "the data"),
        ("dataset", "the data set"),
    ):
        if one.told(name) != other.told(name):
            told = one.told(name)[:60] or "not told", other.told(name)[:60] or "not told"
            yield f"{what}: {told[0]} there, {told[1]} here"
