"""Records have fields of models of all kinds: no table changes, but an older benchhub refuses them."""

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Leave every record as it is: fields that came with this schema are read as unset."""
