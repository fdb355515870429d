"""Staging over the real transports: what moves, what does not, and what broken links leave."""

from __future__ import annotations

import hashlib
import os
import random
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback_sshd import Sshd, link, start_sshd

from benchhub.device.runner import build_runner
from benchhub.device.session import DeviceSession, holder
from benchhub.device.staging.blob import Blob, StageReport
from benchhub.device.staging.stage import end_to_end
from benchhub.errors import ConfigError, Interrupted, NoSpace, Unreachable
from benchhub.model.device import DeviceProfile
from benchhub.ondevice.wire import Job

RUNNER = build_runner()
MIB = 1 << 20


@pytest.fixture(scope="module")
def sshd_without_sftp(
    tmp_path_factory: pytest.TempPathFactory, processes: None, servers: None
) -> Iterator[Sshd]:
    server = start_sshd(tmp_path_factory.mktemp("no-sftp"), sftp=False)
    yield server
    server.stop()


@pytest.fixture(params=["local", "ssh", "ssh_without_sftp"])
def profile(
    request: pytest.FixtureRequest, sshd: Sshd, sshd_without_sftp: Sshd, tmp_path: Path
) -> DeviceProfile:
    if request.param == "local":
        return DeviceProfile(name="here", transport="local", root=str(tmp_path / "root"))
    server = sshd if request.param == "ssh" else sshd_without_sftp
    return server.profile(tmp_path / "root", python=sys.executable)


def open_session(profile: DeviceProfile) -> DeviceSession:
    return DeviceSession.open(profile, RUNNER, holder("run-1"), own_run="run-1")


def blobs_of(profile: DeviceProfile) -> dict[str, bytes]:
    folder = Path(profile.root) / "blobs"
    return {path.name: path.read_bytes() for path in folder.iterdir() if len(path.name) == 64}


def test_files_and_bytes_large_and_small_arrive_once(
    profile: DeviceProfile, tmp_path: Path
) -> None:
    big = tmp_path / "big.onnx"
    big.write_bytes(os.urandom(3 * MIB + 1))
    small = [Blob.of_bytes(os.urandom(random.randrange(5000))) for _ in range(50)]
    blobs = [Blob.of_file(big), Blob.of_bytes(os.urandom(2 * MIB)), Blob.of_bytes(b""), *small]
    blobs = list({blob.sha256: blob for blob in blobs}.values())
    total = sum(blob.size_bytes for blob in blobs)
    seen: list[int] = []
    with open_session(profile) as session:
        assert session.stage([*blobs, blobs[0]], seen.append) == StageReport(total, len(blobs))
        assert session.stage(blobs) == StageReport(0, 0)
    assert sum(seen) == total
    there = blobs_of(profile)
    assert {name: hashlib.sha256(data).hexdigest() for name, data in there.items()} == {
        blob.sha256: blob.sha256 for blob in blobs
    }


def test_a_new_session_moves_nothing_again(profile: DeviceProfile) -> None:
    blobs = [Blob.of_bytes(os.urandom(2 * MIB)), Blob.of_bytes(b"tiny")]
    with open_session(profile) as session:
        assert session.stage(blobs).moved_blobs == 2
    with open_session(profile) as session:
        assert session.stage(blobs) == StageReport(0, 0)


def test_a_corrupt_prefix_is_found_and_everything_sent_again(profile: DeviceProfile) -> None:
    data = os.urandom(2 * MIB)
    blob = Blob.of_bytes(data)
    with open_session(profile) as session:
        part = Path(profile.root) / "blobs" / f"{blob.sha256}.part"
        part.write_bytes(bytes(MIB))
        report = session.stage([blob])
    if report.moved_bytes != len(data):  # without sftp there is no resuming to go wrong
        assert report.moved_bytes == MIB + len(data)
    assert blobs_of(profile)[blob.sha256] == data


def test_a_part_that_is_whole_already_is_only_adopted(sshd: Sshd, tmp_path: Path) -> None:
    profile = sshd.profile(tmp_path / "root", python=sys.executable)
    blob = Blob.of_bytes(os.urandom(2 * MIB))
    with open_session(profile) as session:
        part = Path(profile.root) / "blobs" / f"{blob.sha256}.part"
        part.write_bytes(blob.data or b"")
        assert session.stage([blob]) == StageReport(0, 1)


def test_a_push_that_is_cut_goes_on_where_it_was(sshd: Sshd, tmp_path: Path) -> None:
    profile = sshd.profile(tmp_path / "root", python=sys.executable)
    open_session(profile).close()
    blob = Blob.of_bytes(os.urandom(30 * MIB))
    with link(sshd.port, cut_after=12 * MIB) as relay:
        session = open_session(sshd.profile(profile.root, python=sys.executable, port=relay.port))
        with pytest.raises(Unreachable, match="board"):
            session.stage([blob])
        session.close()
    with open_session(profile) as session:
        left = (Path(profile.root) / "blobs" / f"{blob.sha256}.part").stat().st_size
        report = session.stage([blob])
    assert left > 5 * MIB
    assert report == StageReport(blob.size_bytes - left, 1)
    assert blobs_of(profile)[blob.sha256] == blob.data


