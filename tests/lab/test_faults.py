"""Sessions with the lab's hosts while things go wrong: what survives, is said, and is left."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from repository import TESTS
from waiting import until

from benchhub.device.runner import build_runner
from benchhub.device.session import DeviceSession, holder
from benchhub.device.staging.blob import Blob
from benchhub.errors import (
    AuthenticationRefused,
    DeviceBusy,
    HostKeyChanged,
    HostKeyUnknown,
    NoSpace,
    PythonUnusable,
    Unreachable,
)
from benchhub.model.device import DeviceProfile
from benchhub.ondevice.wire import Job, Outcome
from lab import faults
from lab.host import Host
from lab.lab import Lab

pytestmark = pytest.mark.lab
RUNNER = build_runner()
RUN = "run-lab"
MIB = 1 << 20
#: Short, so that what is left of a broken link goes soon.
HEARTBEAT_S = 4.0


def open_session(
    profile: DeviceProfile, run: str = RUN, heartbeat_s: float = HEARTBEAT_S
) -> DeviceSession:
    own = holder(run)
    return DeviceSession.open(profile, RUNNER, own, own_run=run, heartbeat_s=heartbeat_s)


@pytest.fixture
def first(lab: Lab) -> Host:
    return lab["lab-x86-1"]


@pytest.fixture
def second(lab: Lab) -> Host:
    return lab["lab-x86-2"]


@pytest.fixture
def slow_python(tmp_path: Path) -> Callable[[float], str]:
    """Make an interpreter that sleeps first: a launch that lasts and burns nothing."""

    def make(seconds: float) -> str:
        path = tmp_path / f"sleep-{seconds:g}"
        path.write_text(f"#!/bin/sh\nsleep {seconds:g}\nexec '{sys.executable}' \"$@\"\n")
        path.chmod(0o755)
        return str(path)

    return make


def job(python: str | None = None) -> Job:
    return Job(
        cell="c" * 16,
        launch=0,
        backend="null",
        scenario="latency",
        model=None,
        model_format="none",
        inputs={},
        iterations=50,
        warmup=5,
        output_cases=0,
        deadline_s=600.0,
        python=python,
    )


class Launching(threading.Thread):
    """A launch in a thread of its own; `result` raises what it raised."""

    def __init__(self, session: DeviceSession, wanted: Job) -> None:
        super().__init__(daemon=True)
        self._session, self._job = session, wanted
        self._outcome: Outcome | None = None
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._outcome = self._session.launch(self._job)
        except BaseException as error:  # noqa: BLE001 - handed to `result`
            self._error = error

    def result(self, timeout_s: float) -> Outcome:
        self.join(timeout_s)
        assert not self.is_alive(), f"the launch is not over after {timeout_s} s"
        if self._error is not None:
            raise self._error
        assert self._outcome is not None
        return self._outcome


def sleeping(host: Host) -> bool:
    return any("/sleep-" in word for process in host.processes() for word in _words(process))


def measuring(host: Host) -> bool:
    """Whether an agent, a child or anything of theirs is left on the host."""
    return sleeping(host) or any(
        word.endswith(".pyz") for process in host.processes() for word in _words(process)
    )


def _words(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:  # it has ended meanwhile
        return []


@contextlib.contextmanager
def at(
    count: int, fault: contextlib.AbstractContextManager[object]
) -> Iterator[Callable[[int], None]]:
    """Yield a progress callback that lets `fault` happen once `count` bytes have moved."""
    moved = 0
    with contextlib.ExitStack() as stack:

        def progress(step: int) -> None:
            nonlocal moved
            before, moved = moved, moved + step
            if before < count <= moved:
                stack.enter_context(fault)

        yield progress


# --- the link ---------------------------------------------------------------------------------


def test_a_launch_survives_a_short_cut(
    lab: Lab, first: Host, slow_python: Callable[[float], str]
) -> None:
    # After 3 s of retries TCP may wait 3 s more: a heartbeat must be longer than both.
    with open_session(lab.profile(first.name), heartbeat_s=20.0) as session:
        launching = Launching(session, job(slow_python(1.5)))
        until(lambda: sleeping(first), "the launch")
        with faults.cut(first):
            time.sleep(3.0)  # the subject
        assert launching.result(60).status == "finished"
        assert session.launch(job()).status == "finished"


def test_a_launch_survives_a_frozen_host(
    lab: Lab, first: Host, slow_python: Callable[[float], str]
) -> None:
    with open_session(lab.profile(first.name)) as session:
        launching = Launching(session, job(slow_python(1.0)))
        until(lambda: sleeping(first), "the launch")
        with faults.frozen(first):
            time.sleep(2.0)  # the subject
        assert launching.result(60).status == "finished"


def test_a_host_frozen_for_good_is_noticed_by_its_silence(
    lab: Lab, first: Host, slow_python: Callable[[float], str]
) -> None:
    # Its kernel goes on acknowledging, and the launch may last far longer than this test.
    with open_session(lab.profile(first.name)) as session:
        launching = Launching(session, job(slow_python(500)))
        until(lambda: sleeping(first), "the launch")
        with faults.frozen(first):
            silent = f"^{first.name}: silent: its agent left pings unanswered"
            with pytest.raises(Unreachable, match=silent):
                launching.result(60)
            session.close()
    until(lambda: not measuring(first), "the end of what ran on the host")
    open_session(lab.profile(first.name)).close()


def test_a_cut_for_good_ends_both_sides(
    lab: Lab, first: Host, slow_python: Callable[[float], str]
) -> None:
    with open_session(lab.profile(first.name)) as session:
        launching = Launching(session, job(slow_python(500)))
        until(lambda: sleeping(first), "the launch")
        with faults.cut(first):
            with pytest.raises(Unreachable, match=first.name):
                launching.result(60)
            session.close()
            until(lambda: not measuring(first), "the end of what ran on the host")
    with open_session(lab.profile(first.name), "run-other") as session:
        assert session.launch(job()).status == "finished"


def test_a_killed_sshd_ends_a_launch_at_once(
    lab: Lab, first: Host, slow_python: Callable[[float], str]
) -> None:
    with open_session(lab.profile(first.name)) as session:
        launching = Launching(session, job(slow_python(500)))
        until(lambda: sleeping(first), "the launch")
        with faults.no_sshd(first):
            with pytest.raises(Unreachable, match=first.name):
                launching.result(60)
            until(lambda: not measuring(first), "the end of what ran on the host")


def test_lost_packets_only_cost_time(lab: Lab, first: Host) -> None:
    blob = Blob.of_bytes(os.urandom(3 * MIB))
    with faults.loss(first, 0.02), open_session(lab.profile(first.name)) as session:
        assert session.stage([blob]).moved_bytes == blob.size_bytes
        assert session.launch(job()).status == "finished"


def test_a_push_that_was_cut_goes_on_where_it_broke(lab: Lab, first: Host) -> None:
    blob = Blob.of_bytes(os.urandom(12 * MIB))
    profile = lab.profile(first.name)
    with faults.slow(first, 80):
        with (
            open_session(profile) as session,
            at(8 * MIB, faults.resets(first)) as progress,
            pytest.raises(Unreachable, match=first.name),
        ):
            session.stage([blob], progress)
        with open_session(profile) as session:
            state = session.have([blob.sha256])[blob.sha256]
            assert state.state == "partial"
            assert 0 < state.size_bytes < blob.size_bytes
            report = session.stage([blob])
            assert report.moved_bytes == blob.size_bytes - state.size_bytes
            assert session.have([blob.sha256])[blob.sha256].state == "whole"
            assert session.stage([blob]).moved_bytes == 0
            stored = Path(session.hello.root, "blobs", blob.sha256)
    assert first.path(stored).read_bytes() == blob.data


def test_a_push_into_a_dead_link_ends(lab: Lab, second: Host) -> None:
    blob = Blob.of_bytes(os.urandom(12 * MIB))
    with faults.slow(second, 80), open_session(lab.profile(second.name)) as session:
        began = time.monotonic()
        cut = faults.cut(second)
        with at(4 * MIB, cut) as progress, pytest.raises(Unreachable, match=second.name):
            session.stage([blob], progress)
        assert time.monotonic() - began < 45.0  # a hang, in its beginnings
    with open_session(lab.profile(second.name)) as session:
        report = session.stage([blob])
    assert 0 < report.moved_bytes < blob.size_bytes


# --- opening a session ------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [faults.cut, faults.frozen, faults.no_sshd, faults.resets])
def test_a_host_that_does_not_answer(
    lab: Lab, second: Host, fault: Callable[[Host], contextlib.AbstractContextManager[None]]
) -> None:
    with fault(second), pytest.raises(Unreachable, match=f"^{second.name}: [^\n]*$"):
        open_session(lab.profile(second.name, connect_timeout_s=1.0))
    open_session(lab.profile(second.name)).close()


def test_a_host_that_connects_and_says_nothing_is_told_apart(lab: Lab, second: Host) -> None:
    with faults.frozen(second), pytest.raises(Unreachable) as caught:
        open_session(lab.profile(second.name, connect_timeout_s=1.0))
    assert str(caught.value).count(second.name) == 1
    assert "says nothing within 1 s" in str(caught.value)


def test_a_changed_host_key_is_never_accepted(lab: Lab, first: Host) -> None:
    with faults.other_host_key(first), pytest.raises(HostKeyChanged, match=first.name):
        open_session(lab.profile(first.name))
    with pytest.raises(HostKeyUnknown, match="enroll"):
        open_session(lab.profile(first.name, host_key=None))


def test_a_refused_key(lab: Lab, first: Host) -> None:
    with faults.key_refused(first), pytest.raises(AuthenticationRefused, match=first.name):
        open_session(lab.profile(first.name))


def test_pythons_that_are_too_old_or_not_there(lab: Lab, first: Host, tmp_path: Path) -> None:
    old = faults.old_python(tmp_path / "old")
    with pytest.raises(PythonUnusable, match=r"3\.6"):
        open_session(lab.profile(first.name, python=str(old)))
    with pytest.raises(PythonUnusable, match="/none/python3"):
        open_session(lab.profile(first.name, python="/none/python3"))


def test_through_a_jump_host(lab: Lab, first: Host, second: Host, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"{first.address} {first.host_key}\n")
    config = tmp_path / "config"
    config.write_text(
        f"Host door\n  HostName {first.address}\n  User root\n  IdentitiesOnly yes\n"
        f"  IdentityFile {lab.identity_file}\n  UserKnownHostsFile {known}\n"
    )
    profile = lab.profile(second.name, proxy_jump="door", ssh_config=config)
    with open_session(profile) as session:
        assert session.hello.root.startswith(f"{second.home}/")
        with faults.cut(first), pytest.raises(Unreachable):
            Launching(session, job()).result(60)


# --- the disk ---------------------------------------------------------------------------------


def test_no_room_for_a_model(lab: Lab, second: Host) -> None:
    blob = Blob.of_bytes(os.urandom(2 * MIB))
    with open_session(lab.profile(second.name)) as session:
        with faults.full_disk(second, MIB), pytest.raises(NoSpace, match=second.name):
            session.stage([blob])
        assert session.stage([blob]).moved_blobs == 1


def test_a_disk_that_fills_during_a_push(lab: Lab, second: Host) -> None:
    blob = Blob.of_bytes(os.urandom(16 * MIB))
    with faults.slow(second, 80), open_session(lab.profile(second.name)) as session:
        full = faults.full_disk(second, MIB)
        with at(8 * MIB, full) as progress, pytest.raises(NoSpace, match=second.name):
            session.stage([blob], progress)
        assert session.stage([blob]).moved_blobs == 1
        assert session.launch(job()).status == "finished"


def test_no_room_for_the_runner(lab: Lab, second: Host) -> None:
    profile = lab.profile(second.name, root="~/never used")
    with faults.full_disk(second, 4096), pytest.raises(NoSpace, match=second.name):
        open_session(profile)
    open_session(profile).close()


# --- two controllers --------------------------------------------------------------------------

CONTROLLER = """
from pathlib import Path
from benchhub.model.device import DeviceProfile
from lab.test_faults import job, open_session
paths = dict(identity_file=Path({key!r}), ssh_config=Path("/dev/null"))
with open_session(DeviceProfile(**{profile!r}, **paths), "run-of-another") as session:
    print("open", flush=True)
    session.launch(job({python!r}))
"""


def test_two_controllers(lab: Lab, first: Host, slow_python: Callable[[float], str]) -> None:
    profile = lab.profile(first.name)
    fields = ("name", "transport", "host", "port", "user", "host_key", "python")
    code = CONTROLLER.format(
        profile={name: getattr(profile, name) for name in fields},
        key=str(lab.identity_file),
        python=slow_python(500),
    )
    path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    ) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == "open\n"
            until(lambda: sleeping(first), "the other's launch")
            with pytest.raises(DeviceBusy, match=r"in use by .*, run run-of-another, since"):
                open_session(profile)
        finally:
            other.send_signal(signal.SIGKILL)
    until(lambda: not measuring(first), "the end of what ran on the host")
    open_session(profile).close()
