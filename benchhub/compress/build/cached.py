"""Variants from recipes, kept in the cache under the hash of everything that shaped them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchhub.compress import RecipeEntry
from benchhub.compress.build.calls import Calibration, Calls, digest
from benchhub.compress.build.checked import check_data, check_source, files_sha256, settled
from benchhub.compress.build.trials import MadeBy, Trying
from benchhub.compress.build.workshop import Workshop, is_whole
from benchhub.compress.files.arranged import like
from benchhub.compress.files.external import in_one_file
from benchhub.compress.files.look import check_inputs_match, inspect_model
from benchhub.compress.recipe import Ingredients, one_by_one
from benchhub.compress.recipes.converters import converter_errors, in_one_line
from benchhub.compress.trial.tryout import Tryout
from benchhub.errors import ConfigError, MissingExtra, RecipeFailed
from benchhub.model.arrays import Array, Settings
from benchhub.model.asked import VariantSpec
from benchhub.model.cell import CHECK_CASES, Variant
from benchhub.model.recipe import Recipe
from benchhub.outside import Variable
from benchhub.outside.written import FULL, OTHER_CACHE, REFUSED, why
from benchhub.tasks import model_digest

#: So many of the training cases, the first ones, belong to a variant's identity.
_FIRST_CASES = 16
#: A file that is larger than its source by less is not worth a remark.
_REMARKED = 0.01
#: A disk with less room is a full one.
_NO_ROOM = 1 << 20


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a variant is asked to be, which names its folder in the cache."""

    name: str
    where: str
    entry: RecipeEntry
    options: Settings
    facts: Mapping[str, str]
    folder: Path
    calibration: Calibration
    source: str

    @property
    def told(self) -> MadeBy:
        """How it is spoken of where it cannot be run."""
        return MadeBy(self.name, self.facts["recipe"], self.source, self.entry.otherwise)


def build(
    spec: VariantSpec,
    source: Variant | None,
    ingredients: Ingredients,
    cache: Path,
    backends: Sequence[str] = (),
    tryout: Tryout | None = None,
) -> Variant:
    """Return the variant that `spec.recipe` makes of `source`, from the cache if it is there.

    The key is a hash of the source's sha256, the recipe with all its options, the versions of the
    libraries that it names, for a recipe that calibrates the calibration inputs, and for one that
    trains the sources of the model, what the data set says of itself and its first cases.
    A cached file whose sha256 is not the recorded one is made again. What is interrupted goes on
    where it stopped. `ingredients.folder` is not used: each variant has a folder of its own.

    Before it is kept it is loaded and called in every one of `backends` that is installed here, in
    a process of `tryout` (None: one of its own); later only in those that it was not tried in yet.
    `trials.refused` tells which of them cannot run it.

    Raises MissingExtra if a package is missing, RecipeFailed for a model that the recipe cannot
    handle and for one that none of the backends can run, and ConfigError for an unknown recipe or
    option and a full disk.
    """
    asked = _asked(spec, source, ingredients, cache)
    with contextlib.ExitStack() as stack:
        trying = Trying(
            tryout or stack.enter_context(Tryout()),
            backends,
            source,
            _feeds(asked, source, ingredients),
        )
        if not is_whole(asked.folder):
            using = replace(
                ingredients,
                calibration=asked.calibration.cases,
                calls=asked.calibration.calls,
                progress=lambda line: ingredients.progress(f"{spec.name}: {line}"),
                tried=trying.by_recipe,
            )
            _make(asked, source, using, trying)
        variant = _kept(spec.name, asked, source)
        trying.in_all(variant, asked.folder, asked.told)
    return variant


def find(
    spec: VariantSpec, source: Variant | None, ingredients: Ingredients, cache: Path
) -> Variant | None:
    """Return what `build` would if it is in the cache, else None; raises what `build` does."""
    asked = _asked(spec, source, ingredients, cache)
    return _kept(spec.name, asked, source) if is_whole(asked.folder) else None


def _feeds(
    asked: _Asked, source: Variant | None, ingredients: Ingredients
) -> Callable[[], Sequence[Mapping[str, Array]]]:
    """Return what returns calls of a model: with cases it calibrates with, or with test cases."""

    def feeds() -> Sequence[Mapping[str, Array]]:
        if asked.entry.calibrates:
            return asked.calibration.calls(asked.options["calibration_cases"])[:CHECK_CASES]
        if ingredients.examples is None:
            return ()
        cases = ingredients.examples(CHECK_CASES)
        if source is None:
            return list(one_by_one(cases))
        try:
            return Calls(source, cases, ingredients.whole()).first()
        except ConfigError:  # they do not fit, which is told elsewhere: inputs are made up
            return ()

    return feeds


def _asked(
    spec: VariantSpec, source: Variant | None, ingredients: Ingredients, cache: Path
) -> _Asked:
    if spec.recipe is None:
        raise ConfigError(f"variant {spec.name} has neither a model nor a recipe; give it one")
    asked_for = spec.recipe
    where = f"variant {spec.name}: recipe {asked_for.name}"
    entry, options = settled(spec)
    check_source(spec, entry, source.format if source else None, source.name if source else "")
    trains = entry.trains_with(options)
    if trains and ingredients.training is None:
        check_data(spec, entry, options, ingredients)

    calibration = Calibration(spec.name, asked_for.name, source, ingredients)
    facts = {
        "recipe": spec.recipe.name,
        "options": json.dumps(options, sort_keys=True),
        **({"baseline_sha256": source.sha256} if source else {}),
        **_versions(where, entry, trains),
    }
    if entry.files:
        facts["files"] = json.dumps(files_sha256(where, entry, options, ingredients.beside))
    if entry.calibrates:
        facts["calibration_sha256"] = calibration.sha256(options["calibration_cases"])
    if trains:
        facts["training_sha256"] = _training_digest(ingredients)
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]
    folder = cache / "variants" / key
    of = source.name if source else "nothing"
    return _Asked(spec.name, where, entry, options, facts, folder, calibration, of)


