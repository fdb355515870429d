"""A controller in a process of its own: benchhub's way to a run's end, with less patience.

It is forked, so that nothing has to be imported again, and makes what `benchhub run` makes after
the suite is prepared: the run, or the rest of it. Its waits are shorter, see below; all else is as
it is.
"""

from __future__ import annotations

import atexit
import contextlib
import enum
import faulthandler
import functools
import mmap
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import benchhub.__main__
import benchhub.cli
import benchhub.device.agent
import benchhub.device.ssh.transport
from benchhub.api.measuring import Display, measure
from benchhub.cli import project
from benchhub.device.runner import build_runner
from benchhub.device.session import DeviceSession, holder
from benchhub.device.turns.queue import Asking
from benchhub.errors import BenchhubError, Interrupted
from benchhub.model.cell import Cell, Skip
from benchhub.model.device import DeviceProfile
from benchhub.model.launch import RunInfo
from benchhub.ondevice import wire
from benchhub.results.load import load_judged
from benchhub.run import execute
from benchhub.run.loop import campaign as loop
from benchhub.run.loop import engine
from benchhub.run.loop.ways import DIRECT, Way
from benchhub.store import Store
from campaign.in_process_device import InProcess
from campaign.scene import End, Scene
from campaign.site import Kind

#: What a controller waits for, shortened: pauses between tries, for the store and for its server,
#: for an agent's first words and its last ones.
PAUSES_S = (0.05, 0.1, 0.2, 0.5)
BUSY_S = 2.0
AWAY_S = 3.0
HELLO_S = 15.0
CLOSE_S = 1.5
#: A controller that is not over by then never will be.
LONGEST_S, LONGEST_WITH_A_MACHINE_S = 60.0, 600.0
_RESERVED_BYTES = 2 << 30
_held: list[mmap.mmap] = []


class Order(enum.Enum):
    """What a controller is to do: make the run or go on, also with what failed; or report."""

    GO_ON = "go on"
    RERUN_FAILED = "rerun failed"
    REPORT = "report"


class Running:
    """A controller at work."""

    def __init__(self, pid: int, log: Path) -> None:
        self.pid, self._log = pid, log
        self._status: int | None = None

    def poll(self) -> End | None:
        """Return how it ended; None while it works."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if not pid:
                return None
            self._status = os.waitstatus_to_exitcode(status)
        return End(self._status, self._log.read_text(errors="replace"))

    def stop(self) -> None:
        """Kill it, after it told in its log where it was."""
        if self._status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGUSR1)
                time.sleep(0.3)  # the subject: the traces are being written
                os.kill(self.pid, signal.SIGKILL)
            self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def awaited(running: Running, within_s: float = LONGEST_S) -> End:
    """Return how it ended; it is killed where it has not by then."""
    until = time.monotonic() + within_s
    while (end := running.poll()) is None:
        if time.monotonic() > until:
            running.stop()
            end = running.poll()
            assert end is not None
            return End(end.code, end.err, hung=True)
        time.sleep(0.005)  # looks again
    return end


def start(
    scene: Scene, order: Order = Order.GO_ON, store: str | None = None, log: str = "controller"
) -> Running:
    """Start one on the run of a scene, or on one of its own in another `store`, by its URL."""
    number = len(list(scene.folder.glob(f"{log}-*.err")))
    path = scene.folder / f"{log}-{number}.err"
    path.touch()
    pid = os.fork()
    if pid == 0:
        try:
            _become(scene, order, store or scene.url, path)
        except KeyboardInterrupt:
            os._exit(130)  # before it has begun
        except BaseException:  # noqa: BLE001 - told in its log, where it counts as a finding
            traceback.print_exc()
        finally:
            os._exit(71)  # else never reached: `leave` ends the process
    return Running(pid, path)


def begin_run(scene: Scene) -> None:
    """Make the run of a scene in its store, as a controller does that is killed right then."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            with Store.open(scene.url) as results:
                execute.new_run(results, scene.ready, "benchhub run campaign")
            code = 0
        finally:
            os._exit(code)
    if os.waitpid(pid, 0)[1]:
        raise RuntimeError("the run could not be made")


