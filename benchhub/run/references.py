"""What the controller computes to hold devices against: at which batch, and whether it varies."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from benchhub.compress.build.reference import Answered, answered
from benchhub.compress.files.random_operators import random_operators
from benchhub.errors import ConfigError
from benchhub.model.asked import Suite
from benchhub.model.cell import CHECK_CASES, Variant
from benchhub.model.quality import AnswerKey, Cases, OwnReference, Reading
from benchhub.model.scenario import Scenario
from benchhub.results.rows.agreement import agreement, spread
from benchhub.results.rows.alike import rounding
from benchhub.results.rows.quality.in_order import in_order
from benchhub.results.rows.quality.outputs_read import box_reading, outputs_read, parts
from benchhub.results.rows.quality.same_boxes import refound
from benchhub.run.answers import own_reference, with_aside

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
) -> Answered:
    """Return what the baseline answers to all cases.

    ConfigError, before anything is measured: the cases do not fit it, or it cannot answer them.
    """
    progress(f"computing reference outputs of {baseline.name} on {len(cases.ids)} cases")
    return answered(baseline, cases.arrays, reference_batch(suite), _TWICE, files)


def moved_answers(suite: Suite, baseline: Variant, cases: Cases, found: Answered) -> Answered:
    """Return the baseline's answers to cases at another place in their batch: these, if they tell.

    It is asked at a larger batch where its reference is computed one case a call.
    """
    larger = None if found.turned else _larger_batch(suite, baseline)
    return _answered_at(baseline, cases, larger) if larger else found


def steady(
    key: AnswerKey,
    baseline: Variant,
    found: Answered,
    moved: Callable[[], Answered],
    progress: Callable[[str], None],
) -> AnswerKey:
    """Return the key with how far the baseline's answers vary: those read, and those that are not.

    ConfigError: those that are read change with a case's place in its batch, of which `moved` tell.
    """
    read, reading = outputs_read(key), box_reading(key)
    apart = varying_outputs(found, reading)
    names = random_operators(baseline) if apart else ()
    drawn = f" (operators that draw at random: {', '.join(names)})" if names else ""
    varying = ""
    aside = {at: f"varies from call to call by {off:.2g} of its spread{drawn}"
             for at, off in apart.items()}  # fmt: skip
    if mine := [off for at, off in apart.items() if at in read]:
        varying = f"{max(mine):.2g} of their spread{drawn}"
        progress(
            f"the answers of {baseline.name} vary from call to call by {varying}: no quality can be"
            " told; export it in evaluation mode"
        )
    else:
        off = check_places(baseline, moved(), read, reading)
        aside = {at: f"is {of:.2g} of its spread off in another order of the same cases"
                 for at, of in off.items()} | aside  # fmt: skip
    aside = {at: why for at, why in aside.items() if at not in read}
    key = dataclasses.replace(key, varying=varying)
    called = tuple(one.name for one in baseline.outputs)
    return with_aside(key, called, found.outputs, aside, progress)


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


def check_places(
    variant: Variant,
    found: Answered,
    read: Collection[int] | None = None,
    reading: Reading | None = None,
) -> dict[int, float]:
    """Raise ConfigError where the answer to a case changes with its place in the batch.

    Of outputs other than those at `read` it is returned how far they are off (None: all are read).
    Boxes are the same in another order.
    So it does where the file has something else than cases along the axis that they are given
    along. Where cases have an effect on each other, as by a scale that is taken of the batch, the
    answers move with the cases.
    """
    off: dict[int, float] = {}
    steady = 0
    rows = list(found.rows)
    here = tuple(whole[rows] if len(whole) else whole for whole in found.outputs)
    boxes: Collection[int] = ()
    if found.turned and reading is not None and refound(found.turned, here, reading):
        boxes = parts(reading)  # at fewer bits one may be left out, or come in
    for at, (spec, there) in enumerate(zip(variant.outputs, found.turned, strict=False)):
        if spec.left_out or not here[at].size or not there.size:
            continue
        _, relative = agreement([there], [here[at]], [spread(found.outputs[at])])
        if relative > _IN_PLACE and at not in boxes:
            off[at] = relative
        else:
            steady += 1
    mine = {at: relative for at, relative in off.items() if read is None or at in read}
    if not mine:
        return off
    at, relative = max(mine.items(), key=lambda one: one[1])
    output = variant.outputs[at].name
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


def check_named_places(
    suite: Suite, variant: Variant, found: Answered, moved: Callable[[], Answered]
) -> None:
    """Raise ConfigError as `check_places` does, of the output that a suite names, else of all.

    That is why labels do not fit answers, where these are not of one case each.
    """
    if varying_outputs(found):
        return
    wanted = suite.data.get("output")
    named = [at for at, one in enumerate(variant.outputs) if one.name == wanted]
    check_places(variant, moved(), named or None)


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


def varying_outputs(found: Answered, reading: Reading | None = None) -> dict[int, float]:
    """Return by how much second answers lie off the first, by output, of its spread.

    Those that lie no further off than rounding takes them are left out, and boxes are the same in
    another order.
    """
    if not found.again:
        return {}
    pairs = zip(found.outputs, found.again, strict=True)
    first = tuple(array[: len(again)] for array, again in pairs)
    apart: dict[int, float] = {}
    for at, again in enumerate(in_order(found.again, first, reading)):
        _, relative = agreement([again], [first[at]], [spread(found.outputs[at])])
        if relative > rounding("f32"):
            apart[at] = relative
    return apart
