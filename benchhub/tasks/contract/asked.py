"""The keys of `[data]` that say what labels and outputs are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchhub.errors import ConfigError, nearest
from benchhub.model.arrays import Settings
from benchhub.tasks.contract.box_keys import AskedBoxes, asked_boxes

#: What labels may be said to be.
LABELS: Mapping[str, str] = {
    "class": "the number of a case's class, from 0 on",
    "one-hot": "a row of 0 with a 1 at the case's class",
    "multi-label": "a row of 0 and 1, one for each thing that may be there",
    "regression": "numbers that the output should come near to",
    "masks": "the class of each pixel",
    "tokens": "the number of each token, -100 where none counts",
    "text": "a text a case",
    "boxes": "the true boxes of each case",
}
#: What scores may be said to be.
SCORES: Mapping[str, str] = {
    "probabilities": "from 0 to 1",
    "logits": "before softmax or sigmoid",
    "positive": "one column, of the positive class",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What `[data]` says of labels and outputs; empty: nothing."""

    labels: str = ""
    output: str = ""
    scores: str = ""
    alphabet: tuple[str, ...] = ()
    boxes: AskedBoxes = field(default_factory=AskedBoxes)


def asked(data: Settings, folder: Path) -> Asked:
    """Return what a suite's `[data]` says, files relative to `folder`.

    ConfigError for a value that there is not, or a file that cannot be read.
    """
    return Asked(
        _one_of(data, "labels", LABELS),
        _text(data, "output"),
        _one_of(data, "scores", SCORES),
        _lines(folder / file) if (file := _text(data, "alphabet")) else (),
        asked_boxes(data),
    )


def _lines(path: Path) -> tuple[str, ...]:
    """Return a file's lines as they are: a space is a symbol, too."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"data.alphabet: {path} cannot be read: {error}") from error
    lines = tuple(text.removesuffix("\n").split("\n"))
    if "" in lines:
        raise ConfigError(f"data.alphabet: {path}: line {lines.index('') + 1} is empty")
    return lines


def _one_of(data: Settings, key: str, known: Mapping[str, str]) -> str:
    value = _text(data, key)
    if value and value not in known:
        listed = ", ".join(f'"{one}"' for one in known)
        raise ConfigError(
            f"data.{key} = {value!r} is none of {listed}{_close(value, known)}"
        )  # fmt: skip
    return value


def _close(value: str, known: Mapping[str, str]) -> str:
    hint = nearest(value, known)
    return hint if "did you mean" in hint else ""


def _text(data: Settings, key: str) -> str:
    value = data.get(key, "")
    if not isinstance(value, str):
        raise ConfigError(f'data.{key} must be a text in quotes, as {key} = "..", not {value!r}')
    return value
