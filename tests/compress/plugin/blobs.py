"""A task that is trained in a second: a disc in noise. Registered as a plugin would be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchhub.errors import ConfigError
from benchhub.model.arrays import Array, Settings
from benchhub.model.quality import Cases, Metric
from benchhub.tasks.metrics import get_metric

MODEL = "blobs_model"
SIZE, TRAINING = 32, 64


def draw(count: int, seed: int) -> Cases:
    """Cases of images (n, 1, 32, 32) and masks (n, 32, 32)."""
    rng = np.random.default_rng(seed)
    centre = rng.uniform(8, 24, (count, 2, 1, 1))
    grid = np.stack(np.meshgrid(np.arange(SIZE), np.arange(SIZE), indexing="ij"))[None]
    masks = ((grid - centre) ** 2).sum(axis=1) < rng.uniform(16, 64, (count, 1, 1))
    images = masks + rng.normal(0, 0.5, masks.shape)
    names = tuple(f"{seed}-{index}" for index in range(count))
    return Cases(
        inputs={"image": images[:, None].astype(np.float32)},
        labels=masks.astype(np.uint8),
        ids=names,
        groups=names,
        label_names=("disc",),
    )


@dataclass(frozen=True)
class Blobs:
    """The data set; `brightness` is added to what it is trained with."""

    brightness: float = 0.0
    description: str = "discs in noise"
    provenance: Mapping[str, str] = field(default_factory=lambda: {"dataset": "blobs"})
    metric: Metric = field(default_factory=lambda: get_metric("mask_dice"))

    def cases(self, count: int | None) -> Cases:
        return draw(16 if count is None else count, 1)

    def calibration(self, count: int) -> Mapping[str, Array]:
        return self.training(count).inputs

    def training(self, count: int | None) -> Cases:
        if count is not None and count > TRAINING:
            raise ConfigError(f"blobs: {count} cases were asked for and there are {TRAINING}")
        whole = draw(TRAINING, 2)
        images = whole.inputs["image"][:count] + np.float32(self.brightness)
        return Cases(
            {"image": images},
            whole.labels[:count],
            whole.ids[:count],
            whole.groups[:count],
            whole.label_names,
        )


def open_dataset(settings: Settings, base: Path, data: Path | None, cache: Path) -> Blobs:
    return Blobs(float(settings.get("brightness", 0.0)))
