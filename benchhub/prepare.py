"""From a suite file to what a run needs on the controller: variants, cases, references, blobs."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchhub.compress.inspect import check_inputs_match, check_outputs_match, inspect_model
from benchhub.compress.reference import reference_outputs
from benchhub.compress.variants import build
from benchhub.errors import ConfigError
from benchhub.model import Array, Cases, Metric, Scenario, Suite, Truth, Variant, VariantSpec
from benchhub.tasks import Dataset, get_task

#: Cases whose outputs every launch returns, and the count read when no quality is measured.
CHECK_CASES = 4


@dataclass(frozen=True, slots=True)
class InputFile:
    """All cases of one model input, as a `.npy` file named by its content."""

    sha256: str
    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """A suite made ready: what will be pushed, and what outputs are judged against, if anything."""

    suite: Suite
    variants: tuple[Variant, ...]
    inputs: Mapping[str, InputFile]
    truth: Truth | None
    metric: Metric | None
    provenance: Mapping[str, str]


def prepare(
    suite: Suite, data: Path | None, cache: Path, progress: Callable[[str], None]
) -> Prepared:
    """Return `suite` with its variants built and its cases read; ConfigError if it cannot be."""
    progress(f"reading the data of task {suite.task}")
    dataset = get_task(suite.task)(suite.data, suite.path.parent, data, cache)
    cases = dataset.cases(_cases_wanted(suite))
    variants = _build_all(suite, dataset, cache, progress)
    baseline = next(v for v in variants if v.name == suite.baseline)
    progress(f"computing reference outputs of {baseline.name} on {len(cases.ids)} cases")
    truth = Truth(
        metric=dataset.metric.name,
        labels=cases.labels,
        ids=cases.ids,
        groups=cases.groups,
        label_names=cases.label_names,
        reference=reference_outputs(baseline, cases.inputs),
    )
    provenance = {"dataset": dataset.description, **dataset.provenance}
    inputs = _write_inputs(cases, cache / "inputs")
    return Prepared(suite, variants, inputs, truth, dataset.metric, provenance)


def _cases_wanted(suite: Suite) -> int | None:
    for spec in suite.scenarios:
        if spec.scenario is Scenario.QUALITY:
            return spec.cases
    return max([CHECK_CASES, *(batch for spec in suite.scenarios for batch in spec.batches)])


def _build_all(
    suite: Suite, dataset: Dataset, cache: Path, progress: Callable[[str], None]
) -> tuple[Variant, ...]:
    specs = {spec.name: spec for spec in suite.variants}
    built: dict[str, Variant] = {}

    def make(spec: VariantSpec, above: tuple[str, ...]) -> Variant:
        if spec.name in above:
            raise ConfigError(
                f"{suite.path}: variants {' -> '.join((*above, spec.name))} are made"
                " from each other; start the chain at a model file"
            )
        if spec.name not in built:
            if spec.model is not None:
                built[spec.name] = inspect_model(spec.name, spec.model)
            else:
                source = make(specs[str(spec.source)], (*above, spec.name))
                progress(f"making variant {spec.name} from {source.name}")
                built[spec.name] = build(spec, source, dataset.calibration, cache)
        return built[spec.name]

    baseline = make(specs[suite.baseline], ())
    for spec in suite.variants:
        check_inputs_match(make(spec, ()), baseline)
        check_outputs_match(built[spec.name], baseline)
    return tuple(
        dataclasses.replace(built[spec.name], against=spec.against) for spec in suite.variants
    )


def _write_inputs(cases: Cases, folder: Path) -> dict[str, InputFile]:
    folder.mkdir(parents=True, exist_ok=True)
    return {name: write_npy(array, folder) for name, array in cases.inputs.items()}


def write_npy(array: Array, folder: Path) -> InputFile:
    """Write an array into `folder`, which exists, as a `.npy` file named by its content."""
    partial = folder / f".partial-{os.getpid()}.npy"
    np.save(partial, np.ascontiguousarray(array), allow_pickle=False)
    with partial.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    path = folder / f"{sha256}.npy"
    os.replace(partial, path)
    return InputFile(sha256, path, path.stat().st_size)
