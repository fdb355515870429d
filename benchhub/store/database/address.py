"""The URL of a store: what it may be, and what is needed for it."""

from __future__ import annotations

import os
import re
import warnings

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SAWarning

from benchhub.errors import MissingExtra, StoreError
from benchhub.outside.masked import masked

#: What may stand before `://`, and the driver that it means.
_DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}


def read(url: str) -> sa.URL:
    """Return the URL of a store as SQLAlchemy has it, with its driver.

    StoreError: it is none, or of a database that benchhub does not know. MissingExtra: its driver
    is not installed here.
    """
    try:
        found = sa.make_url(url)
        os.fsencode(found.database or "")
    except (ArgumentError, ValueError) as error:
        raise _wrong(url, error) from error
    driver = _DRIVERS.get(found.drivername)
    if driver is None:
        raise StoreError(
            f"{masked(url)!r} is not a database URL for benchhub, which keeps runs in SQLite or"
            " PostgreSQL: write sqlite:///results.db or postgresql://user@host/database"
        )
    found = found.set(drivername=driver)
    try:
        with warnings.catch_warnings():
            # A setting that is ignored, as `?mode=ro`, is not what was asked for.
            warnings.simplefilter("error", SAWarning)
            dialect = found.get_dialect()()
            dialect.import_dbapi()
            dialect.create_connect_args(found)
    except ModuleNotFoundError as error:
        shown = found.set(drivername=found.get_backend_name()).render_as_string(hide_password=True)
        raise MissingExtra(
            f"{shown} needs the package {error.name}, which is not installed here:"
            " pip install 'benchhub[postgresql]'",
            f"{error.name} is not installed",
        ) from error
    except (ArgumentError, NoSuchModuleError, SAWarning, ValueError) as error:
        raise _wrong(url, error) from error
    return found


def _wrong(url: str, error: Exception) -> StoreError:
    cause = masked(" ".join(str(error).split()))
    example = "sqlite:///results.db, for instance"
    if re.fullmatch(r"[\w./~ -]{1,200}", url):  # a path, and no URL
        example = f"sqlite:///{url}"
    return StoreError(f"{masked(url)!r} is not a database URL ({cause}): write {example}")
