"""`benchhub devices enroll`: what it writes, and what it does where nobody answers."""

from __future__ import annotations

import getpass
import subprocess
import sys
from pathlib import Path

import pytest
from loopback_sshd import Sshd
from project import Project, make_project
from waiting import PATIENCE_S

from benchhub.config.suite import load_profile


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project", launches=1)


def way(sshd: Sshd) -> tuple[str, ...]:
    return (
        "--port", str(sshd.port), "--identity-file", str(sshd.identity),
        "--ssh-config", str(sshd.folder / "empty_ssh_config"), "--python", sys.executable,
    )  # fmt: skip


def test_a_user_before_the_host_is_the_user(project: Project, sshd: Sshd) -> None:
    where = f"{getpass.getuser()}@127.0.0.1"
    root = str(sshd.folder / "root")
    done = project.run("devices", "enroll", where, *way(sshd), "--root", root, "--yes")
    assert done.code == 0, done.err
    profile = load_profile(Path(done.out.strip()))
    assert (profile.name, profile.host, profile.user) == (
        "127.0.0.1", "127.0.0.1", getpass.getuser(),
    )  # fmt: skip
    assert profile.host_key == sshd.host_key
    assert project.run("devices", "show", "127.0.0.1").code == 0


def test_without_an_answer_nothing_is_enrolled(project: Project, sshd: Sshd) -> None:
    argv = [sys.executable, "-m", "benchhub", "devices", "enroll", "127.0.0.1", *way(sshd)]
    done = subprocess.run(
        [*argv, "--name", "board"], cwd=project.folder, env=project.env, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    (line,) = [text for text in done.stderr.splitlines() if text.startswith("benchhub: ")]
    assert line.endswith("no answer; compare its fingerprint, then give --yes")
    assert not (project.folder / "device_profiles" / "board.toml").exists()


def test_a_device_of_a_group_gets_its_key_in_the_fleet_file(project: Project, sshd: Sshd) -> None:
    file = project.folder / "fleet.toml"
    file.write_text(
        '[groups.desk]\nnames = "desk-{1..2}"\naddresses = ["127.0.0.1", "127.0.0.2"]\n'
        f'[groups.desk.device]\ntransport = "ssh"\nport = {sshd.port}\n'
        f'identity_file = "{sshd.identity}"\nssh_config = "{sshd.folder}/empty_ssh_config"\n',
        "utf-8",
    )
    refused = project.here("devices", "enroll", "desk-1", "--like", "raspberry-pi-5", "--yes")
    assert (refused.code, "drop --like" in refused.error) == (2, True)
    done = project.here("devices", "enroll", "desk-1", "--yes")
    assert done.code == 0, done.err
    assert done.out.strip() == str(file)
    found = {one["name"]: one for one in project.here("devices", "list", "desk", "--json").json}
    assert (found["desk-1"]["host_key"], found["desk-1"]["host"]) == (sshd.host_key, "127.0.0.1")
    assert found["desk-2"]["host_key"] is None
    assert not (project.folder / "device_profiles" / "desk-1.toml").exists()
