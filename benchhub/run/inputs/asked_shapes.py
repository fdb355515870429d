"""`--shape NAME=1x3x224x224`: what was typed, as sizes by input; several values are a sweep."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from benchhub.errors import ConfigError, nearest

Sizes = tuple[int, ...]
#: Larger ones fit into no memory.
_SIZE = re.compile(r"0*[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class AskedShapes:
    """Sizes by input name, batch included, as they were asked for together."""

    sizes: Mapping[str, Sizes] = field(default_factory=dict)

    def of(self, names: Collection[str]) -> AskedShapes:
        """Return those of the inputs that a model has."""
        return AskedShapes({name: sizes for name, sizes in self.sizes.items() if name in names})


def shape_sweep(texts: Sequence[str]) -> tuple[AskedShapes, ...]:
    """Return every combination that is asked for, one where nothing is.

    An input with several values is a sweep; two such inputs go together, the first values, then the
    second. ConfigError for what is no shape, or where two sweeps are of different lengths.
    """
    asked: dict[str, list[Sizes]] = {}
    for text in texts:
        for name, sizes in _parsed(text):
            asked.setdefault(name, []).append(sizes)
    steps = {name: len(values) for name, values in asked.items() if len(values) > 1}
    if len(set(steps.values())) > 1:
        counts = ", ".join(f"{count} of {name}" for name, count in steps.items())
        raise ConfigError(
            f"--shape gives {counts}: shapes of several inputs go together, the first with the"
            " first; give as many of each, or one"
        )
    count = max(steps.values(), default=1)
    return tuple(
        AskedShapes({name: values[step % len(values)] for name, values in asked.items()})
        for step in range(count)
    )


def check_known(asked: Sequence[AskedShapes], known: Collection[str], models: str) -> None:
    """Raise ConfigError for a shape of an input that none of the models has."""
    for shapes in asked:
        for name in shapes.sizes:
            if name not in known:
                raise ConfigError(
                    f"--shape {name}: {models} has no such input{nearest(name, known)}"
                )


def _parsed(text: str) -> Iterator[tuple[str, Sizes]]:
    name = ""
    for part in text.split(","):
        before, equals, value = part.rpartition("=")
        if equals:
            name = before.strip()
        if not name:
            raise ConfigError(
                f"--shape {text}: should be NAME=1x3x224x224, with the name of a model's input"
            )
        yield name, _sizes(value, text)


def _sizes(value: str, text: str) -> Sizes:
    words = value.strip().lower().split("x")
    if not all(_SIZE.fullmatch(word) for word in words):
        raise ConfigError(
            f"--shape {text}: {value or 'nothing'} is no shape; write sizes of 1 or more with x"
            " between them, batch first: 1x3x224x224"
        )
    return tuple(map(int, words))


def shape_text(sizes: Sequence[object]) -> str:
    """Return sizes as they are typed, open ones as `?`."""
    return "x".join("?" if size is None else str(size) for size in sizes) or "a scalar"
