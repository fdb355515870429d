"""Why a claim does not hold, as far as the run's own figures tell: lines of evidence; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchhub.model.cell import Variant
from benchhub.model.claim import Ask, ClaimOutcome
from benchhub.model.quantities import QUANTITIES, Grain
from benchhub.model.row import Row
from benchhub.model.scenario import Scenario
from benchhub.results.claims.candidate import Context
from benchhub.results.claims.rows import label, on_gpu, outputs_wrong, shape_words
from benchhub.results.rows.operators import operators_text
from benchhub.text import estimate, number, shown

#: From which share of zeros on a model counts as sparse.
_SPARSE = 0.1
#: A speed-up that is none to speak of.
_NO_GAIN = 1.05
#: Instructions for products of 8-bit numbers, by the names in a device's facts.
_INT8 = ("avx_vnni", "avx512_vnni", "amx_int8", "asimddp", "i8mm")
_MOST_PARTS = 3


def because(row: Row, ask: Ask, context: Context, outcome: ClaimOutcome) -> tuple[str, ...]:
    """Return lines that show why the candidate that `row` stands for misses what is asked."""
    quantity = QUANTITIES[ask.quantity]
    if wrong := outputs_wrong(row):
        return (f"Its outputs are not the baseline's: {wrong}.",)
    if quantity.grain is Grain.QUALITY:
        return tuple(_of_quality(row, ask, context)) if outcome is ClaimOutcome.FAILS else ()
    if quantity.grain is Grain.FILE:
        return tuple(_of_file(row, context))
    if quantity.timing:
        return tuple(_of_time(row, ask, context))
    return ()


def _of_time(row: Row, ask: Ask, context: Context) -> Iterator[str]:
    variant, base = _variants(row, context)
    if ask.over is not None:
        yield f"{label(row, Grain.ROW, 2)}: {_speed(row)}."
    speedups = _speedups(row, context.results.rows)
    if variant and base and (sparsity := _sparsity(variant)) >= _SPARSE:
        macs = _times(variant.macs, base.macs)
        if macs is not None and macs < _NO_GAIN:
            yield (
                f"{sparsity:.0%} of {variant.name}'s {variant.params:,} parameters are zero, and"
                f" as many multiply-accumulates are computed as by the baseline"
                f" ({number((variant.macs or 0) / 1e6)} M)."
            )
            gains = [one for one in speedups if (one["speedup"].low or 0.0) > _NO_GAIN]
            if speedups and not gains:
                names = ", ".join(dict.fromkeys(one.backend for one in speedups))
                yield f"No backend here gains from zeros: {names}."
    if variant and base and (macs := _times(variant.macs, base.macs) or 1.0) >= _NO_GAIN:
        yield (
            f"{variant.name} computes {number(macs)} times fewer multiply-accumulates and has"
            f" {number(_times(variant.nonzero_params, base.nonzero_params))} times fewer"
            " nonzero parameters."
        )
    if speedups:
        told = "; ".join(
            f"{one.backend} {shown(one['speedup'])}" + (" (GPU)" if on_gpu(one) else "")
            for one in speedups
        )
        yield f"Speed-ups of {row.variant} on {row.device}, {shape_words(row)}: {told}."
    yield from _operators(row, variant, base, context)
    yield from _overhead(row)
    yield from _instructions(row, variant, context)


def _operators(
    row: Row, variant: Variant | None, base: Variant | None, context: Context
) -> Iterator[str]:
    """Say where a call's time goes, of the variant and of what it is compared with."""
    names = [one.name for one in (variant, base) if one is not None]
    for backend in dict.fromkeys(one.backend for one in context.results.rows):
        told = {
            one.variant: text
            for one in context.results.rows
            if (one.device, one.backend) == (row.device, backend)
            and one.variant in names
            and (text := operators_text(one))
        }
        if row.variant in told:
            shown = "; ".join(f"{name}: {told[name]}" for name in reversed(names) if name in told)
            yield f"Where a call's time goes in {backend} on {row.device}: {shown}."


def _overhead(row: Row) -> Iterator[str]:
    whole, computing, rest = (
        row[name].value for name in ("p50_ms", "device_p50_ms", "overhead_p50_ms")
    )
    if rest is not None and computing is not None and whole:
        yield (
            f"Of {number(whole)} ms a call {number(computing)} ms are computing by"
            f" the accelerator's clock, and {number(rest)} ms are launching and"
            " waiting."
        )


