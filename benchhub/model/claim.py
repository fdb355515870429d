"""What a paper says, as a rule, and how a run answers it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Selector:
    """Which rows a claim is about; what is empty or None chooses all.

    Names may be patterns with `*`. `gpu` and `emulated` choose rows computed on a GPU, or of
    emulated devices (True), or only others (False).
    """

    variants: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    arch: tuple[str, ...] = ()
    threads: tuple[int, ...] = ()
    batches: tuple[int, ...] = ()
    precisions: tuple[str, ...] = ()
    gpu: bool | None = None
    emulated: bool | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A quantity of `benchhub.model.quantities` and its limits, at least one of them.

    `metric` is one of quality other than the first. With `over` the quantity is divided by that of
    the rows chosen there, with `minus` it is lessened by it.
    """

    quantity: str
    at_least: float | None = None
    at_most: float | None = None
    metric: str = ""
    over: Selector | None = None
    minus: Selector | None = None


@dataclass(frozen=True, slots=True)
class ClaimPart:
    """What is claimed of the candidates that `of` and `where` choose: of all of them, or of any.

    `scenario` is whose rows are read; empty: that of the first timing quantity.
    """

    of: Selector
    ask: tuple[Ask, ...]
    where: tuple[Ask, ...] = ()
    any: bool = False
    scenario: str = ""
    min_cases: int = 50


@dataclass(frozen=True, slots=True)
class Claim:
    """What a paper says, as a rule: all `parts` must hold. `each` asks once for each of a kind."""

    id: str
    text: str
    source: str
    parts: tuple[ClaimPart, ...]
    each: str = ""


class ClaimOutcome(enum.StrEnum):
    """The answer to a claim."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNTOLD = "cannot be told"


@dataclass(frozen=True, slots=True)
class ClaimAnswer:
    """A claim held against a run: the deciding figure with its limits, what follows, and why.

    `asked` is what the figure is, with the limits it was held to; figures are None where there is
    none. `because` are lines of evidence from the run, for what does not hold.
    """

    id: str
    text: str
    source: str
    measured: float | None
    low: float | None
    high: float | None
    verdict: ClaimOutcome
    reason: str
    asked: str = ""
    because: tuple[str, ...] = ()
