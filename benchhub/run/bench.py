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

from benchhub.backends import described, every
from benchhub.compress.files.look import inspect_model, with_macs
from benchhub.config.limits import typed_budget
from benchhub.config.request import Resolved, check_backends
from benchhub.config.suite import load_profile
from benchhub.errors import ConfigError
from benchhub.model.arrays import Array
from benchhub.model.asked import EFFORTS, Agreement, ScenarioSpec, Suite, VariantSpec
from benchhub.model.cell import Plan, SkipKind, Variant
from benchhub.model.device import DeviceProfile
from benchhub.model.quantities import BUDGET_KEYS
from benchhub.model.request import BenchRequest
from benchhub.model.row import Results
from benchhub.model.scenario import Scenario
from benchhub.ondevice.backends import Description
from benchhub.run.execute import Ready, going_on
from benchhub.run.fixed_cells import with_canaries
from benchhub.run.inputs.asked_shapes import AskedShapes, check_known, shape_sweep
from benchhub.run.inputs.given import given_inputs
from benchhub.run.inputs.made import made_inputs
from benchhub.run.inputs.room import check_room
from benchhub.run.inputs.signature import ModelInput, signature
from benchhub.run.inputs.sizes import Sized, sized, whole
from benchhub.run.inputs.torchscript import with_signature
from benchhub.run.plan import plan
from benchhub.run.prepare import InputFile, InputsOf, Prepared, write_npy
from benchhub.text import visible

#: The task of these runs, which is not one of the table: it has no labels.
TASK = "bench"


@dataclasses.dataclass(frozen=True, slots=True)
class _Fed:
    """A model with what it is called with in some of its cells."""

    variant: Variant
    sized: Sized
    inputs: Mapping[str, Array]
    said: str


def make_bench(
    request: BenchRequest, cache: Path, progress: Callable[[str], None] = lambda line: None
) -> Ready:
    """Return a run of model files, ready to be measured; ConfigError if it cannot be made."""
    progress("reading the models")
    sweep = shape_sweep(request.shapes)
    variants = tuple(
        _arranged(inspect_model(name, with_signature(Path(path), sweep, cache / "signed")))
        for name, path in zip(names_of(request.models), request.models, strict=True)
    )
    devices = _devices(request)
    backends = _backends(request, variants)
    suite = _suite(request, variants, backends)
    check_backends(suite)
    _check_limits(suite)
    progress("making inputs")
    fed = list(_fed(request, variants, sweep))
    variants = tuple(_counted(variant, fed) for variant in variants)
    effort = EFFORTS[suite.effort]
    made = _plan(suite, fed, devices, backends, asked=bool(request.backends))
    if not made.cells:
        reasons = dict.fromkeys(f"{s.variant} on {s.backend}: {s.reason.text}" for s in made.skips)
        told = "; ".join(reasons) or _no_backend(variants)
        raise ConfigError(f"nothing to measure: {told}")
    made = with_canaries(made, effort)
    folder = cache / "inputs"
    folder.mkdir(parents=True, exist_ok=True)
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


def _devices(request: BenchRequest) -> tuple[DeviceProfile, ...]:
    devices = tuple(load_profile(Path(file)) for file in request.devices)
    names = [device.name for device in devices]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"device {name} is given twice; name each device once")
    return devices


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
        precisions=("f32",),
        agreement=Agreement(),
        seed=0,
    )


#: What a launch of a latency cell measures beside its calls.
_MEASURED = (Scenario.LATENCY, Scenario.MEMORY, Scenario.COLD_START, None)


def _check_limits(suite: Suite) -> None:
    for budget in suite.budgets:
        for key in budget.limits:
            scenario = BUDGET_KEYS[key][0].scenario
            if scenario not in _MEASURED:
                raise ConfigError(
                    f"--budget {key}: bench measures no {scenario}; write a suite with"
                    f" [scenarios.{scenario}] (`benchhub init`)"
                )


