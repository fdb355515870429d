"""One labelled volume as the model sees it: same spacing, same size, same scale for every patient.

Slices are resampled in the plane only: between slices lie 5 to 10 mm, and a 2-d model sees one.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchhub.errors import ConfigError, MissingExtra
from benchhub.model.arrays import Array
from benchhub.outside.foreign.bounds import check_size, unzipped
from benchhub.outside.foreign.reading import reading
from benchhub.tasks.cardiac.layout import Frame

#: Background, then the structures in the order of their labels.
CLASSES = ("background", "rv", "myo", "lv")
#: A heart that loses more than this share of its labelled area to the crop is refused.
_MOST_LOST = 0.05
_PER_MM = {"mm": 1.0, "meter": 1000.0, "micron": 0.001}
#: What a pixel may measure, and how many of them a side of a slice.
_NARROWEST_MM, _WIDEST_MM, _LONGEST = 1e-3, 1e3, 1 << 15


@dataclass(frozen=True, slots=True)
class Volume:
    """Slices of a frame: `images` float32 and `truth` uint8, both (slices, size, size)."""

    images: Array
    truth: Array


@dataclass(frozen=True, slots=True)
class _Nifti:
    """What a file holds: (x, y, slices), and how many millimetres a pixel of each axis takes."""

    values: Array
    spacing_mm: tuple[float, float]


def read_volume(frame: Frame, size: int, spacing_mm: float) -> Volume:
    """Return a frame resampled to `spacing_mm` in the plane, its middle `size` pixels square.

    Images are averaged where they shrink and interpolated where they grow, labels take the nearest
    pixel. Intensities lose the mean of the volume's own pixels and are divided by their spread;
    what lies outside the image is 0. Raises ConfigError naming file and patient: not readable, no
    spacing, labels of another size or out of range, a heart that the crop would cut.
    """
    image, truth = _read(frame.image, frame.patient), _read(frame.truth, frame.patient)
    if image.values.shape != truth.values.shape:
        raise ConfigError(
            f"{frame.truth}: labels of {_show(truth.values)} for an image of {_show(image.values)}"
            f" (patient {frame.patient}); copy both files again from the same release"
        )
    with np.errstate(over="ignore"):
        pixels, labels = image.values.astype(np.float32), _labels(frame, truth.values)
    if not np.isfinite(pixels).all():
        raise ConfigError(
            f"{frame.image}: NaN or infinite pixels (patient {frame.patient}); copy it again"
        )
    ratios = [spacing_mm / own for own in image.spacing_mm]
    across, down = (
        _weights(count, size, ratio) for count, ratio in zip(pixels.shape, ratios, strict=False)
    )
    images = np.einsum("ax,xys,by->sba", across, pixels, down, optimize=True)
    inside = np.outer(down.any(axis=1), across.any(axis=1))
    if not inside.any():
        raise ConfigError(
            f"{frame.image}: it is smaller than a pixel of data.spacing_mm = {spacing_mm:g}"
            f" (patient {frame.patient}); lower that, or mend the spacing in the header"
        )
    seen = images[:, inside]
    with np.errstate(over="ignore", invalid="ignore"):
        spread = float(seen.std())
    if not 0 < spread < math.inf:
        what = "every pixel is the same" if spread == 0 else "pixels are too large to be compared"
        raise ConfigError(f"{frame.image}: {what} (patient {frame.patient}); copy it again")
    images = np.where(inside, (images - seen.mean()) / spread, 0).astype(np.float32)
    return Volume(images, _nearest(frame, labels, size, ratios))


def _weights(count: int, size: int, ratio: float) -> Array:
    """Return (size, count): how a row of `count` pixels is read at `ratio` pixels a step.

    Triangles about the new pixels' middles, as wide as a step where it is more than a pixel; rows
    of zeros where the middle lies outside.
    """
    middles = (count - 1) / 2 + (np.arange(size) - (size - 1) / 2) * ratio
    apart = np.abs(middles[:, None] - np.arange(count)[None, :])
    weights = np.clip(1 - apart / max(1.0, ratio), 0, None)
    weights[(middles < -0.5) | (middles > count - 0.5)] = 0
    total = np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    return np.asarray(weights / total, dtype=np.float32)


def _nearest(frame: Frame, labels: Array, size: int, ratios: list[float]) -> Array:
    picked = []
    for count, ratio in zip(labels.shape, ratios, strict=False):
        index = np.rint((count - 1) / 2 + (np.arange(size) - (size - 1) / 2) * ratio).astype(int)
        picked.append(np.where((index < 0) | (index >= count), count, index))
    _check_kept(frame, labels, picked)
    padded = np.pad(labels, ((0, 1), (0, 1), (0, 0)))
    return np.ascontiguousarray(padded[np.ix_(*picked)].transpose(2, 1, 0))


def _check_kept(frame: Frame, labels: Array, picked: list[Array]) -> None:
    heart = int(np.count_nonzero(labels))
    kept = [index[index < count] for index, count in zip(picked, labels.shape, strict=False)]
    window = labels[kept[0].min() : kept[0].max() + 1, kept[1].min() : kept[1].max() + 1]
    lost = 1 - int(np.count_nonzero(window)) / max(1, heart)
    if heart and lost > _MOST_LOST:
        raise ConfigError(
            f"{frame.truth}: {lost:.0%} of the heart lies outside the crop (patient "
            f"{frame.patient}); raise data.size or data.spacing_mm"
        )


def _labels(frame: Frame, values: Array) -> Array:
    found = np.unique(values)
    wrong = [value for value in found.tolist() if value not in range(len(CLASSES))]
    if wrong:
        raise ConfigError(
            f"{frame.truth}: label {wrong[0]:g} (patient {frame.patient}); labels are 0 background,"
            " 1 right ventricle, 2 muscle, 3 left ventricle"
        )
    return values.astype(np.uint8)


def _read(path: Path, patient: str) -> _Nifti:
    try:
        import nibabel
    except ImportError as error:
        raise MissingExtra(
            f"{path}: NIfTI is read with nibabel, which is not installed ({error}); "
            "pip install 'benchhub[medical]'",
            "nibabel is not installed",
        ) from error
    with reading(path, f"not a readable NIfTI file of patient {patient}", "copy it again"):
        # in one piece, and not by its name: other formats of nibabel's lead to further files
        content = unzipped(path)
        kinds: Any = (nibabel.Nifti1Image, nibabel.Nifti2Image)
        found = [kind for kind in kinds if kind.header_class.may_contain_header(content[:540])]
        if not found:
            raise ValueError("it has no header")
        # as written: on loading, nibabel turns a spacing of 0 into 1
        header = found[0].header_class.from_fileobj(io.BytesIO(content), check=False)
        spacing = _spacing(header, path, patient)
        opened = found[0].from_bytes(content)
        stored = opened.get_data_dtype()
        if stored.kind not in "biuf":
            raise ValueError(f"it holds {stored}, not numbers")
        # what is scaled becomes double
        check_size(path, math.prod(opened.shape) * max(8, stored.itemsize), "its volume")
        values: Array = np.asarray(opened.dataobj)
    while values.ndim > 3 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim != 3 or 0 in values.shape:
        raise ConfigError(
            f"{path}: {_show(values)} values (patient {patient}); a frame has x, y and slices"
        )
    if max(values.shape[:2]) > _LONGEST:
        raise ConfigError(
            f"{path}: {_show(values)} values (patient {patient}); a slice has up to {_LONGEST}"
            " pixels a side"
        )
    return _Nifti(values, spacing)


def _spacing(header: Any, path: Path, patient: str) -> tuple[float, float]:
    zooms = [float(zoom) for zoom in header["pixdim"][1:4]]
    unit = header.get_xyzt_units()[0]
    untold = unit == "unknown" and zooms == [1.0, 1.0, 1.0]
    if untold or not all(math.isfinite(zoom) and zoom > 0 for zoom in zooms[:2]):
        said = " x ".join(f"{zoom:g}" for zoom in zooms)
        raise ConfigError(
            f"{path}: no spacing (patient {patient}: pixdim {said}, unit {unit}), so nobody knows "
            "how large a pixel is; write the scanner's spacing into the header"
        )
    x, y = (zoom * _PER_MM.get(unit, 1.0) for zoom in zooms[:2])
    if not all(_NARROWEST_MM <= one <= _WIDEST_MM for one in (x, y)):
        raise ConfigError(
            f"{path}: pixels of {x:g} x {y:g} mm (patient {patient}), which no scanner has; write"
            " its spacing into the header"
        )
    return x, y


def _show(values: Array) -> str:
    return " x ".join(map(str, values.shape))
