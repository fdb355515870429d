"""Tests whose native code may end their process run in another one, and the others go on.

Beside this process stands one that has collected the same modules, and run nothing: no library in
it has threads that a fork would lose. For each module it forks a child, which runs the module's
tests one after another, with their fixtures, and reports each. A child that dies is the failure of
the test it was at, with the signal and what it had printed; the next test gets a new child.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from multiprocessing.connection import Pipe
from typing import Any, BinaryIO

import pytest

#: After what part of a test's own deadline, and at least, its child is ended from outside.
_GRACE, _LEAST_GRACE_S = 0.1, 4.0
_COLLECTING_S = 240.0
_TAIL_BYTES = 16_384


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what a person can ask for."""
    group = parser.getgroup("benchhub's own tests")
    group.addoption(
        "--in-process", action="store_true", help="run native code in this process, for a debugger"
    )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Take over the tests that ask for the fixture `native`."""
    here = config.getoption("in_process") or config.getoption("usepdb") or config.option.trace
    if not here and config.getoption("beside_fd") is None:
        config.pluginmanager.register(Apart(config), "harness.apart.here")


class Apart:
    """Hands tests over to the process beside this one, which it starts when the first comes."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._beside: _Beside | None = None

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Let those of a module follow one another, so that it takes one child."""
        first = {path: at for at, path in reversed(list(enumerate(item.path for item in items)))}
        items.sort(key=lambda item: (first[item.path], _is_native(item)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> bool | None:
        """Run a test there, and take its reports for ones made here."""
        if not _is_native(item):
            return None
        if item.config.pluginmanager.has_plugin("timeout"):  # the child keeps the time
            item.config.hook.pytest_timeout_cancel_timer(item=item)
        follows = nextitem if nextitem and _is_native(nextitem) else None
        if follows is not None and follows.path != item.path:
            follows = None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        self._run(item, follows)
        _leave_fixtures(item, nextitem)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _run(self, item: pytest.Item, follows: pytest.Item | None) -> None:
        began, seen = time.perf_counter(), set[str]()
        try:
            if self._beside is None:
                self._beside = _Beside(self._config, item.session)
            for report in self._beside.run(item, follows):
                seen.add(report.when or "")
                item.ihook.pytest_runtest_logreport(report=report)
        except ChildDied as died:
            took_s = time.perf_counter() - began
            for when in ("setup", "call", "teardown"):
                if when not in seen:
                    break
            report = pytest.TestReport(
                item.nodeid, item.location, dict.fromkeys(item.keywords, 1), "failed",
                died.told, when, duration=took_s,
            )  # fmt: skip
            item.ihook.pytest_runtest_logreport(report=report)
            if died.with_parent:
                self._end()

    def _end(self) -> None:
        if self._beside is not None:
            self._beside.close()
            self._beside = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """End the process beside."""
        self._end()

    def pytest_unconfigure(self) -> None:
        """End it, where a session did not come to its end."""
        self._end()


class ChildDied(Exception):
    """A child, or with it the process it was forked from, is gone; `told` is for the report."""

    def __init__(self, what: str, output: str, with_parent: bool = False) -> None:
        self.told = f"{what}\n{output}".rstrip()
        self.with_parent = with_parent


class _Beside:
    """The process beside: what it is told, and what it says."""

    def __init__(self, config: pytest.Config, session: pytest.Session) -> None:
        self._config = config
        self._output: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._from = 0
        self._talk, theirs = Pipe()
        files = sorted({str(item.path) for item in session.items if _is_native(item)})
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-u", *_argv(config, theirs.fileno()), *files],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is for this process, which then ends that one
            )
        self._hear(_COLLECTING_S, None)

    def run(self, item: pytest.Item, follows: pytest.Item | None) -> Iterator[pytest.TestReport]:
        """Yield a test's reports as they come; ChildDied."""
        self._from = self._output.seek(0, os.SEEK_END)
        deadline_s = _timeout_s(item)
        deadline_s += max(_LEAST_GRACE_S, _GRACE * deadline_s)
        try:
            self._talk.send((_id(item), follows and _id(follows)))
        except OSError:
            raise self._gone() from None
        earlier = None
        try:
            _, pid = self._hear(deadline_s, None)
        except ChildDied as died:  # of what the test before left behind
            if died.with_parent:
                raise
            earlier = died
            _, pid = self._hear(deadline_s, None)
        with _Handle(pid) as child:
            until = time.monotonic() + deadline_s
            while True:
                kind, said = self._hear(until - time.monotonic(), child)
                if kind == "done":
                    break
                if kind == "warning":
                    _pass_on(item, *said)
                else:
                    yield self._report(item, said)
        if earlier is not None:
            raise earlier

    def close(self) -> None:
        """Let it end, or end it."""
        self._talk.close()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._output.close()

    def _hear(self, timeout_s: float, child: _Handle | None) -> tuple[str, Any]:
        try:
            if not self._talk.poll(max(0.0, timeout_s)):
                raise self._late(child)
            kind, said = self._talk.recv()
        except (EOFError, OSError):
            raise self._gone() from None
        if kind == "died":
            raise ChildDied(f"The process that ran it {_how(said)}.", self._text())
        return kind, said

    def _late(self, child: _Handle | None) -> ChildDied:
        """End a child that does nothing any more; it says where it stands if it still can."""
        what = "Not done in time, nor ended by its own deadline."
        if child is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            return ChildDied(what, self._text(), with_parent=True)
        with contextlib.suppress(ChildDied):
            for number in (signal.SIGABRT, signal.SIGKILL):
                child.send(number)
                while self._talk.poll(5.0):
                    self._hear(0.0, None)
        return ChildDied(what, self._text())

    def _gone(self) -> ChildDied:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5.0)
        status = self._process.returncode
        how = "no longer answers" if status is None else _how(status)
        return ChildDied(f"The process that starts it {how}.", self._text(), with_parent=True)

    def _text(self) -> str:
        end = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(self._from, end - _TAIL_BYTES))
        return self._output.read().decode("utf-8", "replace")

    def _report(self, item: pytest.Item, said: dict[str, Any]) -> pytest.TestReport:
        hook = self._config.hook
        report: pytest.TestReport = hook.pytest_report_from_serializable(
            config=self._config, data=said
        )
        report.nodeid = item.nodeid  # pytest-xdist has added a group to it
        if (report.when == "call" or report.failed) and (text := self._text()):
            report.sections.append(("Captured output", text))
            self._from = self._output.seek(0, os.SEEK_END)
        return report


