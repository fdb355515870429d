"""One variant, made outside a run: of a suite, or of a model file with no suite around it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchhub.compress import Ingredients, get_recipe
from benchhub.compress.build.cached import build
from benchhub.compress.build.checked import settled
from benchhub.compress.files.arranged import inspect_given
from benchhub.compress.files.look import inspect_model, with_said_cases
from benchhub.compress.files.model_file import NO_ARCHITECTURE
from benchhub.compress.trial.tryout import Tryout
from benchhub.errors import ConfigError, nearest
from benchhub.model.arrays import Array, Settings
from benchhub.model.asked import Suite, VariantSpec
from benchhub.model.cell import Variant
from benchhub.model.recipe import Recipe
from benchhub.outside.foreign.arrays import archive
from benchhub.tasks import Dataset, get_task, is_trainable
from benchhub.tasks.opening import open_data

#: What a variant without a suite is tried in: those that read its format.
_RUNTIMES = ("onnxruntime", "tflite")
#: Where a file that benchhub wrote says which task it is of.
_ARCHITECTURE = "benchhub.architecture"


@dataclass(frozen=True, slots=True)
class Made:
    """A variant and what it was made from, None if from nothing."""

    variant: Variant
    source: Variant | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where variants are made and which data they may use."""

    cache: Path
    progress: Callable[[str], None]
    data: Path | None = None


@dataclass(frozen=True, slots=True)
class OwnData:
    """The data of a model without a suite: a task with its `[data]` settings, or none."""

    task: str | None = None
    settings: Settings = field(default_factory=dict)


def of_suite(
    suite: Suite, variant: str | None, recipe: Recipe | None, name: str | None, place: Place
) -> Made:
    """Make a variant of a suite, or a new one: `recipe` over `variant` (None: the baseline).

    `name` is what a new one is called (None: after both). Raises ConfigError for a name the suite
    does not have, and whatever the recipe raises.
    """
    specs = {spec.name: spec for spec in suite.variants}
    wanted = variant or suite.baseline
    if wanted not in specs:
        raise ConfigError(f"{suite.path}: no variant {wanted}{nearest(wanted, specs)}")
    if recipe is None:
        chain = _chain(specs, wanted, suite.path)
        if chain[-1].recipe is None:
            raise ConfigError(
                f"{suite.path}: variant {wanted} is a model file already; name a variant with a"
                " recipe, or give --recipe"
            )
    else:
        reads = get_recipe(recipe.name).reads
        if variant and not reads:
            raise ConfigError(f"recipe {recipe.name} begins from nothing; drop --variant")
        source = wanted if reads else None
        before = _chain(specs, wanted, suite.path) if reads else []
        called = name or (f"{wanted}-{recipe.name}" if reads else recipe.name)
        chain = [*before, VariantSpec(called, source=source, recipe=recipe)]
    data = open_data(suite, place.data, place.cache) if _needs_data(chain) else None
    return _make_all(chain, suite.task, data, place, suite.path.parent)


def of_nothing(recipe: Recipe, name: str | None, place: Place) -> Made:
    """Make what a recipe makes that reads no model; files that it names lie in this folder."""
    entry = get_recipe(recipe.name)
    if entry.reads or entry.trains:
        raise ConfigError(
            f"recipe {recipe.name} needs a SUITE"
            + (" or a MODEL to begin with" if entry.reads else " whose data it trains on")
        )
    chain = [VariantSpec(name or recipe.name, recipe=recipe)]
    return _make_all(chain, "none", None, place)


def of_model(model: Path, recipe: Recipe, name: str | None, own: OwnData, place: Place) -> Made:
    """Make the variant that `recipe` makes of a model file.

    A recipe that calibrates takes its inputs from `place.data` if that is a `.npz` with an array
    for each input, otherwise from the task: `own.task`, or the one that the file names. Raises
    ConfigError where there is neither, and whatever the recipe raises.
    """
    source = inspect_model(model.stem, model)
    chain = [
        VariantSpec(source.name, model=model),
        VariantSpec(name or f"{model.stem}-{recipe.name}", source=source.name, recipe=recipe),
    ]
    task = own.task or _task_in(model, source.format)
    data: Dataset | _Arrays | None = None
    entry, options = settled(chain[-1])
    if entry.trains_with(options) and task is None:
        raise ConfigError(f"{model}: {NO_ARCHITECTURE}")
    if _needs_data(chain):
        if place.data is not None and place.data.suffix == ".npz" and own.task is None:
            data = _Arrays(place.data, source)
        elif task is None:
            raise ConfigError(
                f"recipe {recipe.name} needs data and {model} does not say of which task it is;"
                " give --task, or --data FILE.npz with an array for each input"
            )
        else:
            data = get_task(task)(own.settings, Path.cwd(), place.data, place.cache)
    return _make_all(chain, task or "none", data, place)


