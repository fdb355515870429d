from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from controller_side import Device

from benchhub.ondevice import wire
from benchhub.ondevice.blobs import Blobs


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def tar_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def receive(device: Device, stream: bytes, root: Path | None = None) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, device.runner, "receive", "--root", root or device.root]
    done = subprocess.run(command, input=stream, capture_output=True, timeout=30)
    return done.returncode, wire.decode(done.stdout)


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    store = Blobs(str(tmp_path / "root"))
    os.makedirs(store.folder)
    return store


def test_upload_have_adopt_over_the_wire(device: Device) -> None:
    talk = device.start()
    data = b"weights" * 1000
    digest, absent = sha256(data), "0" * 64
    part = device.root / "blobs" / f"{digest}.part"
    part.write_bytes(data[:10])
    assert talk.ask("have", digests=[digest, absent])["blobs"] == {
        digest: {"state": "partial", "bytes": 10},
        absent: {"state": "missing", "bytes": 0},
    }
    part.write_bytes(data)
    reply = talk.ask("adopt", digests=[digest, absent])
    assert reply["blobs"] == {digest: "adopted", absent: "missing"}
    assert talk.ask("have", digests=[digest])["blobs"] == {
        digest: {"state": "whole", "bytes": len(data)}
    }
    assert (device.root / "blobs" / digest).stat().st_mode & 0o777 == 0o444


def test_corrupt_part_is_deleted(blobs: Blobs) -> None:
    digest = sha256(b"right")
    part = Path(blobs.path(digest) + ".part")
    part.write_bytes(b"wrong")
    assert blobs.adopt([digest]) == {digest: "corrupt"}
    assert not part.exists()


def test_rewritten_blob_is_found_though_its_size_and_mtime_are_the_same(blobs: Blobs) -> None:
    digest = sha256(b"right")
    path = Path(blobs.path(digest))
    Path(f"{path}.part").write_bytes(b"right")
    blobs.adopt([digest])
    before = path.stat()
    path.chmod(0o644)
    path.write_bytes(b"wrong")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert blobs.have([digest])[digest]["state"] == "missing"


def test_blob_without_a_seal_is_hashed_and_sealed(blobs: Blobs) -> None:
    digest = sha256(b"right")
    path = Path(blobs.path(digest))
    path.write_bytes(b"right")
    assert blobs.whole(digest)
    assert Path(f"{path}.seal").exists()


@pytest.mark.parametrize("name", ["../x", "a" * 63, "A" * 64, "", "a" * 64 + "\n"])
def test_names_that_are_no_digest_are_refused(blobs: Blobs, name: str) -> None:
    with pytest.raises(ValueError, match="not a sha256"):
        blobs.path(name)


def test_receive_seals_what_is_sound(device: Device) -> None:
    contents = [b"one" * 5000, b"", b"three"]
    members = {sha256(data): data for data in contents}
    wrong = sha256(b"expected")
    status, reply = receive(device, tar_of({**members, wrong: b"something else"}))
    assert status == 0
    expected = {**dict.fromkeys(members, "adopted"), wrong: "corrupt"}
    assert reply == {"event": "adopt", "blobs": expected}
    have = device.start().ask("have", digests=[*members, wrong])["blobs"]
    assert [have[digest]["state"] for digest in members] == ["whole"] * 3
    assert have[wrong]["state"] == "missing"


def test_receive_of_a_cut_stream_keeps_what_came_whole(device: Device) -> None:
    first, second = b"1" * 20_000, b"2" * 20_000
    stream = tar_of({sha256(first): first, sha256(second): second})
    status, reply = receive(device, stream[:30_000])
    assert status == 1
    assert reply["event"] == "error"
    have = device.start().ask("have", digests=[sha256(first), sha256(second)])["blobs"]
    assert have[sha256(first)]["state"] == "whole"
    assert have[sha256(second)]["state"] != "whole"


def test_receive_refuses_members_with_other_names(device: Device, tmp_path: Path) -> None:
    status, reply = receive(device, tar_of({"../../evil": b"x"}))
    assert status == 1
    assert "not a sha256" in reply["message"]
    assert not list(tmp_path.rglob("evil*"))


def test_receive_on_a_full_disk_is_refused(device: Device) -> None:
    data = b"x" * 100_000
    (device.root / "blobs").mkdir(parents=True)
    script = (
        "import resource, signal, sys, runpy; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); sys.argv = sys.argv[1:]; "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    command = [sys.executable, "-c", script, device.runner, "receive", "--root", device.root]
    done = subprocess.run(
        command, input=tar_of({sha256(data): data}), capture_output=True, timeout=30
    )
    assert done.returncode == 3
    refusal = wire.decode(done.stdout)
    assert (refusal["event"], refusal["kind"]) == ("refused", "root")
    assert not list((device.root / "blobs").iterdir())