class _Handle:
    """A process by its descriptor: signals go to it, never to a later one with its number."""

    def __init__(self, pid: int) -> None:
        self._fd = -1
        with contextlib.suppress(ProcessLookupError):
            self._fd = os.pidfd_open(pid)

    def __enter__(self) -> _Handle:
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            os.close(self._fd)

    def send(self, number: int) -> None:
        """Send a signal, unless it is gone."""
        if self._fd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._fd, number)


def _argv(config: pytest.Config, fd: int) -> list[str]:
    """Return how the process beside is started, with what bears on how tests run."""
    base = config._tmp_path_factory.getbasetemp() / "beside"  # type: ignore[attr-defined]
    argv = ["-m", "pytest", "-p", "no:cacheprovider", "-s", "-q", f"--basetemp={base}"]
    argv += [f"--beside-fd={fd}", f"--rootdir={config.rootpath}"]
    if config.inipath is not None:
        argv += ["-c", str(config.inipath)]
    for name in config.option.plugins or ():
        argv += ["-p", name] if not name.startswith("no:") else []
    for setting in config.option.override_ini or ():
        argv += ["-o", setting]
    return argv


def _leave_fixtures(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Undo what the test before made here and left for this one, but for what the next shares."""
    state = item.session._setupstate
    ends = (KeyboardInterrupt, pytest.exit.Exception)
    call = pytest.CallInfo.from_call(lambda: state.teardown_exact(nextitem), "teardown", ends)
    if call.excinfo is not None:
        report = item.ihook.pytest_runtest_makereport(item=item, call=call)
        item.ihook.pytest_runtest_logreport(report=report)


def _pass_on(item: pytest.Item, text: str, category: str, file: str, line: int, where: Any) -> None:
    """Tell of a warning; one whose class is none of Python's own comes as a UserWarning."""
    kind = getattr(__import__("builtins"), category, UserWarning)
    message = warnings.WarningMessage(kind(text), kind, file, line)
    told = {"warning_message": message, "when": "runtest", "nodeid": item.nodeid, "location": where}
    item.ihook.pytest_warning_recorded.call_historic(kwargs=told)


def _is_native(item: pytest.Item) -> bool:
    return "native" in getattr(item, "fixturenames", ())


def _id(item: pytest.Item) -> str:
    """Return a test's name without what pytest-xdist adds to it."""
    groups = item.get_closest_marker("xdist_group")
    return item.nodeid.rpartition("@")[0] if groups and "@" in item.nodeid else item.nodeid


def _timeout_s(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    if marker is not None and (marker.args or "timeout" in marker.kwargs):
        return float(marker.args[0] if marker.args else marker.kwargs["timeout"])
    return float(item.config.getini("timeout") or 300)


def _how(status: int) -> str:
    """Say how a process ended; `status` as subprocess has it."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"
