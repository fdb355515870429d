"""Pictures and volumes: radiographs, micrographs, patches, and the frames of ACDC."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchhub.tasks.cardiac.layout import Frame, read_split
from benchhub.tasks.cardiac.volume import read_volume
from benchhub.tasks.chest_xray.layout import read_image
from benchhub.tasks.nuclei.layout import TileEntry
from benchhub.tasks.nuclei.pixels import read_colour
from benchhub.tasks.nuclei.tiles import tiles
from benchhub.tasks.tissue.layout import Patch, read_patch, read_side

from ..target import Target, lasting

_RNG = np.random.default_rng(3)
_Tag = tuple[int, int, int]
_RGB = _RNG.integers(0, 255, (24, 20, 3), dtype=np.uint8)
_SQUARE = _RNG.integers(0, 255, (16, 16, 3), dtype=np.uint8)


def _saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    total = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", total)


def png(width: int, height: int, lines: bytes, colour: int = 0, depth: int = 8) -> bytes:
    """Return a PNG that claims any size, whatever its lines are."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = _png_chunk(b"IHDR", head) + _png_chunk(b"IDAT", zlib.compress(lines))
    return b"\x89PNG\r\n\x1a\n" + chunks + _png_chunk(b"IEND", b"")


def tiff(tags: dict[int, _Tag], content: bytes = b"") -> bytes:
    """Return a TIFF of one directory: tag to type, count and value (or offset)."""
    body = struct.pack("<H", len(tags))
    for tag, (kind, count, value) in sorted(tags.items()):
        body += struct.pack("<HHII", tag, kind, count, value)
    return b"II*\x00" + struct.pack("<I", 8) + body + struct.pack("<I", 0) + content


def _tags(width: int, height: int, **changes: _Tag) -> dict[int, _Tag]:
    plain = {
        256: (4, 1, width), 257: (4, 1, height), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1),
        273: (4, 1, 150), 277: (3, 1, 1), 278: (4, 1, height), 279: (4, 1, 64),
    }  # fmt: skip
    return plain | {int(tag[1:]): value for tag, value in changes.items()}


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(x) run\nshowpage\n"


def _radiographs() -> Iterator[bytes]:
    grey = Image.fromarray(_RGB[..., 0])
    yield _saved(grey, "PNG")
    yield _saved(Image.fromarray(_RGB[..., 0].astype(np.uint16) * 257), "PNG")
    yield _saved(Image.fromarray(_RGB).convert("RGBA"), "PNG")
    yield _saved(Image.fromarray(_RGB).convert("P"), "PNG")
    yield _saved(grey.convert("1"), "PNG")
    yield _saved(grey, "JPEG")


def _micrographs() -> Iterator[bytes]:
    colour = Image.fromarray(_RGB)
    for packing in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        yield _saved(colour, "TIFF", compression=packing)
    yield _saved(colour.convert("RGBA"), "TIFF")
    yield _saved(colour.convert("P"), "TIFF")
    yield _saved(Image.fromarray(_RGB[..., 0].astype(np.uint16) * 257), "TIFF")
    yield _deep()


def _deep() -> bytes:
    """16 bits a channel, which Pillow does not read."""
    from tifffile import imwrite

    stream = io.BytesIO()
    imwrite(stream, _RGB.astype(np.uint16) * 257, photometric="rgb")
    return stream.getvalue()


def _endless() -> bytes:
    """A sound picture of 16 bits, the next of which is always the one before."""
    whole = bytearray(_deep())
    (first,) = struct.unpack_from("<I", whole, 4)
    (tags,) = struct.unpack_from("<H", whole, first)
    struct.pack_into("<I", whole, first + 2 + 12 * tags, len(whole) + len(whole) % 2)
    whole += bytes(len(whole) % 2) + whole[first : first + 2 + 12 * tags] + struct.pack("<I", first)
    return bytes(whole)


def _packed() -> bytes:
    return _saved(Image.fromarray(_RGB), "TIFF", compression="tiff_adobe_deflate")


def _with(picture: bytes, tag: int, value: int) -> bytes:
    """The same TIFF where a tag has another value."""
    whole = bytearray(picture)
    (first,) = struct.unpack_from("<I", whole, 4)
    (tags,) = struct.unpack_from("<H", whole, first)
    for at in range(first + 2, first + 2 + 12 * tags, 12):
        if struct.unpack_from("<H", whole, at)[0] == tag:
            struct.pack_into("<HII", whole, at + 2, 4, 1, value)
    return bytes(whole)


