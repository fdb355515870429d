"""One figure of a row with its limits: read, divided, subtracted, widened; pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from benchhub.model.cell import Variant
from benchhub.model.claim import Ask
from benchhub.model.quantities import QUANTITIES, Scale
from benchhub.model.row import Row
from benchhub.stats.widened import widening

#: What few launches attain as limits of a median: five give 93.75 %.
_LEAST_CONFIDENCE = 0.93


@dataclass(frozen=True, slots=True)
class ClaimFigure:
    """A value with its 95 % limits, from `n` launches or groups of cases (None: it is exact).

    `how` says in words by what the limits are other than usual.
    """

    value: float
    low: float
    high: float
    n: float | None = None
    scale: Scale = Scale.PLAIN
    how: str = ""

    @property
    def exact(self) -> bool:
        """Whether it is no measurement."""
        return self.low == self.high == self.value and self.n is None

    def widened(self, tries: int) -> ClaimFigure:
        """Return it with the limits that it keeps as one of `tries` figures."""
        if self.exact or tries == 1:
            return self
        to, back = _SCALES[self.scale]
        middle, factor = to(self.value), widening(tries, self.n)
        ends = [back(middle + (to(end) - middle) * factor) for end in (self.low, self.high)]
        return replace(self, low=min(ends), high=max(ends))


@dataclass(frozen=True, slots=True)
class Nothing:
    """Why there is no figure."""

    reason: str


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


#: Beyond this a float has no exponential.
_MOST = 700.0
#: To the scale on which limits lie evenly, and back.
_SCALES: Mapping[Scale, tuple[Callable[[float], float], Callable[[float], float]]] = {
    Scale.PLAIN: (lambda x: x, lambda y: y),
    Scale.LOG: (_log, lambda y: math.exp(min(y, _MOST))),
    Scale.REMOVED: (lambda x: -_log(1 - x), lambda y: 1 - math.exp(min(-y, _MOST))),
}


def of_file(variant: Variant, base: Variant | None, quantity: str) -> ClaimFigure | Nothing:
    """Return a quantity of a model file; `base` is what its compression refers to."""
    found = _of_file(variant, base, quantity)
    if found is None:
        return Nothing(f"{quantity} of {variant.name} is not known")
    return ClaimFigure(found, found, found, None, QUANTITIES[quantity].scale)


def _of_file(variant: Variant, base: Variant | None, quantity: str) -> float | None:
    if quantity == "sparsity":
        if not variant.params or variant.nonzero_params is None:
            return None
        return 1 - variant.nonzero_params / variant.params
    if quantity in _RECORDED:
        return _number(variant.provenance.get(quantity))
    column = _COMPRESSED.get(quantity)
    if column is None:
        value = getattr(variant, quantity)
        return None if value is None else float(value)
    mine = getattr(variant, column)
    theirs = getattr(base, column) if base is not None else None
    if not mine or not theirs:
        return None
    return float(1 - mine / theirs if quantity.endswith("_removed") else theirs / mine)


def _number(fact: str | None) -> float | None:
    try:
        return None if fact is None else float(fact)
    except ValueError:
        return None  # a recipe may say in words that there is none


#: Facts that a recipe left in the variant's provenance.
_RECORDED = ("achieved_compression", "sparse_bytes", "lowest_density")
_COMPRESSED = {
    "compression_params": "nonzero_params",
    "compression_macs": "macs",
    "compression_bytes": "model_bytes",
    "compression_gzip": "gzip_bytes",
    "params_removed": "nonzero_params",
    "macs_removed": "macs",
    "bytes_removed": "model_bytes",
}


def of_quality(row: Row, ask: Ask) -> ClaimFigure | Nothing:
    """Return a quantity of quality, by the first metric or the one that `ask` names."""
    first = not ask.metric or (row.quality is not None and ask.metric == row.quality.metric)
    known = row.quality if first else row.quality_also.get(ask.metric)
    if known is None:
        return _unjudged(row, ask, first)
    if ask.quantity == "quality":
        return _figure(ask, known.value, known.low, known.high, known.groups)
    if known.by_definition:
        return ClaimFigure(0.0, 0.0, 0.0)
    lost = known.loss if ask.quantity == "quality_loss" else known.share
    if lost is None:
        whose = "quality" if first else known.metric
        return Nothing(f"the baseline's {whose} is 0, and no loss is a share of that")
    return _figure(ask, lost.estimate, lost.low, lost.high, known.groups)


def _unjudged(row: Row, ask: Ask, first: bool) -> Nothing:
    if first:
        return Nothing(f"no quality: {row['quality'].withheld or 'it was not measured'}")
    names = [*([row.quality.metric] if row.quality else []), *row.quality_also]
    measured = f"this run has {', '.join(names)}" if names else "no quality was measured"
    return Nothing(f"no metric {ask.metric}: {measured}")


def of_row(row: Row, ask: Ask) -> ClaimFigure | Nothing:
    """Return a quantity of time or memory."""
    if ask.quantity == "latency_removed":
        gained = of_row(row, replace(ask, quantity="speedup"))
        if isinstance(gained, Nothing):
            return gained
        value, low, high = (1 - 1 / x for x in (gained.value, gained.low, gained.high))
        return replace(gained, value=value, low=low, high=high, scale=Scale.REMOVED)
    if ask.quantity == "overhead_share":
        overhead, whole = (
            of_row(row, replace(ask, quantity=name)) for name in ("overhead_p50_ms", "p50_ms")
        )
        return over(overhead, whole)
    found = row[ask.quantity]
    if found.value is None:
        return Nothing(f"no {ask.quantity}: {found.withheld or 'it was not measured'}")
    if found.by_definition:
        return ClaimFigure(found.value, found.value, found.value)
    attained = found.interval.confidence if found.interval else None
    if (0.95 if attained is None else attained) < _LEAST_CONFIDENCE:
        return Nothing(f"{row.launches} launches give no 95 % limits of {ask.quantity}")
    return _figure(ask, found.value, found.low, found.high, row.launches)


def _figure(
    ask: Ask, value: float | None, low: float | None, high: float | None, n: float | None
) -> ClaimFigure | Nothing:
    if value is None or low is None or high is None:
        return Nothing(f"{ask.quantity} has no limits")
    # A median may lie at its own limit; no estimate is outside of its interval.
    return ClaimFigure(
        value, min(low, value), max(high, value), n or 2, QUANTITIES[ask.quantity].scale
    )


def over(one: ClaimFigure | Nothing, other: ClaimFigure | Nothing) -> ClaimFigure | Nothing:
    """Return the ratio of two figures, between the far ends of their intervals."""
    if isinstance(one, Nothing):
        return one
    if isinstance(other, Nothing):
        return other
    if other.low <= 0 or one.low < 0:
        return Nothing("a ratio of what is not above 0")
    ends = (one.low / other.high, one.high / other.low)
    return ClaimFigure(one.value / other.value, *ends, _fewer(one, other), Scale.LOG)


def minus(one: ClaimFigure | Nothing, other: ClaimFigure | Nothing) -> ClaimFigure | Nothing:
    """Return the difference of two figures, between the far ends of their intervals."""
    if isinstance(one, Nothing):
        return one
    if isinstance(other, Nothing):
        return other
    ends = (one.low - other.high, one.high - other.low)
    return ClaimFigure(one.value - other.value, *ends, _fewer(one, other), Scale.PLAIN)


def _fewer(one: ClaimFigure, other: ClaimFigure) -> float | None:
    known = [figure.n for figure in (one, other) if figure.n is not None]
    return min(known, default=None)
