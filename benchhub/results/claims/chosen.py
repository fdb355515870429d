"""Which candidates a claim has in a run, and what to say where it has none; pure."""

from __future__ import annotations

from dataclasses import dataclass, fields
from fnmatch import fnmatchcase

from benchhub.model.claim import Ask, ClaimPart, Selector
from benchhub.model.quantities import Grain
from benchhub.model.row import Row
from benchhub.results.claims.candidate import Context
from benchhub.results.claims.figures import ClaimFigure, Nothing
from benchhub.results.claims.rows import (
    Shape,
    asked_words,
    candidates,
    limit_words,
    matches,
    missing,
    shape_of,
)
from benchhub.text import number, plural


@dataclass(frozen=True, slots=True)
class Chosen:
    """A row for each candidate, names that the run has nothing of, or why there is nothing."""

    shape: Shape
    rows: tuple[Row, ...] = ()
    absent: tuple[tuple[str, str], ...] = ()
    nothing: str = ""


def choose(part: ClaimPart, context: Context) -> Chosen:
    """Return what `part` is about in this run; emulated devices only where no other tells times."""
    shape, results = shape_of(part), context.results
    rows = candidates(results.rows, part.of, shape, results.run.baseline)
    if not rows:
        return Chosen(shape, nothing=_no_row(part, shape, context))
    if shape.real_only:
        real = [row for row in rows if not row.emulated]
        if not real:
            names = ", ".join(sorted({row.device for row in rows}))
            where = f" on {' or '.join(part.of.arch)}" if part.of.arch else ""
            why = (
                f"what there is{where} ({plural(len(rows), 'cell')}) was measured on emulated"
                f" devices ({names}), whose times and memory say nothing about a real one;"
                " measure on a real device"
            )
            return Chosen(shape, nothing=why)
        rows = real
    absent = tuple(
        (f"{kind} {name}", _why_absent(kind, name, context))
        for kind, name in missing(part, results.rows, shape)
    )
    kept = [row for row in rows if all(_meets(row, ask, context) for ask in part.where)]
    if not kept:
        return Chosen(shape, nothing=_no_file(part, rows, context))
    return Chosen(shape, tuple(kept), absent)


def _meets(row: Row, ask: Ask, context: Context) -> bool:
    found = context.figure(row, ask)
    if isinstance(found, Nothing):
        return False
    return (ask.at_least is None or found.value >= ask.at_least) and (
        ask.at_most is None or found.value <= ask.at_most
    )


def _no_file(part: ClaimPart, rows: list[Row], context: Context) -> str:
    """Return that no model file is as `where` wants it, and which comes closest."""
    for ask in part.where:
        known = {row.variant: context.figure(row, ask) for row in rows}
        found = {name: one.value for name, one in known.items() if isinstance(one, ClaimFigure)}
        if not found:
            return f"{ask.quantity} is not known of any variant that the claim is about"
        if not any(_meets(row, ask, context) for row in rows):
            pick = max if ask.at_least is not None else min
            name = pick(found, key=lambda name: found[name])
            word = "most" if ask.at_least is not None else "least"
            return (
                f"no variant of this run has {asked_words(ask)}:"
                f" the {word} is {number(found[name])} ({name})"
            )
    wanted = " and ".join(f"{ask.quantity} {limit_words(ask)}" for ask in part.where)
    return f"no variant of this run has {wanted} together"


def _why_absent(kind: str, name: str, context: Context) -> str:
    field = {"variant": "variant", "backend": "backend", "device": "device"}.get(kind)
    for skip in context.results.skips if field else ():
        if getattr(skip, str(field)) == name:
            return f"not measured: {skip.reason}"
    return "not in this run"


#: Fields of a selector, with the row's field and how a lack of rows is told.
_LACKS = {
    "variants": ("variant", "variant"),
    "arch": ("arch", "device of architecture"),
    "devices": ("device", "device"),
    "backends": ("backend", "backend"),
    "threads": ("threads", "cell with threads ="),
    "batches": ("batch", "cell with batch ="),
    "precisions": ("precision", "cell at precision"),
}


def _no_row(part: ClaimPart, shape: Shape, context: Context) -> str:
    """Return which part of the selector nothing in the run meets."""
    rows = [row for row in context.results.rows if row.runs_model]
    if part.of.gpu is not None and not any(matches(row, Selector(gpu=part.of.gpu)) for row in rows):
        if part.of.gpu:
            return "no GPU in this run: no cell was computed on one; add a --device that has one"
        return "every cell of this run was computed on a GPU"
    for field in fields(Selector):
        wanted = getattr(part.of, field.name)
        if field.name not in _LACKS or not wanted:
            continue
        if not any(matches(row, Selector(**{field.name: wanted})) for row in rows):
            return _lack(field.name, wanted, context, rows)
    if shape.scenario and not any(row.scenario == shape.scenario for row in rows):
        return f"scenario {shape.scenario} was not measured"
    if shape.grain is Grain.QUALITY and all(row.quality is None for row in rows):
        return "quality was not measured"
    for skip in context.results.skips:
        if _may_be(skip.variant, part.of.variants) and _may_be(skip.backend, part.of.backends):
            return f"nothing that the claim asks for was measured: {skip.reason}"
    return "no cell of this run is all that the claim asks for together"


def _lack(field: str, wanted: tuple[object, ...], context: Context, rows: list[Row]) -> str:
    kind, words = _LACKS[field]
    names = " or ".join(map(str, wanted))
    for name in wanted:
        why = _why_absent(kind, str(name), context)
        if why.startswith("not measured"):
            return f"{words} {name} was {why}"
    known = ", ".join(sorted({str(getattr(row, kind)) for row in rows}))
    return f"no {words} {names} in this run" + (f" (it has {known})" if known else "")


def _may_be(name: str, wanted: tuple[str, ...]) -> bool:
    return not wanted or any(fnmatchcase(name, one) for one in wanted)
