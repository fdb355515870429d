"""From a suite, its built variants and the devices to cells, and to skips with reasons. Pure."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence

from benchhub.model.arrays import Settings
from benchhub.model.asked import Effort, ScenarioSpec, Suite
from benchhub.model.cell import Cell, CellKind, Plan, Skip, SkipKind, SkipReason, Variant
from benchhub.model.device import DeviceProfile
from benchhub.model.scenario import Scenario
from benchhub.ondevice.backends import Description, idle_option

#: The share of the effort's launches and iterations that each scenario takes. Memory and load
#: times vary little between launches; outputs do not vary at all; a profile is no timing.
_SHARES: Mapping[Scenario, tuple[float, float]] = {
    Scenario.LATENCY: (1.0, 1.0),
    Scenario.THROUGHPUT: (0.5, 0.15),
    Scenario.PACED: (1.0, 1.0),
    Scenario.MEMORY: (0.5, 0.05),
    Scenario.COLD_START: (0.5, 0.0),
    Scenario.QUALITY: (0.0, 0.0),
    Scenario.PROFILE: (0.0, 0.15),
}
_FEWEST_LAUNCHES = {Scenario.QUALITY: 1, Scenario.PROFILE: 1}


def plan(
    suite: Suite,
    variants: Sequence[Variant],
    devices: Sequence[DeviceProfile],
    backends: Sequence[Description],
    effort: Effort,
    unbuilt: Mapping[str, SkipReason] | None = None,
    refused: Mapping[tuple[str, str], SkipReason] | None = None,
    unreadable: Mapping[tuple[str, str], SkipReason] | None = None,
) -> Plan:
    """Return every cell that can be measured, and a reasoned skip for every one that cannot.

    `backends` are the suite's, in its order; `unbuilt` maps a variant that could not be made to
    the reason, `refused` a variant and a backend that cannot run it, `unreadable` what the runtimes
    of this machine cannot load: other devices may have others. A backend that reads no model
    gets one latency cell a device, whatever the variants.
    """
    cells: list[Cell] = []
    skips: list[Skip] = []
    for device, backend in itertools.product(devices, backends):
        for variant in variants:
            if not backend.formats:
                if variant.name == suite.baseline:
                    cells.append(_cell_without_model(suite, device, variant, backend.name, effort))
                continue
            for spec in suite.scenarios:
                for cell, reason in _sweep(suite, device, variant, backend.name, spec, effort):
                    problem = _not_meant(suite, variant.name, backend.name) or reason
                    problem = problem or (refused or {}).get((variant.name, backend.name))
                    problem = problem or _not_offered(variant, cell, backend)
                    if problem is None and is_here(device):
                        problem = (unreadable or {}).get((variant.name, backend.name))
                    if problem is None:
                        cells.append(cell)
                    else:
                        skip = Skip(
                            device.name, variant.name, backend.name, spec.scenario, problem,
                            cell.batch, cell.precision if len(suite.precisions) > 1 else "",
                        )  # fmt: skip
                        skips.append(skip)
        if backend.formats and unbuilt:
            skips += _unbuilt_skips(suite, device, backend.name, unbuilt)
    return Plan(tuple(cells), tuple(dict.fromkeys(skips)))


def is_here(device: DeviceProfile) -> bool:
    """Whether a device has this machine's runtimes: `python3` is what runs benchhub there."""
    return device.transport == "local" and device.python == "python3"


def usual(scenario: Scenario, effort: Effort) -> tuple[int, int]:
    """Return the launches, and the timed calls of each, where a suite says neither."""
    launch_share, iteration_share = _SHARES[scenario]
    launches = round(effort.launches * launch_share)
    return max(launches, _FEWEST_LAUNCHES.get(scenario, 3)), round(
        effort.iterations * iteration_share
    )


def _unbuilt_skips(
    suite: Suite, device: DeviceProfile, backend: str, unbuilt: Mapping[str, SkipReason]
) -> list[Skip]:
    return [
        Skip(
            device.name, name, backend, spec.scenario,
            _not_meant(suite, name, backend) or reason,
        )
        for name, reason in unbuilt.items()
        for spec in suite.scenarios
    ]  # fmt: skip


def _sweep(
    suite: Suite,
    device: DeviceProfile,
    variant: Variant,
    backend: str,
    spec: ScenarioSpec,
    effort: Effort,
) -> Iterator[tuple[Cell, SkipReason | None]]:
    usual_launches, usual_iterations = usual(spec.scenario, effort)
    launches = spec.launches or usual_launches
    iterations = spec.iterations or usual_iterations
    for batch, threads, concurrency, rate_per_s, precision, options in itertools.product(
        _batches(variant, spec),
        spec.threads,
        spec.concurrency,
        spec.rates_per_s or (None,),
        suite.precisions,
        _option_sweep(suite.options.get(backend, {})),
    ):
        cell = Cell(
            device=device.name,
            variant=variant.name,
            model_sha256=variant.sha256,
            backend=backend,
            scenario=spec.scenario,
            batch=batch,
            threads=threads,
            precision=precision,
            launches=launches,
            iterations=iterations,
            max_timed_s=spec.max_timed_s or effort.max_timed_s,
            cases=spec.cases,
            options=json.dumps(options, sort_keys=True),
            concurrency=concurrency,
            rate_per_s=rate_per_s,
            arrivals=spec.arrivals if rate_per_s else "",
        )
        yield cell, _wrong_batch(variant, batch)


