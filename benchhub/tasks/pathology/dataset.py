"""The pathology task: find every nucleus in stained tissue, apart from its neighbours, and type it.

Reads a built-in phantom, or with a folder a copy of PanNuke; both through the same loader. PanNuke
does not say whose tissue an image shows, so every image is a group of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from benchhub.errors import ConfigError
from benchhub.model.arrays import Array, Settings
from benchhub.model.quality import Cases, Metric
from benchhub.tasks.case_tables import worst
from benchhub.tasks.once import facts_of
from benchhub.tasks.pathology.layout import Fold, read_folds
from benchhub.tasks.pathology.metric import BPQ, MPQ
from benchhub.tasks.pathology.names import TYPES
from benchhub.tasks.pathology.phantom import PathologyPhantom, write_phantom
from benchhub.tasks.settings import check_settings, users_copy, whole_number

MODEL = "benchhub.tasks.pathology.model"
#: What the model sees: (colour - MEAN) / SPREAD with colour in 0..1.
MEAN, SPREAD = np.float32(0.6), np.float32(0.2)
_ROLES = {"train_fold": 1, "validation_fold": 2, "test_fold": 3}
_PHANTOM_KEYS = tuple(field.name for field in fields(PathologyPhantom))
#: The keys of `[data]`.
KEYS: Mapping[str, str] = {
    "path": "a copy of PanNuke, relative to the suite; `--data` wins. Without either: the phantom",
    "train_fold": "recipes train and calibrate on it (1)",
    "validation_fold": "nothing reads it (2); 0: there is none",
    "test_fold": "scores count it (3)",
    "shrink": "of a copy: each image is shrunk by this first (1)",
    "input": "the model's input name (`image`)",
    "size": "pixels of a tile, a multiple of 8; of a copy the whole image",
    "seed": "of the phantom, and of the order of cases; of a copy 0",
    "train_images": "images of the phantom's first fold",
    "validation_images": "images of the phantom's second fold",
    "test_images": "images of the phantom's third fold",
}
#: The network halves its maps three times.
_MULTIPLE = 8


@dataclass(frozen=True, slots=True)
class Pathology:
    """An opened data set; pixels are read when cases are asked for.

    An image is shrunk by `shrink` (colours averaged over areas, of masks the middle pixel kept),
    then cut into tiles of `size` pixels, each a case, its image being the group.
    """

    description: str
    provenance: Mapping[str, str]
    train: Fold
    validation: Fold | None
    test: Fold
    tissues: tuple[str, ...]
    size: int
    shrink: int
    input_name: str
    seed: int
    metric: Metric = BPQ
    also: tuple[Metric, ...] = (MPQ, worst(BPQ))
    predict: str = "pathology"

    def cases(self, count: int | None) -> Cases:
        """Return `count` cases of the test fold (None: all), the tissues taking turns.

        Raises ConfigError if there are fewer.
        """
        return self._read(self.test, count, "cases", "lower scenarios.quality.cases")

    def training(self, count: int | None) -> Cases:
        """Return the first `count` cases of the training fold (None: all), tissues in turns."""
        return self._read(self.train, count, "training cases", "lower the recipe's cases")

    def validating(self, count: int | None) -> Cases:
        """Return `count` cases of the validation fold, which no recipe sees and no score counts."""
        if self.validation is None:
            raise ConfigError("pathology: there is no validation fold; set data.validation_fold")
        return self._read(self.validation, count, "validation cases", "ask for fewer")

    def calibration(self, count: int) -> Mapping[str, Array]:
        """Return `count` inputs of the training fold."""
        return self._read(
            self.train, count, "calibration cases", "lower the recipe's calibration_cases"
        ).inputs

    def _read(self, fold: Fold, count: int | None, what: str, fix: str) -> Cases:
        side = fold.size // self.shrink // self.size
        have = len(fold.images) * side**2
        if count is not None and count > have:
            raise ConfigError(
                f"pathology: {count} {what} were asked for and fold {fold.number} has {have}; {fix}"
            )
        wanted = have if count is None else count
        images = np.empty((wanted, 3, self.size, self.size), dtype=np.float32)
        labels = np.zeros((wanted, 3, self.size, self.size), dtype=np.int16)
        names: list[str] = []
        groups: list[str] = []
        for index in _in_turns(fold.tissues, self.seed):
            if len(names) == wanted:
                break
            image = (_averaged(fold.image(index), self.shrink) / 255 - MEAN) / SPREAD
            marks = [_middle(plane, self.shrink) for plane in fold.marks(index)]
            tissue = self.tissues.index(fold.tissues[index])
            for tile in range(min(side**2, wanted - len(names))):
                top, left = (self.size * k for k in divmod(tile, side))
                window = (slice(top, top + self.size), slice(left, left + self.size))
                row = len(names)
                images[row] = image[window].transpose(2, 0, 1)
                labels[row, 0], labels[row, 1] = (plane[window] for plane in marks)
                labels[row, 2] = tissue
                groups.append(f"fold{fold.number}/{index:05d}")
                names.append(groups[-1] if side == 1 else f"{groups[-1]}/{tile}")
        return Cases(
            inputs={self.input_name: images},
            labels=labels,
            ids=tuple(names),
            groups=tuple(groups),
            label_names=(*TYPES, *self.tissues),
        )


def open_dataset(settings: Settings, base: Path, data: Path | None, cache: Path) -> Pathology:
    """Return the data set of a suite's `[data]` table.

    `data` wins over `path`. Raises ConfigError for anything it cannot use.
    """
    check_settings("data", settings, KEYS)
    numbers = {key: whole_number("data", settings, key) for key in _PHANTOM_KEYS if key in settings}
    roles = {
        key: whole_number("data", settings, key, usual, 0 if key == "validation_fold" else 1)
        for key, usual in _ROLES.items()
    }
    shrink = whole_number("data", settings, "shrink", 1, 1)
    used = [number for number in roles.values() if number]
    if len(set(used)) < len(used):
        raise ConfigError(
            f"data: folds {used} for training, validation and test; one fold cannot be two of them"
        )
    data = users_copy(settings, base, data)
    if data is None:
        phantom = PathologyPhantom(**numbers)
        folder, shrink = write_phantom(phantom, cache), 1
        facts = facts_of(folder)
        description = f"pathology phantom, seed {phantom.seed}"
    else:
        folder, facts = data, {"path": str(data), "shrink": shrink}
        description = f"PanNuke from {data}"
    folds = read_folds(folder, tuple(used))
    size = numbers.get("size", folds[roles["test_fold"]].size // shrink)
    for fold in folds.values():
        _check_size(fold, size, shrink)
    facts |= roles | {f"fold{number}_images": len(fold.images) for number, fold in folds.items()}
    train, test = folds[roles["train_fold"]], folds[roles["test_fold"]]
    return Pathology(
        description=f"{description}: {len(test.images)} test images",
        provenance={"dataset": description} | {key: str(value) for key, value in facts.items()},
        train=train,
        validation=folds.get(roles["validation_fold"]),
        test=test,
        tissues=tuple(sorted({name for fold in folds.values() for name in fold.tissues})),
        size=size,
        shrink=shrink,
        input_name=str(settings.get("input", "image")),
        seed=numbers.get("seed", 0),
    )


def _check_size(fold: Fold, size: int, shrink: int) -> None:
    side = fold.size
    if size < _MULTIPLE or size % _MULTIPLE or side % shrink or side // shrink % size:
        raise ConfigError(
            f"{fold.paths['images']}: images of {side} pixels, shrunk by data.shrink = {shrink},"
            f" cannot be cut into data.size = {size}; size must be a multiple of {_MULTIPLE} and"
            f" divide {side} / shrink"
        )


def _in_turns(tissues: tuple[str, ...], seed: int) -> list[int]:
    """Return the numbers of the images, shuffled, one of each tissue after the other."""
    order = np.random.default_rng(seed).permutation(len(tissues))
    turns: dict[str, int] = {}
    ranked = []
    for index in order.tolist():
        turn = turns[tissues[index]] = turns.get(tissues[index], -1) + 1
        ranked.append((turn, tissues[index], index))
    return [index for _, _, index in sorted(ranked)]


def _averaged(image: Array, shrink: int) -> Array:
    side = len(image) // shrink
    blocks = image.reshape(side, shrink, side, shrink, 3)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float32))


def _middle(plane: Array, shrink: int) -> Array:
    return plane[shrink // 2 :: shrink, shrink // 2 :: shrink]
