"""A seeded chest X-ray data set on disk, in the layout of ChestX-ray14.

Every patient is drawn from a random stream of its own, (seed, split, patient), so a data set with
more patients starts with the same images as one with fewer. The folder is written once and kept
in the cache; the loader reads it as it would read the real one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchhub.model.arrays import Array
from benchhub.tasks.chest_xray.anatomy import Body, Rng, expose, scene
from benchhub.tasks.chest_xray.lesions import FINDINGS, LABELS
from benchhub.tasks.once import write_once

#: Part of the cache key: raise it with any change that moves a pixel or a label.
GENERATOR = 1
#: Rendered this many times finer, then averaged over areas, as a detector element does.
OVERSAMPLING = 2
#: One patient in this many is sure to have a given finding, so that no label is of one class.
CYCLE = 20
HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],"
)
_FIRST_ID = {"train": 1, "test": 20001}


@dataclass(frozen=True, slots=True)
class ChestXrayPhantom:
    """What is generated: sizes are patients (two images each on average) and pixels."""

    seed: int = 14
    train_patients: int = 60
    test_patients: int = 300
    size: int = 64

    @property
    def key(self) -> str:
        """Name the data set: the same key means the same bytes."""
        asked = json.dumps([GENERATOR, asdict(self)], sort_keys=True)
        return hashlib.sha256(asked.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Exposure:
    """One image of the phantom and its row of the table."""

    name: str
    labels: tuple[str, ...]
    follow_up: int
    patient: int
    age: int
    sex: str
    pixels: Array


def write_phantom(phantom: ChestXrayPhantom, cache: Path) -> Path:
    """Return the folder of `phantom` below `cache`, writing it if it is not there yet.

    The folder appears under its name only when complete, so a second process or an interrupted
    one does no harm.
    """
    return write_once(cache / "chest_xray" / phantom.key, partial(_write, phantom))


def exposures(phantom: ChestXrayPhantom, split: str) -> Iterator[Exposure]:
    """Yield the images of a split ("train" or "test"), patient by patient."""
    patients = phantom.train_patients if split == "train" else phantom.test_patients
    for index in range(patients):
        yield from _patient(phantom, split, index)


def _patient(phantom: ChestXrayPhantom, split: str, index: int) -> Iterator[Exposure]:
    stream = [phantom.seed, 0 if split == "train" else 1, index]
    rng = np.random.default_rng(stream)
    body = Body.draw(rng)
    carried = _findings(rng, index)
    number = _FIRST_ID[split] + index
    age, sex = int(rng.integers(18, 90)), "MF"[int(rng.integers(2))]
    for follow_up in range(int(rng.choice([1, 2, 3, 4], p=[0.35, 0.35, 0.2, 0.1]))):
        # the first image keeps every finding: the guarantee of CYCLE rests on it
        # (walked in the labels' order: that of a set changes from process to process)
        carrying = [name for name in LABELS if name in carried]
        kept = {name for name in carrying if follow_up == 0 or rng.random() < 0.75}
        yield Exposure(
            name=f"{number:08d}_{follow_up:03d}.png",
            labels=tuple(name for name in LABELS if name in kept),
            follow_up=follow_up,
            patient=number,
            age=age,
            sex=sex,
            pixels=_render(body, kept, rng, phantom.size),
        )


def _findings(rng: Rng, index: int) -> set[str]:
    draws = rng.random(len(FINDINGS))
    frailty = rng.gamma(2.0, 0.5)
    found = {
        finding.name
        for finding, draw in zip(FINDINGS, draws, strict=True)
        if draw < finding.share * frailty
    }
    if index % CYCLE < len(LABELS):
        found.add(LABELS[index % CYCLE])
    companions = {
        name
        for finding in FINDINGS
        if finding.name in found
        for name in finding.companions
        if rng.random() < 0.25
    }
    return found | companions


def _render(body: Body, found: set[str], rng: Rng, size: int) -> Array:
    view = scene(body, rng, size * OVERSAMPLING)
    for finding in FINDINGS:
        if finding.name in found:
            finding.draw(view, finding.contrast * float(rng.lognormal(0.0, 0.45)))
    fine = expose(body, view)
    area = fine.reshape(size, OVERSAMPLING, size, OVERSAMPLING).mean(axis=(1, 3))
    return np.asarray(np.clip(np.rint(area * 255), 0, 255), dtype=np.uint8)


def _write(phantom: ChestXrayPhantom, folder: Path) -> Mapping[str, Any]:
    images = folder / "images"
    images.mkdir()
    digest = hashlib.sha256()
    rows = [HEADER]
    for split, listing in (("train", "train_val_list.txt"), ("test", "test_list.txt")):
        names = []
        for exposure in exposures(phantom, split):
            _save(exposure, images / exposure.name)
            digest.update(exposure.pixels.tobytes())
            rows.append(_row(exposure, phantom.size))
            names.append(exposure.name)
        (folder / listing).write_text("".join(f"{name}\n" for name in names), encoding="ascii")
    table = "".join(f"{row}\n" for row in rows)
    digest.update(table.encode("ascii"))
    (folder / "Data_Entry_2017.csv").write_text(table, encoding="ascii")
    return {"generator": GENERATOR, **asdict(phantom), "sha256": digest.hexdigest()}


def _save(exposure: Exposure, path: Path) -> None:
    grey = Image.fromarray(exposure.pixels)
    # the real set holds a few RGBA files; keep the loader honest about them
    image = grey.convert("RGBA") if exposure.patient % 23 == 0 else grey
    image.save(path, format="PNG", compress_level=1)


def _row(exposure: Exposure, size: int) -> str:
    labels = "|".join(exposure.labels) or "No Finding"
    return (
        f"{exposure.name},{labels},{exposure.follow_up},{exposure.patient},{exposure.age},"
        f"{exposure.sex},PA,{size},{size},1.0,1.0,"
    )
