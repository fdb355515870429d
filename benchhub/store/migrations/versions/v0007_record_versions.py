"""What is kept as JSON says its version: no table changes, but an older benchhub cannot read it."""

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Leave every record as it is: those without a version are read as the first one."""


def downgrade() -> None:
    """Leave every record as it is: an older benchhub says of each that it cannot read it."""
