"""Which launch the reference is of, as the store keeps it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from benchhub.model.quality import ReferenceLaunch
from benchhub.store.stored.record import Record, parsed, written


class ReferenceLaunchV1(Record):
    """Since schema 0008."""

    device: str
    backend: str
    batch: int
    precision: str
    cell: str
    started_at: str

    def launch(self) -> ReferenceLaunch:
        """Return what was stored."""
        return ReferenceLaunch(**self.model_dump(exclude={"v"}))


def write_reference_launch(launch: ReferenceLaunch) -> dict[str, Any]:
    """Return it as JSON types."""
    return written(ReferenceLaunchV1(**dataclasses.asdict(launch)))


def read_reference_launch(raw: Mapping[str, Any]) -> ReferenceLaunch:
    """Invert `write_reference_launch`; StoreError: it is of a newer benchhub, or damaged."""
    return parsed("reference", raw, ReferenceLaunchV1).launch()
