"""What the controller answers with variants that do not approximate the baseline."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the table; variants of runs that are there are held against the baseline."""
    op.create_table(
        "own_references",
        sa.Column("run", sa.String(length=64), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("spread", sa.Float(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "variant", "position"),
    )


def downgrade() -> None:
    """Take the table away, with what is in it."""
    op.drop_table("own_references")
