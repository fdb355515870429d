"""A store that a PostgreSQL server keeps, for many controllers at once.

Every connection holds the store's lock shared, as long as it lives. Who changes the schema takes it
alone: nobody is at work meanwhile, and who comes waits. The server frees the lock of whoever dies.
"""

from __future__ import annotations

import os
import socket
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from benchhub import __version__
from benchhub.errors import StoreError
from benchhub.store.database.told import place
from benchhub.text import visible

#: The store's lock among the advisory locks of its database: "bench", "hub".
LOCK = (0x62656E63, 0x687562)
_KEYS = f"{LOCK[0]}, {LOCK[1]}"
_HOLDERS = (
    "SELECT DISTINCT activity.application_name FROM pg_locks"
    " JOIN pg_stat_activity activity ON activity.pid = pg_locks.pid"
    " WHERE locktype = 'advisory' AND granted AND classid = :high AND objid = :low"
    " AND activity.datname = current_database() AND pg_locks.pid <> pg_backend_pid()"
)
#: What was committed has to be there after the server was killed, whatever else it keeps.
_KEPT = (
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') = 'off'"
)
#: What a connection is told unless the URL says otherwise. A peer that is gone without a word is
#: given up after half a minute.
_SETTINGS = {
    "connect_timeout": "10",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}


def open_server(
    url: sa.URL, busy_timeout_s: float, alone: bool = False, read_only: bool = False
) -> sa.Engine:
    """Return an engine on a server's database.

    Its connections hold the store's lock shared, and wait so long for it and for rows that others
    write; what they committed outlives the server's death. `alone`: they do not take the lock; see
    `take_alone`. `read_only`: nothing can be written over them, and they take no lock either, as
    they may be open for weeks.
    """
    settings: dict[str, Any] = {
        name: value for name, value in _SETTINGS.items() if name not in url.query
    }
    if "application_name" not in url.query:
        here = f"benchhub {__version__} on {socket.gethostname()} ({os.getpid()})"
        settings["application_name"] = here[:63]
    engine = sa.create_engine(
        url, connect_args=settings, pool_size=8, max_overflow=24, pool_timeout=60
    )
    words = f"SET lock_timeout = {round(busy_timeout_s * 1000)}; {_KEPT}"
    if read_only:
        words += "; SET default_transaction_read_only = on"
    elif not alone:
        words += f"; SELECT pg_advisory_lock_shared({_KEYS})"

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.execute(words)
        connection.commit()

    return engine


def may_write(connection: sa.Connection) -> bool:
    """Return whether launches can be added over a connection: its role may, and so may anybody."""
    asked = (
        "SELECT current_setting('transaction_read_only') = 'off'"
        " AND has_table_privilege('launches', 'INSERT') AND has_table_privilege('runs', 'UPDATE')"
    )
    return bool(connection.execute(sa.text(asked)).scalar())


def may_make(connection: sa.Connection) -> bool:
    """Return whether a connection's role may make tables where they would be looked for."""
    asked = (
        "SELECT current_schema() IS NOT NULL AND current_setting('transaction_read_only') = 'off'"
        " AND has_schema_privilege(current_schema(), 'CREATE')"
    )
    return bool(connection.execute(sa.text(asked)).scalar())


def take_alone(connection: sa.Connection) -> None:
    """Take the store's lock alone, until the connection is closed.

    StoreError: somebody is at work in it, and who.
    """
    if not connection.execute(sa.text(f"SELECT pg_try_advisory_lock({_KEYS})")).scalar():
        rows = connection.execute(sa.text(_HOLDERS), {"high": LOCK[0], "low": LOCK[1]})
        others = ", ".join(visible(str(row[0] or "another program")) for row in rows)
        raise StoreError(
            f"{place(connection.engine)} is in use by {others or 'another program'}:"
            " wait until they end, and run the command again"
        )


def take_turns(connection: sa.Connection) -> None:
    """Wait until nobody else makes the tables, until the transaction ends."""
    connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({LOCK[0]}, {LOCK[1] + 1})"))
