"""NCT-CRC-HE's files on disk: a folder for training and one for testing, in each nine of TIFFs.

`NCT-CRC-HE-100K/TUM/TUM-AAACFVTT.tif`, ..., and `CRC-VAL-HE-7K/...` from other patients. Patches
are 224 pixels square; any other side will do as long as all patches of a folder have it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchhub.errors import ConfigError
from benchhub.outside.foreign.pictures import picture

#: Fat, background, debris, lymphocytes, mucus, smooth muscle, normal mucosa, stroma, tumour.
CLASSES = ("ADI", "BACK", "DEB", "LYM", "MUC", "MUS", "NORM", "STR", "TUM")
TRAIN, TEST = "NCT-CRC-HE-100K", "CRC-VAL-HE-7K"
_UNREADABLE = "not a readable 8-bit TIFF"


@dataclass(frozen=True, slots=True)
class Patch:
    """One patch: where it lies and which of the classes it shows."""

    name: str
    path: Path
    kind: int


def read_patches(folder: Path) -> tuple[Patch, ...]:
    """Return the patches of a folder, class by class, names in order.

    Raises ConfigError naming what is missing: the folder, a class's folder, or its files.
    """
    if not folder.is_dir():
        raise ConfigError(
            f"{folder}: no such folder; --data names the one that holds {TRAIN} and {TEST}"
        )
    found = []
    for kind, name in enumerate(CLASSES):
        shelf = folder / name
        if not shelf.is_dir():
            raise ConfigError(f"{shelf}: no such folder, so class {name} is missing; unpack again")
        files = sorted(
            entry.name
            for entry in os.scandir(shelf)
            if entry.name.lower().endswith((".tif", ".tiff"))
        )
        if not files:
            raise ConfigError(f"{shelf}: holds no .tif file; unpack the archive again")
        found += [Patch(f"{name}/{file}", shelf / file, kind) for file in files]
    return tuple(found)


def read_side(patch: Patch) -> int:
    """Return the side of a patch in pixels, without reading its pixels."""
    with picture(patch.path, _UNREADABLE) as image:
        return int(image.width)


def read_patch(patch: Patch, side: int, size: int) -> NDArray[np.float32]:
    """Return a patch of `side` pixels square as float32 (size, size, 3) from 0 to 1.

    Shrinks by averaging areas and enlarges bilinearly. ConfigError if it cannot be read, is not in
    8-bit red, green and blue, or is of another size.
    """
    with picture(patch.path, _UNREADABLE) as image:
        if image.size != (side, side):
            raise ConfigError(
                f"{patch.path}: {image.width} x {image.height} pixels, the others are {side} x"
                f" {side}; cut it like them, or remove it"
            )
        if image.mode != "RGB":
            raise ConfigError(
                f"{patch.path}: mode {image.mode}, not RGB of 8 bits; convert it, or remove it"
            )
        if size != side:
            way = Image.Resampling.BOX if size < side else Image.Resampling.BILINEAR
            image = image.resize((size, size), way)
        return np.asarray(image, dtype=np.float32) / np.float32(255)
