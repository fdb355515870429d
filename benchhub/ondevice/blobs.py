"""The files of a device, named by their sha256: verified once, sealed, and cheap to trust again.

A blob that was adopted is read-only and has a record beside it (`<sha256>.seal`: size, mtime,
ctime and inode at the moment it was verified). While those match, the content is taken to be
whole without reading it; when they do not, it is hashed again, and deleted if it is corrupt. A
rewrite cannot keep the ctime, so it is found; silent decay of the medium is not.
"""

import hashlib
import json
import os
import re
from typing import Any, Dict, Iterable, List

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_CHUNK = 1 << 20


class Blobs:
    """The blob store below one root."""

    def __init__(self, root: str) -> None:
        self.folder = os.path.join(root, "blobs")

    def path(self, digest: str) -> str:
        """Return where the blob lies once it is whole; ValueError if `digest` is no sha256."""
        if not isinstance(digest, str) or not _DIGEST.match(digest):
            raise ValueError("%.80r is not a sha256 in lower-case hex" % (digest,))
        return os.path.join(self.folder, digest)

    def have(self, digests: Iterable[str]) -> Dict[str, Dict[str, Any]]:
        """Return per digest {state: whole|partial|missing, bytes}."""
        return {digest: self._state(self.path(digest)) for digest in digests}

    def whole(self, digest: str) -> bool:
        """Return whether the blob is there with the content it was verified with."""
        return self._verified(self.path(digest))

    def adopt(self, digests: Iterable[str]) -> Dict[str, str]:
        """Verify uploaded parts and put them in place; per digest adopted|corrupt|missing."""
        return {digest: self._adopt(self.path(digest)) for digest in digests}

    def seal_all(self, paths: List[str]) -> None:
        """Put written and verified parts in place; one flush to disk for all of them."""
        for path in paths:
            os.chmod(path + ".part", 0o444)
        os.sync()
        for path in paths:
            os.replace(path + ".part", path)
            _write_seal(path)

    def _state(self, path: str) -> Dict[str, Any]:
        if self._verified(path):
            return {"state": "whole", "bytes": os.stat(path).st_size}
        try:
            return {"state": "partial", "bytes": os.stat(path + ".part").st_size}
        except FileNotFoundError:
            return {"state": "missing", "bytes": 0}

    def _verified(self, path: str) -> bool:
        try:
            found = _fingerprint(path)
        except FileNotFoundError:
            return False
        if found == _read_seal(path):
            return True
        if _sha256(path) == os.path.basename(path):
            os.chmod(path, 0o444)
            _write_seal(path)
            return True
        os.unlink(path)
        return False

    def _adopt(self, path: str) -> str:
        if self._verified(path):
            return "adopted"
        part = path + ".part"
        try:
            digest = _sha256(part)
        except FileNotFoundError:
            return "missing"
        if digest != os.path.basename(path):
            os.unlink(part)
            return "corrupt"
        os.chmod(part, 0o444)
        _flush(part)
        os.replace(part, path)
        _flush(self.folder)
        _write_seal(path)
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


def _flush(path: str) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _fingerprint(path: str) -> List[int]:
    facts = os.lstat(path)
    return [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino]


def _read_seal(path: str) -> Any:
    try:
        with open(path + ".seal", encoding="ascii") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None


def _write_seal(path: str) -> None:
    with open(path + ".seal", "w", encoding="ascii") as file:
        json.dump(_fingerprint(path), file)
