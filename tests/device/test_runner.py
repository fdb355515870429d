from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from benchhub.device.runner import build_runner, pack


@pytest.mark.usefixtures("processes")
def test_same_sources_give_the_same_bytes_in_any_process_and_order() -> None:
    script = "from benchhub.device.runner import build_runner; print(build_runner().sha256)"
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(digests) == 1
    assert pack({"a.py": b"1", "b.py": b"2"}) == pack({"b.py": b"2", "a.py": b"1"})
    assert pack({"a.py": b"1"}).sha256 != pack({"a.py": b"2"}).sha256


def test_archive_holds_the_device_part_and_nothing_else() -> None:
    runner = build_runner()
    assert hashlib.sha256(runner.data).hexdigest() == runner.sha256
    with zipfile.ZipFile(io.BytesIO(runner.data)) as archive:
        names = archive.namelist()
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert b"import" not in archive.read("benchhub/__init__.py")
    assert names == sorted(names)
    assert {"__main__.py", "benchhub/ondevice/wire.py"} <= set(names)
    rest = [n for n in names if not n.startswith("benchhub/ondevice/")]
    assert rest == ["__main__.py", "benchhub/__init__.py"]


@pytest.mark.usefixtures("processes")
def test_other_commands_are_refused_with_usage(tmp_path: Path) -> None:
    path = tmp_path / "runner.pyz"
    path.write_bytes(build_runner().data)
    done = subprocess.run([sys.executable, str(path), "dance"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("usage:")
