"""`benchhub devices`: templates, and what doctor says of devices that cannot measure."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import tomlkit
from project import Project, make_project

from benchhub.cli.devices.doctor import print_device
from benchhub.cli.devices.profile_file import write_profile
from benchhub.config.catalogue import SHIPPED, TEMPLATE_HOST, profile_files
from benchhub.config.suite import load_profile
from benchhub.model.device import UNKNOWN, Finding

TEMPLATES = (
    "arm-server", "jetson-orin", "nvidia-gpu", "raspberry-pi-4", "raspberry-pi-5", "x86-server",
)  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path, launches=1)


@pytest.mark.parametrize("name", ["localhost", *TEMPLATES])
def test_every_shipped_profile_is_valid_and_tells_what_to_do(name: str) -> None:
    path = SHIPPED / "device_profiles" / f"{name}.toml"
    profile = load_profile(path)
    assert profile.name == path.stem
    text = path.read_text("utf-8")
    assert text.startswith("#")
    if name != "localhost":
        assert profile.host == TEMPLATE_HOST
        assert f"--like {name}" in text
        assert "benchhub devices provision" in text
        assert profile.reboot_wait_s >= 180


def test_shipped_profiles_are_all_known(tmp_path: Path) -> None:
    assert set(profile_files(tmp_path)) >= {"localhost", *TEMPLATES}


@pytest.mark.parametrize("name", ["localhost", *TEMPLATES])
def test_profiles_keep_the_json_schema(project: Project, name: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = project.here("schema", "device").json
    text = (SHIPPED / "device_profiles" / f"{name}.toml").read_text("utf-8")
    jsonschema.validate(tomlkit.parse(text).unwrap(), schema)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_becomes_a_device(tmp_path: Path, name: str) -> None:
    template = SHIPPED / "device_profiles" / f"{name}.toml"
    path = tmp_path / "mine.toml"
    write_profile(path, "mine", {"host": "10.0.0.7", "user": "pi"}, "ssh-ed25519 AAAA", template)
    profile, before = load_profile(path), load_profile(template)
    assert (profile.name, profile.host, profile.user) == ("mine", "10.0.0.7", "pi")
    assert profile.host_key == "ssh-ed25519 AAAA"
    assert profile.max_temperature_c == before.max_temperature_c
    assert profile.labels == before.labels
    text = path.read_text("utf-8")
    assert "# identity_file" in text
    assert "template" not in text


def test_a_template_is_no_device(project: Project) -> None:
    for command in (
        ("run", "tiny", "--device", "jetson-orin"),
        ("devices", "doctor", "jetson-orin"),
    ):
        done = project.here(*command)
        assert done.code == 2
        assert "is a template" in done.error
        assert "devices enroll HOST --name jetson-orin --like jetson-orin" in done.error
    listed = {one["name"]: one for one in project.here("devices", "list", "--json").json}
    assert listed["jetson-orin"]["template"]
    assert not listed["here"]["template"]


def test_the_list_says_what_ships_and_where_a_users_own_profile_is(project: Project) -> None:
    lines = project.here("devices", "list").out.splitlines()
    of = {line.split()[0]: line.split() for line in lines if line.strip()}
    assert of["raspberry-pi-5"] == ["raspberry-pi-5", "template", "shipped"]
    assert of["here"][:3] == ["here", "this", "machine"]
    assert of["here"][-1] == "device_profiles/here.toml"
    assert str(project.folder) not in "".join(lines)


@pytest.mark.usefixtures("processes")
def test_a_run_without_devices_named_is_on_this_machine_alone(project: Project) -> None:
    plan = project.here("run", "tiny", "--dry-run", "--json").json
    assert "localhost" in str(plan)
    assert not any(name in str(plan) for name in TEMPLATES)


@pytest.mark.usefixtures("processes")
def test_doctor_of_a_device_without_a_python_names_the_check(project: Project) -> None:
    root = str(project.folder / "bare")
    project.device("bare", root=root, python="/nonexistent/python3")
    done = project.run("devices", "doctor", "bare", "--json")
    assert done.code == 3
    (check,) = done.json["bare"]
    assert (check["check"], check["level"]) == ("python", "refuse")
    assert "/nonexistent/python3" in check["found"] + check["fix"]
    assert check["why"]


@pytest.mark.usefixtures("processes")
def test_doctor_of_a_device_without_any_backend(project: Project, tmp_path: Path) -> None:
    wrapper = tmp_path / "python"
    # -S leaves the packages of this Python out; numpy is put back, a runtime is not.
    packages = tmp_path / "packages"
    packages.mkdir()
    import numpy

    numpy_home = Path(numpy.__file__).parent
    for found in numpy_home.parent.glob("numpy*"):
        (packages / found.name).symlink_to(found)
    wrapper.write_text(f'#!/bin/sh\nexec env PYTHONPATH={packages} {sys.executable} -S "$@"\n')
    wrapper.chmod(0o755)
    project.device("empty", root=str(tmp_path / "root"), python=str(wrapper))
    done = project.run("devices", "doctor", "empty", "--json")
    assert done.code == 3, done.err
    checks = {check["check"]: check for check in done.json["empty"]}
    assert checks["numpy"]["level"] == "ok"
    assert checks["backend onnxruntime"]["level"] == "warn"
    assert checks["backends"]["level"] == "refuse"
    assert "devices provision empty --backend onnxruntime" in checks["backends"]["fix"]
    assert "cannot measure" in project.run("devices", "doctor", "empty").out


@pytest.mark.parametrize("unfit", [False, True])
def test_doctor_shows_the_unknown_behind_doubts_and_before_what_is_well(
    capsys: pytest.CaptureFixture[str], unfit: bool
) -> None:
    checks = [
        Finding("python", "ok", "Python 3.11"),
        Finding("governor", UNKNOWN, "unavailable: not permitted"),
        Finding("turbo", "warn", "on", "the clock falls", "turn it off"),
    ]
    print_device("pi4", checks, unfit)
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in shown[1:] if line] == [
        "warn", "why:", "fix:", "unknown", "ok",
    ]  # fmt: skip
    told = zip((shown[1], shown[4], shown[5]), (" on", " unavailable", " Python"), strict=True)
    assert len({line.index(found) for line, found in told}) == 1


@pytest.mark.usefixtures("processes")
def test_doctor_asks_again_where_a_device_hangs_up(project: Project, tmp_path: Path) -> None:
    """The first agent says hello and is gone, as one is whose device runs out of memory."""
    python = tmp_path / "python"
    python.write_text(
        f"#!{sys.executable}\nimport os, subprocess, sys\n"
        f'if "agent" not in sys.argv or os.path.exists({str(tmp_path / "been")!r}):\n'
        f"    os.execv({sys.executable!r}, [{sys.executable!r}, *sys.argv[1:]])\n"
        f"open({str(tmp_path / 'been')!r}, 'w').close()\n"
        f"agent = subprocess.Popen([{sys.executable!r}, *sys.argv[1:]], stdout=subprocess.PIPE)\n"
        "sys.stdout.buffer.write(agent.stdout.readline())\n"
        "sys.stdout.buffer.flush()\n"
        "agent.kill()\n"
    )
    python.chmod(0o755)
    project.device("shaky", root=str(tmp_path / "root"), python=str(python))
    done = project.run("devices", "doctor", "shaky", "--json")
    assert done.code == 0, done.err
    assert "shaky: the agent on the device ended" in done.err
    assert "again in 1 s" in done.err
    assert not [one for one in done.json["shaky"] if one["check"] == "connect"]


@pytest.mark.usefixtures("processes")
def test_doctor_asks_for_every_real_backend(project: Project) -> None:
    checks = {
        one["check"] for one in project.run("devices", "doctor", "here", "--json").json["here"]
    }
    backends = {"onnxruntime", "openvino", "tflite", "torch", "tensorrt"}
    assert {name.removeprefix("backend ") for name in checks if " " in name} >= backends
    assert "backend null" not in checks


def test_a_broken_profile_does_not_hide_the_others(project: Project) -> None:
    broken = project.folder / "device_profiles" / "broken.toml"
    broken.parent.mkdir(exist_ok=True)
    broken.write_text('[device]\nname = "broken"\ntransport = "shh"\n', "utf-8")
    done = project.here("devices", "list")
    assert done.code == 2
    assert "localhost" in done.out
    assert "broken.toml: device.transport" in done.error
    listed = project.here("devices", "list", "--json")
    assert listed.code == 2
    assert "localhost" in [one["name"] for one in listed.json]
