"""The sizes of every input of a model: fixed by the file, asked for, or following from others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchhub.errors import ConfigError
from benchhub.run.inputs.asked_shapes import AskedShapes, Sizes, shape_text
from benchhub.run.inputs.axes import says_batch, size_of
from benchhub.run.inputs.cases import is_batch, whole
from benchhub.run.inputs.signature import ModelInput

#: What a suggestion writes for an axis, by a part of its name; images and texts are as large.
_USUAL = {"height": 224, "width": 224, "channel": 3, "batch": 1}
#: Lengths and sides that are suggested, the usual first; of sound, samples.
_LENGTHS, _SIDES, _SAMPLES = (128, 512, 32, 1), (224, 64, 320, 512), 16_000
_SOUND = re.compile(r"audio|wave?(form)?|samples?|speech|signal|pcm|sound")


@dataclass(frozen=True, slots=True)
class Sized:
    """The sizes of all inputs, by name, of a batch; `text` are those that the file leaves open."""

    batch: int
    sizes: Mapping[str, Sizes]
    text: str


@dataclass(frozen=True, slots=True)
class Example:
    """What could be written for open sizes, and the sizes of all inputs that it would give."""

    words: str
    sizes: Mapping[str, Sizes]


class OpenSizes(ConfigError):
    """Sizes that nothing tells; `examples` of what to write, the likeliest first."""

    def __init__(self, message: str, examples: Sequence[Example]) -> None:
        super().__init__(message)
        self.examples = tuple(examples)

    def of_what_runs(self, known: Example | None) -> ConfigError:
        """Return the error with an example that is known to run; None: none of them does."""
        says = str(self).partition("; write them, for example ")[0]
        if known is not None:
            return ConfigError(f"{says}; write them, for example {known.words}")
        return ConfigError(
            f"{says}; write them, as in {self.examples[0].words} (an example of how to write it:"
            " the model does not run at that)"
        )


def sized(
    model: str, inputs: Sequence[ModelInput], asked: AskedShapes, batch: int | None = None
) -> Sized:
    """Return the sizes of `inputs`, whose first axis is the batch.

    `batch` None: what the shapes that are asked for have, what the file is fixed at, or 1. An open
    axis has the size of another of its name; integers that are open alike are as long as each
    other. ConfigError where a shape does not fit, or a size is known from nowhere: what to write.
    """
    for one in inputs:
        if one.name in asked.sizes:
            _check(model, one, asked.sizes[one.name])
    batch = batch or _batch(model, inputs, asked)
    named = _named(model, inputs, asked, batch)
    found: dict[str, Sizes] = {}
    for one in inputs:
        sizes = _sizes(one, asked.sizes.get(one.name), batch, named)
        if None not in sizes:
            found[one.name] = tuple(size for size in sizes if size is not None)
    for one in inputs:
        if one.name not in found and (like := _like(one, inputs, found)) is not None:
            found[one.name] = like
    missing = [one for one in inputs if one.name not in found]
    if missing:
        raise _open_sizes(model, missing, batch, named, whole(inputs), found)
    said = [f"{one.name}={shape_text(found[one.name])}" for one in inputs if _is_open(one)]
    return Sized(batch, found, " ".join(said))


def _is_open(one: ModelInput) -> bool:
    if one.axes is None or any(not isinstance(axis, int) for axis in one.axes[1:]):
        return True
    return one.apart and not isinstance(one.axes[0], int)


def _check(model: str, one: ModelInput, sizes: Sizes) -> None:
    fits = one.axes is None or (
        len(one.axes) == len(sizes)
        and all(
            not isinstance(axis, int) or axis == size
            for axis, size in zip(one.axes, sizes, strict=True)
        )
    )
    if not fits:
        raise ConfigError(
            f"--shape {one.name}={shape_text(sizes)} does not fit {model}, whose input {one.name}"
            f" is {_declared(one)}"
        )


def _declared(one: ModelInput) -> str:
    return shape_text(["?" if axis is None else axis for axis in one.axes or ()])


def _batch(model: str, inputs: Sequence[ModelInput], asked: AskedShapes) -> int:
    apart = whole(inputs)
    running = [one for one in inputs if one.name not in apart]
    given = {one.name: asked.sizes[one.name][0] for one in running if one.name in asked.sizes}
    given |= {
        one.name: size
        for one in inputs
        if one.name in apart
        for axis, size in zip(one.axes or (), asked.sizes.get(one.name, ()), strict=False)
        if says_batch(axis)
    }
    if len(set(given.values())) > 1:
        counts = ", ".join(f"{name} {size}" for name, size in given.items())
        raise ConfigError(
            f"--shape: the batch, the first size or one that is called so, differs in inputs of"
            f" {model}: {counts}"
        )
    fixed = [one.axes[0] for one in running if one.axes]
    fixed_sizes = [size for size in fixed if isinstance(size, int)]
    return next(iter((*given.values(), *fixed_sizes)), 1)


def _named(
    model: str, inputs: Sequence[ModelInput], asked: AskedShapes, batch: int
) -> dict[str, int]:
    """Return the sizes of axes by their names in the file."""
    named: dict[str, int] = {
        axis: batch
        for one in inputs
        for place, axis in enumerate(one.axes or ())
        if isinstance(axis, str) and is_batch(one, place)
    }
    for one in inputs:
        sizes = asked.sizes.get(one.name, ())
        for place, (axis, size) in enumerate(zip(one.axes or (), sizes, strict=bool(sizes))):
            if is_batch(one, place) and size in (1, batch):
                continue  # the shape of one case, at several batches
            if axis is None and is_batch(one, place):
                raise ConfigError(
                    f"--shape {one.name}={shape_text(sizes)} does not fit {model}: it is called at"
                    f" batch {batch}; write its first size as 1, or as that"
                )
            if isinstance(axis, int) or axis is None:
                continue
            if named.setdefault(axis, size) != size:
                raise ConfigError(
                    f"--shape {one.name}={shape_text(sizes)} does not fit {model}: {axis} is"
                    f" {named[axis]} elsewhere"
                    + (" (the batch)" if place == 0 or named[axis] == batch else "")
                )
    return named


def _sizes(
    one: ModelInput, asked: Sizes | None, batch: int, named: Mapping[str, int]
) -> tuple[int | None, ...]:
    if asked is not None:
        return tuple(batch if is_batch(one, place) else size for place, size in enumerate(asked))
    if one.axes is None:
        return (None,)
    found: list[int | None] = []
    for place, axis in enumerate(one.axes):
        found.append(batch if is_batch(one, place) else size_of(axis, named))
    return tuple(found)


def _like(
    one: ModelInput, inputs: Sequence[ModelInput], found: Mapping[str, Sizes]
) -> Sizes | None:
    """Return the sizes of another input of integers that is open in the same places."""
    for other in inputs:
        if (
            other.name in found
            and _pattern(other) == _pattern(one)
            and _whole(other)
            and _whole(one)
        ):
            return found[other.name]
    return None


def _pattern(one: ModelInput) -> tuple[int | None, ...]:
    return tuple(axis if isinstance(axis, int) else None for axis in one.axes or ())


def _whole(one: ModelInput) -> bool:
    return one.dtype.startswith(("int", "uint", "bool"))


def _open_sizes(
    model: str,
    missing: Sequence[ModelInput],
    batch: int,
    named: Mapping[str, int],
    apart: frozenset[str],
    found: Mapping[str, Sizes],
) -> ConfigError:
    """Say which sizes are open, and what to write; one of several that share a name suffices."""
    first = missing[0]
    if first.axes is None:
        return ConfigError(
            f"{model}: of input {first.name} the file does not even say how many sizes it has;"
            f" write its shape, as in --shape {first.name}=1x3x224x224 (an example)"
        )
    says = f"{model}: input {first.name} is {_declared(first)}, and nothing says how large its open"
    loud = any(_SOUND.search(one.name.lower()) for one in missing)
    lengths = (_SAMPLES, *_LENGTHS) if loud else (*_LENGTHS, _SAMPLES)
    tries = [(lengths[0], _SIDES[0]), *((length, _SIDES[0]) for length in lengths[1:])]
    if any(len(one.axes or ()) == 4 for one in missing):
        tries = [(lengths[0], side) for side in _SIDES]
    made = [_example(missing, batch, named, apart, length, side) for length, side in tries]
    examples = [Example(words, {**found, **sizes}) for words, sizes in made]
    return OpenSizes(f"{says} sizes are; write them, for example {examples[0].words}", examples)


def _example(
    missing: Sequence[ModelInput],
    batch: int,
    named: Mapping[str, int],
    apart: frozenset[str],
    length: int,
    side: int,
) -> tuple[str, dict[str, Sizes]]:
    words, known, whole_sizes = [], dict(named), {}
    for one in missing:
        sizes = _sizes(one, None, batch, known)
        usual = tuple(
            _usual(one, place, one.name in apart, length, side) if size is None else size
            for place, size in enumerate(sizes)
        )
        whole_sizes[one.name] = usual
        if None in sizes:
            words.append(f"--shape {one.name}={shape_text(usual)}")
            axes = zip(one.axes or (), usual, strict=True)
            known |= {axis: size for axis, size in axes if isinstance(axis, str)}
    return " ".join(words), whole_sizes


def _usual(one: ModelInput, place: int, apart: bool, length: int, side: int) -> int:
    axis = (one.axes or ())[place]
    if apart and axis is None and len(one.axes or ()) == 3:
        return 1  # state, as layers x streams x width
    for part, size in _USUAL.items():
        if isinstance(axis, str) and part in axis.lower():
            return side if size == _SIDES[0] else size
    return side if len(one.axes or ()) == 4 else length
