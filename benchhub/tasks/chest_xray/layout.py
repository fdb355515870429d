"""ChestX-ray14's files on disk: one table of findings, two lists of names, folders of PNGs.

Reads the release of 2017 (unquoted commas in the header, a trailing empty column) and that of
2020, images in `images/` or in `images_001/images/` and so on.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.outside.foreign.bounds import TEXT, whole
from benchhub.outside.foreign.pictures import picture
from benchhub.outside.foreign.reading import reading
from benchhub.tasks.chest_xray.lesions import LABELS

_LISTS = {"train": "train_val_list.txt", "test": "test_list.txt"}
_COLUMNS = ("image index", "finding labels", "patient id")
_WIDE = ("I", "I;16", "I;16B", "I;16L")


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """One image of the data set: where it lies, whose it is, what was found in it."""

    name: str
    path: Path
    patient: str
    findings: frozenset[str]


def read_split(folder: Path, split: str) -> tuple[ImageEntry, ...]:
    """Return the entries of "train" or "test" in the list's order.

    Raises ConfigError naming the file at fault: folder, table or list missing or not UTF-8, a list
    empty or with a name twice, a listed image without file or row, a row cut short, a second row of
    an image, a row without patient or labels, a label that is not one of the fourteen.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder; --data names a copy of ChestX-ray14")
    names = _names(folder / _LISTS[split])
    rows = _rows(_table(folder))
    files = _files(folder)
    _complain(f"{folder / _LISTS[split]}: listed, but the table has no row for", names, rows)
    _complain(f"{folder}: listed in {_LISTS[split]}, but there is no image file", names, files)
    return tuple(ImageEntry(name, files[name], *rows[name]) for name in names)


def check_disjoint(
    folder: Path, train: tuple[ImageEntry, ...], test: tuple[ImageEntry, ...]
) -> None:
    """Raise ConfigError if a patient is in both splits: scores would not be of unseen people."""
    shared = sorted({entry.patient for entry in train} & {entry.patient for entry in test})
    if shared:
        raise ConfigError(
            f"{folder}: {len(shared)} patients are in both splits, first {shared[0]}; "
            "remove them from train_val_list.txt or test_list.txt"
        )


def read_image(path: Path, size: int) -> Array:
    """Return an image as float32 (size, size), 0 to 1, whatever its mode and depth.

    Shrinks by averaging areas and enlarges bilinearly. Raises ConfigError if it is not readable.
    """
    with picture(path, "not a readable PNG") as image:
        wide = image.mode in _WIDE
        # 16-bit files go through float: converting them to 8 bits would clip, not scale
        grey = image.convert("F") if wide else image.convert("L").convert("F")
        if grey.size != (size, size):
            shrinks = min(grey.size) >= size
            method = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
            grey = grey.resize((size, size), method)
    return np.asarray(grey, dtype=np.float32) / np.float32(65535 if wide else 255)


def _table(folder: Path) -> Path:
    found = sorted(folder.glob("Data_Entry_2017*.csv"))
    if not found:
        raise ConfigError(f"{folder}: no Data_Entry_2017.csv; is this the folder that holds it?")
    return found[0]


def _names(path: Path) -> list[str]:
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; it comes with the data set")
    with reading(path, "not a list of names", "copy it again"):
        names = _text(path).split()
    if not names:
        raise ConfigError(f"{path}: lists no image, so this split is empty; copy it again")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ConfigError(f"{path}: {twice[0]} is listed twice; remove one of the lines")
    return names


def _text(path: Path) -> str:
    try:
        return whole(path, TEXT).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error


def _rows(path: Path) -> dict[str, tuple[str, frozenset[str]]]:
    with reading(path, "not a table of comma-separated values", "copy it again"):
        reader = csv.reader(io.StringIO(_text(path), newline=""))
        lines = [(reader.line_num, line) for line in reader]
    header = [cell.strip().lower() for cell in lines[0][1]] if lines else []
    missing = [column for column in _COLUMNS if column not in header]
    if missing:
        raise ConfigError(
            f"{path}: no column {missing[0]!r}; its header begins {header[:4]}, and that of the"
            " data set 'Image Index,Finding Labels'; copy the file again"
        )
    # the wanted columns stand before the header's stray commas, so positions hold
    columns = [header.index(column) for column in _COLUMNS]
    rows: dict[str, tuple[str, frozenset[str]]] = {}
    for number, line in lines[1:]:
        if not line:
            continue
        where = f"{path}:{number}"
        if len(line) <= max(columns):
            raise ConfigError(f"{where}: row cut short; copy the file again")
        name, labels, patient = (line[column].strip() for column in columns)
        if not patient:
            raise ConfigError(f"{where}: {name} has no patient id; copy the file again")
        if name in rows:
            raise ConfigError(f"{where}: a second row of {name}; keep one of them")
        rows[name] = (patient, _findings(labels, where))
    return rows


def _findings(cell: str, where: str) -> frozenset[str]:
    if not cell:
        # an image without findings says so; nothing at all is a row that lost its labels
        raise ConfigError(f"{where}: no labels; write 'No Finding' where nothing was found")
    found = {label.strip() for label in cell.split("|")} - {"No Finding", ""}
    unknown = sorted(found.difference(LABELS))
    if unknown:
        raise ConfigError(
            f"{where}: label {unknown[0]!r} is unknown; the 14 labels are {', '.join(LABELS)}"
        )
    return frozenset(found)


def _files(folder: Path) -> dict[str, Path]:
    places = [folder / "images", *sorted(folder.glob("images_*/images"))]
    present = [place for place in places if place.is_dir()]
    if not present:
        raise ConfigError(f"{folder}: neither images/ nor images_001/images/; unpack the archives")
    return {item.name: Path(item.path) for place in present for item in os.scandir(place)}


def _complain(text: str, names: list[str], known: Container[str]) -> None:
    missing = [name for name in names if name not in known]
    if missing:
        raise ConfigError(
            f"{text} {missing[0]} ({len(missing)} of {len(names)} missing); complete the copy"
        )
