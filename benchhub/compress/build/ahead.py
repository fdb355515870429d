"""Variants that train, several at once: each in a process of its own, which leaves it in the cache.

Fitting networks this small takes one processor, whatever there is, so chains that do not depend on
each other are made side by side. Only the time changes: each is what it would be made alone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import queue
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from benchhub.compress import Ingredients
from benchhub.compress.build.cached import find
from benchhub.compress.build.checked import settled
from benchhub.compress.build.suite import Builder, ingredients
from benchhub.compress.files.arranged import inspect_given
from benchhub.compress.trial.tryout import Tryout
from benchhub.errors import ConfigError, MissingExtra, RecipeFailed
from benchhub.model.asked import Suite, VariantSpec
from benchhub.model.cell import Variant
from benchhub.outside import Variable
from benchhub.outside.beside import end_with, processors, without_main
from benchhub.tasks.opening import open_data

#: A process holds torch and the training cases, so there are not more, whatever the machine has.
_MOST = 8
_POLL_S = 0.2


def build_ahead(
    suite: Suite,
    using: Ingredients,
    files: Mapping[str, Variant],
    data: Path | None,
    cache: Path,
) -> Mapping[str, RecipeFailed]:
    """Make the variants of `suite` that train and are not in the cache, where some can be at once.

    Returns those whose recipe failed, by name. What misses a package is left to whoever asks for
    it in earnest, and is told there; ConfigError where nothing can be made at all. `files` are the
    variants that are model files; `data` is the user's own copy, as for `open_data`.
    """
    if sum(map(_trains, suite.variants)) < 2:  # so nothing is looked up for most suites
        return {}
    waiting = _to_train(suite, using, files, cache)
    processes = min(_abreast(waiting), processors(), _MOST)
    if processes < 2:
        return {}
    using.progress(f"making {len(waiting)} variants that train, up to {processes} at once")
    # Only what begins from nothing takes two threads; two such trainings would spin for each other.
    whole = sum(spec.name in waiting and spec.source is None for spec in suite.variants)
    with _Crew(suite, data, cache, using.progress, processes, passive=whole > 1) as crew:
        return crew.make(waiting)


def _to_train(
    suite: Suite, using: Ingredients, files: Mapping[str, Variant], cache: Path
) -> dict[str, str | None]:
    """Return the variants that have to be trained, each with the one of these it waits for."""
    specs = {spec.name: spec for spec in suite.variants}
    using = dataclasses.replace(using, progress=lambda line: None)
    known: dict[str, Variant | None] = dict(files)

    def look(spec: VariantSpec) -> Variant | None:
        if spec.name not in known:
            source = look(specs[spec.source]) if spec.source else None
            known[spec.name] = None
            if source is not None or spec.source is None:
                with contextlib.suppress(ConfigError):
                    known[spec.name] = find(spec, source, using, cache)
        return known[spec.name]

    for spec in suite.variants:
        look(spec)
    training = [name for name in specs if known[name] is None and _trains(specs[name])]
    waiting: dict[str, str | None] = {}
    for name in training:
        source = specs[name].source
        while source is not None and source not in training:
            source = specs[source].source
        waiting[name] = source
    return waiting


def _trains(spec: VariantSpec) -> bool:
    if spec.recipe is None:
        return False
    entry, options = settled(spec)
    return entry.trains_with(options)


def _abreast(waiting: dict[str, str | None]) -> int:
    """Return how many can be made at once at most: those that no other waits for."""
    return len(set(waiting) - set(waiting.values()))


class _Crew:
    """Processes that make variants; they end with this context, whatever they are at."""

    def __init__(
        self,
        suite: Suite,
        data: Path | None,
        cache: Path,
        progress: Callable[[str], None],
        processes: int,
        passive: bool,
    ) -> None:
        context = multiprocessing.get_context("spawn")  # torch and its threads survive no fork
        self._told: Any = context.Queue()
        self._progress = progress
        self._pids: set[int] = set()
        self._pool = ProcessPoolExecutor(
            processes, context, _begin, (suite, data, cache, self._told, os.getpid(), passive)
        )

    def __enter__(self) -> _Crew:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._hear()
        if kind:
            # Those that live: the number of one that died may be another process's by now.
            for process in multiprocessing.active_children():
                if process.pid in self._pids:
                    process.terminate()  # a checkpoint is behind each epoch
        self._pool.shutdown(cancel_futures=True)
        self._told.close()

    def make(self, waiting: dict[str, str | None]) -> Mapping[str, RecipeFailed]:
        """Make them all, each when what it waits for is there; return those that failed."""
        left = dict(waiting)
        failed: dict[str, RecipeFailed] = {}
        under_way: dict[Future[str], str] = {}
        made: set[str] = set()
        while left or under_way:
            for name in [n for n, source in left.items() if source is None or source in made]:
                with without_main():
                    under_way[self._pool.submit(_make, name)] = name
                del left[name]
            if not under_way:  # they wait for one that failed, or is missing something
                break
            done, _ = wait(under_way, _POLL_S, FIRST_COMPLETED)
            self._hear()
            for future in done:
                name = under_way.pop(future)
                try:
                    outcome = future.result()
                except BrokenProcessPool:  # killed, for its memory perhaps: one at a time, then
                    return failed
                if outcome.startswith(_WRONG):
                    raise ConfigError(outcome.removeprefix(_WRONG))
                if outcome.startswith(_FAILED):
                    failed[name] = RecipeFailed(name, outcome.removeprefix(_FAILED))
                if not outcome:
                    made.add(name)
        return failed

    def _hear(self) -> None:
        for told in self._all_told():
            if isinstance(told, int):
                self._pids.add(told)
            else:
                self._progress(told)

    def _all_told(self) -> Iterator[int | str]:
        with contextlib.suppress(queue.Empty):
            while True:
                yield self._told.get_nowait()


# --- in a process of the crew -----------------------------------------------------------------

_WRONG, _FAILED = "wrong: ", "failed: "
_MISSING = "missing"
_builder: Builder | None = None


def _begin(
    suite: Suite, data: Path | None, cache: Path, told: Any, parent: int, passive: bool
) -> None:
    """Open the data, once for all that this process makes."""
    global _builder
    end_with(parent)
    if passive:  # threads that wait while spinning would take the other processes' processors
        os.environ.setdefault(Variable.OMP_WAIT_POLICY, "PASSIVE")
    told.put(os.getpid())
    using = ingredients(suite, open_data(suite, data, cache), cache, told.put)
    files = {spec.name: inspect_given(spec) for spec in suite.variants if spec.model is not None}
    _builder = Builder(suite, using, files, cache, Tryout(), {})


def _make(name: str) -> str:
    """Make a variant; return nothing, or why not."""
    assert _builder is not None
    try:
        _builder.make(name)
    except MissingExtra:
        return _MISSING
    except RecipeFailed as error:
        return f"{_FAILED}{error.reason}"
    except ConfigError as error:
        return f"{_WRONG}{error}"
    return ""
