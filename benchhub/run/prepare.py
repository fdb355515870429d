"""From a suite file to what a run needs on the controller: variants, cases, references, blobs."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchhub.compress.build.ahead import build_ahead
from benchhub.compress.build.checked import check_recipes
from benchhub.compress.build.planned import plan_all
from benchhub.compress.build.readable import unreadable
from benchhub.compress.build.suite import build_all, ingredients
from benchhub.compress.files.arranged import starting_state, with_whole
from benchhub.compress.files.as_found import as_given, without_cases
from benchhub.compress.files.look import with_macs
from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.model.asked import Suite, VariantSpec
from benchhub.model.cell import CHECK_CASES, SkipReason, Variant
from benchhub.model.quality import AnswerKey, Cases, Metric
from benchhub.model.scenario import Scenario
from benchhub.outside.arrays import array_sha256, save_array
from benchhub.outside.written import OTHER_CACHE, explained
from benchhub.run.answers import Answering, answering_of, make_answer_key, metrics_of
from benchhub.run.device_reference import Awaited, own_variants
from benchhub.run.fitting import check_each_fits
from benchhub.run.loop.room import look_at_cache
from benchhub.run.references import (
    baseline_reference,
    check_named_places,
    moved_answers,
    own_references,
    steady,
)
from benchhub.tasks import Dataset
from benchhub.tasks.opening import open_data, packages_explained


@dataclass(frozen=True, slots=True)
class InputFile:
    """All cases of one model input, as a `.npy` file named by its content."""

    sha256: str
    path: Path
    size: int


#: Whose inputs: a variant's name, and the `shapes` of its cells.
InputsOf = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A suite made ready: what will be pushed, and what outputs are judged against, if anything.

    `unbuilt` are variants that cannot be made here, each with the reason, and `refused` backends
    that cannot run a variant, by both names; `unreadable` are runtimes of this machine that cannot
    load a file. `reference` is the baseline's answer to all cases, of which `answer_key` may hold
    the first only. `inputs_of` are those of cells that take others than `inputs`, `state` is what
    inputs with state start with, by variant and name. `to_make` are variants that have no file yet,
    of which nothing else is known than the tensors that they will have. `answering` is what is made
    of outputs before they are judged. `awaited` is what becomes the answer key once a device has
    given the reference.
    """

    suite: Suite
    variants: tuple[Variant, ...]
    inputs: Mapping[str, InputFile]
    answer_key: AnswerKey | None
    metric: Metric | None
    provenance: Mapping[str, str]
    unbuilt: Mapping[str, SkipReason] = field(default_factory=dict)
    reference: tuple[Array, ...] = ()
    inputs_of: Mapping[InputsOf, Mapping[str, InputFile]] = field(default_factory=dict)
    refused: Mapping[tuple[str, str], SkipReason] = field(default_factory=dict)
    to_make: tuple[VariantSpec, ...] = ()
    answering: Answering = field(default_factory=Answering)
    state: Mapping[str, Mapping[str, InputFile]] = field(default_factory=dict)
    unreadable: Mapping[tuple[str, str], SkipReason] = field(default_factory=dict)
    awaited: Awaited | None = None


