"""What may be said of a run that the store has as running: at work, killed, or not known; pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from benchhub.store.watched.signs import EVERY_S, MISSED, Sign


class RunStanding(enum.StrEnum):
    """Whether anybody measures a run."""

    AT_WORK = "at work"
    STOPPING = "stopping"
    KILLED = "killed"
    SILENT = "silent"
    UNTOLD = "not known"


@dataclass(frozen=True, slots=True)
class StandingTold:
    """How a run stands, and in a sentence what that rests on."""

    standing: RunStanding
    words: str

    @property
    def goes_on(self) -> bool:
        """Whether somebody is at work on it, as far as anybody knows."""
        return self.standing in (RunStanding.AT_WORK, RunStanding.STOPPING)


def standing(sign: Sign | None, heard: bool, gone: bool | None) -> StandingTold:
    """Return how a run stands by its last sign.

    `heard`: a sign came lately; `gone`: its process has ended, None: nobody here can know.
    """
    if sign is None:
        return StandingTold(
            RunStanding.UNTOLD,
            "who measures it gives no signs of life, as earlier versions: whether it goes on is not"
            " known",
        )
    who = f"process {sign.pid} on {sign.host}"
    if gone:
        return StandingTold(RunStanding.KILLED, f"{who} ended without a word: it was killed")
    if not heard:
        late = f"{EVERY_S * MISSED:.0f} s"
        return StandingTold(
            RunStanding.SILENT,
            f"{who} was not heard of for more than {late}: killed, suspended, or cut off from the"
            " store",
        )
    if sign.stopping:
        return StandingTold(RunStanding.STOPPING, f"{who} was asked to stop, and is about to")
    return StandingTold(RunStanding.AT_WORK, f"by {who}")