def _instructions(row: Row, variant: Variant | None, context: Context) -> Iterator[str]:
    """Say which instructions for int8 the processor has, where the variant is quantized."""
    recipe = variant.recipe.name if variant and variant.recipe else row.variant
    device = next((one for one in context.results.devices if one.name == row.device), None)
    flags = device.facts.words("isa_flags") if device else None
    if "int8" not in recipe or flags is None or on_gpu(row):
        return
    found = [flag for flag in _INT8 if flag in flags]
    yield (
        f"{row.device} has instructions for int8 products: {', '.join(found)}."
        if found
        else f"{row.device} has no instructions for int8 products (VNNI, AMX, dot product)."
    )


def _of_quality(row: Row, ask: Ask, context: Context) -> Iterator[str]:
    known = row.quality
    if known is None:
        if not ask.metric:
            yield f"{row.variant} has no quality."
    elif not ask.metric or ask.metric == known.metric:
        value = estimate(known.value, known.low, known.high)
        was = f", the baseline {number(known.baseline)}"
        yield f"{row.variant} has {known.metric} {value}{was} on {known.cases} cases."
    yield from _parts(row, context)
    variant, _ = _variants(row, context)
    density = _density(variant)
    if density:
        yield f"As pruned: {density}."


def _parts(row: Row, context: Context) -> Iterator[str]:
    """Say which labels lost most, where the baseline has them from the same device and backend."""
    base = next(
        (
            one
            for one in context.results.rows
            if one.quality is not None
            and one.quality.parts
            and (one.variant, one.device, one.backend)
            == (context.results.run.baseline, row.device, row.backend)
        ),
        None,
    )
    if base is None or base.quality is None or row.quality is None:
        return
    were, are = base.quality.parts, row.quality.parts
    if len(are) < 2:
        return
    moved = {name: were[name] - value for name, value in are.items() if name in were}
    moved = {name: change for name, change in moved.items() if change == change}
    worst = sorted(moved, key=lambda name: -abs(moved[name]))[:_MOST_PARTS]
    if worst:
        told = ", ".join(f"{name} {number(were[name])} to {number(are[name])}" for name in worst)
        yield f"Moved most from the baseline: {told}."


def _of_file(row: Row, context: Context) -> Iterator[str]:
    variant, base = _variants(row, context)
    if variant is None or base is None:
        return
    sizes = [f"{number(variant.model_bytes / 1e6)} MB of {number(base.model_bytes / 1e6)} MB"]
    if variant.nonzero_params is not None and base.nonzero_params is not None:
        sizes.append(f"{variant.nonzero_params:,} nonzero parameters of {base.nonzero_params:,}")
    yield f"{variant.name}: {', '.join(sizes)}."
    if _sparsity(variant) >= _SPARSE:
        told = f"{_sparsity(variant):.0%} of its parameters are zero and stored as such"
        if variant.gzip_bytes is not None and base.gzip_bytes is not None:
            packed = _times(variant.gzip_bytes, base.gzip_bytes)
            told += f"; gzipped it is {number(packed)} times smaller"
        yield f"{told}."
    asked = variant.provenance.get("requested") or variant.provenance.get("requested_compression")
    if asked:
        yield f"Its recipe was asked for {asked}."


def _density(variant: Variant | None) -> str:
    """Return what the recipe recorded of the density of layers, as it stands."""
    if variant is None:
        return ""
    return ", ".join(
        f"{name.replace('_', ' ')} {value}"
        for name in ("achieved_compression", "lowest_density", "lowest_density_layer")
        if (value := variant.provenance.get(name))
    )


def _speedups(row: Row, rows: Sequence[Row]) -> list[Row]:
    """Return the rows of the same variant, device and settings that have a speed-up: by backend."""
    found: dict[tuple[str, str | None], Row] = {}
    for one in rows:
        alike = (one.variant, one.device, one.scenario, one.batch, one.threads, one.concurrency)
        if one["speedup"].value is None or one["speedup"].by_definition:
            continue
        if alike == (
            row.variant, row.device, str(Scenario.LATENCY), row.batch, row.threads, row.concurrency,
        ):  # fmt: skip
            found.setdefault((one.backend, one.options), one)
    return list(found.values())


def _speed(row: Row) -> str:
    return f"p50 {shown(row['p50_ms'])} ms"


def _variants(row: Row, context: Context) -> tuple[Variant | None, Variant | None]:
    known = context.variants
    variant = known.get(row.variant)
    base = known.get(context.results.run.baseline)
    return variant, known.get(variant.against or "", base) if variant else base


def _sparsity(variant: Variant) -> float:
    if not variant.params or variant.nonzero_params is None:
        return 0.0
    return 1 - variant.nonzero_params / variant.params


def _times(mine: int | None, theirs: int | None) -> float | None:
    return theirs / mine if mine and theirs else None
