"""The process that tries models: a line in, lines out; a runtime may end it at any moment."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from benchhub.compress.trial.made_up import made_up
from benchhub.compress.trial.words import Trial, TrialAsked
from benchhub.model.arrays import Array
from benchhub.ondevice.backends import LoadOptions, find
from benchhub.ondevice.cause import cause
from benchhub.ondevice.failed import Failed

Feeds = Mapping[str, Array]
Outputs = Sequence[Sequence[Array]]


@dataclasses.dataclass(frozen=True, slots=True)
class _Ran:
    """What a model answered to each batch, and how many sizes of each output it declares."""

    feeds: Sequence[Feeds]
    outputs: Outputs
    names: Sequence[str]
    declared: Sequence[tuple[int | None, ...]]


class Tries:
    """Tries models one after the other; what sources answered is kept."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._sources: dict[TrialAsked, _Ran | None] = {}

    def one(self, asked: TrialAsked) -> Trial:
        """Return how the model does; says what it is at before what may end the process."""
        source = self._source(asked)
        self._say("made" if source is not None or not asked.source else "alone")
        try:
            session = _load(asked, asked.made, asked.made_format)
        except Exception as error:  # noqa: BLE001 - whatever a runtime raises is the answer
            return self._failed(error, asked, source)
        if not asked.calls:
            return Trial()
        if source is not None:
            candidates: Iterable[Sequence[Feeds]] = [source.feeds]
        elif asked.feeds:
            candidates = [_given(asked)]
        else:
            candidates = [[feeds] for feeds in made_up(session.inputs, asked.batch)]
        failure: Exception | None = None
        for feeds in candidates:
            try:
                made = _run(session, feeds)
            except Exception as error:  # noqa: BLE001 - as above
                failure = error
                continue
            if source is None:
                return Trial(known=not asked.source, called=True)
            return _compared(made, source)
        if failure is not None and (source is not None or asked.feeds):
            return self._failed(failure, asked, source)
        return Trial(called=False)

    def _failed(self, error: Exception, asked: TrialAsked, source: _Ran | None) -> Trial:
        told = cause(str(error)) or type(error).__name__
        # Where not even the source runs, that says nothing of the recipe.
        kind = error.kind if isinstance(error, Failed) else ""
        return Trial(told, known=source is not None or not asked.source, kind=kind)

    def _source(self, asked: TrialAsked) -> _Ran | None:
        if not asked.source:
            return None
        key = dataclasses.replace(asked, made="", made_format="")
        if key not in self._sources:
            self._say("source")
            self._sources[key] = _source(asked)
        return self._sources[key]


def _source(asked: TrialAsked) -> _Ran | None:
    try:
        session = _load(asked, asked.source, asked.source_format)
    except Exception:  # noqa: BLE001 - then nothing is known here
        return None
    candidates: Iterable[Sequence[Feeds]] = (
        [_given(asked)]
        if asked.feeds
        else ([feeds] for feeds in made_up(session.inputs, asked.batch))
    )
    for feeds in candidates:
        try:
            return _run(session, feeds)
        except Exception:  # noqa: BLE001 - the next sizes, or nothing is known
            continue
    return None


def _load(asked: TrialAsked, path: str, kind: str) -> Any:
    return find(asked.backend).load(path, LoadOptions(format=kind, batch=asked.batch))


def _given(asked: TrialAsked) -> list[Feeds]:
    width = len(asked.names)
    with np.load(asked.feeds, allow_pickle=False) as held:
        return [
            {name: held[f"arr_{call * width + at}"] for at, name in enumerate(asked.names)}
            for call in range(asked.calls)
        ]


def _run(session: Any, batches: Sequence[Feeds]) -> _Ran:
    answers = []
    for feeds in batches:
        fitting = {
            one.name: np.array(  # a scalar stays one
                feeds[one.name], dtype=object if one.dtype == "string" else one.dtype, order="C"
            )
            for one in session.inputs
        }
        found = session.bind(fitting)()
        answers.append([np.array(found[index]) for index in range(len(session.outputs))])
    names = [one.name for one in session.outputs]
    return _Ran(batches, answers, names, [tuple(one.shape) for one in session.outputs])


def _compared(made: _Ran, source: _Ran) -> Trial:
    if len(made.names) != len(source.names):
        text = f"it has {len(made.names)} outputs, and its source {len(source.names)}"
        return Trial(text, called=True)
    differences = []
    for index, name in enumerate(source.names):
        found = [answers[index] for answers in made.outputs]
        wanted = [answers[index] for answers in source.outputs]
        for one, other in zip(found, wanted, strict=True):
            if not _same_shape(one.shape, other.shape, source.declared[index]):
                text = f"output {name} is {_shape(one)}, and {_shape(other)} in its source"
                return Trial(text, called=True)
            if one.shape == other.shape and (wrong := _not_finite(one, other)):
                text = (
                    f"{wrong} of {one.size} values of output {name} are not finite, and are in"
                    " its source"
                )
                return Trial(text, called=True)
        if all(one.shape == other.shape for one, other in zip(found, wanted, strict=True)):
            differences.append(_difference(found, wanted))
    known = [one for one in differences if one is not None]
    return Trial(called=True, difference=max(known) if known else None)


def _same_shape(
    found: tuple[int, ...], wanted: tuple[int, ...], declared: tuple[int | None, ...]
) -> bool:
    """Return whether shapes agree: sizes that the source leaves open may follow its values."""
    if len(found) != len(wanted):
        return False
    if len(declared) != len(wanted):
        return found == wanted
    return all(
        size is None or one == other
        for one, other, size in zip(found, wanted, declared, strict=True)
    )


def _not_finite(found: Array, wanted: Array) -> int:
    if found.dtype.kind != "f" or wanted.dtype.kind != "f":
        return 0
    return int((np.isfinite(wanted) & ~np.isfinite(found)).sum())


def _difference(found: Sequence[Array], wanted: Sequence[Array]) -> float | None:
    if any(one.dtype.kind not in "biuf" for one in (*found, *wanted)):
        return None
    one = np.concatenate([part.ravel() for part in found]).astype(np.float64)
    other = np.concatenate([part.ravel() for part in wanted]).astype(np.float64)
    finite = np.isfinite(other) & np.isfinite(one)
    one, other = one[finite], other[finite]
    if not one.size:
        return None
    spread = float(other.max() - other.min()) or float(np.abs(other).max()) or 1.0
    return float(np.abs(one - other).max()) / spread


def _shape(array: Array) -> str:
    return "x".join(map(str, array.shape)) or "a scalar"


def main() -> None:
    """Answer lines of standard input until it ends."""
    out = os.dup(1)
    os.dup2(2, 1)  # a runtime that prints must not get between the lines

    def send(message: Mapping[str, Any]) -> None:
        os.write(out, json.dumps(message).encode() + b"\n")

    tries = Tries(lambda stage: send({"stage": stage}))
    for line in sys.stdin.buffer:
        told = json.loads(line)
        trial = tries.one(TrialAsked(**{**told, "names": tuple(told["names"])}))
        send({"trial": dataclasses.asdict(trial)})
    # A runtime that crashes while it unloads must not undo what was answered.
    os._exit(0)


if __name__ == "__main__":
    main()
