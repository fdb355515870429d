"""Arrays as numpy writes them: no pickles, nothing that is not there, no more than a file may take.

A header of a hundred bytes can claim as many elements as it likes; what it claims is held against
the bytes behind it before room is made for it.
"""

from __future__ import annotations

import io
import math
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from benchhub.errors import ConfigError
from benchhub.outside.foreign.bounds import check_kind, check_size
from benchhub.outside.foreign.reading import reading
from benchhub.text import visible

Array = NDArray[Any]
_WRITE_ANEW = "write it with numpy.savez"
#: More than numpy lets a header have.
_HEADER_BYTES = 1 << 14
_HEADERS: Mapping[tuple[int, int], Any] = {
    (1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0,
}  # fmt: skip
#: How numpy packs what it saves.
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_PIECE_BYTES = 1 << 20


def archive(path: Path) -> dict[str, Array]:
    """Return the arrays of an `.npz` file by their names; ConfigError where it is none."""
    with reading(path, "not an .npz archive of plain arrays", _WRITE_ANEW):
        if not path.exists():
            raise ConfigError(f"{path}: no such file; give the arrays as an .npz archive")
        return _archive(path)


def _archive(path: Path) -> dict[str, Array]:
    check_kind(path)
    with path.open("rb") as stream:
        if stream.read(len(npy.MAGIC_PREFIX)) == npy.MAGIC_PREFIX:
            raise ConfigError(f"{path}: one array, not an archive; {_WRITE_ANEW}")
        with zipfile.ZipFile(stream) as opened:
            members = opened.infolist()
            check_size(path, sum(one.file_size for one in members))
            return {
                visible(one.filename.removesuffix(".npy")): _member(opened, one) for one in members
            }


def mapped(path: Path) -> Array:
    """Return the array of an `.npy` file, mapped into memory; ConfigError where it is none."""
    with reading(path, "not a readable .npy file", "copy it again"):
        check_kind(path)
        with path.open("rb") as stream:
            _header("it", stream, path.stat().st_size)
        array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
        _check_text("it", array.reshape(-1))
    return array


def of_bytes(raw: bytes | bytearray, name: str = "it") -> Array:
    """Return the array in the bytes of an `.npy` file; ValueError where there is none.

    It lies in `raw` itself: of a bytearray it can be written to.
    """
    head = io.BytesIO(raw[:_HEADER_BYTES])
    try:
        shape, turned, dtype = _header(name, head, len(raw))
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(f"{name} has a damaged header: {error}") from error
    flat = np.frombuffer(raw, dtype, math.prod(shape), head.tell())
    _check_text(name, flat)
    return flat.reshape(shape[::-1]).T if turned else flat.reshape(shape)


def _check_text(name: str, flat: Array) -> None:
    """ValueError where texts have no characters: numpy takes any 32 bits, Python's do not."""
    if flat.dtype.kind != "U":
        return
    codes = flat.view(np.dtype(np.uint32).newbyteorder(flat.dtype.byteorder))
    if ((codes > sys.maxunicode) | ((codes >= 0xD800) & (codes < 0xE000))).any():
        raise ValueError(f"{name} holds characters that there are not")


def _member(opened: zipfile.ZipFile, one: zipfile.ZipInfo) -> Array:
    if one.compress_type not in _PACKED:
        raise ValueError(f"{one.filename} is packed in another way than numpy's")
    raw = bytearray(one.file_size)
    at = 0
    with opened.open(one) as stream:
        while piece := stream.read(_PIECE_BYTES):
            raw[at : at + len(piece)] = piece
            at += len(piece)
    if at != one.file_size:
        raise ValueError(f"{one.filename} is cut short")
    return of_bytes(raw, one.filename)


def _header(name: str, stream: IO[bytes], size: int) -> tuple[tuple[int, ...], bool, Any]:
    """Return shape, order and type of an array whose file has `size` bytes, headers included.

    ValueError for what cannot be read without a pickle, and for more elements than there can be.
    """
    read = _HEADERS.get(npy.read_magic(stream))
    if read is None:  # later versions are for names of fields that ASCII cannot write
        raise ValueError(f"{name} is an array of named fields")
    try:
        shape, turned, dtype = read(stream)
    except ValueError as error:
        if "malformed node" not in str(error):  # Python's words for a node tell where it lay
            raise
        raise ValueError(f"{name} has a header that is more than literals") from error
    if dtype.names is not None:
        raise ValueError(f"{name} is an array of named fields")
    if dtype.hasobject:
        raise ValueError(f"{name} holds Python objects, and pickles are not read")
    if min(shape, default=0) < 0 or math.prod(shape) * max(1, dtype.itemsize) > size:
        raise ValueError(f"{name} claims the shape {shape}, and ends before")
    return shape, turned, dtype
