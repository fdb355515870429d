"""A seeded cardiac MR data set on disk, in the layout of ACDC.

Every patient is drawn from a random stream of its own, (seed, split, patient), so a data set with
more patients starts with the same volumes as one with fewer. The folder is written once and kept in
the cache; the loader reads it as it would read the real one.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchhub.errors import MissingExtra
from benchhub.model.arrays import Array
from benchhub.tasks.cardiac.heart import GROUPS, Heart
from benchhub.tasks.cardiac.layout import MOMENTS, SPLITS
from benchhub.tasks.cardiac.scanner import FIELD_MM, Scan, expose
from benchhub.tasks.once import write_once

#: Part of the cache key: raise it with any change that moves a pixel or a label.
GENERATOR = 1
_FIRST_ID = {"train": 1, "test": 1001}
_FRAMES = 30


@dataclass(frozen=True, slots=True)
class CardiacPhantom:
    """What is generated: patients of two volumes (ED, ES) each, of `slices` base to apex."""

    seed: int = 17
    train_patients: int = 60
    test_patients: int = 60
    slices: int = 5

    @property
    def key(self) -> str:
        """Name the data set: the same key means the same pixels."""
        asked = json.dumps([GENERATOR, asdict(self)], sort_keys=True)
        return hashlib.sha256(asked.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Patient:
    """One patient of the phantom: `volumes` are (image, labels) of ED and ES, (x, y, slices)."""

    name: str
    info: dict[str, str]
    spacing_mm: tuple[float, float, float]
    volumes: tuple[tuple[Array, Array], ...]


def write_phantom(phantom: CardiacPhantom, cache: Path) -> Path:
    """Return the folder of `phantom` below `cache`, writing it if it is not there yet.

    The folder appears under its name only when complete, so a second process or an interrupted
    one does no harm.
    """
    return write_once(cache / "cardiac" / phantom.key, partial(_write, phantom))


def patients(phantom: CardiacPhantom, split: str) -> Iterator[Patient]:
    """Yield the patients of a split ("train" or "test")."""
    count = phantom.train_patients if split == "train" else phantom.test_patients
    for index in range(count):
        yield _patient(phantom, split, index)


def _patient(phantom: CardiacPhantom, split: str, index: int) -> Patient:
    rng = np.random.default_rng([phantom.seed, 0 if split == "train" else 1, index])
    heart, scan = Heart.draw(rng, GROUPS[index % len(GROUPS)]), Scan.draw(rng)
    systole = int(rng.integers(9, 14))
    levels = (np.arange(phantom.slices) + rng.uniform(0.2, 0.8)) / phantom.slices
    volumes = []
    for emptied in (False, True):
        slices = [expose(heart, scan, float(level), emptied, rng) for level in levels]
        # rows of a picture run along y, files along x first
        image, truth = (np.stack(kind).transpose(2, 1, 0) for kind in zip(*slices, strict=True))
        volumes.append((image, truth))
    apart = round(float(rng.uniform(70, 95)) / phantom.slices, 2)
    return Patient(
        name=f"patient{_FIRST_ID[split] + index:03d}",
        info={
            "ED": "1",
            "ES": str(systole),
            "Group": heart.group,
            "Height": f"{rng.normal(171, 9):.1f}",
            "NbFrame": str(_FRAMES),
            "Weight": f"{rng.normal(76, 12):.1f}",
        },
        spacing_mm=(scan.spacing_mm, scan.spacing_mm, apart),
        volumes=tuple(volumes),
    )


def _write(phantom: CardiacPhantom, folder: Path) -> Mapping[str, Any]:
    digest = hashlib.sha256()
    for split, shelf in SPLITS.items():
        (folder / shelf).mkdir()
        for patient in patients(phantom, split):
            digest.update(_save(patient, folder / shelf / patient.name))
    return {
        "generator": GENERATOR,
        **asdict(phantom),
        "field_mm": FIELD_MM,
        "sha256": digest.hexdigest(),
    }


def _save(patient: Patient, folder: Path) -> bytes:
    """Write one patient's folder; return a digest of what is in it."""
    folder.mkdir()
    info = "".join(f"{key}: {value}\n" for key, value in patient.info.items())
    (folder / "Info.cfg").write_text(info, encoding="ascii")
    digest = hashlib.sha256(f"{patient.name} {patient.spacing_mm}\n{info}".encode())
    for moment, (image, truth) in zip(MOMENTS, patient.volumes, strict=True):
        stem = f"{patient.name}_frame{int(patient.info[moment]):02d}"
        for name, values in ((f"{stem}.nii.gz", image), (f"{stem}_gt.nii.gz", truth)):
            (folder / name).write_bytes(_nifti(values, patient.spacing_mm))
            digest.update(np.ascontiguousarray(values).tobytes())
    return digest.digest()


def _nifti(values: Array, spacing_mm: tuple[float, float, float]) -> bytes:
    """Return a gzipped NIfTI-1 file; the same values give the same bytes."""
    try:
        import nibabel
    except ImportError as error:
        raise MissingExtra(
            f"the cardiac phantom is written with nibabel, which is not installed ({error}); "
            "pip install 'benchhub[medical]'",
            "nibabel is not installed",
        ) from error
    nifti: Any = nibabel.Nifti1Image
    image = nifti(values, np.diag([*spacing_mm, 1.0]))
    image.header.set_xyzt_units("mm")
    return gzip.compress(image.to_bytes(), compresslevel=1, mtime=0)
