"""The tables of the results database; `migrations/` holds the steps that lead here.

Types are portable (SQLite, PostgreSQL). What is asked for in SQL has a column; what is only read
back whole is JSON. Samples and arrays are blobs, see `blobs.py`.
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from benchhub.outside.foreign.bounds import read_bounded
from benchhub.text import all_visible, visible

#: The newest revision in `migrations/versions`.
HEAD = "0011"

metadata = MetaData()


class _Words(TypeDecorator[str]):
    """A text: whoever wrote the store, what is read of it is on one line and visible."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return visible(value) if isinstance(value, str) else value


class _Word(TypeDecorator[str]):
    """The same of limited length."""

    impl = String
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return visible(value) if isinstance(value, str) else value


def read_json(text: str | bytes) -> Any:
    """Return a JSON column, its texts made visible; of a damaged one its beginning, as a text."""
    try:
        told = read_bounded(text)
    except (ValueError, RecursionError):
        return visible(repr(text[:80]))
    if isinstance(text, str) and text.isascii() and "\\" not in text and "\x7f" not in text:
        return told
    return all_visible(told)


def as_read(value: Any) -> Any:
    """Return plain JSON types as they are read once they were written."""
    return read_json(json.dumps(value))


class _Json(TypeDecorator[Any]):
    """Plain JSON types.

    A server keeps them as text: its own JSON takes no infinite numbers, which devices may tell.
    """

    impl = sqlalchemy.JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> Any:
        return Text() if dialect.name == "postgresql" else sqlalchemy.JSON()

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return json.dumps(value) if dialect.name == "postgresql" else value

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return read_json(value) if dialect.name == "postgresql" and value is not None else value


#: A column of JSON: text on a server.
JSON = _Json


def _run_column() -> Column[str]:
    return Column("run", _Word(64), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)


runs = Table(
    "runs",
    metadata,
    Column("id", _Word(64), primary_key=True),
    Column("suite", _Words, nullable=False),
    Column("suite_sha256", _Word(64), nullable=False),
    Column("task", _Words, nullable=False),
    Column("baseline", _Words, nullable=False),
    Column("effort", _Words, nullable=False),
    Column("started_at", _Word(40), nullable=False),
    Column("finished_at", _Word(40)),
    Column("status", _Word(16), nullable=False),
    Column("request", JSON, nullable=False),
    Column("provenance", JSON, nullable=False),
    Column("budgets", JSON, nullable=False),
    Column("skips", JSON, nullable=False),
    Column("pruned_at", _Word(40)),
)

devices = Table(
    "devices",
    metadata,
    _run_column(),
    Column("name", _Words, primary_key=True),
    Column("emulated", Boolean, nullable=False),
    Column("info", JSON, nullable=False),
)

variants = Table(
    "variants",
    metadata,
    _run_column(),
    Column("name", _Words, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("sha256", _Word(64), nullable=False),
    Column("model_bytes", BigInteger, nullable=False),
    Column("params", BigInteger),
    Column("info", JSON, nullable=False),
)

truths = Table(
    "truths",
    metadata,
    _run_column(),
    Column("metric", _Words, nullable=False),
    Column("info", JSON, nullable=False),
    Column("labels", LargeBinary, nullable=False),
    Column("also", JSON),
    Column("predict", _Words),
    Column("predictions", LargeBinary),
    Column("sketch", LargeBinary),
    Column("spreads", JSON),
    Column("readings", JSON),
    Column("own_scores", LargeBinary),
)

references = Table(
    "truth_references",
    metadata,
    _run_column(),
    Column("position", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

own_references = Table(
    "own_references",
    metadata,
    _run_column(),
    Column("variant", _Words, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("spread", Float, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

claims = Table(
    "claims",
    metadata,
    _run_column(),
    Column("position", Integer, primary_key=True),
    Column("info", JSON, nullable=False),
)

cells = Table(
    "cells",
    metadata,
    _run_column(),
    Column("key", _Word(16), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("device", _Words, nullable=False),
    Column("variant", _Words, nullable=False),
    Column("backend", _Words, nullable=False),
    Column("scenario", _Word(32), nullable=False),
    Column("batch", Integer, nullable=False),
    Column("threads", Integer, nullable=False),
    Column("info", JSON, nullable=False),
)

launches = Table(
    "launches",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", _Word(64), nullable=False),
    Column("cell", _Word(16), nullable=False),
    Column("launch", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("started_at", _Word(40), nullable=False),
    Column("status", _Word(16), nullable=False),
    Column("failure_stage", _Word(16)),
    Column("failure_kind", _Word(16)),
    Column("failure_message", _Words),
    Column("samples_count", Integer, nullable=False),
    Column("p50_ns", BigInteger),
    Column("p95_ns", BigInteger),
    Column("mean_ns", Float),
    Column("import_ns", BigInteger),
    Column("load_ns", BigInteger),
    Column("first_inference_ns", BigInteger),
    Column("elapsed_ns", BigInteger),
    Column("imported_rss_bytes", BigInteger),
    Column("peak_rss_bytes", BigInteger),
    Column("memory_reset", Boolean),
    Column("wall_ns", BigInteger),
    Column("involuntary_switches", BigInteger),
    Column("backend_version", _Words),
    Column("provider", _Words),
    Column("precision", _Words),
    Column("clock", _Words),
    Column("details", JSON, nullable=False),
    Column("before", JSON),
    Column("after", JSON),
    Column("digest", _Word(64), nullable=False),
    Column("samples", LargeBinary, nullable=False),
    Column("warmup", LargeBinary, nullable=False),
    Column("tracks", JSON),
    Column("energy_uj", BigInteger),
    Column("energy_elapsed_ns", BigInteger),
    Column("energy_source", _Words),
    Column("gpu_bytes", BigInteger),
    Column("gpu_source", _Words),
    Column("predictions", LargeBinary),
    Column("postprocess", LargeBinary),
    Column("own_scores", LargeBinary),
    Column("kept_digest", _Word(64)),
    ForeignKeyConstraint(["run", "cell"], ["cells.run", "cells.key"], ondelete="CASCADE"),
    UniqueConstraint("run", "cell", "launch", "attempt", name="one_record_per_launch"),
    Index("launches_in_order", "run", "started_at", "id"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("device", _Word(255), primary_key=True),
    Column("since", _Word(40), nullable=False),
    Column("reason", _Words, nullable=False),
)

reservations = Table(
    "reservations",
    metadata,
    Column("id", _Word(32), primary_key=True),
    Column("device", _Word(255), nullable=False),
    Column("user", _Words, nullable=False),
    Column("host", _Words, nullable=False),
    Column("starts_at", _Word(40), nullable=False),
    Column("ends_at", _Word(40), nullable=False),
    Column("why", _Words, nullable=False),
)

selftests = Table(
    "selftests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("device", _Word(255), nullable=False),
    Column("at", _Word(40), nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("run", _Word(64), nullable=False),
    Column("info", JSON, nullable=False),
    Index("selftests_of_device", "device", "at"),
)

outputs = Table(
    "outputs",
    metadata,
    Column("launch_id", Integer, ForeignKey("launches.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

summaries = Table(
    "summaries",
    metadata,
    _run_column(),
    Column("kind", _Word(16), primary_key=True),
    Column("name", _Word(255), primary_key=True),
    Column("key", _Word(64), nullable=False),
    Column("digest", _Word(64), nullable=False),
    Column("data", LargeBinary, nullable=False),
)
