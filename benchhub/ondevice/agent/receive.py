"""Blobs that arrive on the agent's own stdin: written, hashed on the way and put in place."""

import errno
import hashlib
import os
from typing import Any, Callable, Dict, List, Sequence, Tuple

from benchhub.ondevice.agent.blobs import Blobs

#: Fills some of a buffer and returns how much; 0 when nothing more will come.
Read = Callable[[memoryview], int]

_BUFFER_BYTES = 1 << 18


def explain(root: str, error: OSError) -> str:
    """Return one line about a root that cannot be used."""
    cause = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "%s: no space left on the device (%s); free some, or set another root" % (
            root,
            cause,
        )
    return "%s cannot be used (%s); set another root in the device profile" % (root, cause)


def receive(blobs: Blobs, expected: Sequence[Sequence[Any]], read: Read) -> Dict[str, Any]:
    """Write the blobs `expected` ([sha256, bytes, offset] each) that `read` brings, end to end.

    Returns {blobs: {sha256: adopted|corrupt|missing}}, with `trouble` where it ended early: what
    came whole by then is sealed, and what came of the next blob is left to go on from. ValueError
    if a name is no sha256 or a number makes no sense, before anything is read.
    """
    plan = [_checked(blobs, entry) for entry in expected]
    states = {digest: "missing" for digest, _, _ in plan}
    reply: Dict[str, Any] = {"blobs": states}
    buffer = memoryview(bytearray(_BUFFER_BYTES))
    sound: List[str] = []
    resumed: List[str] = []
    try:
        os.makedirs(blobs.folder, exist_ok=True)
        for digest, size, offset in plan:
            found = _write(blobs.path(digest) + ".part", size, offset, read, buffer)
            if found is None:
                resumed.append(digest)
            elif found == digest:
                blobs.place(digest)
                sound.append(digest)
                states[digest] = "adopted"
            else:
                os.unlink(blobs.path(digest) + ".part")
                states[digest] = "corrupt"
    except EOFError:
        reply["trouble"] = "the stream of blobs ended early, after %d of them" % len(sound)
    except OSError as error:
        reply["trouble"] = explain(os.path.dirname(blobs.folder), error)
    blobs.seal(sound)
    states.update(blobs.adopt(resumed))
    return reply


def _checked(blobs: Blobs, entry: Sequence[Any]) -> Tuple[str, int, int]:
    digest, size, offset = entry
    blobs.path(digest)
    if not 0 <= offset <= size:
        raise ValueError("%s: cannot go on at byte %d of %d" % (digest, offset, size))
    return digest, int(size), int(offset)


def _write(part: str, size: int, offset: int, read: Read, buffer: memoryview) -> "str | None":
    """Return the sha256 of what was written; None where there was a beginning already."""
    # Hashing the old beginning first would keep the link waiting; it is verified at the end.
    digest = None if offset else hashlib.sha256()
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | (0 if offset else os.O_TRUNC)
    fd = os.open(part, flags, 0o600)
    try:
        if offset:
            os.ftruncate(fd, offset)
            os.lseek(fd, offset, os.SEEK_SET)
        left = size - offset
        while left:
            data = _fill(buffer[:left], read)
            left -= len(data)
            if digest is not None:
                digest.update(data)
            ended = not data or (left and len(data) < len(buffer))
            while data:
                data = data[os.write(fd, data) :]
            if ended:
                raise EOFError
    except OSError:
        os.unlink(part)  # a full disk gets its room back
        raise
    finally:
        os.close(fd)
    return digest.hexdigest() if digest is not None else None


def _fill(buffer: memoryview, read: Read) -> memoryview:
    """Return `buffer` filled, or as much of it as came before the end."""
    # A pipe gives a few packets at a time; hashing and writing them singly costs more than both.
    filled = 0
    while filled < len(buffer):
        count = read(buffer[filled:])
        if not count:
            break
        filled += count
    return buffer[:filled]
