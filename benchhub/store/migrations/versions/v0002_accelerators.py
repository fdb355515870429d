"""Second series, energy and accelerator memory of a launch; devices in quarantine."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns, empty for launches that are there, and the table."""
    with op.batch_alter_table("launches") as launches:
        launches.add_column(sa.Column("tracks", sa.JSON(), nullable=True))
        launches.add_column(sa.Column("energy_uj", sa.BigInteger(), nullable=True))
        launches.add_column(sa.Column("energy_elapsed_ns", sa.BigInteger(), nullable=True))
        launches.add_column(sa.Column("energy_source", sa.Text(), nullable=True))
        launches.add_column(sa.Column("gpu_bytes", sa.BigInteger(), nullable=True))
        launches.add_column(sa.Column("gpu_source", sa.Text(), nullable=True))
    op.create_table(
        "quarantine",
        sa.Column("device", sa.String(length=255), nullable=False),
        sa.Column("since", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("device"),
    )


def downgrade() -> None:
    """Take them away, with what is in them."""
    op.drop_table("quarantine")
    for name in (
        "tracks", "energy_uj", "energy_elapsed_ns", "energy_source", "gpu_bytes", "gpu_source"
    ):  # fmt: skip
        op.drop_column("launches", name)
