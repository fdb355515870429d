"""Arrays in `.npy` files that are whole or not there, and their digests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchhub.outside.written import drafted


class Poured:
    """Takes what numpy writes, piece by piece.

    Into a file itself numpy writes past Python, and of a full disk it tells no more than that fewer
    bytes were written.
    """

    def __init__(self, take: Callable[[bytes], object]) -> None:
        self.write = take


def save_array(path: Path, array: np.ndarray[Any, Any]) -> None:
    """Write an array, making folders; what was there stays until the new file is whole.

    OSError as the file system tells it. ValueError for an array of objects.
    """
    with drafted(path) as draft, draft.open("xb") as file:
        np.save(Poured(file.write), array, allow_pickle=False)


def array_sha256(array: np.ndarray[Any, Any]) -> str:
    """Return the digest of the file that `save_array` writes."""
    digest = hashlib.sha256()
    np.save(Poured(digest.update), array, allow_pickle=False)
    return digest.hexdigest()
