"""How a variant is made."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchhub.model.arrays import Settings


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a variant is made from a baseline: a name of the recipe table and its options."""

    name: str
    options: Settings = field(default_factory=dict)
