"""What a model file is, by its content: a table of formats; and whether it fits the baseline."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

from benchhub.compress.files.counting.macs import count_macs
from benchhub.compress.files.model_file import read_model
from benchhub.compress.files.onnx import inspect_onnx
from benchhub.compress.files.tflite import inspect_tflite
from benchhub.compress.files.torch import inspect_torch
from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.model.cell import TensorSpec, Variant

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
            return inspect(name, path)
    raise ConfigError(
        f"variant {name}: model {path} is neither an ONNX, a TFLite nor a torch file"
        f" (it begins with {head[:8].hex(' ')}); export it in one of these formats"
    )


def with_macs(variant: Variant, cases: Mapping[str, Array]) -> Variant:
    """Return an ONNX variant with its multiply-accumulates counted for one of `cases`.

    A file whose inputs are open beyond the batch does not tell them; the data does. `cases` holds
    the cases of each input along the first axis; an integer that is the same in all of them is a
    setting, and may decide which branch runs. Other formats and closed files are left alone.
    """
    if variant.format != "onnx" or not (
        variant.uncounted or any(None in spec.shape[1:] for spec in variant.inputs)
    ):
        return variant
    import onnx

    shapes, values = {}, {}
    for spec in variant.inputs:
        if spec.name not in cases:
            continue
        array = cases[spec.name]
        if len(spec.shape) == array.ndim:
            sizes = zip(spec.shape, (1, *array.shape[1:]), strict=True)
            shapes[spec.name] = tuple(own if own is not None else size for own, size in sizes)
        if _is_setting(array):
            values[spec.name] = array[0].reshape((1,) * len(spec.shape))
    model = onnx.load(str(variant.path), load_external_data=False)
    count = count_macs(model, shapes, values, variant.path.parent)
    return dataclasses.replace(variant, macs=count.macs, uncounted=count.uncounted)


def _is_setting(array: Array) -> bool:
    """Whether a model input is the same integer or truth value in all cases."""
    return (
        array.dtype.kind in "biu"
        and len(array) > 0
        and array[0].size == 1
        and bool((array == array[0]).all())
    )


def check_inputs_match(variant: Variant, baseline: Variant) -> None:
    """Raise ConfigError if a variant cannot take the baseline's inputs: name, dtype, shape."""
    wanted = {spec.name: spec for spec in baseline.inputs}
    found = {spec.name: spec for spec in variant.inputs}
    for name, spec in wanted.items():
        if name not in found:
            raise ConfigError(
                f"variant {variant.name}: {variant.path} has no input {name!r} as baseline "
                f"{baseline.name} has, but {', '.join(found)}; export it with the same names"
            )
        other = found[name]
        if other.dtype != spec.dtype or not _compatible(other.shape, spec.shape):
            raise ConfigError(
                f"variant {variant.name}: input {name!r} of {variant.path} is {_show(other)}, but "
                f"{_show(spec)} in baseline {baseline.name}; export it with the same inputs"
            )
    for name in found.keys() - wanted.keys():
        raise ConfigError(
            f"variant {variant.name}: {variant.path} wants an input {name!r} that baseline "
            f"{baseline.name} does not have; export it with the same inputs"
        )


def _compatible(shape: tuple[int | None, ...], other: tuple[int | None, ...]) -> bool:
    return len(shape) == len(other) and all(
        a is None or b is None or a == b for a, b in zip(shape, other, strict=True)
    )


def _show(spec: TensorSpec) -> str:
    sizes = "x".join("?" if size is None else str(size) for size in spec.shape)
    return f"{spec.dtype} {sizes or 'scalar'}"


def check_outputs_match(variant: Variant, baseline: Variant) -> None:
    """Raise ConfigError if a variant's outputs are not the baseline's, or in another order.

    Names are compared only where both files use the same ones: outputs are judged by position.
    """
    found = [spec.name for spec in variant.outputs]
    wanted = [spec.name for spec in baseline.outputs]
    if len(found) != len(wanted) or (found != wanted and sorted(found) == sorted(wanted)):
        raise ConfigError(
            f"variant {variant.name}: {variant.path} has outputs {', '.join(found)}, but baseline"
            f" {baseline.name} has {', '.join(wanted)}; export it with the same outputs in order"
        )
