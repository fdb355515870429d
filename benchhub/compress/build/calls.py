"""Cases as calls of a model: whole inputs as they are, and the state that its own answers leave."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from benchhub.compress.build.reference import runtime_of
from benchhub.compress.files.arranged import forms, starting_state, with_whole
from benchhub.compress.recipe import Ingredients, one_by_one
from benchhub.errors import ConfigError, RecipeFailed
from benchhub.model.arrays import Array
from benchhub.model.cell import Variant
from benchhub.ondevice.backends import LoadOptions, TensorInfo, find
from benchhub.ondevice.measure.batches import Batches
from benchhub.ondevice.measure.stream import places


class Calls:
    """Cases of a model, in order, to be given to its file in calls of its own batch, 1 if open.

    `cases` are by the data's names, on axis 0; `whole` are the same for all of them. ConfigError:
    an input has neither data nor state, or they do not fit it.
    """

    def __init__(
        self, source: Variant, cases: Mapping[str, Array], whole: Mapping[str, Array]
    ) -> None:
        self._source = with_whole(source, whole)
        given = {**cases, **whole}
        given |= starting_state(self._source, given)
        for spec in self._source.inputs:
            if spec.name not in given:
                raise ConfigError(
                    f"input {spec.name} of {source.path} has no array in the data, which have"
                    f" {', '.join(sorted(given)) or 'none'}"
                )
        self._forms = forms(self._source)
        self._arrays = {spec.in_file: given[spec.name] for spec in self._source.inputs}
        self._inputs = [
            TensorInfo(spec.in_file, spec.dtype, spec.own_shape) for spec in self._source.inputs
        ]

    @property
    def plain(self) -> Mapping[str, Array] | None:
        """Cases by the file's names, where that is all there is to say; None: it is not."""
        return None if self._forms else self._arrays

    @property
    def sha256(self) -> str:
        """What tells them from others, and from the same given otherwise."""
        told = {name: form._asdict() for name, form in self._forms.items()}
        return digest(self._arrays, json.dumps(told, sort_keys=True) if told else "")

    def first(self, count: int | None = None) -> Sequence[Mapping[str, Array]]:
        """Return what the first `count` calls (None: all) are given, by the file's names.

        State is what the model itself gave in the call before. ConfigError: it does not run.
        """
        try:
            batches = Batches(self._arrays, self._batch(), self._forms)
            batches.fit(self._inputs)
            most = len(batches.sizes(-1))
            calls = range(most if count is None else min(count, most))
            if not batches.state:
                return [batches.feeds(index) for index in calls]
            return self._stream(batches, calls)
        except ValueError as error:
            raise ConfigError(f"{self._source.path} and its cases: {error}") from error

    def _stream(self, batches: Batches, calls: range) -> list[Mapping[str, Array]]:
        source, found, fed = self._source, list[Mapping[str, Array]](), dict[str, Array]()
        backend = runtime_of(source)
        options = LoadOptions(format=source.format, scenario="quality", shapes=batches.shapes)
        try:
            session = find(backend.name).load(str(source.path), options)
            back = places(session.outputs, batches.state)
            for index in calls:
                feeds = {**batches.feeds(index), **fed}
                found.append(feeds)
                answers = session.run(dict(feeds))
                fed = {name: np.array(answers[place]) for name, place in back}
        except Exception as error:
            cause = " ".join(str(error).split()) or type(error).__name__
            raise ConfigError(f"{backend.name} cannot run {source.path}: {cause}") from error
        return found

    def _batch(self) -> int:
        if any(form.fed_from for form in self._forms.values()):
            return 1
        cased = (spec.shape[0] for spec in self._source.inputs if spec.shape and not spec.whole)
        return next((size for size in cased if size), 1)


class Calibration:
    """What a recipe calibrates with, of so many cases; RecipeFailed where the source cannot."""

    def __init__(
        self, variant: str, recipe: str, source: Variant | None, ingredients: Ingredients
    ) -> None:
        self._variant, self._recipe = variant, recipe
        self._source, self._ingredients = source, ingredients
        self._read: dict[int, Calls] = {}
        self._made: dict[int, Sequence[Mapping[str, Array]]] = {}

    def cases(self, count: int) -> Mapping[str, Array]:
        """Return them by the file's own names, on axis 0; ConfigError: there are not so many."""
        read = self._ingredients.calibration(count)
        if self._source is None:
            return read
        with self._failing():
            found = self._of(self._source, read, count).plain
            if found is None:
                raise ConfigError(
                    f"takes only models whose inputs are all cases along axis 0, and those of"
                    f" {self._source.path} are otherwise; take one of benchhub's own"
                )
            return found

    def calls(self, count: int) -> Sequence[Mapping[str, Array]]:
        """Return them as calls of the source, one after another; ConfigError as before."""
        read = self._ingredients.calibration(count)
        if self._source is None:
            return list(one_by_one(read))
        with self._failing():
            if count not in self._made:
                self._made[count] = self._of(self._source, read, count).first()
            return self._made[count]

    def sha256(self, count: int) -> str:
        """Return what tells them from any others; ConfigError as before."""
        read = self._ingredients.calibration(count)
        if self._source is None:
            return digest(read)
        with self._failing():
            return self._of(self._source, read, count).sha256

    def _of(self, source: Variant, cases: Mapping[str, Array], count: int) -> Calls:
        if count not in self._read:
            if not cases or not all(len(array) for array in cases.values()):
                raise ConfigError(
                    f"the calibration set of task {self._ingredients.task} is empty; give it"
                    " training cases, or use a recipe that does not calibrate"
                )
            self._read[count] = Calls(source, cases, self._ingredients.whole())
        return self._read[count]

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except ConfigError as error:  # of this model: other recipes do without cases
            reason = f"recipe {self._recipe} calibrates, and {error}"
            raise RecipeFailed(self._variant, reason) from error


def digest(arrays: Mapping[str, Array], more: str = "") -> str:
    """Return the sha256 of arrays with their names, and of what `more` is said."""
    found = hashlib.sha256(more.encode())
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order="C")
        found.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        found.update(array.tobytes())
    return found.hexdigest()