def _make_all(
    chain: Sequence[VariantSpec],
    task: str,
    data: Dataset | _Arrays | None,
    place: Place,
    beside: Path | None = None,
) -> Made:
    """Make each variant from the one before; `data` is None where no recipe needs any.

    Files that recipes name lie in `beside` (None: this folder).
    """
    can_train = data is not None and not isinstance(data, _Arrays) and is_trainable(task)
    using = Ingredients(
        calibration=data.calibration if data is not None else _no_data,
        training=functools.cache(data.training) if can_train else None,  # type: ignore[union-attr]
        task=task,
        folder=place.cache,
        progress=place.progress,
        data=data.provenance if data is not None else {},
        examples=_examples(data),
        beside=beside or Path.cwd(),
        whole=_whole(data),
    )
    for spec in chain:
        if spec.recipe is not None:
            settled(spec)
    source: Variant | None = None
    made: Variant | None = None
    with Tryout() as tryout:
        for spec in chain:
            source = made
            if spec.model is not None:
                made = inspect_given(spec)
            else:
                place.progress(f"making {spec.name}" + (f" from {source.name}" if source else ""))
                made = build(spec, source, using, place.cache, _RUNTIMES, tryout)
    assert made is not None
    return Made(with_said_cases(made), source and with_said_cases(source))


def _examples(data: Dataset | _Arrays | None) -> Callable[[int], Mapping[str, Array]] | None:
    if data is None:
        return None
    if isinstance(data, _Arrays):
        return data.calibration
    return lambda count: data.cases(count).inputs


def _whole(data: Dataset | _Arrays | None) -> Callable[[], Mapping[str, Array]]:
    if isinstance(data, _Arrays):
        held = data.whole
        return lambda: held
    return dict if data is None else functools.cache(lambda: data.cases(1).whole)


def _needs_data(chain: Sequence[VariantSpec]) -> bool:
    for spec in chain:
        if spec.recipe is None:
            continue
        entry, options = settled(spec)
        if entry.calibrates or entry.trains_with(options):
            return True
    return False


def _chain(specs: Mapping[str, VariantSpec], name: str, path: Path) -> list[VariantSpec]:
    """Return a variant and, before it, all that it is made from."""
    chain: list[VariantSpec] = []
    above: str | None = name
    while above is not None:
        if specs[above] in chain:
            names = " -> ".join(spec.name for spec in chain)
            raise ConfigError(
                f"{path}: variants {names} are made from each other; start the chain at a model"
                " file"
            )
        chain.append(specs[above])
        above = specs[above].source
    return chain[::-1]


def _task_in(model: Path, kind: str) -> str | None:
    if kind != "onnx":
        return None
    import onnx

    for entry in onnx.load(str(model), load_external_data=False).metadata_props:
        if entry.key == _ARCHITECTURE:
            try:
                return str(json.loads(entry.value)["task"])
            except (ValueError, KeyError, TypeError):
                return None
    return None


def _no_data(count: int) -> Mapping[str, Array]:
    raise AssertionError("no recipe of the chain calibrates")


class _Arrays:
    """Calibration inputs from a `.npz` with an array for each input of a model."""

    def __init__(self, path: Path, model: Variant) -> None:
        held = archive(path)
        self._path = path
        self._inputs = {}
        for spec in model.inputs:
            found = held.get(f"calibration_{spec.name}", held.get(spec.name))
            if found is None:
                raise ConfigError(
                    f"{path}: it has no array for input {spec.name!r} of {model.path}; it has"
                    f" {', '.join(sorted(held)) or 'none'}"
                )
            self._inputs[spec.name] = np.asarray(found)
        cases = max((len(array) for array in self._inputs.values() if array.ndim), default=0)
        single = [
            name
            for name, array in self._inputs.items()
            if array.ndim == 0 or (array.size == 1 and cases > 1)
        ]
        self.whole = {name: self._inputs.pop(name) for name in single}

    @property
    def provenance(self) -> Mapping[str, str]:
        """Return what they were read from."""
        return {"dataset": self._path.name}

    def calibration(self, count: int) -> Mapping[str, Array]:
        """Return the first `count`; ConfigError if there are fewer."""
        have = min((len(array) for array in self._inputs.values()), default=0)
        if have < count:
            raise ConfigError(
                f"{self._path}: {count} calibration cases were asked for and there are {have};"
                " lower the recipe's calibration_cases"
            )
        return {name: array[:count] for name, array in self._inputs.items()}
