from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from controller_side import Device, Talk

from benchhub.ondevice import wire
from benchhub.ondevice.agent.blobs import Blobs


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def receive(
    talk: Talk, members: Mapping[str, bytes], cut_bytes: int = 0, offset: int = 0
) -> dict[str, Any]:
    """Send blobs, without their first `offset` and the stream's last `cut_bytes` bytes."""
    entries = [[name, len(data), offset] for name, data in members.items()]
    stream = b"".join(data[offset:] for data in members.values())
    talk.send({"do": "receive", "blobs": entries, "follows": len(stream)})
    talk.send_raw(stream[: len(stream) - cut_bytes])
    if cut_bytes:
        assert talk.process.stdin
        talk.process.stdin.close()
    return talk.receive()


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    store = Blobs(str(tmp_path / "root"))
    os.makedirs(store.folder)
    return store


@pytest.mark.usefixtures("processes")
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
    assert path.stat().st_mode & 0o777 == 0o444
    assert digest in (path.parent / "seals").read_text()


@pytest.mark.parametrize("name", ["../x", "a" * 63, "A" * 64, "", "a" * 64 + "\n"])
def test_names_that_are_no_digest_are_refused(blobs: Blobs, name: str) -> None:
    with pytest.raises(ValueError, match="not a sha256"):
        blobs.path(name)


@pytest.mark.usefixtures("processes")
def test_receive_seals_what_is_sound(device: Device) -> None:
    contents = [b"one" * 200_000, b"", b"three"]
    members = {sha256(data): data for data in contents}
    wrong = sha256(b"expected")
    talk = device.start()
    reply = receive(talk, {**members, wrong: b"something else"})
    expected = {**dict.fromkeys(members, "adopted"), wrong: "corrupt"}
    assert (reply["event"], reply["blobs"]) == ("receive", expected)
    have = talk.ask("have", digests=[*members, wrong])["blobs"]
    assert [have[digest]["state"] for digest in members] == ["whole"] * 3
    assert have[wrong]["state"] == "missing"
    assert all((device.root / "blobs" / name).stat().st_mode & 0o777 == 0o444 for name in members)
    sealed = (device.root / "blobs" / "seals").read_text()
    assert all(name in sealed for name in members)


@pytest.mark.usefixtures("processes")
def test_receive_goes_on_at_an_offset_and_verifies_the_beginning(device: Device) -> None:
    talk = device.start()
    sound, damaged = b"s" * 9000, b"d" * 9000
    folder = device.root / "blobs"
    (folder / f"{sha256(sound)}.part").write_bytes(sound[:4000] + b"a stale end" * 1000)
    (folder / f"{sha256(damaged)}.part").write_bytes(bytes(4000))
    reply = receive(talk, {sha256(sound): sound, sha256(damaged): damaged}, offset=4000)
    assert reply["blobs"] == {sha256(sound): "adopted", sha256(damaged): "corrupt"}
    assert (folder / sha256(sound)).read_bytes() == sound
    assert not (folder / f"{sha256(damaged)}.part").exists()


@pytest.mark.usefixtures("processes")
def test_requests_in_one_write_with_the_bytes_between_them(device: Device) -> None:
    data = b'{"do":"bye"}\n' * 3
    entry = [sha256(data), len(data), 0]
    ask = {"do": "have", "digests": [sha256(data)]}
    talk = device.start()
    talk.send_raw(
        wire.encode({"do": "room"})
        + wire.encode({"do": "receive", "blobs": [entry], "follows": len(data)})
        + data
        + wire.encode(ask)
        + wire.encode({"do": "settle"})
    )
    events = [talk.receive() for _ in range(4)]
    assert [event["event"] for event in events] == ["room", "receive", "have", "settle"]
    assert events[0]["free_bytes"] > 0
    assert events[2]["blobs"] == {sha256(data): {"state": "whole", "bytes": len(data)}}


@pytest.mark.usefixtures("processes")
def test_receive_of_a_cut_stream_keeps_what_came_whole(device: Device) -> None:
    first, second = b"1" * 20_000, b"2" * 20_000
    reply = receive(device.start(), {sha256(first): first, sha256(second): second}, 9_000)
    assert reply["blobs"] == {sha256(first): "adopted", sha256(second): "missing"}
    assert "ended early, after 1" in reply["trouble"]
    device.close()
    have = device.start().ask("have", digests=[sha256(first), sha256(second)])["blobs"]
    assert have[sha256(first)]["state"] == "whole"
    assert have[sha256(second)] == {"state": "partial", "bytes": 11_000}


@pytest.mark.parametrize(
    "entry", [["../../evil", 1, 0], ["0" * 64, 1, 2], ["0" * 64, 1, -1], ["0" * 64]]
)
@pytest.mark.usefixtures("processes")
def test_receive_refuses_what_makes_no_sense_and_skips_its_bytes(
    device: Device, tmp_path: Path, entry: list[Any]
) -> None:
    talk = device.start()
    talk.send({"do": "receive", "blobs": [entry], "follows": 100_000})
    talk.send_raw(b"\n" * 100_000)
    assert talk.receive()["event"] == "error"
    assert talk.ask("room")["event"] == "room"
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.usefixtures("processes")
def test_receive_on_a_full_disk_tells_and_goes_on(device: Device, tmp_path: Path) -> None:
    data, small = b"x" * 2_000_000, b"y" * 100
    limited = tmp_path / "limited.py"
    limited.write_text(
        "import resource, runpy, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000000, 1000000))\n"
        "sys.argv[0] = RUNNER\n"
        "runpy.run_path(RUNNER, run_name='__main__')\n".replace("RUNNER", repr(str(device.runner)))
    )
    device.runner = limited
    talk = device.start()
    reply = receive(talk, {sha256(data): data, sha256(small): small})
    assert reply["blobs"] == {sha256(data): "missing", sha256(small): "missing"}
    assert "cannot be used" in reply["trouble"]
    assert not list((device.root / "blobs").glob("*.part"))
    assert receive(talk, {sha256(small): small})["blobs"] == {sha256(small): "adopted"}


@pytest.mark.usefixtures("processes")
def test_an_agent_whose_stream_falls_silent_ends(device: Device) -> None:
    talk = device.start(heartbeat_s=0.5)
    talk.send({"do": "receive", "blobs": [["0" * 64, 10, 0]], "follows": 10})
    talk.send_raw(b"half")
    assert talk.process.wait(20) == 0