def _patches() -> Iterator[bytes]:
    colour = Image.fromarray(_SQUARE)
    for packing in (None, "tiff_lzw", "jpeg"):
        yield _saved(colour, "TIFF", compression=packing)


def _radiograph(path: Path) -> None:
    read_image(path, 16)


def _micrograph(path: Path) -> None:
    entry = TileEntry("a", path, path, "a")
    list(tiles(entry, 16, 1))
    read_colour(path)


def _patch(path: Path) -> None:
    patch = Patch("TUM/a.tif", path, 8)
    side = read_side(patch)
    read_patch(patch, min(side, 4096), 8)


# --- volumes ----------------------------------------------------------------------------------


def nifti(values: Any, zooms: tuple[float, ...] = (1.5, 1.5, 10.0), second: bool = False) -> bytes:
    """Return a NIfTI file, not gzipped."""
    import nibabel

    kind: Any = nibabel.Nifti2Image if second else nibabel.Nifti1Image
    image = kind(values, np.diag([*zooms, 1.0]))
    image.header.set_xyzt_units("mm")
    return bytes(image.to_bytes())


def _heart() -> tuple[Any, Any]:
    truth = np.zeros((20, 20, 2), np.uint8)
    for label, reach in ((1, 6), (2, 4), (3, 2)):
        truth[10 - reach : 10 + reach, 10 - reach : 10 + reach] = label
    return (_RNG.integers(0, 60, truth.shape) + 100 * truth).astype(np.int16), truth


_SOUND = lasting(lambda: tuple(nifti(one) for one in _heart()))


def _images() -> Iterator[bytes]:
    image, _ = _heart()
    yield _SOUND()[0]
    yield gzip.compress(_SOUND()[0], mtime=0)
    yield nifti(image.astype(np.float32))
    yield nifti(image, second=True)
    yield nifti(image[..., None])


def _truths() -> Iterator[bytes]:
    _, truth = _heart()
    yield _SOUND()[1]
    yield gzip.compress(_SOUND()[1], mtime=0)
    yield nifti(truth.astype(np.float64))


def _volume(image: Path, truth: Path) -> None:
    read_volume(Frame("patient101", "ED", 1, image, truth), 16, 1.5)


def _image(path: Path) -> None:
    truth = path.with_name("truth.nii")
    truth.write_bytes(_SOUND()[1])
    _volume(path, truth)


def _truth(path: Path) -> None:
    image = path.with_name("image.nii")
    image.write_bytes(_SOUND()[0])
    _volume(image, path)


def _info(path: Path) -> None:
    patient = path.parent / "training" / "patient001"
    patient.mkdir(parents=True)
    (patient / "Info.cfg").write_bytes(path.read_bytes())
    for stem in ("frame01", "frame01_gt", "frame12", "frame12_gt"):
        (patient / f"patient001_{stem}.nii.gz").touch()
    read_split(path.parent, "train")


def _header(at: int, content: bytes) -> bytes:
    """A sound image with other bytes in its header."""
    whole: bytes = _SOUND()[0]
    return whole[:at] + content + whole[at + len(content) :]


def _no_scanner() -> bytes:
    return _header(80, struct.pack("<3f", 1e-38, 1e-38, 10.0))


_PNG = "not a readable PNG"
_TIFF = "not a readable image"
_NIFTI = "not a readable NIfTI"
_UNPACK = "BENCHHUB_UNPACK"

