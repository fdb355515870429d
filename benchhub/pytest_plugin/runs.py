"""Measures suites and loads runs for a test session, each once."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchhub.api.signs import executed
from benchhub.config.folders import cache, store_url
from benchhub.config.request import located, resolve
from benchhub.config.suite import load_budgets
from benchhub.errors import BenchhubError, ConfigError, Interrupted
from benchhub.model.asked import Budget
from benchhub.model.device import DeviceInfo
from benchhub.model.launch import Launch, RunInfo
from benchhub.model.request import RunRequest
from benchhub.outside.written import OTHER_CACHE, explained, write_whole
from benchhub.pytest_plugin.measured import MeasuredRun
from benchhub.pytest_plugin.options import POLICIES, asked
from benchhub.pytest_plugin.slots import Slot, slots
from benchhub.results.load import Judged, load_judged
from benchhub.results.rows.rows import summarize
from benchhub.results.verdicts.judge import check_names, judge
from benchhub.run.execute import Ready, make_ready, new_run, room_for
from benchhub.run.loop.engine import Sessions
from benchhub.store import Store


@dataclass(frozen=True, slots=True)
class WantedRun:
    """A run that a test asks for: an old one by name, or a suite to measure."""

    run: str | None
    request: RunRequest | None
    budgets: str | None
    store: str


class Runs:
    """The runs of one test session."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._folder = Path(config.invocation_params.dir)
        self._ready: dict[RunRequest, Ready] = {}
        self._run_ids: dict[tuple[RunRequest, str], str] = {}
        self._slots: dict[WantedRun, tuple[Slot, ...]] = {}
        self._measured: dict[WantedRun, MeasuredRun] = {}
        self._refused: dict[WantedRun, BenchhubError] = {}

    def wanted(
        self,
        suite: str | None = None,
        *,
        run: str | None = None,
        devices: Sequence[str] = (),
        backends: Sequence[str] = (),
        variants: Sequence[str] = (),
        scenarios: Sequence[str] = (),
        effort: str | None = None,
        data: str | os.PathLike[str] | None = None,
        budgets: str | os.PathLike[str] | None = None,
        store: str | None = None,
    ) -> WantedRun:
        """Return what the arguments ask for, filled up by the session's options.

        Without suite and run it is what the session was started with. ConfigError: neither, both,
        or names that do not exist.
        """
        if suite is None and run is None:
            run, suite = asked(self._config, "run"), asked(self._config, "suite")
        if (suite is None) == (run is None):
            raise ConfigError(
                "give a suite to measure or a run to load, one of them: --benchhub-suite SUITE or"
                " --benchhub-run RUN, or arguments of benchhub_run"
            )
        file = budgets or asked(self._config, "budgets")
        url = store or asked(self._config, "store") or store_url(self._folder)
        request = None
        if suite is not None:
            request = RunRequest(
                suite=suite,
                devices=_names(devices) or _names(asked(self._config, "device")) or ("localhost",),
                backends=_names(backends),
                variants=_names(variants),
                scenarios=_names(scenarios),
                effort=_effort(effort or asked(self._config, "effort")),
                data=str(data) if data else None,
            )
            request = located(request, self._folder)
        return WantedRun(run, request, str(self._folder / file) if file else None, url)

    def get(self, suite: str | None = None, **arguments: Any) -> MeasuredRun:
        """Return the run of `wanted(suite, **arguments)`; what cannot be done fails the test."""
        try:
            wanted = self.wanted(suite, **arguments)
        except BenchhubError as error:
            pytest.fail(f"benchhub: {error}", pytrace=False)
        return self.of(wanted)

    def of(self, wanted: WantedRun) -> MeasuredRun:
        """Return the run, measuring it the first time; what cannot be done fails the test."""
        try:
            return self.measured(wanted)
        except BenchhubError as error:
            pytest.fail(f"benchhub: {error}", pytrace=False)

    def slots(self, wanted: WantedRun) -> tuple[Slot, ...]:
        """Return what `wanted` will be judged by, without measuring; ConfigError if by nothing."""
        if wanted not in self._slots:
            if wanted.request is None:
                judged = self._judged(wanted, self._run_id(wanted))
                rows, verdicts, name = judged.results.rows, judged.verdicts, f"run {wanted.run}"
            else:
                ready = self._made_ready(wanted.request)
                suite = ready.resolved.suite
                name = f"suite {suite.name}"
                limits = _limits(wanted, ready)
                rows = summarize(_unmeasured(ready), ready.plan.cells, (), (), _devices(ready))
                verdicts = judge(rows, limits)
            if not verdicts:
                raise ConfigError(
                    f"{name} has no budgets that apply to it; add [[budgets]] to the suite, or give"
                    " --benchhub-budgets FILE"
                )
            self._slots[wanted] = slots(verdicts, rows)
        return self._slots[wanted]

    def measured(self, wanted: WantedRun) -> MeasuredRun:
        """Return the run, measuring it the first time; BenchhubError, every time, if it cannot."""
        if wanted in self._refused:
            raise self._refused[wanted]
        if wanted not in self._measured:
            try:
                judged = self._judged(wanted, self._run_id(wanted))
            except Interrupted as error:
                raise KeyboardInterrupt from error
            except BenchhubError as error:
                self._refused[wanted] = error
                raise
            policy = asked(self._config, "inconclusive") or POLICIES[0]
            found = self._slots.get(wanted) or slots(judged.verdicts, judged.results.rows)
            self._measured[wanted] = MeasuredRun(judged, found, policy)
        return self._measured[wanted]

    def _run_id(self, wanted: WantedRun) -> str:
        """Return the run's id; what is the same but for its budgets is measured once."""
        if wanted.request is None:
            with Store.open(wanted.store) as store:
                return store.resolve(wanted.run or "latest")
        key = (wanted.request, wanted.store)
        if key not in self._run_ids:
            ready = self._made_ready(wanted.request)
            _limits(wanted, ready)  # a mistake in them shows before hours of measuring
            self._run_ids[key] = self._measure(ready, wanted.store)
        return self._run_ids[key]

    def _made_ready(self, request: RunRequest) -> Ready:
        if request not in self._ready:
            self._ready[request] = make_ready(resolve(request), cache(), lambda text: None)
        return self._ready[request]

    def _measure(self, ready: Ready, url: str) -> str:
        with self._shared(f"{ready.resolved.request} {url}") as kept, Store.open(url) as store:
            if kept is not None and kept.exists():
                return kept.read_text("utf-8")
            for line in room_for(store, ready):
                warnings.warn(f"benchhub: {line}", RuntimeWarning, stacklevel=2)
            info = new_run(store, ready, "pytest")
            executed(store, info, ready, Quiet())
            if kept is not None:
                write_whole(kept, info.id, OTHER_CACHE)
            return info.id

    @contextmanager
    def _shared(self, what: str) -> Iterator[Path | None]:
        """Yield the file that names the run for all workers of pytest-xdist, one at a time.

        Workers that measured at once would disturb each other, and the device is leased to one.
        """
        session = getattr(self._config, "workerinput", {}).get("testrunuid")
        if session is None:
            yield None
            return
        import fcntl

        digest = hashlib.sha256(f"{session} {what}".encode()).hexdigest()[:16]
        kept = cache() / "pytest" / digest
        with explained(kept, OTHER_CACHE):
            kept.parent.mkdir(parents=True, exist_ok=True)
            lock = kept.with_suffix(".lock").open("w")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield kept

    def _judged(self, wanted: WantedRun, run: str) -> Judged:
        with Store.open(wanted.store) as store:
            return load_judged(store, run, Path(wanted.budgets) if wanted.budgets else None)


