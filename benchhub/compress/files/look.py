"""What a model file is, by its content: a table of formats; and whether it fits the baseline."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

from benchhub.compress.files.counting.macs import count_macs
from benchhub.compress.files.counting.tflite import count_tflite_macs
from benchhub.compress.files.counting.torch import count_torch_macs
from benchhub.compress.files.model_file import read_model
from benchhub.compress.files.onnx import inspect_onnx
from benchhub.compress.files.shapes import compatible, layout, show
from benchhub.compress.files.tflite import inspect_tflite
from benchhub.compress.files.torch import TORCH_FORMATS, inspect_torch
from benchhub.compress.tflite.graph import read_graph
from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.model.cell import TensorSpec, Variant
from benchhub.text import visible

#: (offset, bytes there) -> what reads such a file. The first that fits counts: the bytes that
#: a TFLite file begins with may be those of an ONNX file.
FORMATS: dict[tuple[int, bytes], Callable[[str, Path], Variant]] = {
    (4, b"TFL3"): inspect_tflite,
    (0, b"PK\x03\x04"): inspect_torch,
    (0, b"\x08"): inspect_onnx,
}


def inspect_model(name: str, path: Path) -> Variant:
    """Return the variant `name` as found in a model file, whatever the file is called.

    Raises ConfigError if the file is missing, empty, damaged, or of no format in FORMATS.
    """
    head = read_model(name, path)[:16]
    for (offset, magic), inspect in FORMATS.items():
        if head.startswith(magic, offset):
            return _with_scalars(_with_visible_names(inspect(name, path)))
    raise ConfigError(
        f"variant {name}: model {path} is neither an ONNX, a TFLite nor a torch file"
        f" (it begins with {head[:8].hex(' ')}); export it in one of these formats"
    )


def with_macs(variant: Variant, cases: Mapping[str, Array]) -> Variant:
    """Return a variant with its multiply-accumulates counted for one of `cases`.

    A file whose inputs are open beyond the batch does not tell them; the data does. `cases` holds
    the cases of each input along the first axis; an integer that is the same in all of them is a
    setting, and may decide which branch runs. A torch file is called, in a process of its own,
    unless it says its count. Others, and closed ONNX files, are left alone, but where cases run
    along another axis than the file's first.
    """
    said = _said_cases(variant)
    if variant.format == "tflite" and said is not None:
        found = count_tflite_macs(read_graph(read_model(variant.name, variant.path)), said)
        return dataclasses.replace(variant, macs=found.macs, uncounted=found.uncounted)
    if variant.format in TORCH_FORMATS and variant.macs is None:
        found = count_torch_macs(variant, cases)
        return dataclasses.replace(variant, macs=found.macs, uncounted=found.uncounted)
    if variant.format != "onnx" or not (
        said is not None
        or variant.uncounted
        or any(None in spec.shape[1:] for spec in variant.inputs)
    ):
        return variant
    import onnx

    shapes, values = {}, {}
    for spec in variant.inputs:
        if spec.name not in cases:
            continue
        array = cases[spec.name] if spec.whole else cases[spec.name][:1]
        if len(spec.shape) == array.ndim:
            sizes = zip(spec.shape, array.shape, strict=True)
            one = tuple(own if own is not None else size for own, size in sizes)
            shapes[spec.in_file] = tuple(one[axis] for axis in spec.order) if spec.order else one
        if array.size == 1 and _is_setting(cases[spec.name]):
            values[spec.in_file] = array.reshape((1,) * len(spec.shape))
    model = onnx.load(str(variant.path), load_external_data=False)
    shared = {spec.in_file for spec in variant.inputs if spec.whole}
    count = count_macs(model, shapes, values, variant.path.parent, shared, said)
    return dataclasses.replace(variant, macs=count.macs, uncounted=count.uncounted)


def with_said_cases(variant: Variant) -> Variant:
    """Return a variant counted by the axis that a suite says its cases run along, without data."""
    return variant if _said_cases(variant) is None else with_macs(variant, {})


def _said_cases(variant: Variant) -> int | None:
    """Return how many cases a call is of, where a suite says along which other axis they run.

    Open sizes are of one case; None: cases are found along the first axis, as everywhere.
    """
    if not any(spec.order[:1] > (0,) for spec in (*variant.inputs, *variant.outputs)):
        return None
    sizes = {spec.shape[0] or 1 for spec in variant.inputs if not spec.whole}
    return sizes.pop() if len(sizes) == 1 else 1


def _is_setting(array: Array) -> bool:
    """Whether a model input is the same integer or truth value in all cases."""
    return array.dtype.kind in "biu" and array.size > 0 and bool((array == array.flat[0]).all())


def _with_visible_names(variant: Variant) -> Variant:
    """Return a variant whose tensors have names that can be shown; the file's own are kept."""

    def named(spec: TensorSpec) -> TensorSpec:
        name = visible(spec.name)
        return spec if name == spec.name else dataclasses.replace(
            spec, name=name, own_name=spec.in_file
        )  # fmt: skip

    return dataclasses.replace(
        variant,
        inputs=tuple(map(named, variant.inputs)),
        outputs=tuple(map(named, variant.outputs)),
        uncounted=tuple(map(visible, variant.uncounted)),
    )


