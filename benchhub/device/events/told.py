"""Texts, numbers and open lists as devices tell them: of bounded size, and fit to be shown."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from benchhub.device.events.bounds import TEXT_CHARS, TOLD_DEPTH, TOLD_VALUES
from benchhub.text import visible

_MOST = 2**63 - 1
#: What stands for an empty reason.
UNTOLD = "(it does not say why)"


class Said(BaseModel):
    """What a device sends, or a part of it: no other types, no other keys."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        protected_namespaces=(),
        val_json_bytes="base64",
        hide_input_in_errors=True,
    )


def bounded(value: Any) -> Any:
    """Return plain JSON types with texts made visible; ValueError past the bounds of `told`.

    Numbers are finite and fit into 64 bits.
    """
    return _bounded(value, TOLD_DEPTH, [TOLD_VALUES])


def _bounded(value: Any, depth: int, left: list[int]) -> Any:
    left[0] -= 1
    if left[0] < 0:
        raise ValueError(f"more than {TOLD_VALUES} values")
    if not isinstance(value, dict | list):
        return _single(value)
    if not depth:
        raise ValueError(f"nested deeper than {TOLD_DEPTH}")
    if isinstance(value, dict):
        return {
            _bounded(key, depth, left): _bounded(one, depth - 1, left) for key, one in value.items()
        }
    return [_bounded(one, depth - 1, left) for one in value]


def _single(value: Any) -> Any:
    if isinstance(value, str):
        if len(value) > TEXT_CHARS:
            raise ValueError(f"a text of {len(value)} characters, at most {TEXT_CHARS}")
        return visible(value)
    if isinstance(value, int) and not -_MOST <= value <= _MOST:
        raise ValueError("a number that does not fit into 64 bits")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number that is not finite")
    return value


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("an empty text")
    return text


#: A line of text.
Text = Annotated[str, Field(max_length=TEXT_CHARS), AfterValidator(visible)]
#: A text that says something: a name, a path.
Word = Annotated[Text, AfterValidator(_said)]
#: Why something is not: who says nothing is told to.
Reason = Annotated[Text, AfterValidator(lambda said: said if said.strip() else UNTOLD)]
#: What is counted: calls, bytes, nanoseconds.
Count = Annotated[int, Field(ge=0, le=_MOST)]
#: A reading of a sensor.
Figure = Annotated[float, Field(allow_inf_nan=False, ge=-1e12, le=1e12)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
#: Names to JSON values: what a backend tells of itself.
Told = Annotated[dict[str, Any], BeforeValidator(bounded)]
