"""Outputs computed on the controller: what every device is compared with."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchhub.backends import every
from benchhub.compress.build.answering import SHAPES, TOLD, AnswerJob, turned
from benchhub.compress.files.arranged import forms, output_names, starting_state
from benchhub.compress.files.shapes import compatible
from benchhub.compress.trial.ended import how_ended, last_said
from benchhub.errors import ConfigError, MissingExtra
from benchhub.model.arrays import Array
from benchhub.model.cell import TensorSpec, Variant
from benchhub.ondevice.backends import Description
from benchhub.outside.arrays import save_array
from benchhub.outside.written import scratch

#: With fusions off: each operator as exported, so that the reference does not move with the
#: fusions that a release happens to have.
_AS_EXPORTED: Mapping[str, Mapping[str, Any]] = {
    "onnxruntime": {"graph_optimization_level": "disable"}
}
#: Outputs of no more bytes are read into memory.
_HELD = 64 << 20


@dataclass(frozen=True, slots=True)
class Answered:
    """A model's outputs for all cases, and for the first ones as they came a second time.

    `turned` are those for the cases `rows`, when the cases of each batch came in another order.
    Of each output in their order: `whole`, at a batch of one it has no axis of cases; `undeclared`,
    it has another shape than the file declares.
    """

    outputs: tuple[Array, ...]
    again: tuple[Array, ...] = ()
    turned: tuple[Array, ...] = ()
    rows: tuple[int, ...] = ()
    whole: tuple[bool, ...] = ()
    undeclared: tuple[bool, ...] = ()


def reference_outputs(
    variant: Variant, inputs: Mapping[str, Array], batch: int = 1
) -> tuple[Array, ...]:
    """Return the outputs for all cases, in the model's order: see `answered`."""
    return answered(variant, inputs, batch).outputs


def answered(
    variant: Variant,
    inputs: Mapping[str, Array],
    batch: int = 1,
    again: int = 0,
    files: Mapping[str, Path] | None = None,
) -> Answered:
    """Return the outputs for all cases at a batch, cases on axis 0, in the baseline's order.

    One that is left out, or does not run over cases where others do, has none: its shape is (0,).
    A model of a fixed batch is run at that; the last batch wraps around to the first case. The
    runtime is the model's own on the CPU, onnxruntime without fusions for ONNX, in a process of its
    own, at the precision that the file states. The first `again` cases are answered twice, the
    second time in other places of their batch as well. `files`
    hold the inputs as `.npy`, where they are written already.

    Raises ConfigError if the cases do not fit the model, it does not run, or none of its outputs
    runs over cases; MissingExtra where its runtime is not installed here.
    """
    check_cases_fit(variant, inputs)
    backend = runtime_of(variant)
    at = _batch(variant) or batch
    with scratch("benchhub-reference-") as place:
        folder = str(place)
        job = AnswerJob(
            backend=backend.name,
            model=str(variant.path),
            format=variant.format,
            inputs={name: str(file) for name, file in _files(variant, inputs, files, place)},
            folder=folder,
            batch=at,
            threads=os.cpu_count() or 1,
            options=_AS_EXPORTED.get(backend.name, {}),
            again=again,
            forms={name: form._asdict() for name, form in forms(variant).items()},
            outputs=output_names(variant),
        )
        told = _asked(job, f"variant {variant.name}: {variant.path}")
        if told.get("kind") == "space":
            said = f"{told['cause']}, for the answers of {variant.name} to all cases"
            raise OSError(errno.ENOSPC, said)
        if told:
            raise _refusal(told, variant, backend, at)
        other = _read(folder, "turned")
        rows = turned(len(next(iter(_cased(variant, inputs)))), at, again) if other else ()
        shapes: list[list[bool]] = json.loads((place / SHAPES).read_text("utf-8"))
        return Answered(
            _read(folder, "output"),
            _read(folder, "again"),
            other,
            rows,
            whole=tuple(whole for whole, _ in shapes),
            undeclared=tuple(undeclared for _, undeclared in shapes),
        )


def _cased(variant: Variant, inputs: Mapping[str, Array]) -> Iterator[Array]:
    """Yield the inputs that run over cases."""
    return (inputs[spec.name] for spec in variant.inputs if not spec.whole)


def runtime_of(variant: Variant) -> Description:
    """Return what computes a variant's answers on the controller; ConfigError: nothing does."""
    usable = [
        one
        for one in every()[0]
        if variant.format in one.formats and not (one.for_tests or one.gpu_vendor)
    ]
    # onnxruntime for ONNX, whatever else reads it.
    found = sorted(usable, key=lambda one: (one.name not in _AS_EXPORTED, one.name))
    if not found:
        raise ConfigError(
            f"variant {variant.name}: no runtime for {variant.format} files is known here, so there"
            " are no reference outputs; name a baseline of another format"
        )
    return found[0]


