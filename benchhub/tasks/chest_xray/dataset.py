"""The chest X-ray task: fourteen findings in a frontal radiograph, scored by macro AUC.

Reads a built-in phantom, or with a folder the real data set; both through the same loader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from benchhub.errors import ConfigError
from benchhub.model.arrays import Array, Settings
from benchhub.model.quality import Cases, Metric
from benchhub.tasks.chest_xray.layout import ImageEntry, check_disjoint, read_image, read_split
from benchhub.tasks.chest_xray.lesions import LABELS
from benchhub.tasks.chest_xray.metric import LOG_LOSS, LOG_LOSS_WORST5, METRIC
from benchhub.tasks.chest_xray.phantom import ChestXrayPhantom, write_phantom
from benchhub.tasks.once import facts_of
from benchhub.tasks.settings import check_settings, users_copy, whole_number

#: What the model sees: (grey - MEAN) / SPREAD with grey in 0..1.
MEAN, SPREAD = np.float32(0.5), np.float32(0.25)
#: What learns the task: a module imported only where something is trained.
MODEL = "benchhub.tasks.chest_xray.model"
#: So many patients with each label come first, so that a subset of cases has them all.
_AHEAD = 4
_PHANTOM_KEYS = tuple(field.name for field in fields(ChestXrayPhantom))
#: The keys of `[data]`.
KEYS: Mapping[str, str] = {
    "path": "a copy of ChestX-ray14, relative to the suite; `--data` wins. Without either: the"
    " phantom",
    "metric": "which metric is judged first: `macro_auc` or `log_loss`",
    "input": "the model's input name (`image`)",
    "size": "pixels across a case",
    "seed": "of the phantom, and of the order of cases; of a copy 0",
    "train_patients": "patients of the phantom to train on",
    "test_patients": "patients of the phantom to judge by",
}


@dataclass(frozen=True, slots=True)
class ChestXray:
    """An opened data set; pixels are read when cases are asked for.

    A label counts in the mean AUC where it has both classes; opening it has made sure that in the
    whole test split all of them do.
    """

    description: str
    provenance: Mapping[str, str]
    train: tuple[ImageEntry, ...]
    test: tuple[ImageEntry, ...]
    size: int
    input_name: str = "image"
    seed: int = 0
    metric: Metric = METRIC
    also: tuple[Metric, ...] = (LOG_LOSS, LOG_LOSS_WORST5)

    def cases(self, count: int | None) -> Cases:
        """Return `count` cases of the test split (None: all), whole patients in a fixed order.

        A few patients with each label come first, so that a subset has every label; the others
        follow shuffled, and the last patient may be cut to meet `count`. Raises ConfigError if
        there are fewer cases.
        """
        ordered = _by_patient(self.test, self.seed)
        if count is not None and count > len(ordered):
            raise ConfigError(
                f"chest_xray: {count} cases were asked for and the test split has {len(ordered)}; "
                "lower scenarios.quality.cases"
            )
        return self._read(ordered[:count])

    def calibration(self, count: int) -> Mapping[str, Array]:
        """Return `count` inputs of the training split, of as many patients as possible."""
        if count > len(self.train):
            raise ConfigError(
                f"chest_xray: {count} calibration cases were asked for and the training split has "
                f"{len(self.train)}; lower the recipe's calibration_cases"
            )
        return self._read(_one_each(self.train, self.seed)[:count]).inputs

    def training(self, count: int | None = None) -> Cases:
        """Return the first `count` training cases (None: all), in the list's order.

        Raises ConfigError if there are fewer.
        """
        if count is not None and count > len(self.train):
            raise ConfigError(
                f"chest_xray: {count} training cases were asked for and the training split has "
                f"{len(self.train)}; raise data.train_patients, or ask for fewer"
            )
        return self._read(self.train[:count])

    def _read(self, entries: tuple[ImageEntry, ...]) -> Cases:
        images = np.empty((len(entries), 1, self.size, self.size), dtype=np.float32)
        for image, entry in zip(images, entries, strict=True):
            image[0] = (read_image(entry.path, self.size) - MEAN) / SPREAD
        return Cases(
            inputs={self.input_name: images},
            labels=_truth(entries),
            ids=tuple(entry.name for entry in entries),
            groups=tuple(entry.patient for entry in entries),
            label_names=LABELS,
        )


def open_dataset(settings: Settings, base: Path, data: Path | None, cache: Path) -> ChestXray:
    """Return the data set of a suite's `[data]` table.

    `data` wins over `path`. Raises ConfigError for anything it cannot use.
    """
    check_settings("data", settings, KEYS)
    numbers = {key: whole_number("data", settings, key) for key in _PHANTOM_KEYS if key in settings}
    data = users_copy(settings, base, data)
    if data is None:
        phantom = ChestXrayPhantom(**numbers)
        folder = write_phantom(phantom, cache)
        facts = facts_of(folder)
        description = f"chest X-ray phantom, seed {phantom.seed}"
    else:
        folder, facts = data, {"path": str(data)}
        description = f"ChestX-ray14 from {data}"
    train, test = read_split(folder, "train"), read_split(folder, "test")
    check_disjoint(folder, train, test)
    _check_classes(test, str(folder / "test_list.txt"), "use a larger test split")
    facts |= {"train_images": len(train), "test_images": len(test), "labels_in_mean": len(LABELS)}
    return ChestXray(
        description=f"{description}: {len(test)} test images",
        provenance={"dataset": description} | {key: str(value) for key, value in facts.items()},
        train=train,
        test=test,
        size=numbers.get("size", ChestXrayPhantom().size),
        input_name=str(settings.get("input", "image")),
        seed=numbers.get("seed", 0),
    )


def _truth(entries: tuple[ImageEntry, ...]) -> Array:
    return np.array(
        [[label in entry.findings for label in LABELS] for entry in entries], dtype=np.uint8
    ).reshape(len(entries), len(LABELS))


def _check_classes(entries: tuple[ImageEntry, ...], where: str, fix: str) -> None:
    positives = _truth(entries).sum(axis=0)
    for label, count in zip(LABELS, positives, strict=True):
        if count in (0, len(entries)):
            which = "no image" if count == 0 else "every image"
            raise ConfigError(
                f"{where}: {which} of {len(entries)} has label {label}; an AUC needs both; {fix}"
            )


def _patients(entries: tuple[ImageEntry, ...], seed: int) -> dict[str, list[ImageEntry]]:
    together: dict[str, list[ImageEntry]] = {}
    for entry in entries:
        together.setdefault(entry.patient, []).append(entry)
    order = np.random.default_rng(seed).permutation(len(together))
    names = list(together)
    return {names[index]: together[names[index]] for index in order}


def _by_patient(entries: tuple[ImageEntry, ...], seed: int) -> tuple[ImageEntry, ...]:
    patients = _patients(entries, seed)
    found = {name: {f for e in images for f in e.findings} for name, images in patients.items()}
    having = {label: [name for name in patients if label in found[name]] for label in LABELS}
    # round by round: even a small subset has one patient of each label
    ahead = dict.fromkeys(
        having[label][turn]
        for turn in range(_AHEAD)
        for label in LABELS
        if turn < len(having[label])
    )
    ordered = [*ahead, *(name for name in patients if name not in ahead)]
    return tuple(entry for name in ordered for entry in patients[name])


def _one_each(entries: tuple[ImageEntry, ...], seed: int) -> tuple[ImageEntry, ...]:
    rounds = [
        (turn, entry)
        for images in _patients(entries, seed).values()
        for turn, entry in enumerate(images)
    ]
    return tuple(entry for _, entry in sorted(rounds, key=lambda pair: pair[0]))
