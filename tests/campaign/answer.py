"""What a launch answers: samples that tell which launch of which cell they are, and who made them.

Only the standard library: what stands for a launch on a device imports it, too.
"""

from collections.abc import Sequence
from typing import NamedTuple

#: So many samples carry an answer, 16 bits each: four of the cell, one of the launch, three of a
#: number that no other launch has. The rest are 0.
WORDS = 8
NONCE_BYTES = 6


class Answer(NamedTuple):
    """The key of a cell, the index of a launch, and its number."""

    cell: str
    launch: int
    nonce: int


def encode(answer: Answer, count: int) -> list[int]:
    """Return `count` samples in nanoseconds; ValueError if those are too few to carry it."""
    if count < WORDS:
        raise ValueError(f"{count} samples, at least {WORDS} are needed")
    key = int(answer.cell, 16)
    words = [key >> shift & 0xFFFF for shift in (48, 32, 16, 0)]
    words.append(answer.launch & 0xFFFF)
    words += [answer.nonce >> shift & 0xFFFF for shift in (32, 16, 0)]
    return words + [0] * (count - WORDS)


def decode(samples: Sequence[int]) -> Answer | None:
    """Return what samples tell; None where they are too few, or of no such launch."""
    if len(samples) < WORDS or any(not 0 <= one <= 0xFFFF for one in samples[:WORDS]):
        return None
    if any(samples[WORDS:]):
        return None
    key = samples[0] << 48 | samples[1] << 32 | samples[2] << 16 | samples[3]
    nonce = samples[5] << 32 | samples[6] << 16 | samples[7]
    return Answer(f"{key:016x}", samples[4], nonce)
