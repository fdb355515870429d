"""Images cut into the tiles that are cases, and the nuclei in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from benchhub.errors import ConfigError
from benchhub.outside.foreign.pictures import picture
from benchhub.tasks.nuclei.annotations import read_instances
from benchhub.tasks.nuclei.layout import TileEntry
from benchhub.tasks.nuclei.pixels import read_colour, read_mask, shrunk
from benchhub.tasks.stained.instances import Labels, relabel


@dataclass(frozen=True, slots=True)
class Tile:
    """A square of an image: where it lies in the image as shrunk, in pixels."""

    entry: TileEntry
    top: int
    left: int

    @property
    def name(self) -> str:
        """Return the tile's id."""
        return f"{self.entry.name}@{self.top},{self.left}"


def tiles(entry: TileEntry, size: int, shrink: int) -> Iterator[Tile]:
    """Yield the tiles of an image, row by row, side by side; what is left at the ends is not used.

    Only the file's header is read. Raises ConfigError if the image is smaller than a tile.
    """
    width, height = (side // shrink for side in _extent(entry))
    if width < size or height < size:
        raise ConfigError(
            f"{entry.image}: {width} x {height} pixels after data.shrink = {shrink}, and a tile is"
            f" {size}; lower data.size or data.shrink"
        )
    for top in range(0, height - size + 1, size):
        for left in range(0, width - size + 1, size):
            yield Tile(entry, top, left)


def read_pair(entry: TileEntry, shrink: int) -> tuple[NDArray[np.uint8], Labels]:
    """Return an image, (H, W, 3), and the map of its nuclei, (H, W), both shrunk.

    Outlines are shrunk before they are filled; masks keep each area's first pixel, and their nuclei
    are the patches of pixels that share sides. Raises ConfigError naming the file at fault.
    """
    whole = read_colour(entry.image)
    pixels = shrunk(whole, shrink)
    if entry.truth.suffix.lower() == ".xml":
        return pixels, read_instances(entry.truth, pixels.shape[:2], shrink)
    mask = read_mask(entry.truth)
    if mask.shape != whole.shape[:2]:
        raise ConfigError(
            f"{entry.truth}: {mask.shape[1]} x {mask.shape[0]} pixels, and its image"
            f" {entry.image.name} has {whole.shape[1]} x {whole.shape[0]}; copy both again"
        )
    patches, _ = label(mask)
    rows, columns = pixels.shape[:2]
    kept = patches[::shrink, ::shrink][:rows, :columns]
    return pixels, relabel(np.asarray(kept, dtype=np.int32))


def _extent(entry: TileEntry) -> tuple[int, int]:
    try:
        with picture(entry.image, "not a readable image") as image:
            return image.size
    except ConfigError:  # the reader may know better, or says what is wrong
        height, width = read_colour(entry.image).shape[:2]
        return width, height
