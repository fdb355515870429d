"""A run from plan to record: new, resumed, or only what failed."""

from __future__ import annotations

import contextlib
import dataclasses
import platform
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchhub import __version__
from benchhub.backends import described
from benchhub.config.request import Resolved, resolve
from benchhub.device.runner import build_runner
from benchhub.errors import ConfigError, DeviceError, StoreError, Unfit
from benchhub.model.arrays import Array
from benchhub.model.cell import Cell, More, Plan, no_more
from benchhub.model.device import USUAL_QUEUEING, DeviceInfo, Queueing
from benchhub.model.facts import Provenance
from benchhub.model.launch import RunInfo
from benchhub.outside.masked import masked
from benchhub.run.device_reference import (
    ask,
    held_against,
    is_over,
    planned_reference,
    unjudged_until_then,
)
from benchhub.run.devices.healthy import Choose
from benchhub.run.devices.selftest_needed import unmet
from benchhub.run.given_models import with_given
from benchhub.run.loop.campaign import has_work
from benchhub.run.loop.engine import run_devices
from benchhub.run.loop.following import Following, asking_for, connector
from benchhub.run.loop.power import PowerSwitch, power_switches
from benchhub.run.loop.room import at_once, look, taken
from benchhub.run.loop.ways import DIRECT, Way
from benchhub.run.loop.work import Connect, DeviceWork, Watcher
from benchhub.run.loop.works import common_work, works_of
from benchhub.run.planning.early_ends import with_early_ends
from benchhub.run.planning.fixed_cells import beside, with_canaries
from benchhub.run.planning.going_on import ends, goes_on, limited
from benchhub.run.planning.plan import plan as make_plan
from benchhub.run.planning.shaped import with_shapes
from benchhub.run.planning.shared_launches import SPARES, with_shared_launches
from benchhub.run.prepare import Prepared, prepare
from benchhub.store import Store
from benchhub.store.devices.quarantine import Quarantined
from benchhub.store.reached import Reached


@dataclass(frozen=True, slots=True)
class Ready:
    """A request with its variants built and its cells planned.

    `more` decides what goes on past its launches, and `enough` what ends before them. Cells that go
    on add `more_at_most` launches together, the fixed work beside them not counted.
    `reference` are the cells that may give the reference where a device does, one a backend.
    """

    resolved: Resolved
    prepared: Prepared
    plan: Plan
    more: More = no_more
    enough: More = no_more
    more_at_most: int = 0
    reference: tuple[Cell, ...] = ()


def make_ready(
    resolved: Resolved,
    cache: Path,
    progress: Callable[[str], None],
    make: bool = True,
    spares: bool = True,
    choose: Choose | None = None,
) -> Ready:
    """Build what the request needs and plan it; ConfigError if it cannot be done.

    Without `make` it is planned only, and no recipe is run. Unless it `spares` launches, memory and
    cold start have their own and no cell ends early, as in earlier versions. Where the request says
    how many devices at most, `choose` takes them once all else is made.
    """
    resolved = with_given(resolved)
    prepared = prepare(resolved.suite, resolved.data, cache, progress, make)
    backends = [described(name) for name in resolved.suite.backends]
    if choose is not None and resolved.request.at_most is not None:
        requires = resolved.suite.name if resolved.suite.requires_selftest else ""
        resolved = resolve(choose(resolved.request, resolved.devices, backends, requires))
    plan = make_plan(
        resolved.suite,
        prepared.variants,
        resolved.devices,
        backends,
        resolved.effort,
        prepared.unbuilt,
        prepared.refused,
        prepared.unreadable,
    )
    if not plan.cells:
        reasons = "; ".join(sorted({skip.reason.text for skip in plan.skips})[:3])
        fix = "change its backends or variants, or measure on other devices"
        if not resolved.suite.scenarios:
            reasons, fix = "it has no scenario", "add [scenarios.latency]"
        raise ConfigError(f"{resolved.suite.path}: nothing to measure: {reasons}; {fix}")
    plan, prepared = with_shapes(plan, prepared, resolved.suite, cache)
    if spares:
        plan = with_shared_launches(plan, resolved.suite.scenarios)
        plan = with_early_ends(plan, resolved.suite, resolved.devices)
    reference = planned_reference(plan, resolved.suite)
    plan = with_canaries(plan, resolved.effort)
    return going_on(Ready(resolved, prepared, plan, reference=reference))


