"""How a model file is read before it is run; of any format."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchhub.compress.files.look import inspect_model, with_macs
from benchhub.compress.files.random_operators import random_operators
from benchhub.compress.trial.unusual import is_unusual
from benchhub.run.inputs.signature import signature


def looked_at(path: Path) -> None:
    """Read a model file as a run does before it plans anything."""
    variant = inspect_model("m", path)
    signature(variant)
    is_unusual(variant)
    random_operators(variant)
    cases = {
        one.name: np.zeros((2, *(size or 3 for size in one.shape[1:])), np.float32)
        for one in variant.inputs
        if len(one.shape) < 6 and all((size or 3) < 17 for size in one.shape[1:])
    }
    if variant.format == "onnx":  # of torch files this calls the model, in a process of its own
        with_macs(variant, cases)
