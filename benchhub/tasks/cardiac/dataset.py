"""The cardiac task: right ventricle, muscle and left ventricle in MR slices, scored by Dice.

Reads a built-in phantom, or with a folder a copy of ACDC; both through the same loader. A case is
a slice, a group a patient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from benchhub.errors import ConfigError
from benchhub.model.arrays import Array, Settings
from benchhub.model.quality import Cases, Metric
from benchhub.tasks.cardiac.layout import Frame, check_disjoint, read_split
from benchhub.tasks.cardiac.metric import DICE, DICE_WORST, encode
from benchhub.tasks.cardiac.phantom import CardiacPhantom, write_phantom
from benchhub.tasks.cardiac.volume import CLASSES, Volume, read_volume
from benchhub.tasks.once import facts_of
from benchhub.tasks.settings import check_settings, users_copy, whole_number

MODEL = "benchhub.tasks.cardiac.model"
#: Pixels across a slice, and millimetres a pixel: a field of 16 cm about the middle.
SIZE, SPACING_MM = 64, 2.5
_PHANTOM_KEYS = tuple(field.name for field in fields(CardiacPhantom))
#: The keys of `[data]`.
KEYS: Mapping[str, str] = {
    "path": "a copy of ACDC, relative to the suite; `--data` wins. Without either: the phantom",
    "size": "pixels across a slice (64)",
    "spacing_mm": "millimetres a pixel, in the plane (2.5)",
    "input": "the model's input name (`image`)",
    "seed": "of the phantom",
    "train_patients": "patients of the phantom to train on",
    "test_patients": "patients of the phantom to judge by",
    "slices": "of each volume of the phantom",
}


@dataclass(frozen=True, slots=True)
class Cardiac:
    """An opened data set; volumes are read when cases are asked for."""

    description: str
    provenance: Mapping[str, str]
    train: tuple[Frame, ...]
    test: tuple[Frame, ...]
    size: int
    spacing_mm: float
    input_name: str = "image"
    metric: Metric = DICE
    also: tuple[Metric, ...] = (DICE_WORST,)
    predict: str = "argmax-labels"

    def cases(self, count: int | None) -> Cases:
        """Return `count` slices of the test split (None: all), patient by patient.

        ED, then ES, each from its first slice to its last; the last volume may be cut to meet
        `count`. Raises ConfigError if there are fewer, or if a volume cannot be used.
        """
        found = self._read(self.test, count)
        if count is not None and len(found.ids) < count:
            raise ConfigError(
                f"cardiac: {count} cases were asked for and the test split has {len(found.ids)}"
                " slices; lower scenarios.quality.cases"
            )
        return found

    def calibration(self, count: int) -> Mapping[str, Array]:
        """Return `count` slices of the training split, of as many patients as possible."""
        found = self._read(self.train, None)
        if count > len(found.ids):
            raise ConfigError(
                f"cardiac: {count} calibration cases were asked for and the training split has "
                f"{len(found.ids)} slices; lower the recipe's calibration_cases"
            )
        seen: dict[str, int] = {}
        rounds = []
        for row, patient in enumerate(found.groups):
            seen[patient] = turn = seen.get(patient, -1) + 1
            # from apex of one patient to base of another: not all of one height
            rounds.append((turn, row))
        rows = [row for _, row in sorted(rounds)[:count]]
        return {name: array[rows] for name, array in found.inputs.items()}

    def training(self, count: int | None = None) -> Cases:
        """Return the first `count` slices of the training split (None, or too many: all)."""
        return self._read(self.train, count)

    def _read(self, frames: tuple[Frame, ...], count: int | None) -> Cases:
        volumes: list[tuple[Frame, Volume]] = []
        slices = 0
        for frame in frames:
            if count is not None and slices >= count:
                break
            volumes.append((frame, read_volume(frame, self.size, self.spacing_mm)))
            slices += len(volumes[-1][1].images)
        shape = (0, self.size, self.size)
        images = [np.empty(shape, np.float32), *(volume.images for _, volume in volumes)]
        labels = [np.empty(shape, np.int16)]
        labels += [encode(volume.truth, number) for number, (_, volume) in enumerate(volumes)]
        names = [
            (f"{frame.name}_slice{index:02d}", frame.patient)
            for frame, volume in volumes
            for index in range(1, len(volume.images) + 1)
        ][:count]
        return Cases(
            inputs={self.input_name: np.concatenate(images)[:count, None]},
            labels=np.concatenate(labels)[:count],
            ids=tuple(name for name, _ in names),
            groups=tuple(patient for _, patient in names),
            label_names=CLASSES[1:],
        )


def open_dataset(settings: Settings, base: Path, data: Path | None, cache: Path) -> Cardiac:
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
        phantom = CardiacPhantom(**numbers)
        folder = write_phantom(phantom, cache)
        facts = facts_of(folder)
        description = f"cardiac MR phantom, seed {phantom.seed}"
    else:
        folder, facts = data, {"path": str(data)}
        description = f"ACDC from {data}"
    train, test = read_split(folder, "train"), read_split(folder, "test")
    check_disjoint(folder, train, test)
    opened = Cardiac(
        description=f"{description}: {len(test)} test volumes",
        provenance={},
        train=train,
        test=test,
        size=whole_number("data", settings, "size", SIZE, least=8),
        spacing_mm=_spacing(settings),
        input_name=str(settings.get("input", "image")),
    )
    facts |= {
        "train_volumes": len(train),
        "test_volumes": len(test),
        "size": opened.size,
        "spacing_mm": opened.spacing_mm,
    }
    told = {"dataset": description} | {key: str(value) for key, value in facts.items()}
    return replace(opened, provenance=told)


def _spacing(settings: Settings) -> float:
    value = settings.get("spacing_mm", SPACING_MM)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.1 <= value <= 20:
        raise ConfigError(f"data.spacing_mm must be a number from 0.1 to 20, not {value!r}")
    return float(value)
