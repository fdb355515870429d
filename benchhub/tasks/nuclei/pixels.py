"""Micrographs and masks from files, whatever their mode and depth."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.outside.foreign.bounds import check_size
from benchhub.outside.foreign.pictures import PIXEL_BYTES, picture
from benchhub.outside.foreign.reading import reading

_UNREADABLE = "not a readable image"


def read_colour(path: Path) -> NDArray[np.uint8]:
    """Return an image as RGB, uint8 (height, width, 3).

    Alpha is dropped, grey is repeated, 16 bits are scaled to 8. Raises ConfigError naming the file
    if it is not readable.
    """
    pixels = _eight_bits(path, _read(path))
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        raise ConfigError(f"{path}: pixels of shape {pixels.shape}, not RGB; save it as 8-bit RGB")
    return np.ascontiguousarray(pixels[..., :3])


def read_mask(path: Path) -> NDArray[np.bool_]:
    """Return where a mask is not black, (height, width); ConfigError if it is not readable."""
    return np.asarray(read_colour(path).any(axis=2), dtype=bool)


def shrunk(pixels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Return the image with areas of `factor` x `factor` pixels averaged; a rest is cut off."""
    if factor == 1:
        return pixels
    rows, columns = pixels.shape[0] // factor, pixels.shape[1] // factor
    whole = pixels[: rows * factor, : columns * factor]
    areas = whole.reshape(rows, factor, columns, factor, -1).mean(axis=(1, 3))
    return np.asarray(np.rint(areas), dtype=np.uint8)


def _read(path: Path) -> Array:
    try:
        with picture(path, _UNREADABLE) as image:
            # a palette's indices are no colours
            return np.asarray(image.convert("RGB") if image.mode in ("P", "CMYK") else image)
    except ConfigError:
        if path.suffix.lower() in (".tif", ".tiff") and path.is_file():
            return _read_deep(path)
        raise


def _read_deep(path: Path) -> Array:
    """Read what Pillow cannot: RGB of 16 bits a channel, for one."""
    from tifffile import TiffFile

    with reading(path, _UNREADABLE, "copy it again"), TiffFile(path) as opened:
        page = opened.pages.first  # as Pillow does; the list of the others may have no end
        sizes = " x ".join(map(str, page.shape))
        check_size(path, PIXEL_BYTES * math.prod(page.shape), f"a picture of {sizes}")
        check_size(path, PIXEL_BYTES * page.tilewidth * page.tilelength, "a tile of it")
        strips = zip(page.dataoffsets, page.databytecounts, strict=False)
        if max((at + count for at, count in strips), default=0) > path.stat().st_size:
            raise ConfigError(f"{path}: {_UNREADABLE} (it is cut short); copy it again")
        pixels = np.asarray(page.asarray())
    if not pixels.size:  # what it makes of a file cut short
        raise ConfigError(f"{path}: {_UNREADABLE} (it is cut short); copy it again")
    return pixels


def _eight_bits(path: Path, pixels: Array) -> NDArray[np.uint8]:
    if pixels.dtype == bool:
        return pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.uint16 or (pixels.dtype == np.int32 and int(pixels.min(initial=0)) >= 0):
        return np.asarray(np.minimum(pixels.astype(np.uint32) // 257, 255), dtype=np.uint8)
    raise ConfigError(f"{path}: pixels of type {pixels.dtype}; save it with 8 or 16 bits a channel")
