"""Runs whose raw samples are gone; on a server, JSON as text."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

#: Columns that a server kept as JSON of its own, which takes no infinite numbers.
_JSON = {
    "runs": ("request", "provenance", "budgets", "skips"),
    "devices": ("info",),
    "variants": ("info",),
    "truths": ("info", "also", "spreads", "readings"),
    "claims": ("info",),
    "cells": ("info",),
    "launches": ("details", "before", "after", "tracks"),
    "selftests": ("info",),
}


def upgrade() -> None:
    """Add the columns, empty for what is there."""
    with op.batch_alter_table("runs") as runs:
        runs.add_column(sa.Column("pruned_at", sa.String(length=40), nullable=True))
    with op.batch_alter_table("launches") as launches:
        launches.add_column(sa.Column("kept_digest", sa.String(length=64), nullable=True))
    _columns_to("TEXT")


def downgrade() -> None:
    """Take the columns away; a server has to find JSON in all that is to be JSON again."""
    _columns_to("JSON")
    op.drop_column("launches", "kept_digest")
    op.drop_column("runs", "pruned_at")


def _columns_to(kind: str) -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    for table, names in _JSON.items():
        changes = ", ".join(f'ALTER "{name}" TYPE {kind} USING "{name}"::{kind}' for name in names)
        op.execute(f'ALTER TABLE "{table}" {changes}')
