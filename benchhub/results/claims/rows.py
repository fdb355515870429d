"""Which rows a claim is about, and what stands for each of its candidates; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from benchhub.backends import gpu_words
from benchhub.model.claim import Ask, ClaimPart, Selector
from benchhub.model.quantities import QUANTITIES, Grain
from benchhub.model.row import Row


@dataclass(frozen=True, slots=True)
class Shape:
    """What the figures of a part are of: its grain, the scenario read, whether it needs times."""

    grain: Grain
    scenario: str
    real_only: bool


def shape_of(part: ClaimPart) -> Shape:
    """Return what the candidates of `part` are: of the finest grain that it asks for."""
    asked = [QUANTITIES[ask.quantity] for ask in part.ask]
    rowwise = [quantity for quantity in asked if quantity.grain is Grain.ROW]
    scenario = part.scenario or next((str(one.scenario) for one in rowwise if one.scenario), "")
    grain = max(one.grain for one in asked)
    return Shape(grain, scenario if grain is Grain.ROW else "", bool(rowwise))


def is_pattern(name: str) -> bool:
    """Return whether a selector's name stands for several."""
    return "*" in name


def on_gpu(row: Row) -> bool:
    """Return whether a GPU computes this row, by its provider or what was asked for.

    Its backend describes which words say so.
    """
    said = f"{row.backend} {row.provider or ''} {row.options or ''}".lower()
    return any(word in said for word in gpu_words(row.backend))


def matches(row: Row, of: Selector) -> bool:
    """Return whether the selector chooses this row; rows that run no model are never chosen."""
    return (
        row.runs_model
        and _named(row.variant, of.variants)
        and _named(row.device, of.devices)
        and _named(row.backend, of.backends)
        and _named(row.arch or "", of.arch)
        and (not of.threads or row.threads in of.threads)
        and (not of.batches or row.batch in of.batches)
        and (not of.precisions or row.precision in of.precisions)
        and (of.gpu is None or on_gpu(row) == of.gpu)
        and (of.emulated is None or row.emulated == of.emulated)
    )


def _named(name: str, wanted: tuple[str, ...]) -> bool:
    return not wanted or any(fnmatchcase(name, one) for one in wanted)


def candidates(rows: Iterable[Row], of: Selector, shape: Shape, baseline: str) -> list[Row]:
    """Return one row for each candidate, in their order; emulated ones tell no times.

    The baseline is a candidate only where it is named in full.
    """
    chosen = [
        row
        for row in rows
        if matches(row, of) and (row.variant != baseline or baseline in of.variants)
    ]
    return _one_each(_of_scenario(chosen, shape), shape.grain)


def _of_scenario(rows: list[Row], shape: Shape) -> list[Row]:
    if shape.grain is Grain.QUALITY:
        # A candidate is what was judged or was to be, and no row whose quality nobody asked for.
        return [row for row in rows if row.scenario == "quality" or row.quality is not None]
    if shape.grain is Grain.FILE:
        return rows
    return [row for row in rows if row.scenario == shape.scenario]


def _one_each(rows: Iterable[Row], grain: Grain) -> list[Row]:
    best: dict[tuple[object, ...], Row] = {}
    for row in rows:
        key = _key(row, grain)
        if key not in best or _standing(row) < _standing(best[key]):
            best[key] = row
    return list(best.values())


def _key(row: Row, grain: Grain) -> tuple[object, ...]:
    if grain is Grain.FILE:
        return (row.variant,)
    artifact = (row.device, row.backend, row.variant, row.precision, row.options)
    if grain is Grain.QUALITY:
        return (*artifact, row.batch)  # outputs are of their batch
    return (*artifact, row.scenario, row.batch, row.threads, row.concurrency, row.rate_per_s)


def _standing(row: Row) -> tuple[bool, ...]:
    """Return what makes another row of the same candidate speak better for it, smallest first."""
    return (
        row.status != "finished",
        row.quality is None,
        row.scenario != "quality",
        outputs_wrong(row) != "",
    )


def outputs_wrong(row: Row) -> str:
    """Return the evidence that a row's outputs are not the baseline's; empty: there is none."""
    found = row.outputs_wrong
    return f"{found[0].name}: {found[0].evidence}" if found else ""