class Quiet(Sessions):
    """Follows a run and says nothing of it."""

    def status(self, device: str, text: str) -> None:
        """Say nothing of what the device does."""

    def pushed(self, device: str, count: int) -> None:
        """Say nothing of what was pushed."""

    def launched(self, launch: Launch) -> None:
        """Say nothing of the launch."""

    def known(self, info: DeviceInfo, missing: Mapping[str, str]) -> None:
        """Say nothing of the device."""


_RUNS = pytest.StashKey[Runs]()


def runs_of(config: pytest.Config) -> Runs:
    """Return the runs of a session."""
    if _RUNS not in config.stash:
        config.stash[_RUNS] = Runs(config)
    return config.stash[_RUNS]


def _limits(wanted: WantedRun, ready: Ready) -> tuple[Budget, ...]:
    if wanted.budgets is None:
        return ready.resolved.suite.budgets
    file = Path(wanted.budgets)
    limits = load_budgets(file)
    check_names(file, limits, ready.plan)
    return limits


def _unmeasured(ready: Ready) -> RunInfo:
    suite = ready.resolved.suite
    return RunInfo(
        id="", suite=suite.name, suite_sha256=ready.resolved.suite_sha256, task=suite.task,
        baseline=suite.baseline, effort=ready.resolved.effort.name, started_at="",
        finished_at=None, status="running", request=ready.resolved.request,
    )  # fmt: skip


def _devices(ready: Ready) -> list[DeviceInfo]:
    return [DeviceInfo(d.name, d.transport, d.emulated) for d in ready.resolved.devices]


def _names(value: str | Sequence[str] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def _effort(name: str | None) -> str | None:
    from benchhub.errors import nearest
    from benchhub.model.asked import EFFORTS

    if name is not None and name not in EFFORTS:
        raise ConfigError(f"effort {name} is unknown{nearest(name, EFFORTS)}")
    return name
