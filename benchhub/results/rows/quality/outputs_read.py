"""Which of a model's outputs its quality hangs on, and which of them are compared; pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeVar

from benchhub.model.quality import AnswerKey, Reading

_T = TypeVar("_T")


def outputs_read(answer_key: AnswerKey) -> frozenset[int]:
    """Return the positions of the outputs that metrics read, or that predictions are made of."""
    every = frozenset(range(len(answer_key.reference)))
    if answer_key.predict:
        by_own_code = ":" in answer_key.predict  # that is given all of them
        own = any(one.labels == "own" for one in answer_key.readings.values())
        return every if by_own_code or own else every & {0}
    found: set[int] = set()
    for name in (answer_key.metric, *answer_key.also):
        reading = answer_key.readings.get(name)
        if reading is not None and reading.labels == "own":
            return every
        found |= parts(reading) if reading else {0}
    return every & found


def parts(reading: Reading) -> frozenset[int]:
    """Return the positions of the outputs that one metric reads."""
    how = reading.boxes
    more = (how.scores, how.classes, how.count) if how else ()
    return frozenset(at for at in (reading.output, *more) if at >= 0)


def box_reading(answer_key: AnswerKey) -> Reading | None:
    """Return how boxes are read of outputs; None: these hold none that are known of."""
    if answer_key.predict:
        return None
    return next((one for one in answer_key.readings.values() if one.boxes), None)


def compared(values: Sequence[_T], answer_key: AnswerKey) -> tuple[_T, ...]:
    """Return what there is one of for each output, for those that are compared."""
    return tuple(one for at, one in enumerate(values) if at not in answer_key.uncompared)


def only(values: Sequence[_T], positions: Collection[int]) -> tuple[_T, ...]:
    """Return what there is one of for each output, for those at `positions`."""
    return tuple(one for at, one in enumerate(values) if at in positions)
