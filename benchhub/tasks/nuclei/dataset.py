"""The nuclei task: every nucleus in stained tissue, told from the background and its neighbours.

Reads a built-in phantom, or with a folder a copy of MoNuSeg or TNBC; all through the same loader.
Images are cut into tiles, which are the cases; the tiles of a patient or slide belong together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from benchhub.errors import ConfigError
from benchhub.model.arrays import Array, Settings
from benchhub.model.quality import Cases, Metric
from benchhub.tasks.nuclei.distance import targets
from benchhub.tasks.nuclei.layout import TileEntry, read_layout
from benchhub.tasks.nuclei.metric import METRICS
from benchhub.tasks.nuclei.phantom import NucleiPhantom, write_phantom
from benchhub.tasks.nuclei.tiles import Tile, read_pair, tiles
from benchhub.tasks.once import facts_of
from benchhub.tasks.settings import check_settings, users_copy, whole_number
from benchhub.tasks.stained.instances import Labels, relabel

MODEL = "benchhub.tasks.nuclei.model"
#: What the model sees: (colour - MEAN) / SPREAD with colour in 0..1.
MEAN, SPREAD = np.float32(0.7), np.float32(0.2)
#: The network halves its maps four times.
_MULTIPLE = 16
_PHANTOM_KEYS = tuple(field.name for field in fields(NucleiPhantom))
#: The keys of `[data]`.
KEYS: Mapping[str, str] = {
    "path": "a copy of MoNuSeg or TNBC, relative to the suite; `--data` wins. Without either: the"
    " phantom",
    "metric": "which metric is judged first (`aji`)",
    "input": "the model's input name (`image`)",
    "shrink": "images are shrunk so many times before they are cut (1)",
    "size": "pixels of a tile, a multiple of 16",
    "side": "tiles a side of a slide of the phantom",
    "seed": "of the phantom, and of the order of cases; of a copy 0",
    "train_slides": "slides of the phantom to train on",
    "test_slides": "slides of the phantom to judge by",
}


@dataclass(frozen=True, slots=True)
class Nuclei:
    """An opened data set; pixels are read when cases are asked for."""

    description: str
    provenance: Mapping[str, str]
    train: tuple[Tile, ...]
    test: tuple[Tile, ...]
    size: int
    shrink: int
    input_name: str
    metric: Metric
    also: tuple[Metric, ...]
    predict: str = "nuclei"

    def cases(self, count: int | None) -> Cases:
        """Return `count` tiles of the test split (None: all), the slides taking turns.

        Labels are the numbers of nuclei, int32 (N, size, size), 0 background. Raises ConfigError if
        there are fewer.
        """
        chosen = _first(self.test, count, "cases", "test", "lower scenarios.quality.cases")
        images, maps = self._read(chosen)
        return self._cases(chosen, images, np.stack(maps))

    def training(self, count: int | None) -> Cases:
        """Return the first `count` tiles of the training split (None: all), slides taking turns.

        Labels are what a net is trained towards: bytes (N, size, size) of `distance.targets`.
        """
        chosen = _first(self.train, count, "training cases", "training", "lower the recipe's cases")
        images, maps = self._read(chosen)
        return self._cases(chosen, images, np.stack([targets(one) for one in maps]))

    def calibration(self, count: int) -> Mapping[str, Array]:
        """Return `count` inputs of the training split, of as many slides as possible."""
        fix = "lower the recipe's calibration_cases"
        images, _ = self._read(_first(self.train, count, "calibration cases", "training", fix))
        return {self.input_name: images}

    def _cases(self, chosen: tuple[Tile, ...], images: Array, labels: Array) -> Cases:
        return Cases(
            inputs={self.input_name: images},
            labels=labels,
            ids=tuple(tile.name for tile in chosen),
            groups=tuple(tile.entry.slide for tile in chosen),
            label_names=("nucleus",),
        )

    def _read(self, chosen: tuple[Tile, ...]) -> tuple[Array, list[Labels]]:
        """Return images (N, 3, size, size) and maps of nuclei; every file is read once."""
        images = np.empty((len(chosen), 3, self.size, self.size), dtype=np.float32)
        maps: list[Labels] = [np.zeros((0, 0), dtype=np.int32)] * len(chosen)
        rows: dict[TileEntry, list[int]] = {}
        for row, tile in enumerate(chosen):
            rows.setdefault(tile.entry, []).append(row)
        for entry, mine in rows.items():
            pixels, instances = read_pair(entry, self.shrink)
            for row in mine:
                tile = chosen[row]
                window = np.s_[tile.top : tile.top + self.size, tile.left : tile.left + self.size]
                colours = pixels[window].astype(np.float32) / np.float32(255)
                images[row] = ((colours - MEAN) / SPREAD).transpose(2, 0, 1)
                maps[row] = relabel(instances[window])
        return images, maps


def open_dataset(settings: Settings, base: Path, data: Path | None, cache: Path) -> Nuclei:
    """Return the data set of a suite's `[data]` table.

    `data` wins over `path`. Raises ConfigError for anything it cannot use.
    """
    check_settings("data", settings, KEYS)
    least = {"seed": 0}
    numbers = {
        key: whole_number("data", settings, key, least=least.get(key, 1))
        for key in _PHANTOM_KEYS
        if key in settings
    }
    shrink = whole_number("data", settings, "shrink", 1, 1)
    size = numbers.get("size", NucleiPhantom().size)
    if size % _MULTIPLE:
        raise ConfigError(f"data.size must be a multiple of {_MULTIPLE}, not {size}")
    data = users_copy(settings, base, data)
    facts: dict[str, object] = {}
    if data is None:
        phantom = NucleiPhantom(**numbers)
        folder = write_phantom(phantom, cache)
        facts |= facts_of(folder)
    else:
        folder = data
        facts |= {"path": str(data), "size": size}
    layout = read_layout(folder)
    what = f"nuclei phantom, seed {facts['seed']}" if data is None else f"{layout.name} from {data}"
    train, test = (
        _in_turns(entries, size, shrink, numbers.get("seed", 0))
        for entries in (layout.train, layout.test)
    )
    slides = len({entry.slide for entry in layout.test})
    facts |= {"shrink": shrink, "train_cases": len(train), "test_cases": len(test)}
    facts |= {"test_patients": slides}
    return Nuclei(
        description=f"{what}: {len(test)} test tiles of {slides} slides",
        provenance={"dataset": what} | {key: str(value) for key, value in facts.items()},
        train=train,
        test=test,
        size=size,
        shrink=shrink,
        input_name=str(settings.get("input", "image")),
        metric=METRICS[0],
        also=METRICS[1:],
    )


def _in_turns(
    entries: tuple[TileEntry, ...], size: int, shrink: int, seed: int
) -> tuple[Tile, ...]:
    """Return all tiles: the first of every slide, the second of every slide, and so on.

    Slides are shuffled, and so are the tiles of each, so that a part of the cases has many slides
    and no corner of them.
    """
    by_slide: dict[str, list[Tile]] = {}
    for entry in entries:
        by_slide.setdefault(entry.slide, []).extend(tiles(entry, size, shrink))
    rng = np.random.default_rng(seed)
    shuffled = [[own[k] for k in rng.permutation(len(own))] for own in by_slide.values()]
    order = [shuffled[k] for k in rng.permutation(len(shuffled))]
    turns = max((len(own) for own in order), default=0)
    return tuple(own[turn] for turn in range(turns) for own in order if turn < len(own))


def _first(
    chosen: tuple[Tile, ...], count: int | None, what: str, split: str, fix: str
) -> tuple[Tile, ...]:
    if count is not None and count > len(chosen):
        raise ConfigError(
            f"nuclei: {count} {what} were asked for and the {split} split has {len(chosen)}; {fix}"
        )
    return chosen[:count]
