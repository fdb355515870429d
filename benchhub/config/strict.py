"""What every table of a user's file is: a key that it does not have is a mistake."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class StrictTable(BaseModel):
    """A table that refuses keys it does not know."""

    model_config = ConfigDict(
        extra="forbid", validate_by_name=False, validate_by_alias=True, defer_build=True
    )
