"""What the controller computes to hold devices against: at which batch, and whether it varies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchhub.compress.build.reference import Answered, answered
from benchhub.compress.files.random_operators import random_operators
from benchhub.errors import ConfigError
from benchhub.model.asked import Suite
from benchhub.model.cell import CHECK_CASES, Variant
from benchhub.model.quality import Cases, OwnReference
from benchhub.model.scenario import Scenario
from benchhub.results.rows.agreement import agreement, spread
from benchhub.results.rows.alike import rounding
from benchhub.run.answers import own_reference

#: Of a variant that is its own reference: these tell how far its outputs spread.
_SPREAD_CASES = 64
#: What tells another place in the batch from rounding. A place may change how sums are rounded, and
#: that the step of an int8 into which a value falls; to refuse a model it has to be more.
_IN_PLACE = rounding("f16")
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
) -> tuple[Answered, str]:
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
    else:
        larger = None if found.turned else _larger_batch(suite, baseline)
        check_places(baseline, _answered_at(baseline, cases, larger) if larger else found)
    return found, varying


def _larger_batch(suite: Suite, variant: Variant) -> int | None:
    """Return a batch of a suite that tells cases apart by place; None: one by one is all it has.

    Of two cases that change places one cannot tell which had an effect on which: rather three.
    """
    cased = [spec.shape[:1] for spec in variant.inputs if not spec.whole]
    if any(spec.fed_from for spec in variant.inputs) or (1,) in cased:
        return None
    several = [batch for spec in suite.scenarios for batch in spec.batches if batch > 1]
    return min(several, key=lambda batch: (batch < 3, batch), default=None)


def _answered_at(baseline: Variant, cases: Cases, batch: int) -> Answered:
    """Return the answers to the cases of one batch; none where it cannot be run at that.

    Then its cells there fail, and say why.
    """
    few = {name: array[:batch] for name, array in cases.inputs.items()}
    try:
        return answered(baseline, {**few, **cases.whole}, batch, again=1)
    except ConfigError:
        return Answered(())


def check_places(variant: Variant, found: Answered) -> None:
    """Raise ConfigError where the answer to a case changes with its place in the batch.

    So it does where the file has something else than cases along the axis that they are given
    along. Where cases have an effect on each other, as by a scale that is taken of the batch, the
    answers move with the cases.
    """
    off: dict[str, float] = {}
    steady = 0
    for spec, whole, there in zip(variant.outputs, found.outputs, found.turned, strict=False):
        if spec.left_out or not whole.size or not there.size:
            continue
        _, relative = agreement([there], [whole[list(found.rows)]], [spread(whole)])
        if relative > _IN_PLACE:
            off[spec.name] = relative
        else:
            steady += 1
    if not off:
        return
    output, relative = max(off.items(), key=lambda one: one[1])
    told = f"its output {output} is {relative:.2g} of its spread off"
    if steady:
        raise ConfigError(
            f"variant {variant.name}: output {output} does not run over cases along axis 0: in"
            f" another order of the same cases it is {relative:.2g} of its spread off; say"
            f" batch_axis = {{ {output} = false }}, or along which axis it does"
        )
    names = [spec.name for spec in variant.inputs if not spec.whole]
    said = ", ".join(f"{name} = 1" for name in names)
    raise ConfigError(
        f"variant {variant.name}: the answer to a case changes with its place in the batch ({told}"
        f" in another order of the same cases): cases do not run along axis 0 of input"
        f" {', '.join(names)}; say batch_axis = {{ {said} }}, with the axis that they run along,"
        f" of its outputs too where that is not 0; or use batch = 1 if it takes one case a call"
    )


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
