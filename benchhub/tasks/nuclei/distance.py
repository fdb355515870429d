"""Maps of distance: how deep in its nucleus a pixel lies, 0 outside and 1 where it is deepest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, find_objects

from benchhub.model.arrays import Array

#: A stored byte of 255 is a distance of 1; a nucleus's pixel is never 0.
STEPS = 255


def distances(instances: Array) -> NDArray[np.float32]:
    """Return each pixel's distance to what is not its nucleus, over the nucleus's largest: (H, W).

    Nuclei that touch part each other. Beyond the border of the picture lies nothing, so that a
    nucleus cut by it is deepest there.
    """
    depth = np.zeros(instances.shape, dtype=np.float32)
    for number, place in enumerate(find_objects(instances), start=1):
        if place is None:
            continue
        rows, columns = (slice(max(0, one.start - 1), one.stop + 1) for one in place)
        inside = instances[rows, columns] == number
        # one that fills the whole picture has no edge to be far from
        own = distance_transform_edt(inside) if not inside.all() else np.ones(inside.shape)
        depth[rows, columns][inside] = (own / own.max())[inside]
    return depth


def targets(instances: Array) -> NDArray[np.uint8]:
    """Return what a net is trained towards, one byte a pixel: 0 background, else 255 x distance."""
    depth = distances(instances)
    bytes_ = np.maximum(np.rint(depth * STEPS), depth > 0)
    return np.asarray(bytes_, dtype=np.uint8)