TARGETS = (
    Target(
        "png", _radiograph, _radiographs, ".png", (b"IHDR", b"IDAT", b"PLTE", b"tRNS", b"zTXt"),
        native=True,
        hard={
            "a bomb": (lambda: png(20_000, 20_000, bytes(1 << 20)), _UNPACK),
            "larger than anything": (lambda: png(2**31 - 1, 2**31 - 1, b""), _UNPACK),
            "no size": (lambda: png(0, 0, b""), ""),
            "cut short": (lambda: png(64, 64, bytes(99)), _PNG),
            "a text that unpacks": (
                lambda: png(4, 4, bytes(20))[:-12]
                + _png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(9_000_000)))
                + _png_chunk(b"IEND", b""), None,
            ),
            "a program's file": (lambda: EPS, "unknown format"),
            "nothing": (lambda: b"", "unknown format"),
            "spoilt bytes": (lambda: png(8, 8, bytes(72)).replace(b"IDAT", b"IDAU"), _PNG),
        },
    ),
    Target(
        "tiff", _micrograph, _micrographs, ".tif", native=True, needs=("tifffile",),
        hard={
            "a bomb": (lambda: tiff(_tags(40_000, 40_000)), _UNPACK),
            "of no end": (lambda: tiff(_tags(2**32 - 1, 2**32 - 1)), ""),
            "no size": (lambda: tiff(_tags(0, 0)), ""),
            "strips of no size": (lambda: tiff(_tags(16, 16, t279=(4, 1, 0))), None),
            "very many strips": (
                lambda: tiff(_tags(16, 16, t273=(4, 2**31, 8), t279=(4, 2**31, 8))), None
            ),
            "a directory that is its own next": (
                lambda: tiff(_tags(16, 16))[:-4] + struct.pack("<I", 8), None
            ),
            "16 bits, of directories without end": (_endless, None),
            "a strip of 4 GB": (lambda: _with(_packed(), 279, 2**32 - 1), "it is cut short"),
            "unknown packing": (lambda: tiff(_tags(16, 16, t259=(3, 1, 77))), None),
            "a type that is none": (lambda: tiff(_tags(16, 16, t258=(99, 1, 8))), None),
            "cut short": (lambda: b"II*\x00\x08\x00", _TIFF),
            "a program's file": (lambda: EPS, _TIFF),
        },
    ),
    Target(
        "tiff-patch", _patch, _patches, ".tif", native=True,
        hard={
            "a bomb": (lambda: tiff(_tags(40_000, 40_000)), _UNPACK),
            "cut short": (lambda: next(iter(_patches()))[:120], "not a readable 8-bit TIFF"),
            "a program's file": (lambda: EPS, "unknown format"),
        },
    ),
    Target(
        "nifti", _image, _images, ".nii.gz", needs=("nibabel",),
        hard={
            "a bomb": (lambda: gzip.compress(bytes(70_000_000)), _UNPACK),
            "sizes that nobody has": (
                lambda: _header(40, struct.pack("<8h", 3, 32767, 32767, 32767, 1, 1, 1, 1)), _UNPACK
            ),
            "sizes below 0": (
                lambda: _header(40, struct.pack("<8h", 3, -2, 20, 2, 1, 1, 1, 1)), _NIFTI
            ),
            "eight axes": (lambda: _header(40, struct.pack("<8h", 8, 2, 2, 2, 2, 2, 2, 2)), ""),
            "an unknown type": (lambda: _header(70, struct.pack("<2h", 4242, 16)), _NIFTI),
            "colours": (lambda: _header(70, struct.pack("<2h", 128, 24)), _NIFTI),
            "complex numbers": (lambda: _header(70, struct.pack("<2h", 32, 64)), _NIFTI),
            "values far behind": (lambda: _header(108, struct.pack("<f", 1e18)), _NIFTI),
            "values before the file": (lambda: _header(108, struct.pack("<f", -1e9)), _NIFTI),
            "scaled beyond all": (lambda: _header(112, struct.pack("<2f", 3e38, 3e38)), "pixels"),
            "pixels that no scanner has": (_no_scanner, "which no scanner has"),
            "a picture smaller than a pixel": (
                lambda: _header(80, struct.pack("<3f", 1e-3, 1e-3, 1.0)), "smaller than a pixel"
            ),
            "an extension of no end": (
                lambda: _SOUND()[0][:348] + struct.pack("<4sii", b"\1\0\0\0", 2**31 - 16, 4),
                _NIFTI,
            ),
            "a pair with another file": (lambda: _header(344, b"ni1\0"), None),
            "gzip cut short": (lambda: gzip.compress(_SOUND()[0])[:-9], _NIFTI),
            "nothing": (lambda: b"", _NIFTI),
        },
    ),
    Target(
        "nifti-truth", _truth, _truths, ".nii", needs=("nibabel",),
        hard={
            "other sizes": (lambda: nifti(np.zeros((9, 9, 2), np.uint8)), "labels of 9 x 9 x 2"),
            "labels that are none": (lambda: nifti(np.full((20, 20, 2), np.nan)), "label nan"),
        },
    ),
    Target(
        "info-cfg", _info, lambda: [b"ED: 1\nES: 12\nGroup: DCM\nHeight: 184.0\nNbFrame: 30\n"],
        ".cfg", (b"ED", b"ES", b":", b"1", b"12"),
        hard={
            "a number of five thousand digits": (
                lambda: b"ED: " + b"1" * 5000 + b"\nES: 12\n", "not the number of a frame"
            ),
            "no text": (lambda: bytes(range(256)), "no key"),
            "digits of another script": (lambda: "ED: \u0661\nES: 12\n".encode(), None),
        },
    ),
)  # fmt: skip
