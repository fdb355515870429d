"""Model files without a suite: what they take, on inputs made to fit them or given.

The run is stored like any other. A launch tells the times of loading, of the first call and of the
calls, and the memory, so that one scenario is enough.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np

from benchhub.backends import described, every
from benchhub.compress.build.readable import unreadable
from benchhub.compress.files.look import inspect_model, with_macs
from benchhub.config.fleet.chosen import profiles
from benchhub.config.limits import check_of_launches, typed_budget
from benchhub.config.options import check_precisions, typed_options
from benchhub.config.request import Resolved, check_backends
from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.model.asked import EFFORTS, Agreement, ScenarioSpec, Suite, VariantSpec
from benchhub.model.cell import Plan, Skip, SkipKind, SkipReason, Variant
from benchhub.model.device import LEFT_OUT, DeviceInfo, DeviceProfile
from benchhub.model.request import BenchRequest
from benchhub.model.row import Results
from benchhub.model.scenario import Scenario
from benchhub.ondevice.backends import Description, installed_version
from benchhub.run.devices.healthy import Choose
from benchhub.run.execute import Ready, going_on
from benchhub.run.inputs.asked_shapes import AskedShapes, check_known, shape_sweep
from benchhub.run.inputs.cases import of_one_case
from benchhub.run.inputs.fed import Fed, arranged, given_to, made_for, taken
from benchhub.run.inputs.signature import ModelInput
from benchhub.run.inputs.torchscript import with_signature
from benchhub.run.planning.fixed_cells import with_canaries
from benchhub.run.planning.plan import is_here, plan
from benchhub.run.prepare import InputFile, InputsOf, Prepared, write_npy
from benchhub.text import visible

#: The task of these runs, which is not one of the table: it has no labels.
TASK = "bench"


def make_bench(
    request: BenchRequest,
    cache: Path,
    progress: Callable[[str], None] = lambda line: None,
    choose: Choose | None = None,
) -> Ready:
    """Return a run of model files, ready to be measured; ConfigError if it cannot be made.

    `choose` takes the devices where the request says how many at most.
    """
    progress("reading the models")
    sweep = shape_sweep(request.shapes)
    given = Path(request.inputs) if request.inputs else None
    if given and request.shapes:
        raise ConfigError("--inputs brings its own shapes; drop --shape, or --inputs")
    found = [
        inspect_model(name, with_signature(Path(path), sweep, cache / "signed", given))
        for name, path in zip(names_of(request.models), request.models, strict=True)
    ]
    inputs = {variant.name: taken(variant, sweep, given) for variant in found}
    variants = tuple(arranged(variant, inputs[variant.name]) for variant in found)
    devices = profiles(request.devices)
    backends = _backends(request, variants)
    suite = _suite(request, variants, backends)
    check_precisions(request.precisions)
    check_backends(suite)
    check_of_launches(suite.budgets, TASK)
    progress("making inputs")
    fed = list(_fed(request, variants, sweep, inputs))
    variants = tuple(_counted(variant, inputs[variant.name], fed) for variant in variants)
    effort = EFFORTS[suite.effort]
    lacking = unreadable(suite, variants, cache)
    if choose is not None and request.at_most is not None:
        request = cast("BenchRequest", choose(request, devices, backends, ""))
        devices = profiles(request.devices)
    made = _plan(suite, fed, devices, backends, lacking, asked=bool(request.backends))
    if not made.cells or (lacking and not _may_run(made, devices)):
        reasons = dict.fromkeys(f"{s.variant} on {s.backend}: {s.reason.text}" for s in made.skips)
        told = "; ".join(reasons) or _no_backend(variants)
        raise ConfigError(f"nothing to measure: {told}")
    made = with_canaries(made, effort)
    folder = cache / "inputs"
    files: dict[InputsOf, dict[str, InputFile]] = {
        (one.variant.name, one.sized.text): {
            name: write_npy(array, folder) for name, array in one.inputs.items()
        }
        for one in fed
    }
    said = [f"{one.variant.name}: {one.said}" for one in fed]
    prepared = Prepared(
        suite=suite,
        variants=variants,
        inputs={},
        answer_key=None,
        metric=None,
        provenance={"dataset": " / ".join(dict.fromkeys(said))},
        inputs_of=files,
    )
    told = json.dumps([[v.sha256 for v in variants], request.told()], sort_keys=True)
    sha256 = hashlib.sha256(told.encode()).hexdigest()
    resolved = Resolved(request, suite, sha256, devices, effort)
    return going_on(Ready(resolved, prepared, made))


def names_of(models: Sequence[str]) -> list[str]:
    """Return a name for every file: its stem, or as much more as tells it from the others."""
    paths = [Path(model) for model in models]
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise ConfigError(f"{twice} is given twice; name each model once")
    most = max((len(path.parts) for path in paths), default=1)
    ends = ([visible("/".join(_below_root(path)[-n:])) for path in paths] for n in range(1, most))
    for names in ([visible(path.stem) for path in paths], *ends):
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]


def _below_root(path: Path) -> tuple[str, ...]:
    return path.parts[1:] if path.anchor else path.parts


def _backends(request: BenchRequest, variants: Sequence[Variant]) -> tuple[Description, ...]:
    if request.backends:
        return tuple(described(name) for name in dict.fromkeys(request.backends))
    formats = {variant.format for variant in variants}
    return tuple(
        one for one in every()[0] if formats & set(one.formats) and not one.for_tests
    )  # fmt: skip


def _no_backend(variants: Sequence[Variant]) -> str:
    formats = ", ".join(sorted({variant.format for variant in variants}))
    return f"no backend here reads {formats}; name one with --backend"


def _suite(
    request: BenchRequest, variants: Sequence[Variant], backends: Sequence[Description]
) -> Suite:
    effort = EFFORTS[request.effort or "standard"]
    budgets = (typed_budget(request.limits),) if request.limits else ()
    return Suite(
        name=TASK,
        path=Path(TASK),
        task=TASK,
        baseline=variants[0].name,
        backends=tuple(one.name for one in backends),
        variants=tuple(VariantSpec(v.name, model=v.path) for v in variants),
        scenarios=(ScenarioSpec(Scenario.LATENCY, threads=request.threads),),
        budgets=budgets,
        effort=effort.name,
        data={},
        precisions=request.precisions,
        agreement=Agreement(),
        seed=0,
        options=typed_options(request.options, backends),
    )


def _counted(variant: Variant, inputs: Sequence[ModelInput], fed: Sequence[Fed]) -> Variant:
    """Return a variant with its multiply-accumulates, where it is called at one shape alone."""
    mine = [_of_one_case(variant, inputs, one) for one in fed if one.variant.name == variant.name]
    shared = {spec.name for spec in variant.inputs if spec.whole}
    shapes = {
        tuple(array.shape if name in shared else array.shape[1:] for name, array in one.items())
        for one in mine
    }
    if len(shapes) > 1:
        return variant
    return with_macs(variant, mine[0])


def _of_one_case(variant: Variant, inputs: Sequence[ModelInput], fed: Fed) -> Mapping[str, Array]:
    """Return inputs of which those that all cases share are as large as one case needs them."""
    if fed.sized.batch == 1:
        return fed.inputs
    shared = {spec.name for spec in variant.inputs if spec.whole}
    sizes = of_one_case(inputs, fed.sized.sizes)
    return {
        name: np.broadcast_to(array.flat[0], sizes[name])
        if name in shared and array.size and array.shape != sizes[name]
        else array
        for name, array in fed.inputs.items()
    }


def _fed(
    request: BenchRequest,
    variants: Sequence[Variant],
    sweep: Sequence[AskedShapes],
    signatures: Mapping[str, Sequence[ModelInput]],
) -> Iterator[Fed]:
    """Yield every model once for each combination of its shapes and batches."""
    known = {one.name for inputs in signatures.values() for one in inputs}
    files = " and ".join(variant.path.name for variant in variants)
    check_known(sweep, known, files)
    for variant in variants:
        inputs = signatures[variant.name]
        seen: set[tuple[int, str]] = set()
        for asked in sweep:
            for batch in request.batches or (None,):
                one = (
                    given_to(variant, inputs, Path(request.inputs), batch)
                    if request.inputs
                    else made_for(variant, inputs, asked, batch, request.batches)
                )
                if (one.sized.batch, one.sized.text) not in seen:
                    seen.add((one.sized.batch, one.sized.text))
                    yield one


def _plan(
    suite: Suite,
    fed: Sequence[Fed],
    devices: Sequence[DeviceProfile],
    backends: Sequence[Description],
    lacking: Mapping[tuple[str, str], SkipReason],
    asked: bool,
) -> Plan:
    """Return the cells of every model as it is fed; files that a backend cannot read are skips
    only where the backend was asked for."""
    cells, skips = [], []
    (spec,) = suite.scenarios
    for one in fed:
        of_batch = dataclasses.replace(
            suite, scenarios=(dataclasses.replace(spec, batches=(one.sized.batch,)),)
        )
        made = plan(
            of_batch, (one.variant,), devices, backends, EFFORTS[suite.effort], unreadable=lacking
        )
        cells += [
            dataclasses.replace(cell, shapes=one.sized.text)
            for cell in made.cells
            if cell.runs_model
        ]
        skips += [s for s in made.skips if asked or s.reason.kind is not SkipKind.FORMAT]
    places = {device.name: index for index, device in enumerate(devices)}
    order = [backend.name for backend in backends]
    cells.sort(key=lambda cell: (places[cell.device], order.index(cell.backend)))
    return Plan(tuple(cells), tuple(dict.fromkeys(skips)))


def _may_run(made: Plan, devices: Sequence[DeviceProfile]) -> bool:
    """Whether there is a cell whose runtime is here, or may be on another device."""
    here = {device.name for device in devices if is_here(device)}
    return any(
        cell.device not in here or installed_version(described(cell.backend)) is not None
        for cell in made.cells
    )


def left_out(request: BenchRequest, results: Results) -> list[str]:
    """Return a line for each model that nothing measured on a device that answered, and for each
    backend that was asked for and is not there, or reads none of them."""
    said: dict[str, None] = {}
    for device in results.devices:
        if device.error:
            continue
        mine = [skip for skip in results.skips if skip.device == device.name]
        for skip in mine:
            if skip.backend in request.backends and skip.reason.kind is SkipKind.NO_BACKEND:
                said[f"{device.name}: {skip.backend} was asked for: {skip.reason.text}"] = None
        for backend in request.backends:
            unread = [s for s in mine if s.backend == backend and s.reason.kind is SkipKind.FORMAT]
            if {skip.variant for skip in unread} == {variant.name for variant in results.variants}:
                why = unread[0].reason.text
                said[
                    f"{device.name}: {backend} was asked for and reads none of the files: {why}"
                ] = None
        measured = {row.variant for row in results.rows if row.device == device.name}
        for variant in results.variants:
            if variant.name not in measured:
                why = _why(variant, device, mine)
                said[f"{device.name}: {variant.name} was not measured: {why}"] = None
    return list(said)


def _why(variant: Variant, device: DeviceInfo, skips: Sequence[Skip]) -> str:
    """Return why nothing measured a model on a device."""
    told = [skip.reason.text for skip in skips if skip.variant == variant.name]
    readers = {one.name for one in every()[0] if variant.format in one.formats}
    lacking = [f for f in device.findings if f.backend in readers and f.level == LEFT_OUT and f.fix]
    told += [f"{finding.found}; {finding.fix}" for finding in lacking]
    return "; ".join(told[:1]) or f"no backend there reads {variant.format}"
