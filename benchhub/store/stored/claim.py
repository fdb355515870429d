"""A claim as the store keeps it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from benchhub.model.claim import Ask, Claim, ClaimPart, Selector
from benchhub.store.stored.record import Part, Record, parsed, written


class _Selector(Part):
    variants: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    arch: tuple[str, ...] = ()
    threads: tuple[int, ...] = ()
    batches: tuple[int, ...] = ()
    precisions: tuple[str, ...] = ()
    gpu: bool | None = None
    emulated: bool | None = None

    def selector(self) -> Selector:
        return Selector(**self.model_dump())


class _Ask(Part):
    quantity: str
    at_least: int | float | None = None
    at_most: int | float | None = None
    metric: str = ""
    over: _Selector | None = None
    minus: _Selector | None = None

    def ask(self) -> Ask:
        over, minus = (of.selector() if of else None for of in (self.over, self.minus))
        return Ask(self.quantity, self.at_least, self.at_most, self.metric, over, minus)


class _ClaimPart(Part):
    of: _Selector
    ask: tuple[_Ask, ...]
    where: tuple[_Ask, ...] = ()
    any: bool = False
    scenario: str = ""
    min_cases: int = 50

    def part(self) -> ClaimPart:
        ask, where = (tuple(one.ask() for one in asks) for asks in (self.ask, self.where))
        return ClaimPart(self.of.selector(), ask, where, self.any, self.scenario, self.min_cases)


class ClaimV1(Record):
    """Since schema 0005."""

    id: str
    text: str
    source: str
    parts: tuple[_ClaimPart, ...]
    each: str = ""


def write_claim(claim: Claim) -> dict[str, Any]:
    """Return a claim as JSON types."""
    return written(ClaimV1(**dataclasses.asdict(claim)))


def read_claim(raw: Mapping[str, Any]) -> Claim:
    """Invert `write_claim`, or raise Misfit."""
    of = parsed("claim", raw, ClaimV1)
    return Claim(of.id, of.text, of.source, tuple(one.part() for one in of.parts), of.each)
