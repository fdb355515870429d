"""What the controller computes to hold devices against: at which batch, and whether it varies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchhub.compress.build.reference import Answered, answered
from benchhub.compress.files.random_operators import random_operators
from benchhub.model.arrays import Array
from benchhub.model.asked import Suite
from benchhub.model.cell import CHECK_CASES, Variant
from benchhub.model.quality import Cases, OwnReference
from benchhub.model.scenario import Scenario
from benchhub.results.rows.agreement import agreement, spread
from benchhub.results.rows.alike import rounding
from benchhub.run.answers import own_reference

#: Of a variant that is its own reference: these tell how far its outputs spread.
_SPREAD_CASES = 64
#: So many are answered twice, to see whether they are answered alike.
_TWICE = 16


def reference_batch(suite: Suite) -> int:
    """Return the smallest batch that quality is judged at, else the smallest that is measured."""
    quality = [spec for spec in suite.scenarios if spec.scenario is Scenario.QUALITY]
    return min((batch for spec in quality or suite.scenarios for batch in spec.batches), default=1)


def baseline_reference(
    suite: Suite,
    baseline: Variant,
    cases: Cases,
    files: Mapping[str, Path],
    progress: Callable[[str], None],
) -> tuple[tuple[Array, ...], str]:
    """Return what the baseline answers to all cases, and how that varies; empty: it does not.

    ConfigError, before anything is measured: the cases do not fit it, or it cannot answer them.
    """
    progress(f"computing reference outputs of {baseline.name} on {len(cases.ids)} cases")
    found = answered(baseline, cases.arrays, reference_batch(suite), _TWICE, files)
    varying = varies(baseline, found)
    if varying:
        progress(
            f"the answers of {baseline.name} vary from call to call by {varying}: no quality can be"
            " told; export it in evaluation mode"
        )
    return found.outputs, varying


def own_references(
    suite: Suite,
    variants: Sequence[Variant],
    cases: Cases,
    progress: Callable[[str], None],
) -> dict[str, OwnReference]:
    """Return what each variant that approximates none but itself answers, by name."""
    few = {name: array[:_SPREAD_CASES] for name, array in cases.inputs.items()}
    found = {}
    for variant in variants:
        if variant.approximates == variant.name:
            progress(f"computing what {variant.name} answers")
            outputs = answered(variant, {**few, **cases.whole}, reference_batch(suite)).outputs
            found[variant.name] = own_reference(outputs, CHECK_CASES)
    return found


def varies(variant: Variant, found: Answered) -> str:
    """Return by how much a model's second answers lie off its first, with what draws in it.

    Empty: no further than rounding takes them.
    """
    pairs = zip(found.outputs, found.again, strict=True) if found.again else ()
    first = [array[: len(again)] for array, again in pairs]
    _, relative = agreement(found.again, first, tuple(map(spread, found.outputs)))
    if not found.again or not relative > rounding("f32"):
        return ""
    names = random_operators(variant)
    drawn = f" (operators that draw at random: {', '.join(names)})" if names else ""
    return f"{relative:.2g} of their spread{drawn}"
