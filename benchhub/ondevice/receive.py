"""Many small files in one stream: a plain tar on stdin, its members named by their sha256."""

import errno
import hashlib
import os
import sys
import tarfile
from typing import IO, Any, Dict, List, Tuple

from benchhub.ondevice import wire
from benchhub.ondevice.blobs import Blobs


def main(root: str) -> int:
    """Read the stream into the blobs below `root` and print one line of JSON.

    Exit status 0: `adopt` with a state per member; 1: the stream is no whole tar of blobs; what
    came whole is kept. 3: `refused`, the root has no room or cannot be written.
    """
    root = os.path.abspath(os.path.expanduser(root))
    try:
        status, reply = _receive(Blobs(root), sys.stdin.buffer)
    except OSError as error:
        status, reply = 3, {"event": "refused", "kind": "root", "message": explain(root, error)}
    os.write(1, wire.encode(reply))
    return status


def explain(root: str, error: OSError) -> str:
    """Return one line about a root that cannot be used."""
    cause = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "%s: no space left on the device (%s); free some, or set another root" % (
            root,
            cause,
        )
    return "%s cannot be used (%s); set another root in the device profile" % (root, cause)


def _receive(blobs: Blobs, stream: IO[bytes]) -> Tuple[int, Dict[str, Any]]:
    os.makedirs(blobs.folder, exist_ok=True)
    states: Dict[str, str] = {}
    sound: List[str] = []
    trouble = ""
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                path = blobs.path(member.name)
                content = archive.extractfile(member)
                if content is None:
                    raise ValueError("member %s is not a plain file" % member.name)
                if _write(path + ".part", content) == member.name:
                    states[member.name] = "adopted"
                    sound.append(path)
                else:
                    states[member.name] = "corrupt"
                    os.unlink(path + ".part")
    except (tarfile.TarError, EOFError, ValueError) as error:
        trouble = "the stream of blobs is damaged after %d files: %s" % (len(states), error)
    blobs.seal_all(sound)
    if trouble:
        return 1, {"event": "error", "message": trouble, "blobs": states}
    return 0, {"event": "adopt", "blobs": states}


def _write(part: str, content: IO[bytes]) -> str:
    digest = hashlib.sha256()
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
    try:
        with open(fd, "wb", buffering=0) as file:
            while True:
                data = content.read(1 << 18)
                if not data:
                    return digest.hexdigest()
                digest.update(data)
                rest = memoryview(data)
                while rest:
                    rest = rest[file.write(rest) or 0 :]
    except OSError:
        os.unlink(part)  # a full disk gets its room back
        raise
