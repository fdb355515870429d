"""Plays many scenarios, each in a process of its own; what was played is kept."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import alembic.command
import alembic.script  # noqa: F401

from benchhub.device.runner import build_runner
from benchhub.report.run import load
from campaign import outcome as outcomes
from campaign import site as sites
from campaign.draw import VERSION, Scenario, draw
from campaign.outcome import Outcome
from campaign.play import described, play
from campaign.running import processes
from campaign.site import Kind, Site

#: A scenario that is not over by then is ended, which is a finding.
LONGEST_S, LONGEST_WITH_A_MACHINE_S = 300.0, 1500.0


@dataclass(slots=True)
class _Stage:
    """A scenario that is being played."""

    scenario: Scenario
    pid: int
    folder: Path
    until: float


def run(
    seeds: Sequence[int],
    folder: Path,
    *,
    jobs: int = 1,
    resume: bool = False,
    without: Collection[str] = (),
    tell: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Return the outcome of each seed, in their order; with `resume` those that were kept stay.

    Those that were left out are played where what they lacked is there now.
    So many `jobs` are played at once. `without` are words of `Site` that count as missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    of = tree()
    site = sites.looked_over(without)
    scenarios = [draw(seed) for seed in seeds if not (resume and stays(_kept(folder, seed), site))]
    build_runner()  # these once, and not in each of what is forked
    load("markdown")
    try:
        _start(site, scenarios, folder)
        _play_all(scenarios, folder, site, of, jobs, tell)
    finally:
        sites.stop(site)
    found = {seed: _kept(folder, seed) for seed in seeds}
    return [one for seed in seeds if (one := found[seed]) is not None]


def tree() -> str:
    """Return the commit that is played, and whether something was changed since; empty: unknown."""
    here = Path(__file__).resolve().parent

    def git(*words: str) -> str:
        argv = ["git", "-C", str(here), *words]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = "+" if git("status", "--porcelain", "--untracked-files=no") else ""
        return f"{git('rev-parse', '--short=12', 'HEAD')}{changed}"
    except (OSError, subprocess.CalledProcessError):
        return ""


def _start(site: Site, scenarios: Sequence[Scenario], folder: Path) -> None:
    wanted = {word for one in scenarios if site.why_not(one.needs) is None for word in one.needs}
    sites.start(site, wanted, folder.resolve())


def _play_all(
    scenarios: Sequence[Scenario],
    folder: Path,
    site: Site,
    of: str,
    jobs: int,
    tell: Callable[[Outcome], None],
) -> None:
    waiting, stages = list(scenarios), list[_Stage]()
    try:
        while waiting or stages:
            while len(stages) < jobs and (scenario := _next(waiting, stages)) is not None:
                stages.append(_begun(scenario, folder, site, of))
            for stage in list(stages):
                if (outcome := _over(stage, folder, of)) is not None:
                    stages.remove(stage)
                    tell(outcome)
            time.sleep(0.01)  # looks again
    finally:
        for stage in stages:
            _end(stage)


def _next(waiting: list[Scenario], stages: Sequence[_Stage]) -> Scenario | None:
    """Take one that can be played beside those that are: of some things there is only one."""
    in_use = [stage.scenario.alone_with for stage in stages]
    for place, scenario in enumerate(waiting):
        if not any(taken & scenario.alone_with for taken in in_use):
            return waiting.pop(place)
    return None


def _begun(scenario: Scenario, folder: Path, site: Site, of: str) -> _Stage:
    scene = (folder / "scenes" / str(scenario.seed)).resolve()
    shutil.rmtree(scene, ignore_errors=True)
    scene.mkdir(parents=True)
    _path(folder, scenario.seed).unlink(missing_ok=True)
    slow = Kind.MACHINE in scenario.kinds.values()
    until = time.monotonic() + (LONGEST_WITH_A_MACHINE_S if slow else LONGEST_S)
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        try:
            os.setpgid(0, 0)
            outcomes.write(_played(scenario, scene, site, of), _path(folder, scenario.seed))
        except BaseException:  # noqa: BLE001 - the driver finds no outcome, and says so
            traceback.print_exc()
        finally:
            os._exit(0)
    with contextlib.suppress(OSError):  # whoever is first
        os.setpgid(pid, pid)
    return _Stage(scenario, pid, scene, until)


def _played(scenario: Scenario, scene: Path, site: Site, of: str) -> Outcome:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return play(scenario, scene, site, of)
    except Exception:  # noqa: BLE001 - a fault of the campaign's, which counts as well
        return _failed(scenario, of, traceback.format_exc())


def _failed(scenario: Scenario, of: str, why: str) -> Outcome:
    return dataclasses.replace(described(scenario, of), findings=(f"campaign: {why}",))


def _over(stage: _Stage, folder: Path, of: str) -> Outcome | None:
    """Return the outcome of a scenario that is over; None while it is played."""
    late = time.monotonic() > stage.until
    pid, _ = os.waitpid(stage.pid, 0 if late and _end(stage) else os.WNOHANG)
    if not pid:
        return None
    path = _path(folder, stage.scenario.seed)
    outcome = _kept(folder, stage.scenario.seed)
    if outcome is None or late:
        why = "not over in time" if late else "it ended without an outcome"
        outcome = _failed(stage.scenario, of, why)
        outcomes.write(outcome, path)
        _end(stage)
    if outcome.findings:
        _end(stage)
    else:
        shutil.rmtree(stage.folder, ignore_errors=True)
    return outcome


def _end(stage: _Stage) -> bool:
    """End a scenario and all that it started; True."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(stage.pid, signal.SIGKILL)
    for one in processes(str(stage.folder)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGKILL)
    return True


def _kept(folder: Path, seed: int) -> Outcome | None:
    known = outcomes.read(_path(folder, seed))
    return known if known is not None and known.version == VERSION else None


def stays(known: Outcome | None, site: Site) -> bool:
    """Return whether what was kept of a seed is still all that can be had of it."""
    if known is None:
        return False
    return not known.left_out or site.why_not(draw(known.seed).needs) is not None


def _path(folder: Path, seed: int) -> Path:
    return folder / "outcomes" / f"{seed:05d}.json"
