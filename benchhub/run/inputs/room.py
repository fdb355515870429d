"""Whether there is memory to make inputs of the sizes that are asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchhub.errors import ConfigError
from benchhub.run.inputs.asked_shapes import shape_text

_GIB = 2**30


def check_room(model: str, name: str, sizes: Sequence[int], item_bytes: int) -> None:
    """Raise ConfigError where an input is larger than the memory that is free on this machine."""
    import psutil

    needed = math.prod(sizes) * item_bytes
    free: int = psutil.virtual_memory().available
    if needed > free:
        raise ConfigError(
            f"{model}: input {name} of {shape_text(sizes)} takes {needed / _GIB:,.1f} GiB, and"
            f" {free / _GIB:,.1f} GiB of memory are free on this machine; ask for smaller"
            " sizes, or a smaller batch"
        )
