"""Bringing blobs onto a device: only what is missing, resumed where it broke, verified there."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from benchhub.device.transport import Progress
from benchhub.errors import ConfigError, DeviceError, NoSpace

#: Smaller blobs travel together in one stream, where there are more than a few of them.
SMALL_BYTES = 1 << 20
A_FEW = 3
#: From here on it is worth an exec to ask for the room first; less fails soon enough by itself.
ASK_ROOM_BYTES = 64 << 20
_CHUNK_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Blob:
    """Content to be staged, named by its sha256: a file, or bytes in memory."""

    sha256: str
    size_bytes: int
    path: Path | None = None
    data: bytes | None = None

    @classmethod
    def of_file(cls, path: Path) -> Blob:
        """Return the blob of a file; reads all of it."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(digest, path.stat().st_size, path=path)

    @classmethod
    def of_bytes(cls, data: bytes) -> Blob:
        """Return the blob of `data`."""
        return cls(hashlib.sha256(data).hexdigest(), len(data), data=data)

    def open(self) -> BinaryIO:
        """Return the content as a file, from its start; ConfigError if it was changed since."""
        if self.path is None:
            return io.BytesIO(self.data or b"")
        file = self.path.open("rb")
        size = self.path.stat().st_size
        if size != self.size_bytes:
            file.close()
            raise ConfigError(
                f"{self.path}: changed from {self.size_bytes} to {size} bytes during the run; "
                "leave the file alone and run again"
            )
        return file


@dataclass(frozen=True, slots=True)
class BlobState:
    """What a device has of a blob: whole, partial or missing, and how many bytes of it."""

    state: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class StageReport:
    """What staging did: `moved_bytes` went over the link, `present_blobs` were there before."""

    moved_bytes: int
    moved_blobs: int
    present_blobs: int


class Depot(Protocol):
    """The device as staging sees it."""

    @property
    def name(self) -> str:
        """Return the device's name, for messages."""

    def have(self, digests: Sequence[str]) -> Mapping[str, BlobState]:
        """Return what the device has of each blob."""

    def adopt(self, digests: Sequence[str], size_bytes: int) -> Mapping[str, str]:
        """Verify uploaded blobs and move them into place: adopted, corrupt or missing each."""

    def upload(self, blob: Blob, offset: int, progress: Progress) -> None:
        """Write one blob from `offset` on; OSError if the device cannot take it."""

    def receive(self, stream: Iterator[bytes]) -> None:
        """Unpack a tar stream of blobs; OSError if the device cannot take it."""

    def free_bytes(self) -> int | None:
        """Return the room on the device's disk, None if unknown."""


def stage(
    depot: Depot, blobs: Sequence[Blob], progress: Progress = lambda count: None
) -> StageReport:
    """Make `depot` hold every one of `blobs`; calling it again after a broken link goes on.

    NoSpace before or while writing; DeviceError if a blob arrives corrupt twice; Unreachable
    when the link breaks.
    """
    wanted = {blob.sha256: blob for blob in blobs}
    if not wanted:
        return StageReport(0, 0, 0)
    states = depot.have(list(wanted))
    lacking = [blob for digest, blob in wanted.items() if states[digest].state != "whole"]
    moved_bytes = 0

    def moved(count: int) -> None:
        nonlocal moved_bytes
        moved_bytes += count
        progress(count)

    offsets = {blob.sha256: _offset(states[blob.sha256], blob) for blob in lacking}
    todo = lacking
    for _ in range(2):
        if not todo:
            return StageReport(moved_bytes, len(lacking), len(wanted) - len(lacking))
        needed = sum(blob.size_bytes - offsets.get(blob.sha256, 0) for blob in todo)
        if needed >= ASK_ROOM_BYTES:
            _require_room(depot, needed)
        try:
            _move(depot, todo, offsets, moved)
        except OSError as error:
            _require_room(depot, sum(blob.size_bytes for blob in todo), error)
            raise DeviceError(
                f"{depot.name}: cannot write below its root: {error}; check its permissions"
            ) from error
        results = depot.adopt([b.sha256 for b in todo], sum(b.size_bytes for b in todo))
        todo = [blob for blob in todo if results[blob.sha256] != "adopted"]
        offsets = {}  # a bad prefix is not worth finding: what is wrong goes again as a whole
    if todo:
        _require_room(depot, sum(blob.size_bytes for blob in todo))
        raise DeviceError(
            f"{depot.name}: {todo[0].path or todo[0].sha256[:12]} arrived corrupt twice; check the "
            "device's disk and memory, and that nobody writes to its root"
        )
    return StageReport(moved_bytes, len(lacking), len(wanted) - len(lacking))


def _offset(state: BlobState, blob: Blob) -> int:
    usable = state.state == "partial" and state.size_bytes <= blob.size_bytes
    return state.size_bytes if usable else 0


def _move(depot: Depot, blobs: Sequence[Blob], offsets: Mapping[str, int], moved: Progress) -> None:
    small = [blob for blob in blobs if blob.size_bytes < SMALL_BYTES]
    if len(small) <= A_FEW:
        small = []
    if small:
        depot.receive(tar_stream(small, moved))
    together = {blob.sha256 for blob in small}
    for blob in blobs:
        if blob.sha256 not in together:
            depot.upload(blob, offsets.get(blob.sha256, 0), moved)


def tar_stream(blobs: Sequence[Blob], moved: Progress) -> Iterator[bytes]:
    """Yield a tar archive of `blobs`, members named by digest, in pieces of about 256 KiB."""
    pending = bytearray()
    fresh = 0
    for blob in blobs:
        header = tarfile.TarInfo(blob.sha256)
        header.size = blob.size_bytes
        pending += header.tobuf(tarfile.USTAR_FORMAT)
        with blob.open() as source:
            pending += source.read(blob.size_bytes)
        pending += bytes(-blob.size_bytes % tarfile.BLOCKSIZE)
        fresh += blob.size_bytes
        if len(pending) >= _CHUNK_BYTES:
            yield bytes(pending)
            moved(fresh)
            pending.clear()
            fresh = 0
    yield bytes(pending) + bytes(2 * tarfile.BLOCKSIZE)
    moved(fresh)


def _require_room(depot: Depot, needed: int, cause: OSError | None = None) -> None:
    free = depot.free_bytes()
    if free is not None and free < needed:
        raise NoSpace(
            f"{depot.name}: no room for {needed} bytes, {free} are free; free some, or set `root` "
            "in its profile to another disk"
        ) from cause
