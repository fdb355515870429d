"""PanNuke's files on disk: of every fold `images.npy`, `masks.npy` and `types.npy`.

They lie anywhere below the folder (`Fold 1/images/fold1/images.npy`, ...): the number after "fold"
nearest to the file says whose they are. Arrays are mapped into memory and read image by image.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.outside.foreign.arrays import mapped
from benchhub.tasks.pathology.names import CHANNELS, TYPES

_FILES = ("images", "masks", "types")
_FOLD = re.compile(r"fold[ _-]*(\d+)", re.IGNORECASE)
_SHOWN = f"{', '.join(CHANNELS)}"

#: Numbers of nuclei are stored in 16 bits.
_MOST = 32767

#: Instance numbers, types and tissues of one image.
Marks = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Fold:
    """One fold: its arrays, still on disk, and the tissue of every image.

    `images` (N, H, W, 3) from 0 to 255, `masks` (N, H, W, 6): channel by channel the number of the
    nucleus that covers a pixel, 0 none.
    """

    number: int
    images: Array
    masks: Array
    tissues: tuple[str, ...]
    paths: Mapping[str, Path]

    @property
    def size(self) -> int:
        """Return the side of an image in pixels."""
        return int(self.images.shape[1])

    def image(self, index: int) -> NDArray[np.float32]:
        """Return an image, float32 (H, W, 3) from 0 to 255; ConfigError if its values are not."""
        pixels = np.asarray(self.images[index], dtype=np.float32)
        low, high = float(pixels.min()), float(pixels.max())
        if not (low >= 0 and high <= 255):  # NaN is neither
            raise ConfigError(
                f"{self.paths['images']}: image {index} has values from {low:g} to {high:g}, not"
                " from 0 to 255; scale them"
            )
        if self.images.dtype.kind == "f" and 0 < high <= 1:
            raise ConfigError(
                f"{self.paths['images']}: image {index} has values up to {high:g} only, as if from"
                " 0 to 1; multiply them by 255"
            )
        return pixels

    def marks(self, index: int) -> tuple[Marks, Marks]:
        """Return the numbers of an image's nuclei and their types (1 to 5), 0 background: (H, W).

        Nuclei are numbered anew from 1 across the channels; where channels overlap the later one
        lies on top. ConfigError for numbers below 0 and for what is no whole number.
        """
        masks = np.asarray(self.masks[index])
        numbers = np.zeros(masks.shape[:2], dtype=np.int16)
        kinds = np.zeros(masks.shape[:2], dtype=np.int16)
        largest = 0
        for channel, name in enumerate(TYPES):
            mask = masks[..., channel]
            inside = mask != 0
            if not inside.any():
                continue
            old, new = np.unique(mask[inside], return_inverse=True)
            self._check(index, name, old)
            numbers[inside] = largest + 1 + new.reshape(-1)
            kinds[inside] = channel + 1
            largest += len(old)
        if largest > _MOST:
            raise ConfigError(
                f"{self.paths['masks']}: image {index} has {largest} nuclei, more than {_MOST}; are"
                " these masks? copy the file again"
            )
        return numbers, kinds

    def _check(self, index: int, name: str, found: Array) -> None:
        wrong = found[(found < 0) | (found != np.floor(found)) | ~np.isfinite(found)]
        if wrong.size:
            raise ConfigError(
                f"{self.paths['masks']}: image {index}, channel {name}: {wrong[0]:g} numbers no"
                " nucleus (0 none, 1, 2, ...); copy the file again"
            )


def read_folds(folder: Path, wanted: tuple[int, ...]) -> dict[int, Fold]:
    """Return the `wanted` folds by number.

    Raises ConfigError naming the file: a folder or fold that is not there, one without one of its
    files or with two, arrays whose shapes disagree or whose values cannot be what they should be.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder; --data names a copy of PanNuke")
    found: dict[int, dict[str, list[Path]]] = {}
    for kind in _FILES:
        for path in sorted(folder.rglob(f"{kind}.npy")):
            number = _number(path.relative_to(folder))
            if number is not None:
                found.setdefault(number, {}).setdefault(kind, []).append(path)
    if not found:
        raise ConfigError(
            f"{folder}: no images.npy below a folder named after a fold (Fold 1/images/fold1);"
            " unpack PanNuke's archives"
        )
    return {number: _fold(folder, number, found) for number in dict.fromkeys(wanted)}


def _number(path: Path) -> int | None:
    for part in reversed(path.parts):
        told = _FOLD.search(part)
        if told:
            return int(told[1])
    return None


def _fold(folder: Path, number: int, found: Mapping[int, Mapping[str, list[Path]]]) -> Fold:
    if number not in found:
        there = ", ".join(str(other) for other in sorted(found))
        raise ConfigError(f"{folder}: no fold {number}, only {there}; complete the copy")
    paths = {}
    for kind in _FILES:
        places = found[number].get(kind, [])
        if not places:
            raise ConfigError(f"{folder}: fold {number} has no {kind}.npy; complete the copy")
        if len(places) > 1:
            raise ConfigError(
                f"{folder}: fold {number} has {kind}.npy twice, {places[0]} and {places[1]};"
                " keep one"
            )
        paths[kind] = places[0]
    images, masks, types = (mapped(paths[kind]) for kind in _FILES)
    _check_images(paths["images"], images)
    if masks.ndim != 4 or masks.shape[-1] != len(CHANNELS):
        raise ConfigError(
            f"{paths['masks']}: shape {masks.shape}, not (images, height, width, {len(CHANNELS)}),"
            f" the channels being {_SHOWN}; copy it again"
        )
    if masks.shape[:3] != images.shape[:3]:
        raise ConfigError(
            f"{paths['masks']}: shape {masks.shape} does not fit images of {images.shape};"
            " take both from the same fold"
        )
    if masks.dtype.kind not in "uif":
        raise ConfigError(f"{paths['masks']}: holds {masks.dtype}, not numbers; copy it again")
    if types.dtype.kind != "U" or types.ndim != 1:
        raise ConfigError(
            f"{paths['types']}: holds {types.dtype} of shape {types.shape}, not one tissue's name"
            " for each image; copy it again"
        )
    if len(types) != len(images):
        raise ConfigError(
            f"{paths['types']}: {len(types)} tissues for {len(images)} images; take both from the"
            " same fold"
        )
    return Fold(number, images, masks, tuple(types.tolist()), paths)


def _check_images(path: Path, images: Array) -> None:
    if images.ndim == 4 and images.shape[-1] == 4:
        raise ConfigError(f"{path}: 4 channels (RGBA); save red, green and blue only")
    if images.ndim != 4 or images.shape[-1] != 3 or images.shape[1] != images.shape[2]:
        raise ConfigError(
            f"{path}: shape {images.shape}, not (images, size, size, 3); copy it again"
        )
    if 0 in images.shape:
        raise ConfigError(f"{path}: holds no image; copy it again")
    if images.dtype.kind in "ui" and images.dtype.itemsize > 1:
        raise ConfigError(
            f"{path}: {8 * images.dtype.itemsize}-bit integers; save 8 bits (uint8) or floats from"
            " 0 to 255"
        )
    if images.dtype.kind not in "uf":
        raise ConfigError(f"{path}: holds {images.dtype}, not pixels; copy it again")
