"""What was computed from launches, kept beside them to be computed once."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from benchhub.errors import StoreError
from benchhub.store import schema
from benchhub.store.blobs import pack_bytes, unpack_bytes
from benchhub.store.database.transactions import Transactions

#: So long a name fits the column; of a longer one its digest stands in.
_LONGEST = 255
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Summary:
    """What was kept under a name: `data`, with the `key` of all that it was computed from."""

    key: str
    data: bytes


class Summaries:
    """The summaries of a store; see `Store.summaries`.

    Whoever computes says what a key is made of. What is kept here is true of a run only under the
    key that its launches have now, but where these were pruned.
    """

    def __init__(self, store: Transactions) -> None:
        self._store = store

    def of(self, run: str, kind: str) -> dict[str, Summary]:
        """Return what is kept of a run, by name; what was damaged since, or is torn, is not there.

        Nothing where the table cannot be read: everything can be computed anew.
        """
        table = schema.summaries
        wanted = sa.select(table.c.name, table.c.key, table.c.digest, table.c.data)
        try:
            rows = self._store.rows(wanted.where(table.c.run == run, table.c.kind == kind))
        except StoreError:
            return {}
        found = {}
        for row in rows:
            name, key, data = row["name"], row["key"], row["data"]
            whole = isinstance(data, bytes) and row["digest"] == _digest(run, kind, name, key, data)
            if whole:
                with contextlib.suppress(ValueError):
                    found[name] = Summary(key, unpack_bytes(data))
        return found

    def keep(self, run: str, kind: str, found: Mapping[str, Summary]) -> bool:
        """Keep summaries in place of those of the same names; return whether they could be.

        A store that is read-only, full or in use by somebody else keeps none, which costs time.
        """
        table = schema.summaries
        rows = [
            {"run": run, "kind": kind, "name": name, "key": one.key, "data": data}
            | {"digest": _digest(run, kind, name, one.key, data)}
            for name, one in found.items()
            if (data := pack_bytes(one.data))
        ]

        def put(connection: sa.Connection) -> None:
            for start in range(0, len(rows), _AT_ONCE):
                part = rows[start : start + _AT_ONCE]
                same = (table.c.run == run) & (table.c.kind == kind)
                same &= table.c.name.in_([row["name"] for row in part])
                connection.execute(table.delete().where(same))
                connection.execute(table.insert(), part)

        try:
            self._store.write_if_free(put)
        except StoreError:
            return False
        return True


def named(name: str) -> str:
    """Return a name that fits the column: itself, or its digest where it is too long."""
    return name if len(name) <= _LONGEST else hashlib.sha256(name.encode()).hexdigest()


def _digest(run: str, kind: str, name: str, key: str, data: bytes) -> str:
    digest = hashlib.sha256(repr((run, kind, name, key)).encode())
    digest.update(data)
    return digest.hexdigest()
