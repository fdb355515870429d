"""Multiply-accumulates of a torch model: it is called once, in a process of its own."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchhub.compress.files.counting.macs import Count
from benchhub.compress.trial.apart import answer
from benchhub.model.arrays import Array
from benchhub.model.cell import Variant
from benchhub.outside.written import scratch

_CHILD = "benchhub.compress.files.counting.torch_calls"


def count_torch_macs(variant: Variant, cases: Mapping[str, Array]) -> Count:
    """Return the multiply-accumulates of a torch model for one of `cases`.

    `cases` are by input, along the first axis; of a fixed batch the count is divided by that. None
    where torch is not installed here, an input has no case, or the model does not run; then what
    is not counted is `forward`, with the reason.
    """
    if importlib.util.find_spec("torch") is None:
        return _none("torch is not installed here")
    arrays = {}
    batch = 1
    for spec in variant.inputs:
        if spec.name not in cases:
            return _none(f"its input {spec.name} is not known")
        array = cases[spec.name]
        if not spec.whole:
            rows = spec.shape[0] or 1
            batch = max(batch, rows)
            array = array[np.arange(rows) % len(array)]
        arrays[spec.in_file] = np.transpose(array, spec.order) if spec.order else array
    told = _asked(variant, arrays)
    if "cause" in told:
        return _none(f"it does not run here: {told['cause']}")
    if told["unknown"]:
        return Count(None, tuple(told["unknown"]))
    total = int(told["flops"]) // 2
    return Count(total // batch if total % batch == 0 else total)


def _none(reason: str) -> Count:
    return Count(None, (f"forward ({reason})",))


def _asked(variant: Variant, arrays: Mapping[str, Array]) -> dict[str, Any]:
    with scratch("benchhub-count-") as folder:
        file = folder / "case.npz"
        np.savez(file, *arrays.values())  # by position: an input may have any name
        line = {
            "path": str(variant.path), "format": variant.format,
            "arrays": str(file), "names": list(arrays),
        }  # fmt: skip
        return answer(_CHILD, line)
