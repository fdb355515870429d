"""Claims of a suite file, TOML to model."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

from benchhub.config.schema import CLAIMED, AskTable, ClaimPartTable, ClaimTable, SelectorTable
from benchhub.errors import ConfigError, nearest
from benchhub.model.claim import Ask, Claim, ClaimPart, Selector
from benchhub.model.quantities import QUANTITIES, Grain

V = TypeVar("V", int, str)


def read_claims(
    entries: Sequence[ClaimTable],
    variants: Collection[str],
    backends: Collection[str],
    path: Path,
) -> tuple[Claim, ...]:
    """Return the claims of a suite of these variants and backends; ConfigError for a mistake."""
    known = {"variants": variants, "backends": backends}
    claims = tuple(
        _claim(entry, f"{path}: claims[{index}]", known) for index, entry in enumerate(entries)
    )
    for name, count in Counter(claim.id for claim in claims).items():
        if count > 1:
            raise ConfigError(f"{path}: claim {name} is defined twice; rename one")
    return claims


_Known = dict[str, Collection[str]]
#: Keys of a claim that belong into each of its parts where it has any.
_OF_PARTS = frozenset(ClaimPartTable.model_fields)


def _claim(entry: ClaimTable, where: str, known: _Known) -> Claim:
    parts: tuple[ClaimPart, ...]
    if not entry.parts:
        parts = (_part(entry, where, known),)
    else:
        beside = sorted(entry.model_fields_set & _OF_PARTS)
        if beside:
            raise ConfigError(
                f"{where}.{beside[0]}: a claim with parts has that in each part; move it there"
            )
        parts = tuple(
            _part(part, f"{where}.parts[{index}]", known) for index, part in enumerate(entry.parts)
        )
    return Claim(entry.id, entry.text, entry.source, parts, entry.each or "")


def _part(entry: ClaimPartTable, where: str, known: _Known) -> ClaimPart:
    if not entry.ask:
        raise ConfigError(f"{where}.ask is missing; say which quantity must keep which limit")
    conditions = tuple(
        _ask(one, f"{where}.where[{index}]", known) for index, one in enumerate(entry.where)
    )
    for index, one in enumerate(conditions):
        if QUANTITIES[one.quantity].grain is not Grain.FILE or one.over or one.minus:
            raise ConfigError(
                f"{where}.where[{index}]: {one.quantity} is not of the model file alone,"
                " and would choose by luck; put it under ask"
            )
    return ClaimPart(
        of=_selector(entry, where, known),
        ask=tuple(_ask(one, f"{where}.ask[{index}]", known) for index, one in enumerate(entry.ask)),
        where=conditions,
        any=entry.holds_for == "any",
        scenario=entry.scenario or "",
        min_cases=entry.min_cases,
    )


def _ask(entry: AskTable, where: str, known: _Known) -> Ask:
    if entry.quantity not in CLAIMED:
        raise ConfigError(
            f"{where}.quantity: unknown {entry.quantity}{nearest(entry.quantity, CLAIMED)}"
        )
    quantity = QUANTITIES[entry.quantity]
    if entry.metric and quantity.grain is not Grain.QUALITY:
        raise ConfigError(f"{where}.metric: {entry.quantity} is of no metric; remove it")
    if entry.over and entry.minus:
        raise ConfigError(f"{where}: over and minus exclude each other; keep one")
    ask = Ask(
        entry.quantity,
        at_least=entry.at_least,
        at_most=entry.at_most,
        metric=entry.metric or "",
        over=_selector(entry.over, f"{where}.over", known) if entry.over else None,
        minus=_selector(entry.minus, f"{where}.minus", known) if entry.minus else None,
    )
    return _limited(ask, entry.between, where)


def _limited(ask: Ask, between: list[float] | None, where: str) -> Ask:
    if between is not None:
        if ask.at_least is not None or ask.at_most is not None:
            raise ConfigError(f"{where}.between: stands for at_least and at_most; remove those")
        ask = dataclasses.replace(ask, at_least=between[0], at_most=between[1])
    if ask.at_least is None and ask.at_most is None:
        raise ConfigError(f"{where}: no limit; add at_most, at_least or between")
    if ask.at_least is not None and ask.at_most is not None and ask.at_least > ask.at_most:
        raise ConfigError(
            f"{where}: contradictory limits: nothing is at least {ask.at_least:g}"
            f" and at most {ask.at_most:g}"
        )
    return ask


def _selector(entry: SelectorTable, where: str, known: _Known) -> Selector:
    for key, names in known.items():
        for name in getattr(entry, key):
            if not any(fnmatchcase(one, name) for one in names):
                raise ConfigError(f"{where}.{key}: {name} is not in it{nearest(name, names)}")
    return Selector(
        variants=tuple(entry.variants),
        devices=tuple(entry.devices),
        backends=tuple(entry.backends),
        arch=tuple(entry.arch),
        threads=_several(entry.threads),
        batches=_several(entry.batch),
        precisions=_several(entry.precision),
        gpu=entry.gpu,
        emulated=entry.emulated,
    )


def _several(value: V | Sequence[V] | None) -> tuple[V, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, int | str) else tuple(value)
