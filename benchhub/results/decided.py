"""What was decided of a run, as it outlives the run's samples: by name, for later versions."""

from __future__ import annotations

import dataclasses
import enum
import json
import types
import typing
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

from benchhub.errors import StoreError
from benchhub.model.cell import Skip
from benchhub.model.claim import ClaimAnswer
from benchhub.model.device import Finding
from benchhub.model.row import Race, Row, Verdict

#: Counted up where a field changes what it means; new ones with a default need none.
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Decided:
    """All of a run's results that came from its launches.

    `told` is its provenance as reports show it, `findings` are all those of each device.
    """

    rows: tuple[Row, ...]
    verdicts: tuple[Verdict, ...]
    skips: tuple[Skip, ...]
    unjudged: tuple[str, ...]
    unapplied: tuple[str, ...]
    claims: tuple[ClaimAnswer, ...]
    races: tuple[Race, ...]
    findings: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)


def encoded(decided: Decided) -> bytes:
    """Return it as JSON. StoreError: it would not come back as it is."""
    data = json.dumps({"v": _VERSION, "decided": _plain(decided)}).encode("ascii")
    if decoded(data) != decided:
        raise StoreError("what was decided cannot be kept as it is: its samples stay")
    return data


def decoded(data: bytes) -> Decided:
    """Invert `encoded`. StoreError: it is damaged, or a newer benchhub's."""
    try:
        told = json.loads(data)
        if told["v"] > _VERSION:
            raise StoreError(
                "what was decided was kept by a newer benchhub: pip install --upgrade benchhub"
            )
        found: Decided = made(Decided, told["decided"])
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise StoreError(f"what was decided is damaged ({error}): restore a copy") from error
    return found


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    return value.value if isinstance(value, enum.Enum) else value


def made(hint: Any, value: Any) -> Any:
    """Return what JSON types stand for where a `hint` is; TypeError, ValueError: it is none."""
    origin, of = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None and types.NoneType in of:
            return None
        return _made_of_any([one for one in of if one is not types.NoneType], value)
    if origin is tuple:
        return _made_tuple(of, value)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: made(of[1], one) for key, one in value.items()}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint(value)
    if dataclasses.is_dataclass(hint):
        hints = _hints(cast(Hashable, hint))
        if unknown := value.keys() - hints.keys():
            raise TypeError(f"{min(unknown)} is unknown")
        return hint(**{name: made(hints[name], one) for name, one in value.items()})  # type: ignore[operator]
    wanted = (int, float) if hint is float else hint
    if not isinstance(value, wanted) or (isinstance(value, bool) and hint is not bool):
        raise TypeError(f"a {type(value).__name__} for a {hint.__name__}")
    return value


def _made_of_any(hints: list[Any], value: Any) -> Any:
    for hint in hints[:-1]:
        try:
            return made(hint, value)
        except (AttributeError, LookupError, TypeError, ValueError):
            continue
    return made(hints[-1], value)


def _made_tuple(of: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise TypeError(f"a {type(value).__name__} for a list")
    if len(of) == 2 and of[1] is Ellipsis:
        return tuple(made(of[0], one) for one in value)
    return tuple(made(hint, one) for hint, one in zip(of, value, strict=True))


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    hints = typing.get_type_hints(kind)
    return {one.name: hints[one.name] for one in dataclasses.fields(kind)}