def _arranged(variant: Variant) -> Variant:
    """Return a variant whose inputs that are the same for all cases are told to be."""
    apart = whole(signature(variant))
    specs = (dataclasses.replace(s, whole=s.name in apart) for s in variant.inputs)
    return dataclasses.replace(variant, inputs=tuple(specs))


def _counted(variant: Variant, fed: Sequence[_Fed]) -> Variant:
    """Return a variant with its multiply-accumulates, where it is called at one shape alone."""
    mine = [one for one in fed if one.variant.name == variant.name]
    if len({tuple(sizes[1:] for sizes in one.sized.sizes.values()) for one in mine}) > 1:
        return variant
    return with_macs(variant, mine[0].inputs)


def _fed(
    request: BenchRequest, variants: Sequence[Variant], sweep: Sequence[AskedShapes]
) -> Iterator[_Fed]:
    """Yield every model once for each combination of its shapes and batches."""
    if request.inputs and request.shapes:
        raise ConfigError("--inputs brings its own shapes; drop --shape, or --inputs")
    signatures = {variant.name: signature(variant) for variant in variants}
    known = {one.name for inputs in signatures.values() for one in inputs}
    files = " and ".join(variant.path.name for variant in variants)
    check_known(sweep, known, files)
    for variant in variants:
        inputs = signatures[variant.name]
        seen: set[tuple[int, str]] = set()
        for asked in sweep:
            for batch in request.batches or (None,):
                one = _one(request, variant, inputs, asked, batch)
                if (one.sized.batch, one.sized.text) not in seen:
                    seen.add((one.sized.batch, one.sized.text))
                    yield one


def _one(
    request: BenchRequest,
    variant: Variant,
    inputs: Sequence[ModelInput],
    asked: AskedShapes,
    batch: int | None,
) -> _Fed:
    name = variant.path.name
    mine = asked.of({one.name for one in inputs})
    if request.inputs is None:
        found = sized(name, inputs, mine, batch)
        batches = [*request.batches, *(sizes[0] for sizes in asked.sizes.values())]
        made, said = made_inputs(name, inputs, found, 1 if found.text else max(batches, default=1))
        return _Fed(variant, found, made, said)
    arrays = given_inputs(Path(request.inputs), variant)
    per_case = [spec for spec in variant.inputs if not spec.whole]
    batch = batch or next((spec.shape[0] for spec in per_case if spec.shape and spec.shape[0]), 1)
    running = [spec.name for spec in per_case]
    of_one = {
        key: (batch, *array.shape[1:]) if key in running else array.shape
        for key, array in arrays.items()
    }
    found = sized(name, inputs, AskedShapes(of_one), batch)
    for key, array in arrays.items():
        check_room(name, key, found.sizes[key], array.itemsize)
    cases = len(arrays[running[0]]) if running else 1
    return _Fed(variant, found, arrays, f"{Path(request.inputs).name}, {cases} cases")


def _plan(
    suite: Suite,
    fed: Sequence[_Fed],
    devices: Sequence[DeviceProfile],
    backends: Sequence[Description],
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
        made = plan(of_batch, (one.variant,), devices, backends, EFFORTS[suite.effort])
        cells += [
            dataclasses.replace(cell, shapes=one.sized.text)
            for cell in made.cells
            if cell.runs_model
        ]
        skips += [s for s in made.skips if asked or s.reason.kind is not SkipKind.FORMAT]
    places = [device.name for device in devices]
    order = [backend.name for backend in backends]
    cells.sort(key=lambda cell: (places.index(cell.device), order.index(cell.backend)))
    return Plan(tuple(cells), tuple(dict.fromkeys(skips)))


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
                why = next((s.reason.text for s in mine if s.variant == variant.name), "no backend")
                said[f"{device.name}: {variant.name} was not measured: {why}"] = None
    return list(said)
