"""The files of MoNuSeg and of TNBC: which images there are, whose, and where their nuclei are told.

MoNuSeg: `*/Tissue Images/*.tif` with `*/Annotations/*.xml` to train, `MoNuSegTestData/*.tif` with
`*.xml` beside them to test. TNBC: `Slide_XX/*.png` with `GT_XX/*.png`; it has no split of its own,
so every third slide tests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from benchhub.errors import ConfigError

_TISSUE, _OUTLINES, _TEST = "Tissue Images", "Annotations", "MoNuSegTestData"
_SUFFIXES = (".tif", ".tiff")
#: TCGA's barcodes begin with project, site and patient.
_BARCODE = re.compile(r"^([A-Za-z]+-\w{2}-\w{4})-")
_SLIDE = re.compile(r"^Slide_(\w+)$", re.IGNORECASE)
#: Every so many-th slide of TNBC tests.
_EVERY = 3


@dataclass(frozen=True, slots=True)
class TileEntry:
    """One image of the data set, the file that tells its nuclei, and the patient or slide."""

    name: str
    image: Path
    truth: Path
    slide: str


@dataclass(frozen=True, slots=True)
class Layout:
    """What lies in a folder: which data set, and the entries of both splits."""

    name: str
    train: tuple[TileEntry, ...]
    test: tuple[TileEntry, ...]


def read_layout(folder: Path) -> Layout:
    """Return what lies in `folder` or below it, in the order of names.

    Raises ConfigError naming the file at fault: no folder, neither layout, a split without images,
    an image without its annotation or the other way round, a patient in both splits.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder; --data names a copy of MoNuSeg or of TNBC")
    if any(folder.rglob(_TISSUE)) or any(_folders(folder, _TEST)):
        return _checked(folder, _monuseg(folder))
    slides = sorted(path for path in folder.rglob("Slide_*") if path.is_dir())
    if slides:
        return _checked(folder, _tnbc(slides))
    raise ConfigError(
        f"{folder}: neither '{_TISSUE}' and {_TEST} (MoNuSeg) nor Slide_01 (TNBC) in it; unpack the"
        " archives there"
    )


def _monuseg(folder: Path) -> Layout:
    train = [
        entry
        for tissue in _folders(folder, _TISSUE)
        for entry in _paired(tissue, tissue.parent / _OUTLINES, ".xml")
    ]
    test = [entry for place in _folders(folder, _TEST) for entry in _paired(place, place, ".xml")]
    return Layout("MoNuSeg", tuple(train), tuple(test))


def _tnbc(slides: list[Path]) -> Layout:
    train: list[TileEntry] = []
    test: list[TileEntry] = []
    for place, slide in enumerate(slides, start=1):
        found = _SLIDE.match(slide.name)
        number = found.group(1) if found else slide.name
        entries = _paired(slide, slide.parent / f"GT_{number}", ".png")
        # names are numbered by slide, but only within a copy
        named = [TileEntry(f"{number}/{one.name}", one.image, one.truth, number) for one in entries]
        (train if place % _EVERY else test).extend(named)
    return Layout("TNBC", tuple(train), tuple(test))


def _paired(images: Path, truths: Path, suffix: str) -> list[TileEntry]:
    """Return the images of a folder with their truths; ConfigError where one lacks the other."""
    kinds = (suffix,) if suffix == ".png" else _SUFFIXES
    pictures = {path.stem: path for path in _files(images) if path.suffix.lower() in kinds}
    told = {path.stem: path for path in _files(truths) if path.suffix.lower() == suffix}
    if not pictures:
        raise ConfigError(f"{images}: no {kinds[0]} files in it; copy the images there")
    for stem, path in pictures.items():
        if stem not in told:
            missing = len(pictures.keys() - told.keys())
            raise ConfigError(
                f"{path}: no annotation {truths / (stem + suffix)} ({missing} of {len(pictures)}"
                " images lack theirs); complete the copy"
            )
    for stem, path in told.items():
        if stem not in pictures:
            raise ConfigError(f"{path}: no image {stem}{kinds[0]} in {images}; complete the copy")
    return [TileEntry(stem, path, told[stem], _patient(stem)) for stem, path in pictures.items()]


def _checked(folder: Path, layout: Layout) -> Layout:
    missing = {"train": _TISSUE, "test": _TEST}
    for split in ("train", "test"):
        if not getattr(layout, split):
            what = missing[split] if layout.name == "MoNuSeg" else f"{_EVERY} slides or more"
            raise ConfigError(
                f"{folder}: the {split} split of {layout.name} has no image; it needs {what}"
            )
    shared = sorted({one.slide for one in layout.train} & {one.slide for one in layout.test})
    if shared:
        raise ConfigError(
            f"{folder}: {len(shared)} patients are in both splits, first {shared[0]}; remove their"
            " images from one"
        )
    return layout


def _folders(folder: Path, name: str) -> list[Path]:
    """Return the folders of a name at or below `folder`."""
    here = [folder] if folder.name == name else []
    return here + sorted(path for path in folder.rglob(name) if path.is_dir())


def _files(folder: Path) -> list[Path]:
    """Return the files of a folder by name, without those that archives of macOS leave behind."""
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")
    )


def _patient(stem: str) -> str:
    found = _BARCODE.match(stem)
    return found.group(1) if found else stem
