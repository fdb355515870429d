"""The tissue task: nine classes of colorectal tissue, judged by accuracy and macro F1.

Reads a built-in phantom, or with a folder a copy of NCT-CRC-HE; both through the same loader. The
files do not say whose tissue a patch shows, so every patch is a group of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from benchhub.errors import ConfigError
from benchhub.model.arrays import Array, Settings
from benchhub.model.quality import Cases, Metric
from benchhub.tasks.metrics import METRICS
from benchhub.tasks.metrics.classes import MACRO_F1
from benchhub.tasks.once import facts_of
from benchhub.tasks.settings import check_settings, users_copy, whole_number
from benchhub.tasks.tissue.layout import CLASSES, TEST, TRAIN, Patch, read_patch, read_patches
from benchhub.tasks.tissue.layout import read_side as side_of
from benchhub.tasks.tissue.phantom import TissuePhantom, write_phantom

MODEL = "benchhub.tasks.tissue.model"
#: What the model sees: (colour - MEAN) / SPREAD with colour in 0..1.
MEAN, SPREAD = np.float32(0.65), np.float32(0.2)
_PHANTOM_KEYS = tuple(field.name for field in fields(TissuePhantom))
#: The keys of `[data]`.
KEYS: Mapping[str, str] = {
    "path": "the folder that holds both of NCT-CRC-HE's, relative to the suite; `--data` wins."
    " Without either: the phantom",
    "size": "pixels across a case; of a copy the patch's",
    "input": "the model's input name (`image`)",
    "seed": "of the phantom, and of the order of cases; of a copy 0",
    "train_patches": "patches of each class of the phantom to train on",
    "test_patches": "patches of each class of the phantom to judge by",
}


@dataclass(frozen=True, slots=True)
class TissueClasses:
    """An opened data set; pixels are read when cases are asked for."""

    description: str
    provenance: Mapping[str, str]
    train: tuple[Patch, ...]
    test: tuple[Patch, ...]
    side: int
    size: int
    input_name: str
    seed: int
    metric: Metric = METRICS["accuracy"]
    also: tuple[Metric, ...] = (MACRO_F1,)
    predict: str = ""

    def cases(self, count: int | None) -> Cases:
        """Return `count` cases of the test folder (None: all), the classes taking turns.

        Raises ConfigError if there are fewer.
        """
        return self._read(self.test, count, "cases", "lower scenarios.quality.cases")

    def training(self, count: int | None) -> Cases:
        """Return the first `count` training cases (None: all), the classes taking turns."""
        return self._read(self.train, count, "training cases", "lower the recipe's cases")

    def calibration(self, count: int) -> Mapping[str, Array]:
        """Return `count` inputs of the training folder."""
        fix = "lower the recipe's calibration_cases"
        return self._read(self.train, count, "calibration cases", fix).inputs

    def _read(self, patches: tuple[Patch, ...], count: int | None, what: str, fix: str) -> Cases:
        if count is not None and count > len(patches):
            raise ConfigError(
                f"tissue: {count} {what} were asked for and there are {len(patches)}; {fix}"
            )
        chosen = _in_turns(patches, self.seed)[:count]
        images = np.empty((len(chosen), 3, self.size, self.size), dtype=np.float32)
        for image, patch in zip(images, chosen, strict=True):
            pixels = read_patch(patch, self.side, self.size)
            image[:] = ((pixels - MEAN) / SPREAD).transpose(2, 0, 1)
        names = tuple(patch.name for patch in chosen)
        return Cases(
            inputs={self.input_name: images},
            labels=np.array([patch.kind for patch in chosen], dtype=np.int64),
            ids=names,
            groups=names,
            label_names=CLASSES,
        )


def open_dataset(settings: Settings, base: Path, data: Path | None, cache: Path) -> TissueClasses:
    """Return the data set of a suite's `[data]` table.

    `data` wins over `path`. Raises ConfigError for anything it cannot use.
    """
    check_settings("data", settings, KEYS)
    numbers = {
        key: whole_number("data", settings, key, least=0 if key == "seed" else 1)
        for key in _PHANTOM_KEYS
        if key in settings
    }
    data = users_copy(settings, base, data)
    if data is None:
        phantom = TissuePhantom(**numbers)
        folder = write_phantom(phantom, cache)
        facts = facts_of(folder)
        description = f"tissue phantom, seed {phantom.seed}"
    else:
        folder, facts = data, {"path": str(data)}
        description = f"NCT-CRC-HE from {data}"
    train, test = read_patches(folder / TRAIN), read_patches(folder / TEST)
    side = side_of(test[0])
    facts |= {"train_images": len(train), "test_images": len(test)}
    return TissueClasses(
        description=f"{description}: {len(test)} test images",
        provenance={"dataset": description} | {key: str(value) for key, value in facts.items()},
        train=train,
        test=test,
        side=side,
        size=numbers.get("size", side),
        input_name=str(settings.get("input", "image")),
        seed=numbers.get("seed", 0),
    )


def _in_turns(patches: tuple[Patch, ...], seed: int) -> tuple[Patch, ...]:
    """Return the patches shuffled, one of each class after the other."""
    order = np.random.default_rng(seed).permutation(len(patches))
    turns = dict.fromkeys(range(len(CLASSES)), 0)
    ranked = []
    for index in order.tolist():
        kind = patches[index].kind
        ranked.append((turns[kind], kind, index))
        turns[kind] += 1
    return tuple(patches[index] for _, _, index in sorted(ranked))
