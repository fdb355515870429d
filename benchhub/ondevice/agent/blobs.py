"""The files of a device, named by their sha256: verified once, sealed, and cheap to trust again.

A blob that was adopted is read-only and sealed (see `seals`). While its seal holds, the content
is taken to be whole without reading it; when it does not, it is hashed again, and deleted if it
is corrupt. A rewrite cannot keep the ctime, so it is found; silent decay of the medium is not.
"""

import ctypes
import hashlib
import os
import re
from typing import Any, Dict, Iterable, List

from benchhub.ondevice.agent.private import ours
from benchhub.ondevice.agent.seals import Seals

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_CHUNK = 1 << 20


class Blobs:
    """The blob store below one root."""

    def __init__(self, root: str) -> None:
        self.folder = os.path.join(root, "blobs")
        self._seals = Seals(os.path.join(self.folder, "seals"))

    def path(self, digest: str) -> str:
        """Return where the blob lies once it is whole; ValueError if `digest` is no sha256."""
        if not isinstance(digest, str) or not _DIGEST.match(digest):
            raise ValueError("%.80r is not a sha256 in lower-case hex" % (digest,))
        return os.path.join(self.folder, digest)

    def have(self, digests: Iterable[str]) -> Dict[str, Dict[str, Any]]:
        """Return per digest {state: whole|partial|missing, bytes}."""
        return {digest: self._state(digest) for digest in digests}

    def whole(self, digest: str) -> bool:
        """Return whether the blob is there with the content it was verified with."""
        path = self.path(digest)
        try:
            is_ours = ours(path)  # another's file is another's to change
            if is_ours and self._seals.holds(digest, path):
                return True
            if is_ours and _sha256(path) == digest:
                os.chmod(path, 0o444)
                self.seal([digest])
                return True
        except FileNotFoundError:
            return False
        os.unlink(path)
        return False

    def adopt(self, digests: Iterable[str]) -> Dict[str, str]:
        """Verify uploaded parts and put them in place; per digest adopted|corrupt|missing."""
        return {digest: self._adopt(digest) for digest in digests}

    def place(self, digest: str) -> None:
        """Give a part that was verified its name, and make it read-only; to be sealed."""
        path = self.path(digest)
        os.replace(path + ".part", path)
        os.chmod(path, 0o444)

    def seal(self, digests: List[str]) -> None:
        """Remember that blobs were verified just now."""
        if digests and not self._seals.boot:
            self.settle()
        if digests:
            self._seals.add([(digest, self.path(digest)) for digest in digests])

    def settle(self) -> None:
        """Return once the blobs are on the disk, and their writing disturbs nobody any more."""
        fd = os.open(self.folder, os.O_RDONLY)
        try:
            # Only this disk: os.sync would wait for every other one, too.
            if ctypes.CDLL(None).syncfs(fd) != 0:
                os.sync()
        except AttributeError:  # a system without syncfs
            os.sync()
        finally:
            os.close(fd)

    def free_bytes(self) -> int:
        """Return the room on the disk that holds the blobs."""
        facts = os.statvfs(os.path.dirname(self.folder))
        return facts.f_bavail * facts.f_frsize

    def _state(self, digest: str) -> Dict[str, Any]:
        path = self.path(digest)
        if self.whole(digest):
            return {"state": "whole", "bytes": os.stat(path).st_size}
        part = path + ".part"
        try:
            if ours(part):
                return {"state": "partial", "bytes": os.lstat(part).st_size}
            os.unlink(part)
        except FileNotFoundError:
            pass
        return {"state": "missing", "bytes": 0}

    def _adopt(self, digest: str) -> str:
        if self.whole(digest):
            return "adopted"
        part = self.path(digest) + ".part"
        try:
            found = _sha256(part)
        except FileNotFoundError:
            return "missing"
        if found != digest:
            os.unlink(part)
            return "corrupt"
        self.place(digest)
        self.seal([digest])
        return "adopted"


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with open(fd, "rb", buffering=0) as file:
        while True:
            data = file.read(_CHUNK)
            if not data:
                return digest.hexdigest()
            digest.update(data)