def _files(
    variant: Variant,
    inputs: Mapping[str, Array],
    files: Mapping[str, Path] | None,
    folder: Path,
) -> Iterator[tuple[str, Path]]:
    """Yield the file of each input by its own name in the model."""
    started = starting_state(variant, inputs)
    for index, spec in enumerate(variant.inputs):
        if files is not None and spec.name not in started:
            yield spec.in_file, files[spec.name]
            continue
        path = folder / f"input-{index}.npy"
        array = started[spec.name] if spec.name in started else inputs[spec.name]
        save_array(path, np.asarray(array, order="C"))  # a scalar stays one
        yield spec.in_file, path


def _asked(job: AnswerJob, whose: str) -> dict[str, str]:
    """Have a process answer; return what went wrong, empty: nothing. ConfigError: it ended."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchhub.compress.build.answering"],
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=said,
        )
        try:
            process.communicate(json.dumps(dataclasses.asdict(job)).encode())
        except BaseException:
            process.kill()
            process.wait()
            raise
        with contextlib.suppress(FileNotFoundError):
            told: dict[str, str] = json.loads(Path(job.folder, TOLD).read_text("utf-8"))
            return told
        said.seek(0)
        last = last_said(said.read()) or "it said nothing"
    how = how_ended(process.returncode)
    raise ConfigError(
        f"{whose}: {job.backend} ended its process {how} while computing reference outputs: {last}"
    )


def _refusal(
    told: Mapping[str, str], variant: Variant, backend: Description, batch: int
) -> ConfigError:
    cause = told["cause"]
    if told["kind"] == "missing":
        packages = " or ".join(backend.distributions)
        reason = f"what a {variant.format} file answers is computed by {backend.name}"
        return MissingExtra(
            f"variant {variant.name}: {reason}, which is not installed here ({cause}); install"
            f" {packages}",
            f"{reason}, which is not installed here",
        )
    way_out = "fix the batch at 1 (batch = 1), or export it again"
    if told["kind"] == "shape":
        other = f"; or {way_out}" if batch > 1 else "; or export it again"
        return ConfigError(f"variant {variant.name}: {cause}{other}")
    hint = f"; if it runs at batch 1 only, {way_out}" if batch > 1 and not _batch(variant) else ""
    return ConfigError(
        f"variant {variant.name}: {backend.name} cannot run {variant.path} at batch {batch}:"
        f" {cause}{hint}"
    )


def _read(folder: str, name: str) -> tuple[Array, ...]:
    found: list[Array] = []
    while (path := Path(folder, f"{name}-{len(found)}.npy")).exists():
        small = path.stat().st_size <= _HELD
        # What is mapped stays when its name is gone.
        found.append(np.load(path, None if small else "r", allow_pickle=False))
    return tuple(found)


def check_cases_fit(variant: Variant, inputs: Mapping[str, Array]) -> None:
    """Raise ConfigError unless the cases have the model's input names, dtypes and shapes.

    What an input with state starts with may be left out.
    """
    wanted = {spec.name: spec for spec in variant.inputs}
    for name in wanted.keys() - inputs.keys():
        if not wanted[name].fed_from:
            raise ConfigError(
                f"variant {variant.name}: the data has no array for model input {name!r}, "
                f"it has {', '.join(sorted(inputs))}; name it as in the model"
            )
    for name in inputs.keys() - wanted.keys():
        raise ConfigError(
            f"variant {variant.name}: the data has an array {name!r}, the model has no such "
            f"input but {', '.join(sorted(wanted))}; name it as in the model"
        )
    starting_state(variant, inputs)
    for name, spec in wanted.items():
        if not spec.fed_from:
            _check_array(variant.name, spec, inputs[name])


def _check_array(variant: str, spec: TensorSpec, array: Array) -> None:
    text = spec.dtype == "string" and array.dtype.kind == "U"
    if array.dtype.name != spec.dtype and not text:
        raise ConfigError(
            f"variant {variant}: input {spec.name!r} is {array.dtype.name} in the data and "
            f"{spec.dtype} in the model; convert it with .astype({spec.dtype!r})"
        )
    if spec.whole:
        if array.size != 1 and not compatible(spec.shape, array.shape):
            raise ConfigError(
                f"variant {variant}: input {spec.name!r}, the same for all cases, has shape"
                f" {_show(array.shape)} in the data and {_show(spec.shape)} in the model"
            )
        return
    fits = array.ndim == len(spec.shape) and all(
        size is None or size == found
        for size, found in zip(spec.shape[1:], array.shape[1:], strict=True)
    )
    if not fits:
        raise ConfigError(
            f"variant {variant}: input {spec.name!r} has shape {_show(array.shape[1:])} per case "
            f"in the data and {_show(spec.shape[1:])} in the model; resize one of them"
        )


def _show(shape: tuple[int | None, ...]) -> str:
    return "x".join("?" if size is None else str(size) for size in shape) or "scalar"


def _batch(variant: Variant) -> int | None:
    """Return the batch that the model is fixed to, None if it is open."""
    if any(spec.fed_from for spec in variant.inputs):
        return 1  # a stream: one case after another
    cased = [spec for spec in variant.inputs if not spec.whole]
    fixed = {spec.shape[0] for spec in cased if spec.shape and spec.shape[0]}
    return fixed.pop() if len(fixed) == 1 else None
