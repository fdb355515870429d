"""Models that are kept in several files: their blobs under their own names, in one folder.

Runtimes find the further files by their paths beside the model's. The folder holds hard links,
which take no room and which, unlike symbolic ones, no runtime refuses to follow.
"""

import os
from typing import Sequence

from benchhub.ondevice.agent.blobs import Blobs

#: The folder of these folders, below a device's root.
MODELS = "models"


def model_path(root: str, identity: str, files: Sequence[Sequence[str]]) -> str:
    """Return where the first of `files`, [name, sha256] each, lies for a runtime to load."""
    return os.path.join(root, MODELS, identity, *_parts(files[0][0]))


def assemble(blobs: Blobs, identity: str, files: Sequence[Sequence[str]]) -> None:
    """Give whole blobs their names in the model's folder.

    ValueError for a name that leads out of it; OSError if the disk cannot do that.
    """
    blobs.path(identity)  # a name of that form only
    root = os.path.dirname(blobs.folder)
    for name, digest in files:
        path = os.path.join(root, MODELS, identity, *_parts(name))
        blob = blobs.path(digest)
        try:
            if os.path.samefile(path, blob) and not os.path.islink(path):
                continue
            os.unlink(path)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        os.link(blob, path)
        blobs.seal([digest])  # a further name changes the ctime that the seal remembers


def _parts(name: str) -> Sequence[str]:
    parts = name.split("/")
    if not all(parts) or any(part in (".", "..") or "\0" in part for part in parts):
        raise ValueError("%.80r is no path within a model's folder" % (name,))
    return parts
