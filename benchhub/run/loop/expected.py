"""What a launch of a cell may bring at most, by its model's outputs, the data and the baseline."""

from __future__ import annotations

import functools
import math
from pathlib import Path

import numpy as np

from benchhub.device.events.bounds import NUMBER_BYTES
from benchhub.device.events.expected import Expected, ExpectedOutput
from benchhub.model.cell import Cell, TensorSpec
from benchhub.ondevice.wire import Job
from benchhub.run.loop.work import DeviceWork

#: An output with open sizes may be so many times as large as the baseline's.
_TIMES_THE_BASELINE = 2


def most_of(work: DeviceWork, cell: Cell, job: Job) -> Expected:
    """Return what the launch of `cell` by `job` may bring."""
    variant = work.variants.get(cell.variant) if cell.runs_model else None
    if variant is None:
        return Expected()
    whole = {spec.in_file for spec in variant.inputs if spec.whole}
    paths = {blob.sha256: blob.path for blob in work.blobs}
    shapes = [
        _shape(path)
        for name, digest in job.inputs.items()
        if name not in whole and (path := paths.get(digest)) is not None
    ]
    cases = [shape[0] for shape in shapes if shape]
    reference = () if cell.shapes else work.reference
    outputs = tuple(
        _output(spec, reference[index] if index < len(reference) else None)
        for index, spec in enumerate(variant.outputs)
    )
    return Expected(cases[0] if cases else None, outputs or None)


def _output(spec: TensorSpec, reference: np.ndarray | None) -> ExpectedOutput:
    shape = _case_shape(spec)
    known = [size for size in shape or () if size is not None]
    whole = shape is not None and len(known) == len(shape)
    most = math.prod(known) * NUMBER_BYTES if whole else None
    if most is None and reference is not None and len(reference):
        most = _TIMES_THE_BASELINE * NUMBER_BYTES * math.prod(reference.shape[1:])
    return ExpectedOutput(shape, most, bool(spec.left_out), spec.dtype)


def _case_shape(spec: TensorSpec) -> tuple[int | None, ...] | None:
    """Return the shape of what is brought of an output for a case; None: the file tells wrong."""
    if spec.undeclared:
        return None
    shape = spec.shape if spec.whole else spec.shape[1:]
    return (spec.rows, *shape[1:]) if spec.rows else shape


@functools.lru_cache(maxsize=4096)
def _shape(path: Path) -> tuple[int, ...]:
    """Return the shape of the array in a `.npy` file, of which only the header is read."""
    try:
        shape: tuple[int, ...] = np.load(path, mmap_mode="r", allow_pickle=False).shape
        return shape
    except (OSError, ValueError):
        return ()