def going_on(ready: Ready) -> Ready:
    """Return `ready` with what decides which cells a budget keeps open past their launches."""
    resolved, plan = ready.resolved, ready.plan
    emulated = {device.name for device in resolved.devices if device.emulated}
    fixed = {spec.scenario for spec in resolved.suite.scenarios if spec.launches}
    limits = limited(plan.cells, resolved.suite.budgets, resolved.effort, emulated, fixed)
    most = sum(
        max(resolved.effort.most_launches, fewest) - resolved.effort.launches
        for _, _, fewest in limits.values()
    )
    more = beside(goes_on(limits, resolved.effort), plan.cells)
    enough = ends(plan.cells, resolved.suite.budgets)
    return dataclasses.replace(ready, more=more, enough=enough, more_at_most=most)


def new_run(store: Store, ready: Ready, command: str) -> RunInfo:
    """Write a new run to the store and return it."""
    resolved, now = ready.resolved, datetime.now(UTC)
    run = RunInfo(
        id=f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        suite=resolved.suite.name,
        suite_sha256=resolved.suite_sha256,
        task=resolved.suite.task,
        baseline=resolved.suite.baseline,
        effort=resolved.effort.name,
        started_at=now.isoformat(timespec="seconds"),
        finished_at=None,
        status="running",
        request=resolved.request,
        provenance=_provenance(ready, command),
    )
    store.create_run(
        run,
        ready.plan,
        ready.prepared.answer_key,
        ready.prepared.variants,
        resolved.suite.budgets,
        resolved.suite.claims,
    )
    return run


def execute(
    store: Store,
    run: RunInfo,
    ready: Ready,
    watcher: Watcher,
    rerun_failed: bool = False,
    queueing: Queueing = USUAL_QUEUEING,
    so_far: Reached | None = None,
    way: Way = DIRECT,
) -> dict[str, DeviceError | None]:
    """Measure what is still open in `run`; return per device why it stopped early, or None.

    `so_far` is what the store has of it, None: that is still to be read. `way` leads to the
    devices.
    """
    infos = {info.name: info for info in store.devices(run.id)}
    following = Following(store, run.id, watcher, infos)
    errors: dict[str, DeviceError | None] = {}
    switches = power_switches(store, run.id, ready.resolved.devices, queueing, infos, way.cycle)
    works = _works(store, run, ready, rerun_failed, so_far or store.reached(run.id), switches)
    for work in works:
        _forget_early_stop(work, store, infos)
    quarantined = store.quarantine.all()
    works = [work for work in works if not _refused(work, quarantined, watcher, errors)]
    if ready.resolved.suite.requires_selftest:
        suite = ready.resolved.suite.name
        works = [o for o in works if not _untested(o, suite, store, watcher, errors)]
    store.set_status(run.id, "running", None)

    connect = connector(run.id, watcher, asking_for(store, queueing, ready.plan.cells), way)
    try:
        missing: dict[str, DeviceError | None] = {}
        if ready.prepared.awaited is not None:
            ready, missing = _with_reference(store, run, ready, works, connect, following)
            going = {
                work.device.name for work in works if not is_over(missing.get(work.device.name))
            }
            now = store.reached(run.id)  # what gave the reference is there now
            again = _works(store, run, ready, rerun_failed, now, switches)
            works = [work for work in again if work.device.name in going]
            if not ready.prepared.reference:
                works = [unjudged_until_then(work) for work in works]
        errors |= run_devices(
            works, connect, following.record, following, at_once=at_once(len(works))
        )
        errors |= {name: errors.get(name) or error for name, error in missing.items()}
    except ConfigError:
        store.set_status(run.id, "failed", datetime.now(UTC).isoformat(timespec="seconds"))
        raise
    except BaseException:  # whatever ends it, the run can be gone on with
        with contextlib.suppress(StoreError):
            store.set_status(run.id, "interrupted", None)
        raise
    for name, error in errors.items():
        if error is not None:
            info = infos.get(name) or _unknown(ready, name)
            store.put_device(run.id, dataclasses.replace(info, error=masked(str(error))))
        if isinstance(error, Unfit):
            store.quarantine.add(name, str(error).removeprefix(f"{name}: "))
    status = "failed" if any(errors.values()) else "done"
    store.set_status(run.id, status, datetime.now(UTC).isoformat(timespec="seconds"))
    return errors


def room_for(store: Store, ready: Ready) -> list[str]:
    """Return a line on each thing of this machine that measuring `ready` may use up.

    ConfigError: it cannot work here.
    """
    prepared = ready.prepared
    need = taken(
        ready.resolved.devices, ready.plan.cells, prepared.variants, prepared.reference,
        kept_whole=prepared.answering.predictor is None,
    )  # fmt: skip
    return list(look(need, store.file))


