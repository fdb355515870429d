"""Seeded patches of nine colorectal tissues on disk, in NCT-CRC-HE's layout.

Classes differ in how many nuclei there are, of which shape, and how the ground is stained. As on
real slides a patch may show some of a neighbouring tissue: its parameters lie up to `mixing` of the
way to another class's. Each patch has a random stream of its own, (seed, split, number), so more
patches start with the same ones.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchhub.model.arrays import Array
from benchhub.tasks.once import write_once
from benchhub.tasks.stained.histology import Stain, Tissue, render
from benchhub.tasks.tissue.layout import CLASSES, TEST, TRAIN

#: Part of the cache key: raise it with any change that moves a pixel.
GENERATOR = 1
SCALE = 0.85
#: How far slides differ in stain, and how far a patch may lie on the way to another tissue.
_STAINS, _MIXING = 0.9, 0.4

# shares of neoplastic, inflammatory, connective, dead and epithelial nuclei, then the ground
_GROUNDS: dict[str, Tissue] = {
    "ADI": Tissue((0.0, 0.2, 0.8, 0.0, 0.0), 0.03, 0.2, 0.012, 1.1, 0.05),
    "BACK": Tissue((0.2, 0.2, 0.2, 0.2, 0.2), 0.0, 0.2, 0.006, 0.3, 0.02),
    "DEB": Tissue((0.1, 0.2, 0.0, 0.7, 0.0), 0.12, 0.8, 0.055, 0.6, 0.9),
    "LYM": Tissue((0.0, 1.0, 0.0, 0.0, 0.0), 0.36, 0.9, 0.030, 0.3, 0.3),
    "MUC": Tissue((0.0, 0.5, 0.2, 0.3, 0.0), 0.04, 0.2, 0.020, 0.9, 0.8),
    "MUS": Tissue((0.0, 0.0, 1.0, 0.0, 0.0), 0.16, 0.2, 0.085, 0.2, 0.1),
    "NORM": Tissue((0.0, 0.15, 0.05, 0.0, 0.8), 0.22, 0.6, 0.034, 0.3, 0.1),
    "STR": Tissue((0.0, 0.2, 0.8, 0.0, 0.0), 0.10, 0.3, 0.065, 0.55, 0.2),
    "TUM": Tissue((0.85, 0.1, 0.0, 0.05, 0.0), 0.38, 1.0, 0.05, 0.4, 0.5),
}


@dataclass(frozen=True, slots=True)
class TissuePhantom:
    """What is generated: patches of each class in both splits, and their side in pixels."""

    seed: int = 9
    train_patches: int = 60
    test_patches: int = 50
    size: int = 64

    @property
    def key(self) -> str:
        """Name the data set: the same key means the same bytes."""
        asked = json.dumps([GENERATOR, asdict(self)], sort_keys=True)
        return hashlib.sha256(asked.encode()).hexdigest()[:16]


def write_phantom(phantom: TissuePhantom, cache: Path) -> Path:
    """Return the folder of `phantom` below `cache`, writing it if it is not there yet."""
    return write_once(
        cache / "tissue" / phantom.key,
        lambda folder: {
            "generator": GENERATOR,
            **asdict(phantom),
            "sha256": _write(phantom, folder),
        },
    )


def patch(phantom: TissuePhantom, split: str, kind: int, index: int) -> Array:
    """Return the pixels of a patch, uint8 (size, size, 3); `split` is "train" or "test"."""
    rng = np.random.default_rng([phantom.seed, 0 if split == "train" else 1, kind, index])
    # most patches are nearly pure; the square makes strong mixtures rare
    share = _MIXING * float(rng.uniform()) ** 2
    other = (kind + int(rng.integers(1, len(CLASSES)))) % len(CLASSES)
    shown = _between(_GROUNDS[CLASSES[kind]], _GROUNDS[CLASSES[other]], share)
    return render(rng, phantom.size, shown, Stain.draw(rng, _STAINS), SCALE).image


def _between(one: Tissue, other: Tissue, share: float) -> Tissue:
    mine, theirs = asdict(one), asdict(other)
    mix = (1 - share) * np.array(mine.pop("mix")) + share * np.array(theirs.pop("mix"))
    rest = {name: (1 - share) * mine[name] + share * theirs[name] for name in mine}
    return Tissue(mix=tuple(mix.tolist()), **rest)


def _write(phantom: TissuePhantom, folder: Path) -> str:
    digest = hashlib.sha256()
    for split, shelf, count in (
        ("train", TRAIN, phantom.train_patches),
        ("test", TEST, phantom.test_patches),
    ):
        for kind, name in enumerate(CLASSES):
            (folder / shelf / name).mkdir(parents=True)
            for index in range(count):
                pixels = patch(phantom, split, kind, index)
                digest.update(pixels.tobytes())
                Image.fromarray(pixels).save(folder / shelf / name / f"{name}-{index:06d}.tif")
    return digest.hexdigest()
