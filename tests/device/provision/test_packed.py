"""A distribution that is installed here, as the wheel that a device gets."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from provision_targets import target
from tiny_wheels import write_wheel

from benchhub.device.provision.lock import Lock, Pin, pinned
from benchhub.device.provision.packed import Packed, packed
from benchhub.errors import BackendError
from benchhub.ondevice.provision import wheel as unpacking

pytestmark = pytest.mark.usefixtures("processes")
FILES = {"packed_rt/__init__.py": "VALUE = 1\n", "packed_rt/lock.txt": "numpy\n"}
POINTS = "[console_scripts]\npacked = packed_rt:main\n"


@pytest.fixture
def original(tmp_path: Path) -> Path:
    needs = "Requires-Python: >=3.9\n"
    return write_wheel(
        tmp_path, "packed_rt", "1.5", FILES, entry_points=POINTS, more_metadata=needs
    )


def installed(wheel: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Packed:
    """Have pip install the wheel into a folder, import what is in it, and pack it again."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--target", str(folder), str(wheel)], check=True, capture_output=True)
    run = [sys.executable, "-c", "import packed_rt"]
    subprocess.run(run, check=True, cwd=folder)
    assert list(folder.rglob("*.pyc"))
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(folder))
        return packed("packed-rt")


def test_it_holds_what_the_wheel_held_it_came_from(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = installed(original, tmp_path / "site", monkeypatch)
    assert (made.name, made.version, made.wheel.name) == ("packed_rt", "1.5", original.name)
    before = zipfile.ZipFile(original)
    after = zipfile.ZipFile(io.BytesIO(made.wheel.blob.data or b""))
    record = "packed_rt-1.5.dist-info/RECORD"
    assert set(after.namelist()) == set(before.namelist())
    for name in set(before.namelist()) - {record}:
        assert after.read(name) == before.read(name), name
    unpacking.plan(after, unpacking.Places("site", "scripts", "data", "headers"))  # it is sound


def test_its_bytes_do_not_depend_on_where_and_when_it_was_installed(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = installed(original, tmp_path / "one", monkeypatch)
    second = installed(original, tmp_path / "another place", monkeypatch)
    assert first.wheel.blob.sha256 == second.wheel.blob.sha256


def test_a_device_with_an_older_python_than_it_needs_is_refused(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = installed(original, tmp_path / "site", monkeypatch)
    pins = (Pin("packed_rt", "1.5", "", (made.wheel.blob.sha256,)), Pin("numpy", "1", "", ("0",)))
    lock = Lock("packed", "packed", "numpy", pins, made)
    assert pinned((lock,), target("3.9.2")).pins == pins
    with pytest.raises(BackendError, match=r"no packed release is known for Python 3\.8\.10"):
        pinned((lock,), target("3.8.10"))
