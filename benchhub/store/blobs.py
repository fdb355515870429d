"""Samples and arrays as compact bytes: exact, self-describing, free of pickles."""

from __future__ import annotations

import io
import threading

import numpy as np
import zstandard

from benchhub.model.arrays import Array, Ints
from benchhub.outside import Variable
from benchhub.outside.foreign.arrays import of_bytes
from benchhub.outside.foreign.bounds import most_bytes

_LEVEL = 3
_local = threading.local()


def pack_ns(samples_ns: Ints) -> bytes:
    """Return int64 nanoseconds as zstd over their bytes grouped by significance.

    Neighbouring durations share their high bytes, so grouping them leaves about 2.5 bytes each.
    """
    little = np.ascontiguousarray(samples_ns, dtype="<i8")
    return pack_bytes(little.view(np.uint8).reshape(-1, 8).T.tobytes())


def unpack_ns(blob: bytes) -> Ints:
    """Invert `pack_ns`. ValueError if the bytes are not what it made."""
    raw = np.frombuffer(unpack_bytes(blob), dtype=np.uint8).reshape(8, -1)
    return np.ascontiguousarray(raw.T).view("<i8").reshape(-1).astype(np.int64, copy=False)


def pack_array(array: Array) -> bytes:
    """Return an array as npy bytes under zstd. ValueError for an array of objects."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return pack_bytes(stream.getvalue())


def unpack_array(blob: bytes) -> Array:
    """Invert `pack_array`. ValueError if the bytes are not what it made."""
    return of_bytes(bytearray(unpack_bytes(blob)))


def pack_bytes(raw: bytes) -> bytes:
    """Return bytes under zstd."""
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=_LEVEL)
    packed: bytes = _local.compressor.compress(raw)
    return packed


def unpack_bytes(blob: bytes) -> bytes:
    """Invert `pack_bytes`. ValueError if the bytes are not what it made, or too many."""
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor()
    try:
        size = zstandard.get_frame_parameters(blob).content_size
        if size > most_bytes():  # told first: a few bytes can claim all of the memory
            raise ValueError(f"damaged blob: it claims {size} bytes; see {Variable.UNPACK}")
        raw: bytes = _local.decompressor.decompress(blob)
    except zstandard.ZstdError as error:
        raise ValueError(f"damaged blob: {error}") from error
    return raw