def test_a_cut_stream_of_small_files_is_repeated(sshd: Sshd, tmp_path: Path) -> None:
    profile = sshd.profile(tmp_path / "root", python=sys.executable)
    open_session(profile).close()
    blobs = [Blob.of_bytes(os.urandom(40_000)) for _ in range(200)]
    with link(sshd.port, cut_after=4 * MIB) as relay:
        session = open_session(sshd.profile(profile.root, python=sys.executable, port=relay.port))
        with pytest.raises(Unreachable, match="board"):
            session.stage(blobs)
        session.close()
    with open_session(profile) as session:
        session.stage(blobs)
        assert session.stage(blobs) == StageReport(0, 0)


def test_no_room_is_known_before_anything_moves(profile: DeviceProfile, tmp_path: Path) -> None:
    stats = os.statvfs(tmp_path)
    size = stats.f_bavail * stats.f_frsize + (1 << 30)
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate(size)  # a hole: it takes no room itself
    seen: list[int] = []
    with (
        open_session(profile) as session,
        pytest.raises(NoSpace, match=f"no room for {size / 1e6:.1f} MB"),
    ):
        session.stage([Blob("0" * 64, size, path=huge)], seen.append)
    assert seen == []


def test_a_file_that_is_gone_is_no_lost_link(profile: DeviceProfile, tmp_path: Path) -> None:
    file = tmp_path / "gone.onnx"
    file.write_bytes(b"model")
    blob = Blob.of_file(file)
    file.unlink()
    with (
        open_session(profile) as session,
        pytest.raises(ConfigError, match=r"gone.onnx: is no longer there"),
    ):
        session.stage([blob])


def test_a_file_that_cannot_be_read_is_no_lost_link(tmp_path: Path) -> None:
    folder = tmp_path / "folder.onnx"
    folder.mkdir()
    blob = Blob("0" * 64, 5, path=folder)
    with pytest.raises(ConfigError, match=r"folder.onnx: cannot be read during the run: Is a dir"):
        blob.open()
    with pytest.raises(ConfigError, match="cannot be read during the run"):
        blob.check_unchanged()


def test_a_file_that_changed_meanwhile(profile: DeviceProfile, tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"one")
    blob = Blob.of_file(path)
    path.write_bytes(b"another")
    sound = Blob.of_bytes(b"sound")
    with open_session(profile) as session, pytest.raises(ConfigError, match="changed"):
        session.stage([sound, blob])
    with open_session(profile) as session:  # the agent did not take what came next for a blob
        session.stage([sound])
    assert blobs_of(profile) == {sound.sha256: b"sound"}


def test_pieces_are_the_blobs_end_to_end_from_their_starts(tmp_path: Path) -> None:
    contents = [b"", os.urandom(700_000), b"tail", os.urandom(300_000)]
    starts = [0, 100_000, 4, 299_999]
    pieces = [bytes(p) for p in end_to_end([Blob.of_bytes(c) for c in contents], starts)]
    expected = b"".join(data[start:] for data, start in zip(contents, starts, strict=True))
    assert b"".join(pieces) == expected
    assert len(pieces) == 3


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(bytes(2 * MIB))
    pieces = end_to_end([Blob.of_file(path)], [0])
    next(pieces)
    os.truncate(path, MIB)
    with pytest.raises(ConfigError, match=f"from {2 * MIB} to {MIB} bytes"):
        for _ in pieces:
            pass


def test_a_prefix_on_the_device_is_not_sent_again(sshd: Sshd, tmp_path: Path) -> None:
    profile = sshd.profile(tmp_path / "root", python=sys.executable)
    data = os.urandom(40_000)
    blob, other = Blob.of_bytes(data), Blob.of_bytes(b"other")
    with open_session(profile) as session:
        part = Path(profile.root) / "blobs" / f"{blob.sha256}.part"
        part.write_bytes(data[:30_000])
        assert session.stage([other, blob]) == StageReport(10_000 + 5, 2)
    assert blobs_of(profile) == {blob.sha256: data, other.sha256: b"other"}


def test_closing_the_session_ends_a_push(profile: DeviceProfile) -> None:
    blob = Blob.of_bytes(bytes(200 * MIB))
    session = open_session(profile)
    closer = threading.Thread(target=session.close)

    def progress(count: int) -> None:
        if not closer.ident:
            closer.start()

    with pytest.raises(Interrupted):
        session.stage([blob], progress)
    closer.join(20)
    assert not closer.is_alive()
    open_session(profile).close()  # and the lease is free again


def test_a_launch_right_after_staging_is_answered(profile: DeviceProfile) -> None:
    with open_session(profile) as session:
        session.stage([Blob.of_bytes(b"one")])
        job = Job("cell", 0, "onnxruntime", "latency", "0" * 64, "onnx", {})
        outcomes = [session.launch(job), session.launch(job)]
    assert [outcome.failure and outcome.failure.kind for outcome in outcomes] == ["blob", "blob"]


def test_a_file_that_changes_without_growing_is_not_the_device_s_fault(
    profile: DeviceProfile, tmp_path: Path
) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"before")
    blob = Blob.of_file(path)
    path.write_bytes(b"behind")
    with open_session(profile) as session, pytest.raises(ConfigError, match="content changed"):
        session.stage([blob])
