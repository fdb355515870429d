"""A file on its way to a gateway, piece by piece, from wherever the gateway has it up to."""

from __future__ import annotations

from collections.abc import Callable

from benchhub.device.events.parse import Broken
from benchhub.device.gateway.messages import PIECE_BYTES
from benchhub.device.staging.blob import Blob
from benchhub.device.transport import Progress

#: A gateway's cache may be cleared while a file comes to it, but not again and again.
MOST_BACK = 8


def send(blob: Blob, offset: int, put: Callable[[bytes, int], int], progress: Progress) -> None:
    """Have all of `blob` from `offset` on `put`, which returns where it goes on.

    Broken where that leads nowhere.
    """
    back = 0
    with blob.open() as source:
        while offset < blob.size_bytes or not blob.size_bytes:
            source.seek(offset)
            data = source.read(min(PIECE_BYTES, blob.size_bytes - offset))
            if not data and blob.size_bytes:
                raise blob.changed(offset)
            after = put(data, offset)
            if not blob.size_bytes:
                return
            back += after <= offset
            if back > MOST_BACK or after > blob.size_bytes:
                raise Broken("it does not keep what is sent to it")
            progress(max(0, after - offset))
            offset = after