def _with_reference(
    store: Store,
    run: RunInfo,
    ready: Ready,
    works: Sequence[DeviceWork],
    connect: Connect,
    following: Following,
) -> tuple[Ready, dict[str, DeviceError | None]]:
    """Return `ready` with the reference that the store has, or that the device gives now.

    By device: why it gives none.
    """
    key, error = store.answer_key(run.id), None
    name = ready.resolved.suite.reference_device or ""
    work = next((work for work in works if work.device.name == name), None)
    if key is None and work is not None and ready.prepared.awaited is not None:
        key, error = ask(
            work, ready.reference, ready.prepared.awaited, connect, following,
            lambda key: store.add_answer_key(run.id, key), following.record,
        )  # fmt: skip
    if key is None:
        return ready, {name: error}
    prepared = dataclasses.replace(ready.prepared, answer_key=key, reference=held_against(key))
    return dataclasses.replace(ready, prepared=prepared), {}


def _forget_early_stop(work: DeviceWork, store: Store, infos: dict[str, DeviceInfo]) -> None:
    """Forget why a device stopped early where all its launches are made.

    Another controller of the same run may have written that, which waited for it in vain.
    """
    info = infos.get(work.device.name)
    failed = any(cell.key in work.closed for cell in work.cells)
    if info is None or info.error is None or failed or has_work(work):
        return
    if info.transport == work.device.transport:  # else its record cannot be read, which it says
        infos[info.name] = dataclasses.replace(info, error=None)
        store.put_device(work.run, infos[info.name])


def _refused(
    work: DeviceWork,
    quarantined: Mapping[str, Quarantined],
    watcher: Watcher,
    errors: dict[str, DeviceError | None],
) -> bool:
    """Return whether the device is in quarantine and so will not be measured; say so."""
    name = work.device.name
    kept = quarantined.get(name)
    if kept is None or not has_work(work):
        return False
    errors[name] = DeviceError(
        f"{name}: quarantined since {kept.since}: {kept.reason}; fix it and run"
        f" `benchhub devices doctor {name}`"
    )
    watcher.status(name, "stopped: in quarantine")
    return True


def _untested(
    work: DeviceWork,
    suite: str,
    store: Store,
    watcher: Watcher,
    errors: dict[str, DeviceError | None],
) -> bool:
    """Return whether the device has not passed the self-test that the suite asks for; say so."""
    name = work.device.name
    reason = unmet(name, suite, store.selftests.last(name), datetime.now(UTC))
    if reason is None or not has_work(work):
        return False
    errors[name] = DeviceError(f"{name}: {reason}")
    watcher.status(name, "stopped: no self-test passed")
    return True


def _works(
    store: Store,
    run: RunInfo,
    ready: Ready,
    rerun_failed: bool,
    so_far: Reached,
    switches: Mapping[str, PowerSwitch],
) -> list[DeviceWork]:
    def samples_of(key: str, count: int) -> Sequence[Array]:
        return store.samples.first(run.id, key, count)

    common = dataclasses.replace(
        common_work(run.id, ready.resolved, ready.prepared),
        more=ready.more, enough=ready.enough, samples_of=samples_of,
    )  # fmt: skip
    closed = so_far.unreadable if rerun_failed else frozenset(so_far.failed)
    works = works_of(
        common, ready.resolved.devices, ready.plan.cells, ready.prepared, so_far, closed
    )
    return [dataclasses.replace(work, power=switches.get(work.device.name)) for work in works]


def _unknown(ready: Ready, name: str) -> DeviceInfo:
    device = next(d for d in ready.resolved.devices if d.name == name)
    return DeviceInfo(device.name, device.transport, device.emulated, labels=device.labels)


def _provenance(ready: Ready, command: str) -> Provenance:
    libraries = ("numpy", "scipy", "onnx", "onnxruntime", "paramiko")
    left_out = ready.resolved.left_out
    told = {
        "command": command,
        "benchhub": __version__,
        "runner_sha256": build_runner().sha256,
        "controller": f"Python {platform.python_version()} on {platform.system()}",
        **{f"controller {name}": version(name) for name in libraries},
        "seed": str(ready.resolved.suite.seed),
        SPARES: "true",
        "max_relative_disagreement": str(ready.resolved.suite.agreement.max_relative),
        **({"reference_device": ready.reference[0].device} if ready.reference else {}),
        **({"scenarios_left_out": " ".join(left_out)} if left_out else {}),
        **({"baseline_below_chance": "true"} if ready.resolved.suite.baseline_below_chance else {}),
        **ready.prepared.provenance,
    }
    return Provenance(told)
