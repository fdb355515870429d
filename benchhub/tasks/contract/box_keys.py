"""The keys of `[data]`'s table `detections`: where boxes, scores and classes are, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchhub.errors import ConfigError, nearest
from benchhub.model.arrays import Settings

#: How a box may be written.
FORMS: Mapping[str, str] = {
    "xyxy": "x1, y1, x2, y2",
    "yxyx": "y1, x1, y2, x2",
    "xywh": "x1, y1, width, height",
    "cxcywh": "x and y of the centre, width, height",
}
#: Where a class may be that means nothing.
BACKGROUND: Mapping[str, str] = {
    "none": "there is none",
    "first": "class 0 is nothing, and 1 is the first one of the labels",
    "last": "the last column is nothing",
}
#: What a box with a score of each class may count as.
PER_BOX: Mapping[str, str] = {
    "best": "one detection, of its best class",
    "each": "a detection of each class",
}
#: What else may stand in the table: names of outputs, and the size of the images.
_OUTPUTS = ("boxes", "scores", "classes", "count")
_KEYS = (*_OUTPUTS, "form", "size", "background", "per_box")


@dataclass(frozen=True, slots=True)
class AskedBoxes:
    """What `detections` says; empty: nothing. The first four are names of outputs."""

    boxes: str = ""
    scores: str = ""
    classes: str = ""
    count: str = ""
    form: str = ""
    size: tuple[float, float] | None = None
    background: str = ""
    per_box: str = ""


def asked_boxes(data: Settings) -> AskedBoxes:
    """Return what `[data]` says of detections; ConfigError for what there is not."""
    said = data.get("detections", {})
    if not isinstance(said, Mapping):
        raise ConfigError(
            f'data.detections must be a table, as {{ form = "xyxy" }}, not {said!r}'
        )  # fmt: skip
    for key in said:
        if key not in _KEYS:
            raise ConfigError(f"data.detections.{key} is unknown{nearest(key, _KEYS)}")
    for key in _OUTPUTS:
        if not isinstance(said.get(key, ""), str):
            raise ConfigError(f"data.detections.{key} must be the name of an output in quotes")
    return AskedBoxes(
        said.get("boxes", ""),
        said.get("scores", ""),
        said.get("classes", ""),
        said.get("count", ""),
        _one_of(said, "form", FORMS),
        _size(said),
        _one_of(said, "background", BACKGROUND),
        _one_of(said, "per_box", PER_BOX),
    )


def _one_of(said: Settings, key: str, known: Mapping[str, str]) -> str:
    value = said.get(key, "")
    if value != "" and (not isinstance(value, str) or value not in known):
        listed = ", ".join(f'"{one}"' for one in known)
        raise ConfigError(f"data.detections.{key} = {value!r} is none of {listed}")
    return str(value)


def _size(said: Settings) -> tuple[float, float] | None:
    value = said.get("size")
    if value is None:
        return None
    numbers = value if isinstance(value, list) else []
    if len(numbers) != 2 or not all(
        isinstance(one, int | float) and not isinstance(one, bool) and one > 0 for one in numbers
    ):
        raise ConfigError(f"data.detections.size must be [width, height], not {value!r}")
    return float(numbers[0]), float(numbers[1])
