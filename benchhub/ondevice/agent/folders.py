"""Models that are kept in several files: their blobs under their own names, in one folder.

Runtimes find the further files by their paths beside the model's. The folder holds hard links,
which take no room and which, unlike symbolic ones, no runtime refuses to follow.
"""

import os
from typing import Sequence

from benchhub.ondevice.agent.blobs import Blobs
from benchhub.ondevice.job import model_path


def assemble(blobs: Blobs, identity: str, files: Sequence[Sequence[str]]) -> None:
    """Give whole blobs their names in the model's folder.

    ValueError for a name that leads out of it; OSError if the disk cannot do that.
    """
    blobs.path(identity)  # a name of that form only
    root = os.path.dirname(blobs.folder)
    for name, digest in files:
        path = model_path(root, identity, name)
        blob = blobs.path(digest)
        try:
            if os.path.samefile(path, blob) and not os.path.islink(path):
                continue
            os.unlink(path)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        os.link(blob, path)
        blobs.seal([digest])  # a further name changes the ctime that the seal remembers
