"""The tiny model of the backend contract, as PyTorch saves it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

MANIFEST = json.dumps(
    {
        "inputs": [{"name": "image", "dtype": "float32", "shape": [None, 3, 12, 12]}],
        "outputs": [{"name": "scores", "dtype": "float32", "shape": [None, 5]}],
        "params": 135,
        "nonzero_params": 135,
    }
)


class Tiny(nn.Module):
    """Conv 3x3 > relu > global average > flatten: (n, 3, 12, 12) to (n, 5)."""

    def __init__(self) -> None:
        super().__init__()
        weights = np.random.default_rng(7).normal(size=(5, 3, 3, 3)).astype(np.float32)
        self.conv = nn.Conv2d(3, 5, 3, padding=1, bias=False)
        self.conv.weight = nn.Parameter(torch.from_numpy(weights))

    def forward(self, image: Any) -> Any:
        return torch.relu(self.conv(image)).mean((2, 3))


def build_tiny_torchscript(path: Path, manifest: str | None = MANIFEST) -> Path:
    """Write the tiny model as TorchScript, with names and shapes beside it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        traced = torch.jit.trace(Tiny().eval(), torch.zeros(2, 3, 12, 12))
        torch.jit.save(
            traced, str(path), _extra_files={} if manifest is None else {"benchhub.json": manifest}
        )
    return path


def build_tiny_exported(path: Path, manifest: str | None = MANIFEST, batch: Any = None) -> Path:
    """Write the tiny model as an exported program, its batch open unless `batch` is given."""
    example = torch.zeros(batch or 2, 3, 12, 12)
    shapes = None if batch else ({0: torch.export.Dim("batch")},)
    program = torch.export.export(Tiny().eval(), (example,), dynamic_shapes=shapes)
    extra = {} if manifest is None else {"benchhub.json": manifest}
    torch.export.save(program, str(path), extra_files=extra)
    return path
