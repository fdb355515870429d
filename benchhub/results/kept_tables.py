"""Case tables kept on disk between commands: comparing instance maps takes longer than a report."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, MutableMapping
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchhub import tasks
from benchhub.outside.arrays import save_array

#: Tables of functions outside it are not kept: nothing would tell that their code changed.
_PACKAGE = f"{tasks.__name__}."


class KeptTables(MutableMapping[str, NDArray[np.float64]]):
    """The tables that the built-in tasks' functions made, as files in a folder.

    A folder that cannot be written or a damaged file costs time, and is no error. Tables made by
    other code than the present are not found.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __getitem__(self, key: str) -> NDArray[np.float64]:
        if not key.startswith(_PACKAGE):
            raise KeyError(key)
        try:
            table: NDArray[np.float64] = np.load(self._path(key), allow_pickle=False)
        except Exception as error:
            raise KeyError(key) from error
        if table.ndim != 2 or table.dtype != np.float64:
            raise KeyError(key)
        return table

    def __setitem__(self, key: str, table: NDArray[np.float64]) -> None:
        if not key.startswith(_PACKAGE):
            return
        with contextlib.suppress(OSError):
            save_array(self._path(key), table)

    def __delitem__(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def __iter__(self) -> Iterator[str]:
        """Tables are asked for by name only: what is kept is not listed."""
        return iter(())

    def __len__(self) -> int:
        return 0

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(f'{_sources()} {key}'.encode()).hexdigest()}.npy"


@cache
def _sources() -> str:
    """Return a digest of the code of all built-in tasks."""
    digest = hashlib.sha256()
    folder = Path(tasks.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return digest.hexdigest()
