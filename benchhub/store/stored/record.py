"""How a stored record is read and written, whatever it is of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from benchhub.errors import StoreError
from benchhub.text import visible

#: What to do about a record that cannot be read.
RESTORE = "restore a copy, or use another --store"


class Misfit(StoreError):
    """A record is of a newer version, or does not fit its own; `why` in a few words."""

    def __init__(self, what: str, why: str, step: str) -> None:
        super().__init__(f"a {what} in the store {why}: {step}")
        self.why = f"a {what} {why}"


@contextmanager
def undamaged(what: str, run: str = "") -> Iterator[None]:
    """Make a StoreError of what reading a damaged record, or a column of one, raises.

    `run` is the run that it is of.
    """
    try:
        yield
    except Misfit as misfit:
        if not run:
            raise
        raise StoreError(f"run {run}: {misfit}") from misfit
    except (
        ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError,
        ValueError,
    ) as error:  # fmt: skip
        cause = f"{type(error).__name__}: {visible(str(error))}"[:200]
        of = f" of run {run}" if run else ""
        raise StoreError(
            f"{what}{of} in the store is damaged ({cause}): restore a copy, or delete it with"
            f" `benchhub runs delete{f' {run}' if run else ''}`"
        ) from error


class Part(BaseModel):
    """What lies in a record; a key that it does not know is refused, not dropped."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, protected_namespaces=(), defer_build=True
    )


class Record(Part):
    """A record as it lies in the store, with the version it was written in."""

    v: int = 1

    def newer(self) -> Record:
        """Return what the next version would have kept of the same."""
        raise NotImplementedError


R = TypeVar("R", bound=Record)


def parsed(what: str, raw: Mapping[str, Any], newest: type[R], *older: type[Record]) -> R:
    """Return `raw` as a record of the newest version, or raise Misfit; `older` start at 1."""
    versions: tuple[type[Record], ...] = (*older, newest)
    if not isinstance(raw, Mapping):
        raise Misfit(what, f"is no record, but a {type(raw).__name__}", RESTORE)
    version = raw.get("v", 1)
    if not isinstance(version, int) or not 0 < version <= len(versions):
        raise Misfit(
            what, f"is of version {version}, and this benchhub knows them up to {len(versions)}",
            "pip install --upgrade benchhub",
        )  # fmt: skip
    try:
        record: Record = versions[version - 1].model_validate(raw)
        while not isinstance(record, newest):
            record = record.newer()
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise Misfit(what, f"cannot be read, {where}: {first['msg']}", RESTORE) from error
    return record


def written(record: Record) -> dict[str, Any]:
    """Return a record as JSON types."""
    return record.model_dump(mode="json", exclude={"v"} if record.v == 1 else None)
