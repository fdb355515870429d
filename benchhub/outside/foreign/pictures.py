"""Pictures in files: of the formats that are meant alone, and no larger than a file may be.

Pillow knows formats that start other programs (EPS) or lead to other files; none of them is opened,
whatever a file is called.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from benchhub.outside.foreign.bounds import check_size
from benchhub.outside.foreign.reading import reading

FORMATS = ("PNG", "TIFF", "JPEG", "BMP", "PPM")
#: What a pixel takes while it is read and converted, at most.
PIXEL_BYTES = 8


@contextlib.contextmanager
def picture(path: Path, what: str, step: str = "copy it again") -> Iterator[Image.Image]:
    """Open a picture, whose pixels are read when they are asked for in the block.

    ConfigError, as of `reading`, for whatever goes wrong in the block.
    """
    with reading(path, what, step), _own_bound(), Image.open(path, formats=FORMATS) as opened:
        pixels = opened.width * opened.height
        check_size(path, PIXEL_BYTES * pixels, f"a picture of {opened.width} x {opened.height}")
        yield opened


@contextlib.contextmanager
def _own_bound() -> Iterator[None]:
    """Put aside the bound that Pillow has for the whole process: it cannot be told from here."""
    usual = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = usual
