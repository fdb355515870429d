"""What a gateway keeps of models and inputs, by content: they cross the link to the site once."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchhub.device.staging.blob import Blob
from benchhub.errors import ConfigError, DeviceError, NoSpace


class SiteCache:
    """Files named by their sha256, in a folder that is made; safe between threads.

    What is there whole was hashed when it came. It may be deleted at any time between runs.
    """

    def __init__(self, folder: Path) -> None:
        """Take a folder for oneself; ConfigError: another gateway has it."""
        self._folder = folder
        self._lock = threading.Lock()
        #: How many bytes came over the link to the site.
        self.received_bytes = 0
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._owned = os.open(folder / "in-use", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._owned, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._owned)
            raise ConfigError(
                f"{folder}: another gateway keeps its models there: set BENCHHUB_CACHE to a folder"
                " of this one's own"
            ) from None

    def close(self) -> None:
        """Let others have the folder; twice is as once."""
        owned, self._owned = self._owned, -1
        if owned >= 0:
            os.close(owned)

    def lacking(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """Return what is not there whole, by digest, with how many bytes of it are."""
        return {
            digest: self._there(digest, size)
            for digest, size in sizes.items()
            if _size(self._folder / digest) != size
        }

    def put(self, digest: str, offset: int, data: bytes, size: int) -> int:
        """Write a piece; return where it goes on. DeviceError: all of it came, and is another file.

        A piece that is there already, or that is not the next, changes nothing.
        """
        with self._lock:
            part = self._part(digest)
            if _size(self._folder / digest) == size:
                return size
            there = self._there(digest, size)
            if offset != there:
                return there
            if not there:
                part.unlink(missing_ok=True)
            try:
                with part.open("ab") as file:
                    file.write(data)
            except OSError as error:
                raise NoSpace(
                    f"{self._folder}: its gateway cannot keep {size / 1e6:.1f} MB:"
                    f" {error.strerror or error}; free some room there"
                ) from error
            self.received_bytes += len(data)
            if there + len(data) < size:
                return there + len(data)
            with part.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != digest or there + len(data) > size:
                part.unlink()
                raise DeviceError(f"{digest[:12]} came to its gateway as another file; run again")
            os.replace(part, self._folder / digest)
            return size

    def blobs(self, sizes: Mapping[str, int]) -> Sequence[Blob]:
        """Return what is to be staged; DeviceError where it is not here."""
        if gone := self.lacking(sizes):
            raise DeviceError(f"{next(iter(gone))[:12]} is no longer at its gateway; run again")
        return [Blob(digest, size, path=self._folder / digest) for digest, size in sizes.items()]

    def _there(self, digest: str, size: int) -> int:
        """Return how much of a part is of use: not one that was cut off before it was checked."""
        there = max(0, _size(self._part(digest)))
        return there if there < size else 0

    def _part(self, digest: str) -> Path:
        return self._folder / f"{digest}.part"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1
