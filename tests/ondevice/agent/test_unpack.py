from __future__ import annotations

from pathlib import Path

from controller_side import Device

from benchhub.ondevice.agent.unpack import unpack


def test_unpacked_once_and_repaired_when_altered(device: Device) -> None:
    (device.root / "runner").mkdir(parents=True)
    folder = Path(unpack(str(device.runner), str(device.root)))
    wire = folder / "benchhub/ondevice/wire.py"
    before = wire.stat()
    sound = wire.read_bytes()
    assert unpack(str(device.runner), str(device.root)) == str(folder)
    assert wire.stat().st_ino == before.st_ino
    wire.write_bytes(sound + b"# altered\n")
    unpack(str(device.runner), str(device.root))
    assert wire.read_bytes() == sound
    assert [path.name for path in (device.root / "runner").iterdir()] == [folder.name]


def test_archive_itself_is_used_where_nothing_can_be_written(device: Device) -> None:
    assert unpack(str(device.runner), str(device.root / "absent")) == str(device.runner)
