"""Bringing blobs onto a device: only what is missing, resumed where it broke, verified there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from benchhub.device.staging.blob import Blob, StageReport
from benchhub.device.transport import PACKET_BYTES, Progress
from benchhub.errors import DeviceError, NoSpace

#: From here on it is worth a question for the room first; less fails soon enough by itself.
ASK_ROOM_BYTES = 64 << 20
_PIECE_BYTES = 8 * PACKET_BYTES


@dataclass(frozen=True, slots=True)
class BlobState:
    """What a device has of a blob: whole, partial or missing, and how many bytes of it."""

    state: str
    size_bytes: int


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

    def receive(
        self, blobs: Sequence[Blob], offsets: Mapping[str, int], progress: Progress
    ) -> Mapping[str, str]:
        """Send blobs in one stream, from `offsets` on, and have them verified on the way."""

    def free_bytes(self) -> int:
        """Return the room on the device's disk."""


def stage(
    depot: Depot, blobs: Sequence[Blob], progress: Progress = lambda count: None
) -> StageReport:
    """Make `depot` hold every one of `blobs`; calling it again after a broken link goes on.

    NoSpace before or while writing; DeviceError if a blob arrives corrupt twice; Unreachable
    when the link breaks.
    """
    wanted = {blob.sha256: blob for blob in blobs}
    if not wanted:
        return StageReport(0, 0)
    states = depot.have(list(wanted))
    lacking = [blob for digest, blob in wanted.items() if states[digest].state != "whole"]
    moved_bytes = 0

    def moved(count: int) -> None:
        nonlocal moved_bytes
        moved_bytes += count
        progress(count)

    offsets = {blob.sha256: _offset(states[blob.sha256], blob) for blob in lacking}
    todo = lacking
    for move in (_stream, _upload):
        if not todo:
            return StageReport(moved_bytes, len(lacking))
        needed = sum(blob.size_bytes - offsets.get(blob.sha256, 0) for blob in todo)
        if needed >= ASK_ROOM_BYTES:
            _require_room(depot, needed, todo)
        try:
            results = move(depot, todo, offsets, moved)
        except OSError as error:
            _require_room(depot, sum(blob.size_bytes for blob in todo), todo, error)
            raise DeviceError(
                f"{depot.name}: cannot write below its root: {error}; check its permissions"
            ) from error
        todo = [blob for blob in todo if results[blob.sha256] != "adopted"]
        for blob in todo:
            blob.check_unchanged()  # only now: on the usual way, nothing is read twice
        offsets = {}  # a bad prefix is not worth finding: what is wrong goes again as a whole
    if todo:
        _require_room(depot, sum(blob.size_bytes for blob in todo), todo)
        raise DeviceError(
            f"{depot.name}: {todo[0].path or todo[0].sha256[:12]} arrived corrupt twice; check the "
            "device's disk and memory, and that nobody writes to its root"
        )
    return StageReport(moved_bytes, len(lacking))


def _offset(state: BlobState, blob: Blob) -> int:
    usable = state.state == "partial" and state.size_bytes <= blob.size_bytes
    return state.size_bytes if usable else 0


def _stream(
    depot: Depot, blobs: Sequence[Blob], offsets: Mapping[str, int], moved: Progress
) -> Mapping[str, str]:
    return depot.receive(blobs, offsets, moved)


def _upload(
    depot: Depot, blobs: Sequence[Blob], offsets: Mapping[str, int], moved: Progress
) -> Mapping[str, str]:
    # Another way than the first time, one file after the other: slower, but nothing in common.
    for blob in blobs:
        depot.upload(blob, offsets.get(blob.sha256, 0), moved)
    return depot.adopt([b.sha256 for b in blobs], sum(b.size_bytes for b in blobs))


def end_to_end(blobs: Sequence[Blob], starts: Sequence[int]) -> Iterator[memoryview]:
    """Yield the content of `blobs`, each from its start on, in large pieces.

    A piece is only good until the next: they share their memory. ConfigError if a file changed, is
    gone, or cannot be read.
    """
    buffer = memoryview(bytearray(_PIECE_BYTES))
    filled = 0
    for blob, start in zip(blobs, starts, strict=True):
        left = blob.size_bytes - start
        with blob.open() as source:
            source.seek(start)
            while left:
                try:
                    count = source.readinto(buffer[filled : filled + left])
                except OSError as error:
                    raise blob.unreadable(error) from error
                if not count:
                    raise blob.changed(blob.size_bytes - left)
                filled += count
                left -= count
                if filled == len(buffer):
                    yield buffer
                    filled = 0
    if filled:
        yield buffer[:filled]


def _require_room(
    depot: Depot, needed: int, blobs: Sequence[Blob], cause: OSError | None = None
) -> None:
    free = depot.free_bytes()
    if free < needed:
        largest = max(blobs, key=lambda blob: blob.size_bytes)
        name = largest.path.name if largest.path else largest.sha256[:12]
        raise NoSpace(
            f"{depot.name}: no room for {needed / 1e6:.1f} MB, {free / 1e6:.1f} MB are free (the"
            f" largest file is {name}, {largest.size_bytes / 1e6:.1f} MB); free some, or set `root`"
            " in its profile to another disk"
        ) from cause
