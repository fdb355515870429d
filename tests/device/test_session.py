"""Sessions with the real runner, on this machine and over SSH: lease, launches, broken links."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from loopback_sshd import Sshd, link, start_sshd

from benchhub.device import local
from benchhub.device.local import LocalTransport
from benchhub.device.runner import build_runner
from benchhub.device.session import DeviceSession, connect, holder
from benchhub.device.transport import RemoteProcess, Transport
from benchhub.errors import (
    ConfigError,
    DeviceBusy,
    DeviceError,
    Interrupted,
    LinkLost,
    PythonUnusable,
    Unreachable,
)
from benchhub.model.device import DeviceProfile
from benchhub.ondevice.wire import Job

pytestmark = pytest.mark.usefixtures("processes", "servers")

RUNNER = build_runner()


def job(**changes: object) -> Job:
    settings: dict[str, object] = {
        "cell": "0" * 16,
        "launch": 0,
        "backend": "null",
        "scenario": "latency",
        "model": None,
        "model_format": "null",
        "inputs": {},
        "iterations": 50,
        "warmup": 5,
        "output_cases": 0,
        "deadline_s": 60.0,
    }
    return Job(**{**settings, **changes})  # type: ignore[arg-type]


#: Runs until something ends it.
ENDLESS = job(backend="faulty", model_format="none", options={"fault": "hang"})


@pytest.fixture(params=["local", "ssh"])
def profile(request: pytest.FixtureRequest, sshd: Sshd, tmp_path: Path) -> DeviceProfile:
    root = tmp_path / "the root"
    if request.param == "local":
        return DeviceProfile(name="here", transport="local", root=str(root))
    return sshd.profile(root, python=sys.executable)


class Counting:
    """Connects as usual and keeps the first words of every process that is started."""

    def __init__(self) -> None:
        self.started: list[list[str]] = []

    def __call__(self, profile: DeviceProfile) -> Transport:
        made = connect(profile)
        start = made.start

        def counted(argv: list[str]) -> RemoteProcess:
            self.started.append(argv)
            return start(argv)

        made.start = counted  # type: ignore[method-assign]
        return made


def open_session(profile: DeviceProfile, **options: object) -> DeviceSession:
    return DeviceSession.open(profile, RUNNER, holder("run-1"), **options)  # type: ignore[arg-type]


def during(action: Callable[[], None]) -> tuple[Callable[[object], None], Callable[[], None]]:
    """Return what is to be told of the first event, upon which a thread acts, and a wait for it."""
    thread = threading.Thread(target=action)
    begun = threading.Event()

    def hear(event: object) -> None:
        if not begun.is_set():
            begun.set()
            thread.start()

    return hear, thread.join


def test_a_session_tells_what_the_device_is(profile: DeviceProfile) -> None:
    with open_session(profile) as session:
        assert session.hello.protocol == 2
        assert session.hello.runner_sha256 == RUNNER.sha256
        assert session.hello.root == profile.root
        assert session.facts()
        assert session.conditions().at_ns > 0


def test_the_second_session_starts_with_one_exec(profile: DeviceProfile) -> None:
    first, second = Counting(), Counting()
    open_session(profile, connect=first).close()
    open_session(profile, connect=second).close()
    assert len(first.started) == 3
    assert len(second.started) == 1


def test_a_launch_brings_back_an_outcome(profile: DeviceProfile) -> None:
    stages = []
    with open_session(profile) as session:
        outcome = session.launch(job(), lambda event: stages.append(event.event))
        again = session.launch(job(launch=1))
    assert outcome.failure is None
    assert outcome.status == again.status == "finished"
    assert stages[-1] == "end"


def test_a_failed_launch_is_an_outcome_too(profile: DeviceProfile) -> None:
    with open_session(profile) as session:
        outcome = session.launch(job(backend="no_such_backend"))
        assert session.launch(job()).status == "finished"
    assert outcome.status == "failed"
    assert outcome.failure is not None


def test_the_lease_is_exclusive_and_says_who_holds_it(profile: DeviceProfile) -> None:
    with (
        open_session(profile),
        pytest.raises(DeviceBusy, match=r"in use by .*run run-1, since \d\d:\d\d"),
    ):
        open_session(profile)
    open_session(profile).close()


def test_waiting_for_the_lease(profile: DeviceProfile) -> None:
    first = open_session(profile)
    heard: list[str] = []

    def on_wait(message: str) -> None:
        heard.append(message)
        first.close()

    patient = replace(profile, lease_wait_s=30.0)
    with open_session(patient, on_wait=on_wait) as second:
        assert second.conditions().at_ns > 0
    assert len(heard) >= 1
    assert "in use by" in heard[0]


def test_our_own_stale_lease_is_waited_for(profile: DeviceProfile) -> None:
    first = open_session(profile)
    with pytest.raises(DeviceBusy):
        open_session(profile, own_run="another run")
    ending, ended = during(first.close)
    with open_session(profile, own_run="run-1", on_wait=ending) as second:
        assert second.launch(job()).status == "finished"
    ended()


def test_a_stopped_agent_is_told_and_replaced(profile: DeviceProfile) -> None:
    session = open_session(profile, heartbeat_s=2.0)
    os.kill(session.hello.pid, signal.SIGSTOP)
    with pytest.raises(LinkLost, match="silent: its agent left pings unanswered for 2 s"):
        session.launch(job())
    session.close()
    heard: list[str] = []
    with open_session(profile, own_run="run-1", on_wait=heard.append) as second:
        assert second.launch(job()).status == "finished"
    if profile.transport == "ssh":  # on this machine closing has ended it
        assert f"process {session.hello.pid}, which was stopped" in heard[-1]


def test_a_stopped_process_that_takes_no_input_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(local, "STALL_S", 0.3)
    process = LocalTransport().start(["sleep", "60"])
    with pytest.raises(TimeoutError, match="does not read its input"):
        process.write(bytes(1 << 20))
    process.close()


def test_the_lease_falls_when_the_controller_is_killed(sshd: Sshd, tmp_path: Path) -> None:
    profile = sshd.profile(tmp_path / "root", python=sys.executable)
    script = (
        "import sys, pickle, signal\n"
        "from benchhub.device.session import DeviceSession, holder\n"
        "from benchhub.device.runner import build_runner\n"
        "profile = pickle.loads(sys.stdin.buffer.read())\n"
        "session = DeviceSession.open(profile, build_runner(), holder('killed'))\n"
        "print('open', flush=True)\n"
        "signal.pause()\n"
    )
    import pickle

    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(pickle.dumps(profile))
        process.stdin.close()
        assert process.stdout.readline() == b"open\n"
        process.kill()
    with open_session(replace(profile, lease_wait_s=30.0)) as session:
        assert session.launch(job()).status == "finished"


def test_closing_from_another_thread_ends_a_launch(profile: DeviceProfile) -> None:
    session = open_session(profile)
    ending, ended = during(session.close)
    with pytest.raises(Interrupted):
        session.launch(ENDLESS, ending)
    ended()
    with open_session(replace(profile, lease_wait_s=20.0)) as second:
        assert second.launch(job()).status == "finished"


def test_a_link_cut_during_a_launch(sshd: Sshd, tmp_path: Path) -> None:
    profile = sshd.profile(tmp_path / "root", python=sys.executable)
    with link(sshd.port) as relay:
        through = replace(profile, port=relay.port)
        session = open_session(through)
        cutting, cut = during(relay.cut)
        with pytest.raises(Unreachable, match="board"):
            session.launch(ENDLESS, cutting)
        cut()
        session.close()
        with open_session(through, own_run="run-1") as second:
            assert second.launch(job()).status == "finished"


def test_no_python(profile: DeviceProfile) -> None:
    with pytest.raises(PythonUnusable, match="/nonexistent/python3"):
        open_session(replace(profile, python="/nonexistent/python3"))


def test_something_else_than_python(profile: DeviceProfile) -> None:
    with pytest.raises(DeviceError, match="true"):
        open_session(replace(profile, python="/bin/true"))


def test_a_root_that_cannot_be_written(profile: DeviceProfile, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DeviceError, match="root"):
        open_session(replace(profile, root=str(tmp_path / "file" / "root")))


def test_a_damaged_runner_is_replaced(profile: DeviceProfile) -> None:
    open_session(profile).close()
    (runner,) = (Path(profile.root) / "runner").glob("runner-*.pyz")
    runner.chmod(0o644)
    runner.write_bytes(RUNNER.data[: len(RUNNER.data) // 2])
    with open_session(profile) as session:
        assert session.launch(job()).status == "finished"
    assert runner.read_bytes() == RUNNER.data


@pytest.mark.parametrize("mode", [0o600, 0o666])
def test_a_runner_is_not_executed_before_it_was_looked_at(
    profile: DeviceProfile, tmp_path: Path, mode: int
) -> None:
    open_session(profile).close()
    (runner,) = (Path(profile.root) / "runner").glob("runner-*.pyz")
    if mode == 0o600:  # it would say of itself that it is what was pushed
        runner.write_text(f"open({str(tmp_path / 'executed')!r}, 'w')\n")
    before = runner.stat().st_ino
    runner.chmod(mode)
    with open_session(profile) as session:
        assert session.hello.runner_sha256 == RUNNER.sha256
    assert not (tmp_path / "executed").exists()
    assert runner.stat().st_ino != before
    assert runner.stat().st_mode & 0o777 == 0o600
    assert runner.read_bytes() == RUNNER.data


@pytest.mark.parametrize("below", [".", "runner"])
def test_nothing_is_executed_where_others_may_write(profile: DeviceProfile, below: str) -> None:
    open_session(profile).close()
    folder = Path(profile.root) / below
    folder.chmod(0o777)
    with pytest.raises(
        DeviceError, match=r"others may write to it.*run `chmod go-w [^`]*` on"
    ) as e:
        open_session(profile)
    subprocess.run(str(e.value).split("`")[1].replace("the root", "'the root'"), shell=True)
    open_session(profile).close()
    (runner,) = (Path(profile.root) / "runner").glob("runner-*.pyz")
    runner.unlink()  # nor is anything written there
    folder.chmod(0o777)
    with pytest.raises(DeviceError, match="others may write to it"):
        open_session(profile)
    assert not list(Path(profile.root, "runner").glob("*.pyz*"))


def test_a_folder_of_runners_that_leads_elsewhere(profile: DeviceProfile, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    Path(profile.root).mkdir()
    (Path(profile.root) / "runner").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DeviceError, match="it leads elsewhere"):
        open_session(profile)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_an_unknown_transport_is_a_configuration_error(profile: DeviceProfile) -> None:
    with pytest.raises(ConfigError, match="pigeon"):
        open_session(replace(profile, transport="pigeon"))


@pytest.fixture
def chatty(tmp_path: Path, processes: None, servers: None) -> Iterator[Sshd]:
    extra = 'ForceCommand echo "Welcome to the board!"; echo "{}"; eval "$SSH_ORIGINAL_COMMAND"'
    server = start_sshd(tmp_path / "sshd", extra=extra)
    yield server
    server.stop()


def test_noise_of_a_login_shell_is_passed_over(chatty: Sshd, tmp_path: Path) -> None:
    profile = chatty.profile(tmp_path / "root", python=sys.executable)
    with open_session(profile) as session:
        assert session.launch(job()).status == "finished"


def test_an_account_that_only_says_no(tmp_path: Path) -> None:
    server = start_sshd(tmp_path / "s", extra="ForceCommand echo This account is disabled.; exit 1")
    try:
        with pytest.raises(DeviceError, match="disabled"):
            open_session(server.profile(tmp_path / "root", python=sys.executable))
    finally:
        server.stop()


def test_home_is_expanded_on_the_device(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    server = start_sshd(tmp_path / "s", extra=f"SetEnv HOME={home}")
    profile = server.profile("~/.cache/benchhub", python=sys.executable)
    try:
        with open_session(profile) as session:
            assert session.hello.root == str(home / ".cache" / "benchhub")
    finally:
        server.stop()
