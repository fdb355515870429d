"""A question to a device, asked again where it was reached and fell silent, as a run would."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from benchhub.errors import LinkLost

#: How long the pause before each further try is.
PAUSES_S = (1.0, 5.0)
T = TypeVar("T")


def again(
    ask: Callable[[], T], on_wait: Callable[[str], None], pauses_s: Sequence[float] = PAUSES_S
) -> T:
    """Return what `ask` returns; LinkLost of the last try, every other error at once.

    `ask` opens a session of its own. `on_wait` hears why it is tried again.
    """
    for pause_s in pauses_s:
        try:
            return ask()
        except LinkLost as lost:
            on_wait(f"{lost}; again in {pause_s:.0f} s")
            time.sleep(pause_s)
    return ask()
