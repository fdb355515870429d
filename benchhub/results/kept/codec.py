"""Frozen dataclasses as JSON and back, exactly: a number comes back as it went, or not at all.

What lies in a store may be anybody's: nothing but the types that are asked for is made of it.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import types
import typing
from collections.abc import Callable, Hashable, Mapping
from functools import cache
from typing import Any, TypeVar, cast

T = TypeVar("T")
Decoder = Callable[[Any], Any]


def encoded(value: Any) -> bytes:
    """Return a dataclass as JSON. TypeError: it holds what JSON has no word for."""
    return json.dumps(_plain(value), separators=(",", ":")).encode("ascii")


def decoded(kind: type[T], data: bytes) -> T:
    """Invert `encoded`. ValueError: it is not what that made of a `kind`."""
    try:
        found: T = _decoder_of(kind)(json.loads(data))
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"no {kind.__name__}: {error}") from error
    return found


def _decoder_of(kind: Any) -> Decoder:
    decode: Decoder = _decoder(kind)
    return decode


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if dataclasses.is_dataclass(value):
        return [_plain(getattr(value, name)) for name in _names(cast(Hashable, type(value)))]
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("a key that is no text")
        return {key: _plain(one) for key, one in value.items()}
    raise TypeError(f"a {type(value).__name__}")


@cache
def _names(kind: Hashable) -> tuple[str, ...]:
    return tuple(one.name for one in dataclasses.fields(cast(Any, kind)))


@cache
def _decoder(hint: Any) -> Decoder:
    origin, of = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return lambda value: value
    if hint in _SCALARS:
        return _scalar(_SCALARS[hint])
    if origin in (typing.Union, types.UnionType):
        return _optional(hint, of)
    if origin is tuple:
        return _tuple(of)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(_decoder(of[1]))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint
    if dataclasses.is_dataclass(hint):
        return _dataclass(hint)
    raise TypeError(f"{hint} cannot be kept")


def _optional(hint: Any, of: tuple[Any, ...]) -> Decoder:
    (some,) = (one for one in of if one is not types.NoneType)
    decode = _decoder(some)
    return lambda value: None if value is None else decode(value)


def _tuple(of: tuple[Any, ...]) -> Decoder:
    if len(of) == 2 and of[1] is Ellipsis:
        decode = _decoder(of[0])
        return lambda value: tuple([decode(one) for one in _list(value)])
    decoders = tuple(map(_decoder, of))
    return lambda value: tuple(
        [each(one) for each, one in zip(decoders, _list(value), strict=True)]
    )


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"a {type(value).__name__} for a list")
    return value


def _mapping(decode: Decoder) -> Decoder:
    return lambda value: {key: decode(one) for key, one in value.items()}


def _dataclass(kind: Any) -> Decoder:
    hints = typing.get_type_hints(kind)
    names = _names(kind)
    # Most fields are scalars: to look at their types here spares a call for each.
    scalars = [_SCALARS.get(hints[name]) for name in names]
    decoders = [_decoder(hints[name]) for name in names]

    def decode(value: Any) -> Any:
        told = {}
        for name, allowed, each, one in zip(names, scalars, decoders, _list(value), strict=True):
            if allowed is None:
                told[name] = each(one)
            elif type(one) in allowed:
                told[name] = one
            else:
                raise _other(one)
        return kind(**told)

    return decode


def _scalar(allowed: frozenset[type]) -> Decoder:
    def check(value: Any) -> Any:
        if type(value) not in allowed:
            raise _other(value)
        return value

    return check


def _other(value: Any) -> TypeError:
    return TypeError(f"a {type(value).__name__}")


#: A whole number where a float may stand stays one: reports show it as it was.
_SCALARS: Mapping[Any, frozenset[type]] = {
    str: frozenset({str}), int: frozenset({int}), bool: frozenset({bool}),
    float: frozenset({float, int}),
}  # fmt: skip
_SCALARS = {**_SCALARS, **{one | None: of | {types.NoneType} for one, of in _SCALARS.items()}}