def prepare(
    suite: Suite,
    data: Path | None,
    cache: Path,
    progress: Callable[[str], None],
    make: bool = True,
) -> Prepared:
    """Return `suite` with its variants built and its cases read; ConfigError if it cannot be.

    Without `make` no recipe is run: variants that are not in the cache are only planned.
    """
    progress(f"reading the data of task {suite.task}")
    with packages_explained(suite):
        dataset = open_data(suite, data, cache)
        metric = metrics_of(suite, dataset)[0]
        cases = _cases(suite, dataset)
    using = ingredients(suite, dataset, cache, progress)
    files = check_recipes(suite, using)
    if make:
        _look_at(cache, _kept_bytes(suite, files, cases), progress)
        failed = build_ahead(suite, using, files, data, cache)
        built = build_all(suite, using, files, cache, failed)
    else:
        built = plan_all(suite, using, files, cache)
    unmade = {spec.name for spec in built.to_make}
    # Where a device gives the reference, the baseline is not for this machine to load.
    elsewhere = {suite.baseline} if suite.reference_device else set()
    here = [variant for variant in built.variants if variant.name not in elsewhere]
    lacking = unreadable(suite, here, cache)
    variants = tuple(with_whole(variant, cases.whole) for variant in built.variants)
    check_each_fits(variants, suite.baseline, cases)
    variants = tuple(
        variant
        if variant.name in unmade
        else with_macs(variant, {**cases.arrays, **starting_state(variant, cases.arrays)})
        for variant in variants
    )
    inputs = _write_arrays(cases.arrays, cache / "inputs")
    state = {
        variant.name: _write_arrays(start, cache / "inputs")
        for variant in variants
        if (start := starting_state(variant, cases.arrays))
    }
    provenance = {"dataset": dataset.description, **dataset.provenance}
    if suite.baseline in unmade:  # then there is nothing to judge by
        return Prepared(
            suite, variants, inputs, None, None, provenance, built.unbuilt, state=state,
            to_make=built.to_make, unreadable=lacking,
        )  # fmt: skip
    baseline = next(v for v in variants if v.name == suite.baseline)
    if suite.reference_device:
        awaited = _awaited(suite, dataset, cases, baseline, variants, progress)
        if awaited is not None:
            provenance["cases_sha256"] = awaited.sha256
        return Prepared(
            suite, variants, inputs, None, metric, provenance, built.unbuilt,
            refused=built.refused, to_make=built.to_make, state=state, awaited=awaited,
            unreadable=lacking, answering=awaited.answering if awaited else Answering(),
        )  # fmt: skip
    written = {name: file.path for name, file in inputs.items()}
    found = baseline_reference(suite, baseline, cases, written, progress)
    reference = found.outputs
    variants, left_out = without_cases(variants, baseline, reference)
    for output in left_out:
        progress(f"{baseline.name}: {output}; it is not compared, and no metric sees it")
    if left_out:
        provenance["outputs left out"] = "; ".join(left_out)
    variants, otherwise = as_given(variants, baseline, found.whole, found.undeclared)
    for output in otherwise:
        progress(f"{baseline.name}: {output}")
    if otherwise:
        provenance["outputs as given"] = "; ".join(otherwise)
    moved = functools.cache(lambda: moved_answers(suite, baseline, cases, found))
    with packages_explained(suite):
        names = tuple(one.name for one in baseline.outputs)
        answering = answering_of(suite, dataset, cases, names)
        try:
            answer_key = make_answer_key(suite, dataset, cases, reference, CHECK_CASES, answering)
        except ConfigError:
            check_named_places(suite, baseline, found, moved)
            raise
    answer_key = steady(answer_key, baseline, found, moved, progress)
    made = tuple(variant for variant in variants if variant.name not in unmade)
    own = own_references(suite, made, cases, progress)
    answer_key = dataclasses.replace(answer_key, own=own)
    return Prepared(
        suite, variants, inputs, answer_key, metric, provenance, built.unbuilt, reference,
        refused=built.refused, to_make=built.to_make, answering=answering, state=state,
        unreadable=lacking,
    )  # fmt: skip


def _look_at(cache: Path, wanted: int, progress: Callable[[str], None]) -> None:
    for line in look_at_cache(cache, wanted):
        progress(line)


def _kept_bytes(suite: Suite, files: Mapping[str, Variant], cases: Cases) -> int:
    """Return what the cache may have to take: a variant is seldom larger than what it is of."""
    largest = max((variant.model_bytes for variant in files.values()), default=0)
    made = sum(spec.recipe is not None for spec in suite.variants)
    return made * largest + sum(array.nbytes for array in cases.arrays.values())


def _awaited(
    suite: Suite,
    dataset: Dataset,
    cases: Cases,
    baseline: Variant,
    variants: Sequence[Variant],
    progress: Callable[[str], None],
) -> Awaited | None:
    """Return what waits for a device's reference; None: no quality is measured, which gives it."""
    if not any(spec.scenario is Scenario.QUALITY for spec in suite.scenarios):
        return None
    with packages_explained(suite):
        names = tuple(one.name for one in baseline.outputs)
        answering = answering_of(suite, dataset, cases, names)
    return Awaited(suite, dataset, cases, answering, own_variants(variants), progress)


def _cases(suite: Suite, dataset: Dataset) -> Cases:
    """Return the cases that quality is judged by, or a few to call with; ConfigError: too few.

    Of a data set that has fewer than a few all are called again and again.
    """
    for spec in suite.scenarios:
        if spec.scenario is Scenario.QUALITY:
            return dataset.cases(spec.cases)
    few = max([CHECK_CASES, *(batch for spec in suite.scenarios for batch in spec.batches)])
    try:
        return dataset.cases(few)
    except ConfigError:
        return dataset.cases(None)


def _write_arrays(arrays: Mapping[str, Array], folder: Path) -> dict[str, InputFile]:
    return {name: write_npy(array, folder) for name, array in arrays.items()}


def write_npy(array: Array, folder: Path) -> InputFile:
    """Write an array into `folder`, which is made, as a `.npy` file named by its content.

    ConfigError: it cannot be written.
    """
    plain = np.asarray(array, order="C")  # a scalar stays one
    sha256 = array_sha256(plain)
    path = folder / f"{sha256}.npy"
    with explained(folder, OTHER_CACHE):
        save_array(path, plain)
        return InputFile(sha256, path, path.stat().st_size)
