"""Models of all kinds: how metrics read them, what a metric of one's own made of each case.

Records have fields, too, that an older benchhub refuses.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns, empty for what is there; fields of records are read as unset."""
    with op.batch_alter_table("truths") as truths:
        truths.add_column(sa.Column("readings", sa.JSON(), nullable=True))
        truths.add_column(sa.Column("own_scores", sa.LargeBinary(), nullable=True))
    with op.batch_alter_table("launches") as launches:
        launches.add_column(sa.Column("own_scores", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Take the columns away, with what is in them; records stay as they are."""
    op.drop_column("launches", "own_scores")
    for name in ("readings", "own_scores"):
        op.drop_column("truths", name)