def _cell_without_model(
    suite: Suite, device: DeviceProfile, variant: Variant, backend: str, effort: Effort
) -> Cell:
    spec = ScenarioSpec(Scenario.LATENCY)
    cell, _ = next(_sweep(suite, device, variant, backend, spec, effort))
    return dataclasses.replace(cell, variant="none", model_sha256="", kind=CellKind.HARNESS)


def _option_sweep(options: Settings) -> Iterator[Settings]:
    """Yield every combination of options whose value is a list."""
    several = [value if isinstance(value, list) else [value] for value in options.values()]
    for chosen in itertools.product(*several):
        yield dict(zip(options, chosen, strict=True))


def _batches(variant: Variant, spec: ScenarioSpec) -> tuple[int, ...]:
    """Return the batches of a sweep; quality of a model that runs at none of them is at its own."""
    fixed = _fixed_batch(variant)
    if spec.scenario is not Scenario.QUALITY or fixed is None or fixed in spec.batches:
        return spec.batches
    return (*spec.batches, fixed)


def _fixed_batch(variant: Variant) -> int | None:
    cased = (t for t in variant.inputs if t.shape and not t.whole)
    return next((t.shape[0] for t in cased if t.shape[0]), None)


def _wrong_batch(variant: Variant, batch: int) -> SkipReason | None:
    for tensor in variant.inputs:
        fixed = tensor.shape[0] if tensor.shape and not tensor.whole else None
        if fixed is not None and fixed != batch:
            return SkipReason(
                SkipKind.FIXED_BATCH,
                f"input {tensor.name} is fixed at batch {fixed};"
                " export the model with an open batch axis to measure others",
            )
    return None


def _not_meant(suite: Suite, variant: str, backend: str) -> SkipReason | None:
    spec = next(spec for spec in suite.variants if spec.name == variant)
    if not spec.backends or backend in spec.backends:
        return None
    text = f"the suite means it for {', '.join(spec.backends)}"
    return SkipReason(SkipKind.NOT_MEANT, text)


def _not_offered(variant: Variant, cell: Cell, backend: Description) -> SkipReason | None:
    return (
        _unreadable(variant, backend)
        or _no_text(variant, backend)
        or _one_stream(variant, cell)
        or _inexact(cell.precision, backend)
        or _without_option(cell, backend)
        or _idle_option(cell, backend)
        or _without_profile(cell, backend)
    )


def _inexact(precision: str, backend: Description) -> SkipReason | None:
    if precision in backend.precisions:
        return None
    offered = ", ".join(backend.precisions)
    text = f"{backend.name} computes in {offered}, not {precision}; convert the model instead"
    return SkipReason(SkipKind.PRECISION, text)


def _without_option(cell: Cell, backend: Description) -> SkipReason | None:
    if cell.precision not in backend.precision_needs:
        return None
    name, value = backend.precision_needs[cell.precision]
    if json.loads(cell.options).get(name, backend.options[name].default) == value:
        return None
    text = f"{cell.backend} computes in {cell.precision} only with {name} = {value}"
    return SkipReason(SkipKind.PRECISION, text)


def _idle_option(cell: Cell, backend: Description) -> SkipReason | None:
    idle = idle_option(backend, json.loads(cell.options))
    return None if idle is None else SkipReason(SkipKind.IDLE_OPTION, f"{cell.backend}: {idle}")


def _without_profile(cell: Cell, backend: Description) -> SkipReason | None:
    if cell.scenario is not Scenario.PROFILE or backend.profiles:
        return None
    text = f"{cell.backend} does not tell what its operators take"
    return SkipReason(SkipKind.NO_PROFILE, text)


def _no_text(variant: Variant, backend: Description) -> SkipReason | None:
    text = [spec.name for spec in variant.inputs if spec.dtype == "string"]
    if not text or backend.name == "onnxruntime":
        return None
    return SkipReason(
        SkipKind.FORMAT, f"input {text[0]} is text, which only onnxruntime takes here"
    )


def _one_stream(variant: Variant, cell: Cell) -> SkipReason | None:
    state = [spec.name for spec in variant.inputs if spec.fed_from]
    if not state or (cell.batch == 1 and cell.concurrency == 1 and cell.rate_per_s is None):
        return None
    return SkipReason(
        SkipKind.STATE,
        f"{state[0]} is fed back from one call to the next: it is measured at batch 1, one call at"
        " a time",
    )


def _unreadable(variant: Variant, backend: Description) -> SkipReason | None:
    if variant.format in backend.formats:
        return None
    text = f"{backend.name} reads {', '.join(backend.formats)}, not {variant.format}"
    return SkipReason(SkipKind.FORMAT, text)
