"""That every variant can be called with the cases, and gives what is compared; not only the first.

Names, types and shapes are those of the baseline by then; what a variant is told of its file
(`state`, `batch_axis`) may still be said of one and not of another.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from benchhub.compress.build.reference import check_cases_fit
from benchhub.errors import ConfigError
from benchhub.model.cell import TensorSpec, Variant
from benchhub.model.quality import Cases


def check_each_fits(variants: Sequence[Variant], baseline: str, cases: Cases) -> None:
    """Raise ConfigError for a variant that cannot be called with the cases, or leaves out an
    output that the baseline has, whose answers would be held against nothing."""
    base = next(variant for variant in variants if variant.name == baseline)
    for variant in variants:
        for spec in variant.inputs:
            if spec.name not in cases.arrays and not spec.fed_from:
                raise _unfed(variant, spec, [base, *variants], cases.arrays)
            if spec.whole and not spec.fed_from and spec.name in cases.inputs:
                raise ConfigError(
                    f"variant {variant.name}: input {spec.name!r} does not run over cases"
                    f" (batch_axis.{spec.name} = false), and the data have one of it for each"
                    " case; remove that, or name it in data.whole"
                )
        check_cases_fit(variant, cases.arrays)
        for mine, theirs in zip(variant.outputs, base.outputs, strict=False):
            if mine.left_out and not theirs.left_out:
                raise ConfigError(
                    f"variant {variant.name}: output {mine.name!r} is left out (batch_axis."
                    f"{mine.name} = false), and {base.name} is compared by it; remove that, or"
                    f" write batch_axis = {{ {theirs.name} = false }} in {base.name} too"
                )


def _unfed(
    variant: Variant, spec: TensorSpec, others: Sequence[Variant], arrays: Collection[str]
) -> ConfigError:
    """Return that an input has neither data nor state, and what another variant says of it."""
    fed = [
        (other, one)
        for other in others
        for one in other.inputs
        if one.name == spec.name and one.fed_from
    ]
    if not fed:
        return ConfigError(
            f"variant {variant.name}: the data has no array for model input {spec.name!r}, it has"
            f" {', '.join(sorted(arrays))}; name it as in the model, or write state ="
            f' {{ {spec.in_file} = ".." }} with the output that is fed back into it'
        )
    other, one = fed[0]
    position = [out.in_file for out in other.outputs].index(one.fed_from)
    outputs = [out.in_file for out in variant.outputs]
    source = outputs[position] if position < len(outputs) else ".."
    return ConfigError(
        f"variant {variant.name}: input {spec.name!r} has neither data nor state, and is fed back"
        f' in {other.name}; write state = {{ {spec.in_file} = "{source}" }} in {variant.name} too,'
        f" or give the data an array {spec.name!r}"
    )
