"""Doubts about a cell: which there are, what they concern, and one with its evidence."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class FlagKind(enum.StrEnum):
    """A kind of doubt."""

    FOREIGN_CPU = "foreign_cpu"
    STEAL = "steal"
    PRESSURE = "pressure"
    THROTTLED = "throttled"
    FREQUENCY_CHANGED = "frequency_changed"
    OVERSUBSCRIBED = "oversubscribed"
    HOT = "hot"
    COUNTERS_LOST = "counters_lost"
    COARSE_CLOCK = "coarse_clock"
    GAPS = "gaps"
    NO_STEADY_STATE = "no_steady_state"
    SLOWDOWN = "slowdown"
    DRIFT = "drift"
    CANARY = "canary"
    SINGLE_LAUNCH = "single_launch"
    MEMORY_NOT_RESET = "memory_not_reset"
    AVERAGED = "averaged"
    AS_TOLD = "as_told"
    ENGINE_REBUILT = "engine_rebuilt"
    OVERLOADED = "overloaded"
    NEAR_CAPACITY = "near_capacity"
    RELAUNCHED = "relaunched"
    INCOMPLETE = "incomplete"
    ENDED_EARLY = "ended_early"
    GARBAGE = "garbage"
    NONFINITE = "nonfinite"
    PLACE_DEPENDENT = "place_dependent"
    BATCH_DEPENDENT = "batch_dependent"
    VARYING_OUTPUTS = "varying_outputs"
    BELOW_CHANCE = "below_chance"


@dataclass(frozen=True, slots=True)
class Flag:
    """A doubt about a cell, with its evidence; `caps` keeps its verdicts from being PASS.

    Those on quality, of a doubt about quality; on times, of any other.
    """

    name: FlagKind
    evidence: str
    caps: bool = True

    @property
    def caps_quality(self) -> bool:
        """Whether it keeps verdicts on quality from being PASS."""
        return self.caps and self.name in ABOUT_QUALITY

    @property
    def caps_times(self) -> bool:
        """Whether it keeps verdicts on times from being PASS."""
        return self.caps and self.name not in ABOUT_QUALITY | OF_ANSWERS


class Concern(enum.Enum):
    """What a kind of doubt is about."""

    DISTURBANCE = "disturbance"  #: the device, and through it times; nothing else
    TIMES = "times"  #: times that cannot be counted on for another reason
    OUTPUTS = "outputs"  #: what was computed
    ANSWERS = "answers"  #: answers that depend on more than the case, so what they are worth
    QUALITY = "quality"  #: what quality is worth, and what a loss is
    RECORD = "record"  #: how the measuring went


@dataclass(frozen=True, slots=True)
class FlagMeaning:
    """What a kind of doubt says; `crowded`: others used the processor meanwhile."""

    words: str
    concern: Concern
    crowded: bool = False


FLAGS: Mapping[FlagKind, FlagMeaning] = {
    FlagKind.FOREIGN_CPU: FlagMeaning(
        "other programs took more than 5 % of all CPU time (caps from 25 %)",
        Concern.DISTURBANCE, crowded=True,
    ),
    FlagKind.STEAL: FlagMeaning(
        "the hypervisor took more than 2 % of all CPU time (caps from 10 %)",
        Concern.DISTURBANCE, crowded=True,
    ),
    FlagKind.PRESSURE: FlagMeaning(
        "something waited for a CPU in more than 10 % of the time",
        Concern.DISTURBANCE, crowded=True,
    ),
    FlagKind.THROTTLED: FlagMeaning("the processor counted throttling", Concern.DISTURBANCE),
    FlagKind.FREQUENCY_CHANGED: FlagMeaning(
        "the CPU's clock changed by more than 10 %", Concern.DISTURBANCE
    ),
    FlagKind.OVERSUBSCRIBED: FlagMeaning(
        "more threads than the cores, the affinity mask or the CPU quota left the launches",
        Concern.DISTURBANCE,
    ),
    FlagKind.HOT: FlagMeaning("the processor reached 80 °C", Concern.DISTURBANCE),
    FlagKind.COUNTERS_LOST: FlagMeaning(
        "counters of the device went back or were gone after a launch: what disturbed it is not"
        " known",
        Concern.DISTURBANCE,
    ),
    FlagKind.COARSE_CLOCK: FlagMeaning(
        "the clock's steps are too large for calls this short", Concern.TIMES
    ),
    FlagKind.GAPS: FlagMeaning(
        "more than half of the time in which calls were timed, one after another, and .1 ms a call,"
        " lies in none of them: a clock that runs unevenly, a process that was stopped, or times"
        " that are made up",
        Concern.TIMES,
    ),
    FlagKind.NO_STEADY_STATE: FlagMeaning(
        "calls were still getting faster in the middle of the launches", Concern.TIMES
    ),
    FlagKind.SLOWDOWN: FlagMeaning(
        "calls got slower in the course of a launch, as by throttling", Concern.DISTURBANCE
    ),
    FlagKind.DRIFT: FlagMeaning(
        "launches got slower or faster in the course of the run (rank-CUSUM, p < .01)",
        Concern.TIMES,
    ),
    FlagKind.CANARY: FlagMeaning(
        "the fixed work of every round took another time in the course of the run", Concern.TIMES
    ),
    FlagKind.SINGLE_LAUNCH: FlagMeaning(
        "one launch says nothing of the difference between launches", Concern.TIMES
    ),
    FlagKind.MEMORY_NOT_RESET: FlagMeaning(
        "the peak of memory could not be reset after the imports", Concern.RECORD
    ),
    FlagKind.AVERAGED: FlagMeaning(
        "imported samples are means of several calls, which hide their tails", Concern.TIMES
    ),
    FlagKind.AS_TOLD: FlagMeaning(
        "figures as another program summed them up, without the times of calls", Concern.TIMES
    ),
    FlagKind.ENGINE_REBUILT: FlagMeaning(
        "an engine was built again, and may answer and time otherwise", Concern.RECORD
    ),
    FlagKind.OVERLOADED: FlagMeaning(
        "paced calls arrive faster than they are served: the wait only grows", Concern.TIMES
    ),
    FlagKind.NEAR_CAPACITY: FlagMeaning(
        "paced calls arrive nearly as fast as they are served", Concern.TIMES
    ),
    FlagKind.RELAUNCHED: FlagMeaning(
        "launches were interrupted and measured again", Concern.RECORD
    ),
    FlagKind.INCOMPLETE: FlagMeaning("fewer launches were made than planned", Concern.RECORD),
    FlagKind.ENDED_EARLY: FlagMeaning(
        "fewer launches were made than planned, since they showed its budgets of time clearly"
        " broken",
        Concern.RECORD,
    ),
    FlagKind.GARBAGE: FlagMeaning(
        "outputs lie further from the reference than [agreement] allows", Concern.OUTPUTS
    ),
    FlagKind.NONFINITE: FlagMeaning(
        "outputs are not finite, or of another shape than the reference's", Concern.OUTPUTS
    ),
    FlagKind.PLACE_DEPENDENT: FlagMeaning(
        "a case is answered otherwise at another place of its batch, beyond rounding: cases run"
        " along another axis of the file",
        Concern.OUTPUTS,
    ),
    FlagKind.BATCH_DEPENDENT: FlagMeaning(
        "the same case is answered otherwise in another batch, beyond rounding (caps quality where"
        " it was not judged at the row's batch, or where the baseline itself gets worse)",
        Concern.ANSWERS,
    ),
    FlagKind.VARYING_OUTPUTS: FlagMeaning(
        "the same call is answered otherwise each time, beyond rounding: quality is not told",
        Concern.ANSWERS,
    ),
    FlagKind.BELOW_CHANCE: FlagMeaning(
        "the baseline's quality is no better than that of one answer for all cases", Concern.QUALITY
    ),
}  # fmt: skip

#: Flags of outputs that are no answers: they keep no budget, and are not ranked.
WRONG_OUTPUTS = frozenset(kind for kind, of in FLAGS.items() if of.concern is Concern.OUTPUTS)
#: Flags of answers that hang on more than the case.
OF_ANSWERS = frozenset(kind for kind, of in FLAGS.items() if of.concern is Concern.ANSWERS)
#: Flags that cast doubt on quality, and on nothing else.
ABOUT_QUALITY = frozenset(kind for kind, of in FLAGS.items() if of.concern is Concern.QUALITY)
#: Flags that cast doubt on times, and on nothing else.
ON_TIME_ONLY = frozenset(kind for kind, of in FLAGS.items() if of.concern is Concern.DISTURBANCE)
#: Flags that say that others used the processor meanwhile.
CROWDED = frozenset(kind for kind, of in FLAGS.items() if of.crowded)
