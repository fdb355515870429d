"""One line from a device as an event: the only place where what a device sends is read."""

from __future__ import annotations

import functools
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from benchhub.device.events.schema import Event
from benchhub.outside.mistakes import said
from benchhub.text import visible

_SHOWN_CHARS = 80


class Broken(Exception):
    """Something else than the protocol allows; says in a few words what."""


@functools.cache
def _adapter() -> TypeAdapter[Event]:
    return TypeAdapter(Annotated[Event, Field(discriminator="event")])


def parse(line: bytes) -> Event:
    """Return the event on one line, newline included; Broken for everything else."""
    try:
        return _adapter().validate_json(line)
    except ValidationError as error:
        raise Broken(_explained(line, error)) from None
    except (ValueError, RecursionError) as error:
        raise Broken(f"a line that is no event, {shown(line)!r}: {error}") from None


def shown(line: bytes | bytearray) -> str:
    """Return the beginning of a line for a message."""
    return visible(bytes(line[:_SHOWN_CHARS]).decode("utf-8", "replace").strip())


def _explained(line: bytes, error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    kind, *where = first["loc"] or ("",)
    if first["type"] in ("json_invalid", "model_attributes_type") or not first["loc"]:
        return f"a line that is no event, {shown(line)!r}: {visible(said(first))[:200]}"
    more = f" and {error.error_count() - 1} more" if error.error_count() > 1 else ""
    place = visible(".".join(map(str, where)))[:_SHOWN_CHARS] or "it"
    return f"an event {kind!r} in which {place} is wrong: {visible(said(first))[:200]}{more}"
