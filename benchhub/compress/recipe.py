"""What a recipe is: a function, the options it knows, and what it may use to make a variant."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchhub.compress.options import Option
from benchhub.compress.trial.words import Trial
from benchhub.model.arrays import Array, Settings
from benchhub.model.quality import Cases


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What a recipe may use besides the source model.

    `calibration(n)` returns n inputs of the training split by input name, and `calls(n)` the same
    as calls of the source one after another, which any source has: inputs that are the same for all
    cases as they are, state as the source gave it in the call before. `whole()` returns the former
    by input name; `training(n)` the first
    n training cases (None: all), and is None where the task cannot be trained. `task` is the name
    of the suite's task. `folder` is scratch that survives an interruption: checkpoints go there.
    `progress` takes a line for the progress display. `data` tells the training data from any
    other; it belongs to the identity of what a recipe that trains makes. `examples(n)` returns n
    test cases by input name; None where there is no data. `tried(path)` loads a draft in
    onnxruntime and calls it, beside the source, in a process that may end in any way. Files that
    options name lie in `beside`, unless they say where.
    """

    calibration: Callable[[int], Mapping[str, Array]]
    training: Callable[[int | None], Cases] | None
    task: str
    folder: Path
    progress: Callable[[str], None]
    data: Mapping[str, str] = field(default_factory=dict)
    examples: Callable[[int], Mapping[str, Array]] | None = None
    tried: Callable[[Path], Trial] = lambda path: Trial(known=False)
    beside: Path = field(default_factory=Path)
    whole: Callable[[], Mapping[str, Array]] = dict
    calls: Callable[[int], Sequence[Mapping[str, Array]]] | None = None


#: make(source, output, options, ingredients) -> facts for the provenance, or None. `source` is
#: None for a recipe that reads nothing; `options` holds every option of the entry. Files written
#: beside `output` are kept beside the variant. The fact `told` is shown in reports, too.
Make = Callable[[Path | None, Path, Settings, Ingredients], Mapping[str, str] | None]


@dataclass(frozen=True, slots=True)
class RecipeEntry:
    """A recipe of the table: the function, which gets every option, and the options it knows.

    `calibrates`: it reads calibration inputs, which then belong to the variant's identity; such a
    recipe has an option `calibration_cases`. `trains`: it reads training cases, always or when one
    of the options named there is not zero; they and torch then belong to the identity. `reads` are
    the formats of its source (empty: it reads nothing, and its variant has no `from`), `writes` is
    the format it makes. `libraries` are the distributions whose version can change the bytes,
    `extra` is the pip extra to install when one is missing. `others`: options that are not listed
    go to the function, which checks them. `approximates`: what it makes should answer as its source
    does, rounded; where it should not, devices are held against what the variant answers on the
    controller. `files` are options that name files, whose content belongs to the identity (of
    FILE.py:NAME the code's). `otherwise` is the next step where what it made cannot be run. `words`
    say what it does, in the reference pages.
    """

    make: Make
    options: Mapping[str, Option]
    calibrates: bool = False
    trains: bool | tuple[str, ...] = False
    reads: tuple[str, ...] = ("onnx",)
    writes: str = "onnx"
    libraries: tuple[str, ...] = ("onnx", "onnxruntime", "numpy")
    extra: str = ""
    others: bool = False
    approximates: bool = True
    files: tuple[str, ...] = ()
    otherwise: str = "take another recipe, or leave the variant out"
    words: str = ""

    def trains_with(self, options: Settings) -> bool:
        """Return whether it reads training cases when it is given these options."""
        if isinstance(self.trains, bool):
            return self.trains
        return any(options[name] for name in self.trains)


def one_by_one(inputs: Mapping[str, Array]) -> Iterator[dict[str, Array]]:
    """Yield each case as a batch of one."""
    for row in range(min((len(array) for array in inputs.values()), default=0)):
        yield {name: array[row : row + 1] for name, array in inputs.items()}


def late(module: str, name: str) -> Make:
    """Return the recipe function `name` of a module that is imported when it is first called."""

    def make(
        source: Path | None, output: Path, options: Settings, ingredients: Ingredients
    ) -> Mapping[str, str] | None:
        function: Make = getattr(importlib.import_module(module), name)
        return function(source, output, options, ingredients)

    return make
