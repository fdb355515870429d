"""Several metrics of a run, and predictions in place of all raw outputs."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns, empty for what is there."""
    with op.batch_alter_table("truths") as truths:
        truths.add_column(sa.Column("also", sa.JSON(), nullable=True))
        truths.add_column(sa.Column("predict", sa.Text(), nullable=True))
        truths.add_column(sa.Column("predictions", sa.LargeBinary(), nullable=True))
        truths.add_column(sa.Column("sketch", sa.LargeBinary(), nullable=True))
        truths.add_column(sa.Column("spreads", sa.JSON(), nullable=True))
    with op.batch_alter_table("launches") as launches:
        launches.add_column(sa.Column("predictions", sa.LargeBinary(), nullable=True))
        launches.add_column(sa.Column("postprocess", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Take the columns away, with what is in them."""
    for name in ("predictions", "postprocess"):
        op.drop_column("launches", name)
    for name in ("also", "predict", "predictions", "sketch", "spreads"):
        op.drop_column("truths", name)
