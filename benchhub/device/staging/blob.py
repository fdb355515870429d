"""A file to be staged on a device, and what staging came to."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path

from benchhub.errors import ConfigError
from benchhub.model.cell import Variant
from benchhub.outside.foreign.bounds import check_kind


@dataclass(frozen=True, slots=True)
class Blob:
    """Content to be staged, named by its sha256: a file, or bytes in memory."""

    sha256: str
    size_bytes: int
    path: Path | None = None
    data: bytes | None = None

    @classmethod
    def of_file(cls, path: Path) -> Blob:
        """Return the blob of a file; reads all of it. ConfigError for a pipe or a device."""
        check_kind(path)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(digest, path.stat().st_size, path=path)

    @classmethod
    def of_bytes(cls, data: bytes) -> Blob:
        """Return the blob of `data`."""
        return cls(hashlib.sha256(data).hexdigest(), len(data), data=data)

    def open(self) -> io.BufferedReader | io.BytesIO:
        """Return the content as a file, from its start; ConfigError if it was changed since.

        A file that is gone, or cannot be read, is no lost link, which would be tried again.
        """
        if self.path is None:
            return io.BytesIO(self.data or b"")
        try:
            check_kind(self.path)
            file = self.path.open("rb")
        except OSError as error:
            raise self.unreadable(error) from error
        size = os.fstat(file.fileno()).st_size
        if size != self.size_bytes:
            file.close()
            raise self.changed(size)
        return file

    def check_unchanged(self) -> None:
        """Raise ConfigError if the file is not what it was, though it may be as long."""
        if self.path is None:
            return
        try:
            same = Blob.of_file(self.path).sha256 == self.sha256
        except OSError as error:
            raise self.unreadable(error) from error
        if not same:
            raise ConfigError(
                f"{self.path}: its content changed during the run; leave the file alone and run"
                " again"
            )

    def unreadable(self, error: OSError) -> ConfigError:
        """Return the error that says that the file is gone, or why it cannot be read."""
        if isinstance(error, FileNotFoundError):
            return ConfigError(
                f"{self.path}: is no longer there, though the run needs it; put it back and run"
                " again"
            )
        return ConfigError(
            f"{self.path}: cannot be read during the run: {error.strerror or error}; make it"
            " readable and run again"
        )

    def changed(self, size: int) -> ConfigError:
        """Return the error that says that the file is not what it was."""
        return ConfigError(
            f"{self.path}: changed from {self.size_bytes} to {size} bytes during the run; "
            "leave the file alone and run again"
        )


@dataclass(frozen=True, slots=True)
class StageReport:
    """What went over the link while staging."""

    moved_bytes: int
    moved_blobs: int


def model_blobs(variant: Variant) -> tuple[Blob, ...]:
    """Return the blobs of a variant: of its one file, or of each that it is kept in."""
    if not variant.files:
        return (Blob(variant.sha256, variant.model_bytes, path=variant.path),)
    main, *others = variant.files
    return (
        Blob(main.sha256, main.size_bytes, path=variant.path),
        *(Blob(one.sha256, one.size_bytes, path=variant.path.parent / one.name) for one in others),
    )
