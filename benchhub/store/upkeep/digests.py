"""Whether a launch is the one that was stored: its digest made anew of what lies there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchhub.store.records import digest_of

#: What came with schema 0002: older digests cover none of it.
_SINCE_0002 = (
    "tracks", "energy_uj", "energy_elapsed_ns", "energy_source", "gpu_bytes", "gpu_source",
)  # fmt: skip
_NEVER = ("id", "digest", "kept_digest")
_BLOBS = ("predictions", "postprocess", "own_scores")
_JSON = ("details", "before", "after", "tracks")


def is_as_stored(row: Mapping[str, Any], outputs: Sequence[bytes]) -> bool:
    """Return whether a row of `launches`, as it lies there, and its outputs have its digest.

    ValueError: what should be JSON is none.
    """
    return any(digest == row["digest"] for digest in _digests(row, outputs))


def is_as_kept(row: Mapping[str, Any]) -> bool:
    """Return whether what is kept of a launch without its samples is what was kept.

    ValueError: what should be JSON is none.
    """
    return bool(kept_digest(row) == row["kept_digest"])


def kept_digest(row: Mapping[str, Any]) -> str:
    """Return the digest of a launch's columns without its arrays, and of the digest it had."""
    gone = (*_BLOBS, "samples", "warmup", "tracks", "id", "kept_digest")
    told = {
        name: json.loads(value) if name in _JSON and isinstance(value, str) else value
        for name, value in row.items()
        if name not in gone
    }
    return digest_of(told, ())


def _digests(row: Mapping[str, Any], outputs: Sequence[bytes]) -> Iterator[str]:
    """Yield what versions of benchhub made of a launch, that of today's first."""
    told = {
        name: json.loads(value) if name in _JSON and isinstance(value, str) else value
        for name, value in row.items()
        if name not in (*_NEVER, *_BLOBS)
    }
    blobs = [*outputs, *(row[name] for name in _BLOBS if row[name] is not None)]
    yield digest_of(told, blobs)
    yield digest_of({name: told[name] for name in told if name not in _SINCE_0002}, blobs)
