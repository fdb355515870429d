"""The tables of the results database; `migrations/` holds the steps that lead here.

Types are portable (SQLite, PostgreSQL). What is asked for in SQL has a column; what is only read
back whole is JSON. Samples and arrays are blobs, see `blobs.py`.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
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
    UniqueConstraint,
)

#: The newest revision in `migrations/versions`.
HEAD = "0008"

metadata = MetaData()


def _run_column() -> Column[str]:
    return Column("run", String(64), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)


runs = Table(
    "runs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("suite", Text, nullable=False),
    Column("suite_sha256", String(64), nullable=False),
    Column("task", Text, nullable=False),
    Column("baseline", Text, nullable=False),
    Column("effort", Text, nullable=False),
    Column("started_at", String(40), nullable=False),
    Column("finished_at", String(40)),
    Column("status", String(16), nullable=False),
    Column("request", JSON, nullable=False),
    Column("provenance", JSON, nullable=False),
    Column("budgets", JSON, nullable=False),
    Column("skips", JSON, nullable=False),
)

devices = Table(
    "devices",
    metadata,
    _run_column(),
    Column("name", Text, primary_key=True),
    Column("emulated", Boolean, nullable=False),
    Column("info", JSON, nullable=False),
)

variants = Table(
    "variants",
    metadata,
    _run_column(),
    Column("name", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("model_bytes", BigInteger, nullable=False),
    Column("params", BigInteger),
    Column("info", JSON, nullable=False),
)

truths = Table(
    "truths",
    metadata,
    _run_column(),
    Column("metric", Text, nullable=False),
    Column("info", JSON, nullable=False),
    Column("labels", LargeBinary, nullable=False),
    Column("also", JSON),
    Column("predict", Text),
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
    Column("variant", Text, primary_key=True),
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
    Column("key", String(16), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("device", Text, nullable=False),
    Column("variant", Text, nullable=False),
    Column("backend", Text, nullable=False),
    Column("scenario", String(32), nullable=False),
    Column("batch", Integer, nullable=False),
    Column("threads", Integer, nullable=False),
    Column("info", JSON, nullable=False),
)

launches = Table(
    "launches",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", String(64), nullable=False),
    Column("cell", String(16), nullable=False),
    Column("launch", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("started_at", String(40), nullable=False),
    Column("status", String(16), nullable=False),
    Column("failure_stage", String(16)),
    Column("failure_kind", String(16)),
    Column("failure_message", Text),
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
    Column("backend_version", Text),
    Column("provider", Text),
    Column("precision", Text),
    Column("clock", Text),
    Column("details", JSON, nullable=False),
    Column("before", JSON),
    Column("after", JSON),
    Column("digest", String(64), nullable=False),
    Column("samples", LargeBinary, nullable=False),
    Column("warmup", LargeBinary, nullable=False),
    Column("tracks", JSON),
    Column("energy_uj", BigInteger),
    Column("energy_elapsed_ns", BigInteger),
    Column("energy_source", Text),
    Column("gpu_bytes", BigInteger),
    Column("gpu_source", Text),
    Column("predictions", LargeBinary),
    Column("postprocess", LargeBinary),
    Column("own_scores", LargeBinary),
    ForeignKeyConstraint(["run", "cell"], ["cells.run", "cells.key"], ondelete="CASCADE"),
    UniqueConstraint("run", "cell", "launch", "attempt", name="one_record_per_launch"),
    Index("launches_in_order", "run", "started_at", "id"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("device", String(255), primary_key=True),
    Column("since", String(40), nullable=False),
    Column("reason", Text, nullable=False),
)

selftests = Table(
    "selftests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("device", String(255), nullable=False),
    Column("at", String(40), nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("run", String(64), nullable=False),
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
