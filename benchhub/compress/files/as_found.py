"""Outputs of a model as a first answer found them to be, whatever its file declares."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from benchhub.model.arrays import Array
from benchhub.model.cell import Variant


def without_cases(
    variants: Sequence[Variant], baseline: Variant, reference: Sequence[Array]
) -> tuple[tuple[Variant, ...], tuple[str, ...]]:
    """Return variants whose outputs that do not run over cases are left out, and a line on each.

    `reference` are the baseline's, in whose order they all have theirs: see `reference_outputs`.
    """
    found: dict[int, str] = {}
    for index, (spec, array) in enumerate(zip(baseline.outputs, reference, strict=True)):
        if spec.left_out:
            found[index] = spec.left_out
        elif array.shape == (0,):
            found[index] = "it does not run over cases: its first axis has another size"
    marked = tuple(
        dataclasses.replace(
            variant,
            outputs=tuple(
                dataclasses.replace(spec, left_out=found.get(index, spec.left_out))
                for index, spec in enumerate(variant.outputs)
            ),
        )
        for variant in variants
    )
    told = (f"output {baseline.outputs[index].name}: {why}" for index, why in found.items())
    return marked, tuple(told)


def as_given(
    variants: Sequence[Variant],
    baseline: Variant,
    whole: Sequence[bool],
    undeclared: Sequence[bool],
) -> tuple[tuple[Variant, ...], tuple[str, ...]]:
    """Return variants whose outputs are as the baseline's were found to be, and a line on each.

    A variant that declares an output of another rank than the baseline's has it as it declares.
    """
    told = {
        index: _GIVEN[is_whole, other]
        for index, (is_whole, other) in enumerate(zip(whole, undeclared, strict=True))
        if (is_whole and not baseline.outputs[index].rows) or other
    }
    marked = tuple(
        dataclasses.replace(
            variant,
            outputs=tuple(
                dataclasses.replace(spec, whole=whole[index], undeclared=undeclared[index])
                if index in told and len(spec.shape) == len(baseline.outputs[index].shape)
                else spec
                for index, spec in enumerate(variant.outputs)
            ),
        )
        for variant in variants
    )
    lines = (f"output {baseline.outputs[index].name}: {why}" for index, why in told.items())
    return marked, tuple(lines)


#: What is told of an output that is `whole`, and `undeclared`.
_GIVEN = {
    (True, False): "it has no axis of cases: all of it is the answer to the one case of a call",
    (False, True): "it has another shape than the file declares, and is taken as it comes",
    (True, True): "it has another shape than the file declares, and no axis of cases: all of it is"
    " the answer to the one case of a call",
}
