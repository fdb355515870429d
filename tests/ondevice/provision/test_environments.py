"""Environments on a device, asked of a real agent with wheels of a few bytes."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from controller_side import Device, Talk
from tiny_wheels import sha256, write_backend, write_numpy, write_wheel

from benchhub.ondevice.provision import environments, wheel


def request(device: Device, *wheels: Path, **changes: Any) -> dict[str, Any]:
    """Return a request for the backend `tiny`, its wheels in place."""
    for path in wheels:
        device.put(path.read_bytes())
    pins = [f"{p.name.split('-')[0]}=={p.name.split('-')[1]}" for p in wheels]
    return {
        "backend": "tiny", "lock": "tiny", "pins": "\n".join(pins) + "\n", "system": [],
        "packages": dict(line.split("==") for line in pins), "deadline_s": 60.0,
        "wheels": [[sha256(path), path.name] for path in wheels], **changes,
    }  # fmt: skip


def provision(talk: Talk, wanted: dict[str, Any]) -> dict[str, Any]:
    return talk.ask("provision", **wanted)


@pytest.fixture
def both(tmp_path: Path) -> tuple[Path, Path]:
    return write_backend(tmp_path / "wheels"), write_numpy(tmp_path / "wheels")


def folders(device: Device) -> list[str]:
    there = device.root / "environments"
    return sorted(os.listdir(there)) if there.is_dir() else []


@pytest.mark.usefixtures("processes")
def test_an_environment_is_made_once_and_found_again(
    device: Device, both: tuple[Path, Path]
) -> None:
    talk = device.start()
    first = provision(talk, request(device, *both))
    assert first["built"] is True
    made = first["environment"]
    assert made["version"] == "1.0"
    assert made["packages"] == {"tiny_rt": "1.0", "numpy": "0.1"}
    assert made["wheels"] == [sha256(path) for path in both]
    assert folders(device) == [f"tiny-{made['key']}"]
    again = provision(talk, request(device, *both))
    assert (again["built"], again["environment"]) == (False, made)
    assert talk.ask("environments")["environments"] == [made]
    assert talk.ask("facts")["facts"]["backends"]["tiny"] == {
        "version": "1.0", "reason": None, "python": made["python"],
    }  # fmt: skip


@pytest.mark.usefixtures("processes")
def test_its_interpreter_has_its_own_packages_and_no_others(
    device: Device, both: tuple[Path, Path]
) -> None:
    made = provision(device.start(), request(device, *both))["environment"]
    script = (
        "import sys, numpy, tiny_rt, importlib.util as u, json;"
        "print(json.dumps([sys.prefix != sys.base_prefix, numpy.__version__, tiny_rt.__file__,"
        "u.find_spec('onnxruntime') is None, u.find_spec('pip') is None]))"
    )
    done = subprocess.run([made["python"], "-c", script], capture_output=True, check=True)
    isolated, numpy, where, no_runtime, no_pip = json.loads(done.stdout)
    assert (isolated, numpy, no_runtime, no_pip) == (True, "0.1", True, True)
    assert where.startswith(str(device.root / "environments" / made["name"]))
    assert Path(made["python"]).resolve() == Path(environments.base().path)


@pytest.mark.usefixtures("processes")
def test_packages_of_the_system_are_seen_only_where_the_lock_leaves_them_to_it(
    device: Device, both: tuple[Path, Path]
) -> None:
    talk = device.start()
    made = provision(talk, request(device, *both))["environment"]
    config = Path(made["python"]).parents[1] / "pyvenv.cfg"
    assert "include-system-site-packages = false" in config.read_text()
    other = request(device, both[0], system=["numpy", "psutil"])
    answer = provision(talk, other)
    if "trouble" in answer:  # this machine's own Python has no numpy either
        assert answer["trouble"]["kind"] == "import"
        assert "install python3-numpy" in answer["trouble"]["message"]
        assert folders(device) == [made["name"]]
    else:
        config = Path(answer["environment"]["python"]).parents[1] / "pyvenv.cfg"
        assert "include-system-site-packages = true" in config.read_text()


@pytest.mark.usefixtures("processes")
def test_what_was_left_half_finished_is_never_used_and_is_made_again(
    device: Device, both: tuple[Path, Path]
) -> None:
    talk = device.start()
    wanted = request(device, *both)
    made = provision(talk, wanted)["environment"]
    home = device.root / "environments"
    (home / made["name"] / environments.READY).unlink()
    (home / "tiny-0123456789ab.part" / "lib").mkdir(parents=True)
    (home / "tiny-0123456789ab.part" / environments.READY).write_text(json.dumps(made))
    assert talk.ask("environments")["environments"] == []
    assert environments.ready(str(device.root)) == {}
    assert provision(talk, wanted)["built"] is True
    assert folders(device) == [made["name"]]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"backend": 3'])
@pytest.mark.usefixtures("processes")
def test_a_torn_ready_file_counts_for_nothing(
    device: Device, both: tuple[Path, Path], text: str
) -> None:
    talk = device.start()
    wanted = request(device, *both)
    made = provision(talk, wanted)["environment"]
    (device.root / "environments" / made["name"] / environments.READY).write_text(text)
    assert talk.ask("environments")["environments"] == []
    assert provision(talk, wanted)["built"] is True


@pytest.mark.usefixtures("processes")
def test_after_an_upgrade_of_python_it_is_not_ready_and_says_why(
    device: Device, both: tuple[Path, Path]
) -> None:
    talk = device.start()
    wanted = request(device, *both)
    made = provision(talk, wanted)["environment"]
    path = device.root / "environments" / made["name"] / environments.READY
    path.write_text(json.dumps({**json.loads(path.read_text()), "python_version": "3.7.1"}))
    (record,) = talk.ask("environments")["environments"]
    assert record["reason"].startswith("made for Python 3.7.1 at ")
    assert record["reason"].endswith("provision it again")
    found = talk.ask("facts")["facts"]["backends"]
    assert "tiny" not in found
    assert provision(talk, wanted)["built"] is True
    assert talk.ask("environments")["environments"][0]["reason"] is None


@pytest.mark.usefixtures("processes")
def test_a_newer_lock_replaces_the_environment_once_it_works(
    device: Device, both: tuple[Path, Path], tmp_path: Path
) -> None:
    talk = device.start()
    old = provision(talk, request(device, *both))["environment"]
    broken = write_backend(tmp_path, "2.0", before="raise OSError('no such chip')\n")
    answer = provision(talk, request(device, broken, both[1]))
    assert answer["trouble"]["kind"] == "import"
    assert "no such chip" in answer["trouble"]["message"]
    assert talk.ask("environments")["environments"] == [old]
    newer = write_backend(tmp_path / "newer", "3.0")
    assert provision(talk, request(device, newer, both[1]))["environment"]["version"] == "3.0"
    assert len(folders(device)) == 1


@pytest.mark.usefixtures("processes")
def test_removal_takes_wheels_that_nothing_else_was_made_of(
    device: Device, both: tuple[Path, Path], tmp_path: Path
) -> None:
    talk = device.start()
    other = write_backend(tmp_path, name="other")
    provision(talk, request(device, *both))
    kept = provision(talk, request(device, other, both[1], backend="other"))["environment"]
    (device.root / "environments" / "tiny-0123456789ab.part").mkdir()
    removed = talk.ask("unprovision", backends=["tiny"])["removed"]
    assert [name.split("-")[0] for name, _ in removed] == ["tiny", "tiny", "1 wheels"]
    assert sum(freed for _, freed in removed) > 0
    assert talk.ask("environments")["environments"] == [kept]
    states = talk.ask("have", digests=[sha256(both[0]), sha256(both[1])])["blobs"]
    assert states[sha256(both[0])]["state"] == "missing"
    assert states[sha256(both[1])]["state"] == "whole"
    assert len(talk.ask("unprovision", backends=None)["removed"]) == 2
    assert talk.ask("unprovision", backends=None)["removed"] == []
    assert folders(device) == []


@pytest.mark.parametrize("name", ["../escape", "", "a/b", "tiny rt"])
@pytest.mark.usefixtures("processes")
def test_a_name_that_is_none_is_refused(device: Device, name: str) -> None:
    answer = provision(device.start(), request(device, backend=name))
    assert answer["event"] == "error"
    assert folders(device) == []


@pytest.mark.usefixtures("processes")
def test_a_backend_that_hangs_is_ended_at_the_deadline(device: Device, tmp_path: Path) -> None:
    slow = write_backend(tmp_path, before="import time\ntime.sleep(600)\n")
    wanted = request(device, slow, write_numpy(tmp_path), deadline_s=2.0)
    answer = provision(device.start(), wanted)
    assert answer["trouble"]["kind"] == "import"
    assert "not done in time" in answer["trouble"]["message"]
    assert folders(device) == []


@pytest.mark.parametrize("inner", ["../../escaped.py", "/tmp/escaped.py", "a/../../../escaped.py"])
@pytest.mark.usefixtures("processes")
def test_a_wheel_that_would_leave_its_environment_is_refused(
    device: Device, tmp_path: Path, inner: str
) -> None:
    bad = write_wheel(tmp_path, "bad", "1.0", {"bad.py": "", inner: "escaped = 1\n"})
    answer = provision(device.start(), request(device, bad, write_numpy(tmp_path)))
    assert answer["trouble"]["kind"] == "wheel"
    assert "outside of the environment" in answer["trouble"]["message"]
    assert not list(device.root.rglob("escaped.py"))
    assert folders(device) == []


@pytest.mark.parametrize(
    ("data", "cause"),
    [(b"no zip at all", "no zip archive"), (b"", "no zip archive")],
)
@pytest.mark.usefixtures("processes")
def test_a_file_that_is_no_archive_is_refused(
    device: Device, tmp_path: Path, data: bytes, cause: str
) -> None:
    path = tmp_path / "bad-1.0-py3-none-any.whl"
    path.write_bytes(data)
    answer = provision(device.start(), request(device, path))
    assert answer["trouble"]["kind"] == "wheel"
    assert cause in answer["trouble"]["message"]
    assert path.name in answer["trouble"]["message"]


@pytest.mark.usefixtures("processes")
def test_a_damaged_archive_is_refused(device: Device, tmp_path: Path) -> None:
    path = write_wheel(tmp_path, "bad", "1.0", {"bad.py": os.urandom(5000)})
    data = bytearray(path.read_bytes())
    data[1000] ^= 0xFF  # within the content of bad.py
    path.write_bytes(bytes(data))
    answer = provision(device.start(), request(device, path))
    assert answer["trouble"]["kind"] == "wheel"
    assert "'bad.py' cannot be unpacked" in answer["trouble"]["message"]
    assert folders(device) == []


@pytest.mark.usefixtures("processes")
def test_a_wheel_that_was_not_staged_is_asked_for(device: Device, tmp_path: Path) -> None:
    wanted = request(device, write_backend(tmp_path))
    wanted["wheels"][0][0] = "0" * 64
    answer = provision(device.start(), wanted)
    assert answer["trouble"]["kind"] == "wheel"
    assert "not whole" in answer["trouble"]["message"]


def places(root: Path) -> wheel.Places:
    return wheel.Places(str(root / "site"), str(root / "bin"), str(root), str(root / "include"))


def test_the_schemes_of_a_wheel_go_to_their_places(tmp_path: Path) -> None:
    path = write_wheel(
        tmp_path, "many", "1.0",
        {
            "many/__init__.py": "", "many-1.0.data/purelib/pure.py": "1",
            "many-1.0.data/platlib/plat.so": "2", "many-1.0.data/scripts/tool": "3",
            "many-1.0.data/data/share/x": "4", "many-1.0.data/headers/h.h": "5",
        },
    )  # fmt: skip
    wheel.unpack(str(path), places(tmp_path / "env"))
    found = sorted(
        str(p.relative_to(tmp_path / "env")) for p in (tmp_path / "env").rglob("*") if p.is_file()
    )
    assert [name for name in found if "dist-info" not in name] == [
        "bin/tool", "include/h.h", "share/x", "site/many/__init__.py", "site/plat.so",
        "site/pure.py",
    ]  # fmt: skip
    assert "site/many-1.0.dist-info/RECORD" in found


def test_executable_files_stay_so(tmp_path: Path) -> None:
    path = write_wheel(tmp_path, "run", "1.0", {"run.py": ""})
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("run-1.0.dist-info/RECORD.jws")  # RECORD need not list it
        info.external_attr = 0o755 << 16
        archive.writestr(info, "x")
    wheel.unpack(str(path), places(tmp_path / "env"))
    mode = (tmp_path / "env/site/run-1.0.dist-info/RECORD.jws").stat().st_mode
    assert stat.S_IMODE(mode) == 0o755
    assert stat.S_IMODE((tmp_path / "env/site/run.py").stat().st_mode) & 0o111 == 0


def broken(path: Path, kind: str) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        if kind == "link":
            info = zipfile.ZipInfo("odd-1.0.dist-info/RECORD.p7s")
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, "/etc/passwd")
        elif kind == "two":
            archive.writestr("odd-2.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        elif kind == "unlisted":
            archive.writestr("surprise.py", "")


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("link", "is a link"),
        ("two", "2 .dist-info folders"),
        ("unlisted", "RECORD does not list 'surprise.py'"),
        ("scheme", "belongs to no scheme"),
        ("version", "does not say Wheel-Version: 1.x"),
        ("none", "0 .dist-info folders"),
    ],
)
def test_a_malformed_wheel_is_refused_before_anything_is_written(
    tmp_path: Path, kind: str, cause: str
) -> None:
    files: dict[str, str | bytes] = {"odd.py": ""}
    if kind == "scheme":
        files["odd-1.0.data/elsewhere/x"] = ""
    path = write_wheel(tmp_path, "odd", "1.0", files)
    broken(path, kind)
    if kind in ("version", "none"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("odd.py", "")
            if kind == "version":
                archive.writestr("odd-1.0.dist-info/WHEEL", "Wheel-Version: 2.0\n")
    with pytest.raises(wheel.BadWheel, match=cause):
        wheel.unpack(str(path), places(tmp_path / "env"))
    assert not (tmp_path / "env").exists()


def test_the_target_is_what_an_installer_would_say() -> None:
    from packaging.markers import default_environment

    ours = environments.target()
    theirs: dict[str, Any] = dict(default_environment())
    assert {key: ours[key] for key in theirs} == theirs
    assert ours["libc"].startswith("glibc 2.")
    assert ours["free_threaded"] is (sys.abiflags == "t")
