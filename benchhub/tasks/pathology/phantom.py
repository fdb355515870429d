"""A seeded data set of stained tissue on disk, in PanNuke's layout: three folds, 19 tissues.

Every image is a slide of its own, drawn from a random stream (seed, fold, number), so a data set
with more images starts with the same ones. Tissues take turns; each has its own mix of nuclei, its
cover and ground. The folder is written once and kept in the cache; the loader reads it like the
real one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchhub.tasks.once import write_once
from benchhub.tasks.pathology.names import CHANNELS, TISSUES, TYPES
from benchhub.tasks.stained.histology import Picture, Stain, Tissue, render

#: Part of the cache key: raise it with any change that moves a pixel or a mask.
GENERATOR = 1
#: Nuclei are drawn at this share of `histology`'s size: some twenty on 64 pixels square.
SCALE = 0.85
#: How far slides differ in stain, light and focus.
_STAINS = 1.25
#: One image in so many shows no nucleus.
_BARE = 48


@dataclass(frozen=True, slots=True)
class PathologyPhantom:
    """What is generated: images of each fold, and their side in pixels."""

    seed: int = 19
    train_images: int = 380
    validation_images: int = 38
    test_images: int = 304
    size: int = 64

    @property
    def folds(self) -> tuple[int, int, int]:
        """Return the number of images of folds 1, 2 and 3."""
        return self.train_images, self.validation_images, self.test_images

    @property
    def key(self) -> str:
        """Name the data set: the same key means the same bytes."""
        asked = json.dumps([GENERATOR, asdict(self)], sort_keys=True)
        return hashlib.sha256(asked.encode()).hexdigest()[:16]


def write_phantom(phantom: PathologyPhantom, cache: Path) -> Path:
    """Return the folder of `phantom` below `cache`, writing it if it is not there yet."""
    return write_once(
        cache / "pathology" / phantom.key,
        lambda folder: {
            "generator": GENERATOR,
            **asdict(phantom),
            "sha256": _write(phantom, folder),
        },
    )


def picture(phantom: PathologyPhantom, fold: int, index: int) -> tuple[Picture, str]:
    """Return an image of a fold and the name of its tissue."""
    rng = np.random.default_rng([phantom.seed, fold, index])
    place = index % len(TISSUES)
    grown = _tissue(place) if index % _BARE != _BARE - 1 else Tissue(cover=0.0)
    drawn = render(rng, phantom.size, grown, Stain.draw(rng, _STAINS), SCALE)
    return drawn, TISSUES[place]


def _tissue(place: int) -> Tissue:
    """Return what grows in a tissue: the same in every phantom, whatever its seed."""
    rng = np.random.default_rng([2020, place])
    mix = rng.dirichlet([1.6, 1.4, 1.2, 0.45, 1.3]) + 0.02
    return Tissue(
        mix=tuple(mix.tolist()),
        cover=float(rng.uniform(0.20, 0.34)),
        touching=float(rng.uniform(0.5, 1.0)),
        eosin=float(rng.uniform(0.035, 0.065)),
        fibres=float(rng.uniform(0.25, 0.5)),
        haze=float(rng.uniform(0.25, 0.55)),
    )


def _write(phantom: PathologyPhantom, folder: Path) -> str:
    digest = hashlib.sha256()
    for fold, count in enumerate(phantom.folds, start=1):
        images = np.zeros((count, phantom.size, phantom.size, 3), dtype=np.uint8)
        masks = np.zeros((count, phantom.size, phantom.size, len(CHANNELS)), dtype=np.uint16)
        tissues = []
        for index in range(count):
            drawn, tissue = picture(phantom, fold, index)
            images[index] = drawn.image
            for kind in range(len(TYPES)):
                masks[index, ..., kind] = np.where(drawn.kinds == kind + 1, drawn.instances, 0)
            masks[index, ..., -1] = drawn.instances == 0
            tissues.append(tissue)
        for name, array in (("images", images), ("masks", masks), ("types", np.array(tissues))):
            # PanNuke keeps the tissues beside the images
            shelf = "masks" if name == "masks" else "images"
            place = folder / f"Fold {fold}" / shelf / f"fold{fold}"
            place.mkdir(parents=True, exist_ok=True)
            np.save(place / f"{name}.npy", array)
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
