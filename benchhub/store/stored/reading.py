"""How a metric reads outputs and labels, as the store keeps it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from benchhub.model.quality import BoxReading, Reading
from benchhub.store.stored.record import Part, Record, parsed, written


class BoxReadingV1(Part):
    """Since schema 0008, inside a reading."""

    form: str
    scores: int = -1
    classes: int = -1
    count: int = -1
    scale: tuple[float, float] = (1.0, 1.0)
    background: str = ""
    per_box: str = ""


class ReadingV1(Record):
    """Since schema 0008."""

    labels: str
    scores: str = ""
    output: int = 0
    name: str = ""
    columns: int = 0
    integers: bool = False
    axis: int = 1
    symbols: tuple[str, ...] = ()
    first: int = 0
    unit: str = ""
    lower_is_better: bool = False
    boxes: BoxReadingV1 | None = None

    def reading(self) -> Reading:
        """Return what was stored."""
        boxes = BoxReading(**self.boxes.model_dump()) if self.boxes else None
        return Reading(**self.model_dump(exclude={"v", "boxes"}), boxes=boxes)


def write_reading(reading: Reading) -> dict[str, Any]:
    """Return a reading as JSON types."""
    return written(ReadingV1(**dataclasses.asdict(reading)))


def read_reading(raw: Mapping[str, Any]) -> Reading:
    """Invert `write_reading`; StoreError: it is of a newer benchhub, or damaged."""
    return parsed("reading of a metric", raw, ReadingV1).reading()