def _become(scene: Scene, order: Order, store: str, log: Path) -> NoReturn:
    atexit._clear()  # what the campaign has to do at its end is not this process's
    output = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    faulthandler.enable(sys.stderr)
    faulthandler.register(signal.SIGUSR1, sys.stderr)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ |= {
        "XDG_STATE_HOME": str(scene.folder / "state"),
        "BENCHHUB_CACHE": str(scene.cache),
    }
    _lose_patience(scene)
    sys.argv = ["benchhub", "run", "campaign"]
    if order is Order.REPORT:  # the command itself
        sys.argv = ["benchhub", "report", "latest", "--format", "markdown", "--store", store]
    else:
        benchhub.cli.run_command = lambda: _command(scene, order, store)
    for kind, more in scene.limits.items():
        most = _most(kind, more)
        resource.setrlimit(kind, (most, most))
    benchhub.__main__.main()
    raise AssertionError("it has left")


def _most(kind: int, more: int) -> int:
    """Return the limit that leaves so many more addresses, or open files."""
    if kind == resource.RLIMIT_NOFILE:
        taken, most = {int(name) for name in os.listdir("/proc/self/fd")}, 0
        while more:
            more -= most not in taken
            most += 1
        return most
    # Nothing is ever written there. With it, there is as much as benchhub wants for its start.
    _held.append(mmap.mmap(-1, _RESERVED_BYTES, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize() + more


def _lose_patience(scene: Scene) -> None:
    changed: Any = engine  # module attributes, which the code looks up when it needs them
    changed.measure = functools.partial(loop.measure, pauses_s=PAUSES_S)
    changed = execute
    changed.connector = functools.partial(_connector, scene)
    changed = benchhub.device.agent
    changed._HELLO_TIMEOUT_S, changed._CLOSE_TIMEOUT_S = HELLO_S, CLOSE_S


def _connector(
    scene: Scene,
    run: str,
    watcher: Any,
    asking: Callable[[DeviceProfile], Asking],
    way: Way,
) -> Callable[[DeviceProfile], DeviceSession]:
    within = {
        name: InProcess(
            name, scene.journal, device.pace_s,
            [one for one in scene.faults if one.victim == name and not scene.calm],
            scene.full(name),
        )
        for name, device in scene.devices.items() if device.kind is Kind.IN_PROCESS
    }  # fmt: skip

    def waiting(profile: DeviceProfile, text: str) -> None:
        if watcher.stopping():
            raise Interrupted(f"{profile.name}: stopped")
        watcher.status(profile.name, f"waiting: {text}")

    def connect(profile: DeviceProfile) -> DeviceSession:
        if profile.name in within:
            return within[profile.name].open(profile, holder(run), run)
        assert way is DIRECT
        return DeviceSession.open(
            profile, build_runner(), holder(run), own_run=run,
            on_wait=lambda text: waiting(profile, text),
            heartbeat_s=scene.devices[profile.name].heartbeat_s or wire.HEARTBEAT_S,
            asking=asking(profile),
        )  # fmt: skip

    return connect


def _command(scene: Scene, order: Order, store: str) -> int:
    """Do what `benchhub run` does, up to its tables; errors as its `run_command` has them."""
    try:
        with Store.open(store, BUSY_S, AWAY_S) as results:
            runs = results.runs()
            info = runs[-1] if runs else execute.new_run(results, scene.ready, "benchhub run")
            shown = Display(_begins, _watching, project.problem)
            rerun = order is Order.RERUN_FAILED
            for problem in measure(results, info, scene.ready, shown, rerun, resumed=bool(runs)):
                project.problem(problem)
            loaded = load_judged(results, info.id).results
            failed = any(row.status == "failed" for row in loaded.rows)
            return 3 if failed or any(device.error for device in loaded.devices) else 0
    except BenchhubError as error:
        project.problem(str(error))
        return error.exit_code


def _begins(info: RunInfo, skips: Sequence[Skip]) -> None:
    print(f"run {info.id}", file=sys.stderr)


@contextlib.contextmanager
def _watching(cells: Sequence[Cell], finished: Mapping[str, int]) -> Iterator[Any]:
    yield _Teller()


class _Teller(engine.Sessions):
    """Follows a run in a log."""

    def status(self, device: str, text: str) -> None:
        print(f"{time.monotonic():.3f} {device}: {text}", file=sys.stderr)

    def pushed(self, device: str, count: int) -> None:
        pass

    def launched(self, launch: Any) -> None:
        place = f"{launch.cell.key} {launch.index}.{launch.attempt}"
        print(f"{time.monotonic():.3f} {place} {launch.status} {launch.failure}", file=sys.stderr)

    def known(self, info: Any, missing: Any) -> None:
        pass
