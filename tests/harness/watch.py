"""Hears what the running test does, and fails it for what it did not ask for by a fixture."""

from __future__ import annotations

import functools
import multiprocessing.util
import os
import sys
from collections.abc import Generator, Iterator
from types import ModuleType
from typing import Any

import pytest

from .needs import NEEDS

_STARTS = {
    "subprocess.Popen", "os.system", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn",
    "os.exec", "pty.spawn", "multiprocessing.spawn",
}  # fmt: skip
_CONNECTS = {"socket.bind", "socket.connect", "socket.sendto", "socket.sendmsg"}
#: Libraries that have ended a process of the tests, or are known to: by a signal, or by abort().
_NATIVE = ("ai_edge_litert.interpreter", "nncf", "openvino", "tflite_runtime", "vl_convert")
_TORCH = ("litert_torch", "torch", "torch_pruning")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to hear."""
    # `import openvino` would fork a process that reports the use of it over the network.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    watch = Watch()
    config.pluginmanager.register(watch, "harness.watch.here")
    sys.addaudithook(watch.hear)
    _tell_of_spawning()


def _tell_of_spawning() -> None:
    """Let multiprocessing tell, which starts processes without an event of the interpreter's."""
    spawn = multiprocessing.util.spawnv_passfds

    def told(path: bytes, args: Any, passfds: Any) -> int:
        sys.audit("multiprocessing.spawn", path, args)
        return spawn(path, args, passfds)

    multiprocessing.util.spawnv_passfds = told


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Hold modules that import torch to the fixture: it is there already when their tests run."""
    asking = {"torch", "native"}
    wrong = {
        f"{item.nodeid.partition('::')[0]} imports torch: let its tests ask for the fixture `torch`"
        for item in items
        if isinstance(item, pytest.Function)
        and not asking & set(item.fixturenames)
        and _has_torch(item.module)
    }
    if wrong:
        raise pytest.UsageError("; ".join(sorted(wrong)))


class Watch:
    """Hears what the running test does; what it did not ask for is not done, and fails it."""

    def __init__(self) -> None:
        self._item: pytest.Item | None = None
        self._module: str | None = None
        self._wrong: list[str] = []

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take an event of the interpreter, as `sys.addaudithook` tells it."""
        need, what = _told(event, arguments)
        if self._item is None:
            if self._module is not None and need == "native":
                text = f"{self._module} loads {what} while it is collected: do it in a test"
                pytest.fail(text, pytrace=False)
            return
        asked = getattr(self._item, "fixturenames", ())
        if need is None or need in asked or (need == "torch" and "native" in asked):
            return
        said = f"{self._item.nodeid} {NEEDS[need]} ({what}): let it ask for the fixture `{need}`"
        self._wrong.append(said)
        pytest.fail(said, pytrace=False)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Hear what a module does while it is collected: all processes that run tests do that."""
        self._module = collector.nodeid
        try:
            return (yield)
        finally:
            self._module = None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        """Hear what the test's fixtures do while they are made."""
        return (yield from self._listen(item))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Hear what the test does."""
        return (yield from self._listen(item))

    def _listen(self, item: pytest.Item) -> Iterator[None]:
        self._item, self._wrong = item, []
        try:
            result = yield
        finally:
            self._item = None
        if self._wrong:  # and somebody took the failure for an error of the system
            pytest.fail(self._wrong[0], pytrace=False)
        return result


def _told(event: str, arguments: tuple[Any, ...]) -> tuple[str | None, str]:
    """Return which fixture an event needs, and what it was."""
    if event == "import":
        if _is_of(name := str(arguments[0]), _TORCH):
            return "torch", name
        return ("native", name) if _is_of(name, _NATIVE) else (None, "")
    if event in _STARTS:
        return "processes", f"{event}: {_words(arguments):.80}"
    if event in _CONNECTS:
        return "servers", f"{event}: {arguments[1:]!r:.80}"
    return None, ""


@functools.cache
def _has_torch(module: ModuleType) -> bool:
    """Whether a module names torch, or what is defined in another module that does."""
    values = list(vars(module).values())
    homes = [
        value if isinstance(value, ModuleType) else sys.modules.get(str(value.__module__))
        for value in values
        if isinstance(value, ModuleType) or hasattr(value, "__module__")
    ]
    return any((home and _is_of(home.__name__, _TORCH)) or _names_torch(home) for home in homes)


@functools.cache
def _names_torch(module: ModuleType | None) -> bool:
    return module is not None and any(
        isinstance(value, ModuleType) and _is_of(value.__name__, _TORCH)
        for value in list(vars(module).values())
    )


def _is_of(name: str, modules: tuple[str, ...]) -> bool:
    return name in modules or name.startswith(tuple(f"{module}." for module in modules))


def _words(arguments: tuple[Any, ...]) -> str:
    words = arguments[1] if len(arguments) > 1 else arguments
    return " ".join(map(os.fsdecode, words)) if isinstance(words, list | tuple) else str(words)