def _with_scalars(variant: Variant) -> Variant:
    """Return a variant whose inputs without an axis are known to be the same for all cases."""
    return dataclasses.replace(
        variant,
        inputs=tuple(
            spec if spec.shape else dataclasses.replace(spec, whole=True) for spec in variant.inputs
        ),
    )


def check_inputs_match(variant: Variant, baseline: Variant) -> None:
    """Raise ConfigError if a variant cannot take the baseline's inputs: name, dtype, shape."""
    wanted = {spec.name: spec for spec in baseline.inputs}
    found = {spec.name: spec for spec in variant.inputs}
    for name, spec in wanted.items():
        if name not in found:
            raise ConfigError(
                f"variant {variant.name}: {variant.path} has no input {name!r} as baseline "
                f"{baseline.name} has, but {', '.join(found)};"
                f" {_mapped(spec, wanted, found) or 'export it with the same names'}"
            )
        other = found[name]
        if other.dtype != spec.dtype or not compatible(other.shape, spec.shape):
            raise ConfigError(
                f"variant {variant.name}: input {name!r} of {variant.path} is {show(other)}, but "
                f"{show(spec)} in baseline {baseline.name};"
                f" {_laid_out(spec, other) or 'export it with the same inputs'}"
            )
    for name in found.keys() - wanted.keys():
        if not found[name].fed_from:
            raise ConfigError(
                f"variant {variant.name}: {variant.path} wants an input {name!r} that baseline "
                f"{baseline.name} does not have; export it with the same inputs"
            )


def _mapped(
    spec: TensorSpec, wanted: Mapping[str, TensorSpec], found: Mapping[str, TensorSpec]
) -> str | None:
    """Return what to write where only the names differ, or layouts with them; None: it is more."""
    left = [other for name, other in found.items() if name not in wanted]
    alike = [other for other in left if other.dtype == spec.dtype and _same_axes(other, spec)]
    if len(alike) != 1 or len([name for name in wanted if name not in found]) > len(left):
        return None
    (other,) = alike
    said = f'inputs = {{ {spec.name} = "{other.in_file}" }}'
    arranged = layout(spec.shape, other.shape)
    if arranged:
        said += f', layout = {{ {spec.name} = "{arranged}" }}'
    return f"if that is the same input, write {said} in the variant"


def _laid_out(spec: TensorSpec, other: TensorSpec) -> str | None:
    arranged = layout(spec.shape, other.shape) if spec.dtype == other.dtype else None
    if arranged is None:
        return None
    return f'if only its axes lie otherwise, write layout = {{ {spec.name} = "{arranged}" }}'


def _same_axes(spec: TensorSpec, other: TensorSpec) -> bool:
    return compatible(spec.shape, other.shape) or layout(other.shape, spec.shape) is not None


def check_outputs_match(variant: Variant, baseline: Variant) -> None:
    """Raise ConfigError if a variant's outputs are not the baseline's.

    They are judged by position, so those that have a name of the baseline's have its place, too.
    """
    found = [spec.name for spec in variant.outputs]
    wanted = [spec.name for spec in baseline.outputs]
    elsewhere = [n for n in found if n in wanted and found.index(n) != wanted.index(n)]
    if len(found) != len(wanted) or elsewhere:
        raise ConfigError(
            f"variant {variant.name}: {variant.path} has outputs {', '.join(found)}, but baseline"
            f" {baseline.name} has {', '.join(wanted)}; export it with the same outputs in order"
        )
    for mine, theirs in zip(variant.outputs, baseline.outputs, strict=True):
        if mine.shape and theirs.shape and not compatible(mine.shape[1:], theirs.shape[1:]):
            arranged = layout(mine.shape, theirs.shape)  # from the file's to the baseline's
            hint = (
                f'if only its axes lie otherwise, write layout = {{ {mine.name} = "{arranged}" }}'
                if arranged
                else "export it with the same outputs"
            )
            raise ConfigError(
                f"variant {variant.name}: output {mine.name!r} of {variant.path} is {show(mine)},"
                f" but {show(theirs)} in baseline {baseline.name}; {hint}"
            )
