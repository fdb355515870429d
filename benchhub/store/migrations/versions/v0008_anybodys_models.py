"""Records have fields of models of all kinds: an older benchhub refuses them; no table changes."""

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Leave every record as it is: fields that came with this schema are read as unset."""
