"""The other end of `apart`: a process that has collected, forks a child a module, and waits."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import warnings
from multiprocessing.connection import Connection
from typing import Any

import pytest

#: How a child ends that has run all it was to; whatever ends it otherwise is told as a death.
_DONE = 113


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add how `apart` starts it."""
    parser.addoption("--beside-fd", type=int, default=None, help=argparse.SUPPRESS)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Wait for orders in place of running what was collected."""
    fd = config.getoption("beside_fd")
    if fd is not None:
        os.set_inheritable(fd, False)
        config.pluginmanager.register(Beside(config, Connection(fd)), "harness.beside.here")


class Beside:
    """Forks children, and in each of them is what speaks for it."""

    def __init__(self, config: pytest.Config, talk: Connection) -> None:
        self._config = config
        self._talk = talk

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Serve until the other end is closed."""
        items = {item.nodeid: item for item in session.items}
        plugins = self._config.pluginmanager
        reporter = plugins.unregister(name="terminalreporter")
        plugins.register(_Mute(reporter), "terminalreporter")
        self._config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # one for all
        self._talk.send(("ready", len(items)))
        with contextlib.suppress(EOFError, OSError):
            while True:
                wanted = self._talk.recv()
                pid = os.fork()
                if pid == 0:
                    self._run(items, wanted)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                if code != _DONE:
                    self._talk.send(("died", code))
        return True

    def _run(self, items: dict[str, pytest.Item], wanted: tuple[str, str | None]) -> None:
        """Run tests until one has no successor, and end."""
        code = 1
        try:
            while True:
                item, follows = items[wanted[0]], items.get(wanted[1] or "")
                self._talk.send(("began", os.getpid()))
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=follows)
                _flush()
                self._talk.send(("done", None))
                if follows is None:
                    break
                wanted = self._talk.recv()
            code = _DONE
        except EOFError:
            code = _DONE
        except BaseException:  # noqa: BLE001 - the child ends, and says why
            sys.excepthook(*sys.exc_info())
        finally:
            _flush()
            os._exit(code)  # what was done at the fork is not this process's to end

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Send a report on."""
        _flush()
        config = self._config
        data = config.hook.pytest_report_to_serializable(config=config, report=report)
        self._talk.send(("report", data))

    def pytest_warning_recorded(
        self,
        warning_message: warnings.WarningMessage,
        when: str,
        location: tuple[str, int, str] | None,
    ) -> None:
        """Send a test's warning on."""
        if when == "runtest":
            said = (str(warning_message.message), warning_message.category.__name__)
            where = (warning_message.filename, warning_message.lineno)
            self._talk.send(("warning", (*said, *where, location)))


class _Mute:
    """Stands for what writes a letter a test, which would be amid what the tests print."""

    def __init__(self, reporter: Any) -> None:
        self._tw = reporter._tw  # to which others say what is out of the common


def _flush() -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
