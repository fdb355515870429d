"""One suite for every way to a device; ssh is tried with and without an sftp subsystem."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback_sshd import Sshd, start_sshd

from benchhub.device.events.bounds import SAID_BYTES
from benchhub.device.local import LocalTransport
from benchhub.device.ssh import transport as ssh
from benchhub.device.transport import Transport
from benchhub.errors import DeviceError

HOSTILE = [
    "two words",
    'it\'s "quoted"',
    "line\nbreak",
    "$HOME `id` $(id)",
    "größe-測試",
    "-n",
    "--",
    "",
    "*",
    "a;b|c&d>e<f",
    "back\\slash",
    "!history",
    "tab\there",
]


@pytest.fixture(scope="module")
def sshd_without_sftp(
    tmp_path_factory: pytest.TempPathFactory, processes: None, servers: None
) -> Iterator[Sshd]:
    server = start_sshd(tmp_path_factory.mktemp("no-sftp"), sftp=False)
    yield server
    server.stop()


@pytest.fixture(params=["local", "ssh", "ssh_without_sftp"])
def transport(
    request: pytest.FixtureRequest, sshd: Sshd, sshd_without_sftp: Sshd
) -> Iterator[Transport]:
    made: Transport
    if request.param == "local":
        made = LocalTransport()
    else:
        server = sshd if request.param == "ssh" else sshd_without_sftp
        made = ssh.connect(server.profile())
    yield made
    made.close()


def test_every_argument_arrives_as_it_is(transport: Transport) -> None:
    done = transport.run(["printf", "%s\\0", *HOSTILE])
    assert done.stdout.decode().split("\0")[:-1] == HOSTILE


def test_megabytes_go_through_unchanged(transport: Transport) -> None:
    data = os.urandom(SAID_BYTES)
    done = transport.run(["cat"], data)
    assert done.status == 0
    assert done.stdout == data


def test_ten_megabytes_arrive_unchanged(transport: Transport) -> None:
    data = os.urandom(10_000_000)
    done = transport.run(["sha256sum"], data)
    assert done.stdout.decode().split()[0] == hashlib.sha256(data).hexdigest()


def test_a_command_that_writes_without_end_is_not_listened_to(transport: Transport) -> None:
    with pytest.raises((OSError, DeviceError), match="more than 4194304 bytes"):
        transport.run(["cat", "/dev/zero"])


def test_input_may_be_an_iterable(transport: Transport) -> None:
    assert transport.run(["cat"], iter([b"one ", b"two"])).stdout == b"one two"


def test_status_and_stderr_come_back(transport: Transport) -> None:
    done = transport.run(["sh", "-c", "echo out; echo oops >&2; exit 7"])
    assert (done.status, done.stdout, done.stderr) == (7, b"out\n", "oops")


def test_much_stderr_does_not_block_and_its_end_is_kept(transport: Transport) -> None:
    script = "head -c 5000000 /dev/zero | tr '\\0' x >&2; echo the end >&2; echo done"
    done = transport.run(["sh", "-c", script])
    assert done.stdout == b"done\n"
    assert done.stderr.endswith("the end")
    assert len(done.stderr) < 10_000


def test_a_process_that_does_not_read_its_input(transport: Transport) -> None:
    assert transport.run(["sh", "-c", "exit 3"], bytes(20_000_000)).status == 3


def test_a_missing_command_is_told_apart(transport: Transport) -> None:
    if isinstance(transport, LocalTransport):
        with pytest.raises(DeviceError, match="/nonexistent/command"):
            transport.run(["/nonexistent/command"])
    else:
        assert transport.run(["/nonexistent/command"]).status == 127


def test_run_ends_at_its_time_limit(transport: Transport) -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        transport.run(["sleep", "30"], timeout_s=0.3)
    assert time.monotonic() - started < 20


def test_a_conversation_line_by_line(transport: Transport) -> None:
    process = transport.start(["cat"])
    process.write(b"one\ntwo\nhalf")
    assert process.readline(10) == b"one\n"
    assert process.readline(10) == b"two\n"
    with pytest.raises(TimeoutError):
        process.readline(0.1)
    process.close_stdin()
    assert process.readline(10) == b"half"
    assert process.readline(10) == b""
    assert process.wait(10) == 0
    process.close()


def test_waiting_has_a_limit_and_close_ends_the_process(transport: Transport) -> None:
    process = transport.start(["cat"])
    with pytest.raises(TimeoutError):
        process.wait(0.1)
    process.close()
    process.close()


def test_writing_to_a_process_that_ended(transport: Transport) -> None:
    process = transport.start(["true"])
    assert process.wait(10) == 0
    with pytest.raises(BrokenPipeError):
        process.write(bytes(10_000_000))
    process.close()


def test_upload_of_a_file(transport: Transport, tmp_path: Path) -> None:
    data = os.urandom(3_000_001)
    target = tmp_path / "it's a file.part"
    moved: list[int] = []
    transport.upload(io.BytesIO(data), str(target), 0, moved.append)
    assert target.read_bytes() == data
    assert sum(moved) == len(data)


def test_upload_of_nothing(transport: Transport, tmp_path: Path) -> None:
    target = tmp_path / "empty.part"
    transport.upload(io.BytesIO(b""), str(target), 0, lambda count: None)
    assert target.read_bytes() == b""


def test_upload_goes_on_at_its_offset(transport: Transport, tmp_path: Path) -> None:
    data = os.urandom(1_000_000)
    target = tmp_path / "x.part"
    target.write_bytes(data[:400_000] + b"a stale end" * 100_000)
    moved: list[int] = []
    transport.upload(io.BytesIO(data), str(target), 400_000, moved.append)
    assert target.read_bytes() == data
    assert sum(moved) in (600_000, 1_000_000)


def test_upload_over_a_longer_leftover(transport: Transport, tmp_path: Path) -> None:
    target = tmp_path / "x.part"
    target.write_bytes(bytes(5_000_000))
    transport.upload(io.BytesIO(b"short"), str(target), 0, lambda count: None)
    assert target.read_bytes() == b"short"


def test_upload_to_where_it_cannot_write(transport: Transport, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"(?i)no such|cannot create|nonexistent"):
        transport.upload(
            io.BytesIO(bytes(10_000_000)), str(tmp_path / "no" / "x"), 0, lambda n: None
        )
    assert transport.run(["echo", "still alive"]).stdout == b"still alive\n"


@pytest.mark.parametrize("kind", ["local", "ssh"])
def test_upload_to_a_full_disk(kind: str, sshd: Sshd, tmp_path: Path) -> None:
    made: Transport = LocalTransport() if kind == "local" else ssh.connect(sshd.profile())
    full = tmp_path / "x.part"
    full.symlink_to("/dev/full")
    with contextlib.closing(made), pytest.raises(OSError, match=r"Failure|No space"):
        made.upload(io.BytesIO(bytes(3_000_000)), str(full), 0, lambda n: None)
