"""What a scenario left: tables, processes and locks, read without any code of benchhub.

What a server keeps was copied into a file before, see `database`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard

from campaign.running import processes

#: So long what is about to end may still run.
GRACE_S = 15.0


@dataclass(frozen=True, slots=True)
class Planned:
    """A planned cell."""

    cell: str
    device: str
    launches: int
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """A launch as it is stored; samples in nanoseconds."""

    cell: str
    launch: int
    attempt: int
    status: str
    stage: str | None
    kind: str | None
    message: str | None
    samples: tuple[int, ...]
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tables:
    """The one run of a database; `errors` are by device why it stopped, `damage` what is broken."""

    status: str
    planned: tuple[Planned, ...]
    stored: tuple[Stored, ...]
    errors: Mapping[str, str]
    damage: tuple[str, ...]


#: A store in which no run was begun.
NOTHING = Tables("", (), (), {}, ())
_LAUNCHES = (
    "select cell, launch, attempt, status, failure_stage, failure_kind, failure_message, samples,"
    " details from launches where run = ? order by id"
)


def tables(store: Path) -> Tables:
    """Read a database with plain SQL; its first run, if it has any."""
    if not store.exists():
        return NOTHING
    try:
        return _tables(store)
    except sqlite3.DatabaseError as error:
        if "no such table" in str(error):  # they were about to be made
            return NOTHING
        return dataclasses.replace(NOTHING, damage=(f"cannot be read: {error}",))


def _tables(store: Path) -> Tables:
    with contextlib.closing(sqlite3.connect(store, timeout=5)) as database:
        damage = [
            f"{check}: {row}"
            for check in ("integrity_check", "foreign_key_check")
            for row in database.execute(f"PRAGMA {check}")
            if row != ("ok",)
        ]
        runs = database.execute("select id, status from runs order by rowid").fetchall()
        damage += [f"{len(runs)} runs, one was begun"] if len(runs) > 1 else []
        if not runs:
            return Tables("", (), (), {}, tuple(damage))
        run, status = runs[0]
        cells = database.execute("select key, info from cells where run = ?", (run,)).fetchall()
        rows = database.execute(_LAUNCHES, (run,)).fetchall()
        devices = database.execute("select name, info from devices where run = ?", (run,))
        errors = {
            name: str(error) for name, info in devices if (error := json.loads(info).get("error"))
        }
    planned = [_planned(key, json.loads(info)) for key, info in cells]
    stored = [
        Stored(
            cell, launch, attempt, status, stage, kind, message, unpacked(samples), json.loads(told)
        )
        for cell, launch, attempt, status, stage, kind, message, samples, told in rows
    ]
    return Tables(status, tuple(planned), tuple(stored), errors, tuple(damage))


def _planned(key: str, info: Mapping[str, Any]) -> Planned:
    return Planned(key, info["device"], info["launches"], json.loads(info["options"]))


def unpacked(blob: bytes) -> tuple[int, ...]:
    """Return int64 that were packed as zstd over their bytes, grouped by significance."""
    raw = zstandard.ZstdDecompressor().decompress(blob)
    count = len(raw) // 8
    numbers = (bytes(raw[place + count * byte] for byte in range(8)) for place in range(count))
    return tuple(int.from_bytes(number, "little", signed=True) for number in numbers)


def writable(store: Path) -> bool:
    """Return whether a database can be written to at once: nobody holds it."""
    if not store.exists():
        return True
    with contextlib.closing(sqlite3.connect(store, timeout=0.5, isolation_level=None)) as database:
        try:
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return False
    return True


def let_out(store: Path) -> None:
    """Let every device out of quarantine, as somebody does who has mended it."""
    if store.exists():
        with contextlib.closing(sqlite3.connect(store, timeout=5)) as database:
            with contextlib.suppress(sqlite3.OperationalError):  # there are no tables yet
                database.execute("delete from quarantine")
            database.commit()


def left_running(folders: Iterable[str], within_s: float = GRACE_S) -> tuple[str, ...]:
    """Return what still runs that names one of the folders, once nothing does or time is up."""
    until, wanted = time.monotonic() + within_s, list(folders)
    while found := [one for folder in wanted for one in processes(folder)]:
        if time.monotonic() > until:
            break
        time.sleep(0.02)  # looks again
    return tuple(f"{one.pid} ({one.state}): {' '.join(one.words)[-200:]}" for one in found)


def left_locked(roots: Mapping[str, Path], stores: Iterable[Path]) -> tuple[str, ...]:
    """Return which leases and databases somebody still holds."""
    held = [f"the lease of {name}" for name, root in roots.items() if _held(root / "lease")]
    return (*held, *(str(store) for store in stores if not writable(store)))


def _held(lock: Path) -> bool:
    try:
        fd = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False
