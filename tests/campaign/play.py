"""Plays one scenario: controllers work, faults strike, and what is left is held to what must be."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

from campaign import checks, controller, evidence, mounts
from campaign.draw import VERSION, Scenario
from campaign.fault import Fault
from campaign.outcome import Outcome
from campaign.scene import End, Scene, set_up
from campaign.site import WITH_LEASE, Kind, Site

#: So many controllers one after the other go on with a run at most, before it is mended.
_MOST_CONTROLLERS = 8
#: Between two looks at what is due.
_LOOK_S = 0.004
#: Between two tries to strike what is not there yet.
_AGAIN_S = 0.02


def play(scenario: Scenario, folder: Path, site: Site, of: str) -> Outcome:
    """Play a scenario in a folder of its own; what has to be there for that may be missing."""
    outcome = described(scenario, of)
    if (reason := site.why_not(scenario.needs)) is not None:
        return dataclasses.replace(outcome, left_out=reason)
    began = time.monotonic()
    if "mounts" in scenario.needs:
        mounts.apart()
    scene = set_up(folder, site, scenario.kinds, scenario.paces_s, scenario.asked, scenario.faults)
    try:
        outcome = _played(scenario, scene, outcome)
    finally:
        for fault in scene.faults:
            fault.mend(scene)
        scene.close()
    return dataclasses.replace(outcome, took_s=round(time.monotonic() - began, 2))


def described(scenario: Scenario, of: str) -> Outcome:
    """Return the outcome of a scenario that was not played yet."""
    devices = (
        f"{name} {kind}, {scenario.asked[name].cells} x {scenario.asked[name].launches}"
        for name, kind in scenario.kinds.items()
    )
    names, told = zip(*((fault.name, str(fault)) for fault in scenario.faults), strict=True)
    return Outcome(scenario.seed, VERSION, of, names, told, tuple(devices))


def _played(scenario: Scenario, scene: Scene, outcome: Outcome) -> Outcome:
    findings: list[str] = []
    ends = _controllers(scene)
    for fault in scene.faults:
        fault.ended(scene)
    found, journal = _tables(scene), scene.journal.lines()
    findings += checks.ended(ends)
    findings += checks.kept(found, journal, ends)
    if ends[-1].code in checks.USUAL_CODES and not scene.rivals_ends:
        findings += checks.over(found)
    if not any(fault.harms_all for fault in scene.faults):
        strictly = not any(fault.of_all for fault in scene.faults)
        findings += checks.untouched(found, journal, scenario.healthy, strictly)
    counts = checks.counts(found, journal, ends)
    if found.planned:  # whatever became of its launches, it can be shown
        shown = controller.start(scene, controller.Order.REPORT, log="report")
        findings += checks.shown(controller.awaited(shown))

    for fault in scene.faults:
        fault.mend(scene)
    scene.limits.clear()
    scene.calm = True
    if scene.database is not None:
        scene.database.let_out()
    else:
        evidence.let_out(scene.store)
    stores = _stores(scene)
    running, locked = _left(scene, stores)
    findings += checks.remains(running, locked)
    findings += _of_rivals(scene, stores)

    last = controller.awaited(
        controller.start(scene, controller.Order.RERUN_FAILED), _longest_s(scene)
    )
    found, journal = _tables(scene), scene.journal.lines()
    findings += checks.ended([last])
    findings += checks.kept(found, journal, [last])
    findings += checks.over(found)
    unfinished = list(checks.finished(found))
    findings += unfinished
    if last.code == 3 and not unfinished:
        findings.append(f"ended badly: all launches are done, and yet 3: {last.last_line}")
    if not found.planned:
        findings.append("lost: nobody ever began the run")
    left = _left(scene, stores)
    findings += checks.remains(*left)
    return dataclasses.replace(
        outcome,
        counts=counts,
        at_last=checks.counts(found, journal, [last]).done,
        controllers=len(ends) + 1,
        struck=tuple(fault.name for fault in scene.faults if fault.happened),
        running=len(running) + len(left[0]),
        locked=len(locked) + len(left[1]),
        findings=tuple(dict.fromkeys(findings)),
    )


def _controllers(scene: Scene) -> list[End]:
    """Let controllers work, one after the other, until one ended by itself with all it could do."""
    pending: list[Fault] = list(scene.faults)
    ends: list[End] = []
    while len(ends) < _MOST_CONTROLLERS:
        running = controller.start(scene)
        scene.controllers = [running.pid]
        end = _one(scene, running, pending)
        expected = any(fault.explains(end.code, running.pid) for fault in scene.faults)
        ends.append(dataclasses.replace(end, expected=expected))
        if end.hung or end.code in checks.USUAL_CODES:
            break
        for fault in scene.faults:
            if end.code == 2 or fault.explains(end.code, running.pid):
                fault.ended(scene)
    scene.controllers = []
    return ends


def _one(scene: Scene, running: controller.Running, pending: list[Fault]) -> End:
    until = time.monotonic() + _longest_s(scene)
    while (end := running.poll()) is None:
        for fault in scene.faults:
            if fault in pending and _strikes(fault, scene):
                pending.remove(fault)
                fault.struck = True
            elif fault.struck:
                fault.look(scene)
        if time.monotonic() > until:
            return controller.awaited(running, 0)
        time.sleep(_LOOK_S)  # looks again
    return end


def _strikes(fault: Fault, scene: Scene) -> bool:
    now = time.monotonic()
    if now < fault.not_before or not fault.due(scene):
        return False
    fault.not_before = (
        now + _AGAIN_S
    )  # looking for processes takes time that they want for themselves
    return fault.strike(scene)


def _longest_s(scene: Scene) -> float:
    slow = any(device.kind is Kind.MACHINE for device in scene.devices.values())
    return controller.LONGEST_WITH_A_MACHINE_S if slow else controller.LONGEST_S


def _tables(scene: Scene) -> evidence.Tables:
    """Return what a scenario's run left; what a server keeps is copied into the file before."""
    if scene.database is not None and (trouble := scene.database.copied(scene.store)):
        return dataclasses.replace(evidence.NOTHING, damage=(trouble,))
    return evidence.tables(scene.store)


def _stores(scene: Scene) -> Sequence[Path]:
    return sorted(scene.store.parent.glob("*.db"))


def _left(scene: Scene, stores: Sequence[Path]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what still runs and what is still locked, once what is about to end has had time."""
    devices = [one for one in scene.devices.values() if one.kind in WITH_LEASE]
    folders = {str(scene.folder), *(one.profile.root for one in devices if one.root is not None)}
    running = evidence.left_running(folders)
    roots = {one.name: one.root for one in devices if one.root is not None}
    locked = evidence.left_locked(roots, stores)
    if scene.database is not None:
        locked += scene.database.held(evidence.GRACE_S)
    return running, locked


def _of_rivals(scene: Scene, stores: Sequence[Path]) -> list[str]:
    """Return what is wrong with what a second controller did in a store of its own, or here."""
    ends = [dataclasses.replace(end, expected=end.code == 2) for end in scene.rivals_ends]
    findings = [*checks.ended(ends)]
    for store in stores:
        if store != scene.store:
            found = evidence.tables(store)
            findings += checks.kept(found, scene.journal.lines(), ends)
    return findings
