"""A nuclei data set made from a seed: whole slides, in the layout of MoNuSeg.

Slides differ in stain, in what grows on them and in how tight; every slide has a random stream of
its own, so a larger phantom begins with the slides of a smaller one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchhub.tasks.nuclei.annotations import write_outlines
from benchhub.tasks.once import write_once
from benchhub.tasks.stained.histology import Picture, Rng, Stain, Tissue, render

#: Part of the cache key: raise it with any change that moves a pixel or an outline.
GENERATOR = 1
_FOLDERS = {"train": ("MoNuSegTrainingData/Tissue Images", "MoNuSegTrainingData/Annotations")}
_FOLDERS["test"] = ("MoNuSegTestData", "MoNuSegTestData")


@dataclass(frozen=True, slots=True)
class NucleiPhantom:
    """What is generated: numbers of slides, the pixels of a tile, and tiles a side of a slide."""

    seed: int = 22
    train_slides: int = 48
    test_slides: int = 60
    size: int = 64
    side: int = 2

    @property
    def key(self) -> str:
        """Name the data set: the same key means the same bytes."""
        asked = json.dumps([GENERATOR, asdict(self)], sort_keys=True)
        return hashlib.sha256(asked.encode()).hexdigest()[:16]


def write_phantom(phantom: NucleiPhantom, cache: Path) -> Path:
    """Return the folder of `phantom` below `cache`, writing it if it is not there yet.

    The folder appears under its name only when complete, so a second process or an interrupted
    one does no harm.
    """
    return write_once(cache / "nuclei" / phantom.key, partial(_write, phantom))


def slide(phantom: NucleiPhantom, split: str, index: int) -> Picture:
    """Return the picture of one slide of "train" or "test"."""
    rng = np.random.default_rng([phantom.seed, 0 if split == "train" else 1, index])
    stain = Stain.draw(rng)
    return render(rng, phantom.size * phantom.side, _tissue(rng), stain)


def _tissue(rng: Rng) -> Tissue:
    mix = rng.dirichlet([1.6, 1.3, 1.2, 0.3, 1.2])
    return Tissue(
        mix=tuple(float(share) for share in mix),
        cover=float(rng.uniform(0.18, 0.38)),
        touching=float(rng.uniform(0.3, 1.0)),
        eosin=float(rng.uniform(0.018, 0.040)),
        fibres=float(rng.uniform(0.2, 0.5)),
        haze=float(rng.uniform(0.15, 0.45)),
    )


def _write(phantom: NucleiPhantom, folder: Path) -> Mapping[str, Any]:
    digest = hashlib.sha256()
    for split, count in (("train", phantom.train_slides), ("test", phantom.test_slides)):
        images, outlines = (folder / place for place in _FOLDERS[split])
        images.mkdir(parents=True)
        outlines.mkdir(parents=True, exist_ok=True)
        for index in range(count):
            name = f"PHAN-{'AB'[split == 'test']}0-{index:04d}-01Z-00-DX1"
            picture = slide(phantom, split, index)
            Image.fromarray(picture.image).save(images / f"{name}.tif", format="TIFF")
            write_outlines(outlines / f"{name}.xml", picture.outlines)
            digest.update(picture.image.tobytes())
            digest.update((outlines / f"{name}.xml").read_bytes())
    return {"generator": GENERATOR, **asdict(phantom), "sha256": digest.hexdigest()}