def is_wrong(row: Row, grain: Grain, rows: Sequence[Row]) -> str:
    """Return why a candidate's outputs are not the baseline's; of a file, only if nowhere they are.

    Outputs belong to all rows of an artifact at one batch: any of them may have shown it.
    """
    if grain is Grain.FILE:
        finished = [one for one in rows if one.variant == row.variant and one.status == "finished"]
        found = [outputs_wrong(one) for one in finished]
        return found[0] if found and all(found) else ""
    mine = _key(row, Grain.QUALITY)
    alike = [one for one in rows if _key(one, Grain.QUALITY) == mine]
    return next((why for one in alike if (why := outputs_wrong(one))), "")


def set_against(row: Row, of: Selector, rows: Sequence[Row], shape: Shape) -> list[Row]:
    """Return the rows that a candidate is set against: as `of` says, and otherwise as itself.

    A selector that names devices, backends or what they are leaves the settings open, too, but
    for batch, concurrency and rate.
    """
    elsewhere = bool(of.devices or of.backends or of.arch) or (of.gpu, of.emulated) != (None, None)
    found = [
        other
        for other in rows
        if matches(other, of) and (of.variants or other.variant == row.variant)
    ]
    found = _of_scenario(found, shape)
    if shape.grain is not Grain.FILE:
        same = ["concurrency", "rate_per_s"] if shape.grain is Grain.ROW else []
        same += ["batch"] if not of.batches else []
        if not elsewhere:
            same += ["device", "backend", "options"]
            same += ["threads"] if shape.grain is Grain.ROW and not of.threads else []
        found = [
            other for other in found if all(getattr(other, n) == getattr(row, n) for n in same)
        ]
        alike = [other for other in found if other.precision == row.precision]
        found = alike or found
    return [other for other in _one_each(found, shape.grain) if other is not row]


def label(row: Row, grain: Grain, devices: int) -> str:
    """Return a candidate in words; its device only where there are several."""
    if grain is Grain.FILE:
        return row.variant
    said = f"{row.variant} on {row.backend}"
    if devices > 1:
        said += f" on {row.device}"
    if row.options:
        said += f" ({row.options})"
    if grain is Grain.QUALITY:
        return said + (f", batch {row.batch}" if row.batch > 1 else "")
    return f"{said}, {shape_words(row)}"


def shape_words(row: Row) -> str:
    """Return threads and batch in words."""
    said = f"{row.threads} thread{'' if row.threads == 1 else 's'}"
    return said + (f", batch {row.batch}" if row.batch > 1 else "")


def missing(part: ClaimPart, rows: Sequence[Row], shape: Shape) -> list[tuple[str, str]]:
    """Return what the selector names in full and the run has no row of: kind and name.

    A variant that one backend cannot read is not missing if others measured it.
    """
    measured = _of_scenario([row for row in rows if row.runs_model], shape)
    wanted = {
        "variant": part.of.variants,
        "device": part.of.devices,
        "backend": part.of.backends,
        "arch": part.of.arch,
    }
    return [
        (kind, name)
        for kind, names in wanted.items()
        for name in names
        if not is_pattern(name) and all(getattr(row, kind) != name for row in measured)
    ]


def asked_words(ask: Ask) -> str:
    """Return a quantity with its limits in words: `quality_loss ≤ 0.04`."""
    said = ask.quantity + (f" ({ask.metric})" if ask.metric else "")
    if ask.over is not None:
        said += f" / that of {selector_words(ask.over)}"
    if ask.minus is not None:
        said += f" - that of {selector_words(ask.minus)}"
    return f"{said} {limit_words(ask)}"


def limit_words(ask: Ask) -> str:
    """Return the limits alone: `≤ 0.04`, `≥ 1148`, `≥ 2 and ≤ 4`."""
    if ask.at_least is None:
        return f"≤ {ask.at_most:,g}"
    if ask.at_most is None:
        return f"≥ {ask.at_least:,g}"
    return f"≥ {ask.at_least:,g} and ≤ {ask.at_most:,g}"


def selector_words(of: Selector) -> str:
    """Return what a selector chooses in words."""
    said = [", ".join(of.variants) or "the same variant"]
    if of.gpu is not None:
        said.append("on a GPU" if of.gpu else "on a CPU")
    if of.arch:
        said.append(f"on {' or '.join(of.arch)}")
    said += [f"on {' or '.join(names)}" for names in (of.backends, of.devices) if names]
    if of.emulated is not None:
        said.append("emulated" if of.emulated else "not emulated")
    for name, values in (("threads", of.threads), ("batch", of.batches)):
        if values:
            said.append(f"{name} {' or '.join(map(str, values))}")
    return " ".join(said)