def _kept(name: str, asked: _Asked, source: Variant | None) -> Variant:
    facts = json.loads((asked.folder / "variant.json").read_text(encoding="utf-8"))
    variant = replace(
        inspect_model(name, asked.folder / facts["file"]),
        recipe=Recipe(asked.facts["recipe"], asked.options),
        provenance=facts,
    )
    return variant if source is None else like(variant, source)


def _versions(where: str, entry: RecipeEntry, trains: bool) -> dict[str, str]:
    found = {}
    for library in (*entry.libraries, *(("torch",) if trains else ())):
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            raise _missing(where, entry, library) from None
    return found


def _missing(where: str, entry: RecipeEntry, package: str) -> MissingExtra:
    wanted = f"benchhub[{entry.extra}]" if entry.extra else package
    reason = f"{package} is not installed; pip install '{wanted}'"
    return MissingExtra(f"{where}: {reason}", reason)


def _make(asked: _Asked, source: Variant | None, ingredients: Ingredients, trying: Trying) -> None:
    """Make the variant in a workshop and move it to its folder, or find it made meanwhile."""
    where, entry, folder = asked.where, asked.entry, asked.folder
    try:
        with Workshop(folder, ingredients.progress) as work:
            if is_whole(folder):
                return
            _write(asked, source, ingredients, trying, work)
            work.install()
    except (MissingExtra, RecipeFailed):
        raise
    except ConfigError as error:
        raise RecipeFailed(
            asked.name, f"recipe {asked.facts['recipe']}: {_own(error, asked)}"
        ) from error
    except ModuleNotFoundError as error:
        if (error.name or "benchhub").partition(".")[0] == "benchhub":
            raise
        raise _missing(where, entry, str(error.name)) from error
    except OSError as error:
        if error.errno not in FULL | REFUSED:
            raise
        raise _unwritable(where, folder.parent, error) from error
    except converter_errors() as error:
        what = source.path if source else f"the options of {asked.facts['recipe']}"
        raise RecipeFailed(
            asked.name,
            f"recipe {asked.facts['recipe']} cannot handle {what}: {in_one_line(error)};"
            f" {entry.otherwise}",
        ) from error


def _unwritable(where: str, cache: Path, error: OSError) -> ConfigError:
    if error.errno not in FULL:
        at = error.filename or cache
        return ConfigError(f"{where}: {at}: {why(error)}; {OTHER_CACHE}")
    folder, variable = cache, Variable.CACHE
    with contextlib.suppress(OSError):  # converters write temporary files, too
        temporary = Path(tempfile.gettempdir())
        if shutil.disk_usage(temporary).free < _NO_ROOM <= shutil.disk_usage(cache).free:
            folder, variable = temporary, Variable.TMPDIR
    return ConfigError(
        f"{where}: the disk of {folder} is full; make room, or set {variable} to another one"
    )


def _write(
    asked: _Asked,
    source: Variant | None,
    ingredients: Ingredients,
    trying: Trying,
    work: Workshop,
) -> None:
    """Write the variant into the draft, with what it is and how it did where it was tried."""
    entry = asked.entry
    model = work.draft / f"model.{entry.writes}"
    start = time.perf_counter()
    using = replace(ingredients, folder=work.scratch)
    given = in_one_file(source, work.draft) if source else None
    facts = entry.make(given, model, asked.options, using) or {}
    if source is not None and given != source.path and given is not None:
        given.unlink()
    made = inspect_model(asked.name, model)
    if source is not None:
        check_inputs_match(like(made, source), source)
    tried = trying.in_all(made, work.draft, asked.told)
    record = {
        **facts,
        **asked.facts,
        **({"tried": ", ".join(tried)} if tried else {}),
        **_larger(made, source),
        "file": model.name,
        "sha256": made.sha256,
        "seconds": f"{time.perf_counter() - start:.2f}",
    }
    text = json.dumps(record, indent=1)
    (work.draft / "variant.json").write_text(text + "\n", encoding="utf-8")


def _larger(made: Variant, source: Variant | None) -> Mapping[str, str]:
    """Return a remark on a file that is larger than what it was made of: that is seldom meant."""
    if source is None or made.format != source.format:
        return {}
    more = made.model_bytes / source.model_bytes - 1
    if more < _REMARKED:
        return {}
    sizes = f"{made.model_bytes:,} bytes, and {source.model_bytes:,} of {source.name}"
    return {"larger": f"its file is {more:.0%} larger than its source: {sizes}"}


def _own(error: ConfigError, asked: _Asked) -> str:
    """Return a message without what is said before it anyway."""
    return str(error).removeprefix(f"variant {asked.name}: ")


def _training_digest(ingredients: Ingredients) -> str:
    """Return what tells the training data and the model's sources from any others, cheaply."""
    assert ingredients.training is not None
    try:
        first = ingredients.training(_FIRST_CASES)
    except ConfigError:  # there are fewer
        first = ingredients.training(None)
    said = {"data": dict(ingredients.data), "model": model_digest(ingredients.task)}
    text = json.dumps(said, sort_keys=True) + digest({**first.inputs, "labels": first.labels})
    return hashlib.sha256(text.encode()).hexdigest()
