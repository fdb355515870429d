"""A group of real SSH hosts with a dead one among them: asked at once, in one table."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from project import Project, make_project
from tiny_wheels import pin, write_backend, write_numpy

from benchhub.device.provision import lock

from .command import why_not
from .lab import Lab
from .plugin import give_up

pytestmark = pytest.mark.lab

HOSTS = [f"rack-{number}" for number in range(1, 5)]
DEAD = "rack-5"


@pytest.fixture(scope="module")
def rack(processes: None, servers: None) -> Iterator[Lab]:
    reason = why_not()
    if reason is not None:
        give_up(reason, in_ci=bool(os.environ.get("CI")))
    with Lab(dict.fromkeys(HOSTS, 0)) as rack:
        yield rack


@pytest.fixture
def project(rack: Lab, tmp_path: Path) -> Project:
    """A project whose fleet file has the four hosts, and an address where nobody is."""
    made = make_project(tmp_path / "project", launches=1)
    made.env["COLUMNS"] = "80"
    profiles = {name: rack.profile(name) for name in HOSTS}
    first = profiles[HOSTS[0]]
    nobody = first.host.rpartition(".")[0] + ".250"
    addresses = [*(one.host for one in profiles.values()), nobody]
    text = f"""\
[groups.rack]
names = "rack-{{1..5}}"
addresses = {addresses}
[groups.rack.device]
transport = "ssh"
user = "root"
identity_file = "{first.identity_file}"
ssh_config = "{os.devnull}"
python = "{first.python}"
root = "~/{tmp_path.name}"
connect_timeout_s = 2
"""
    for name, one in profiles.items():
        text += f'[groups.rack.members.{name}.device]\nhost_key = "{one.host_key}"\n'
    (made.folder / "fleet.toml").write_text(text.replace("'", '"'), "utf-8")
    return made


def rows(out: str) -> list[str]:
    return [line.split()[0] for line in out.splitlines() if line.startswith("rack-")]


def test_a_group_is_provisioned_and_examined_whatever_becomes_of_one(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = tmp_path / "registry"
    lines = [pin(write_backend(registry)), pin(write_numpy(registry))]
    tiny = (lock.parse("tiny", "tiny", "tiny-rt", "".join(lines)),)
    monkeypatch.setattr(lock, "shipped", lambda name: tiny)
    monkeypatch.setattr(lock, "owner", lambda name: SimpleNamespace(name=name))
    project.env.update(
        PIP_CONFIG_FILE=os.devnull, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(registry)
    )  # fmt: skip
    words = ("devices", "provision", "--backend", "tiny", "--offline")

    done = project.here(*words, "rack")
    assert done.code == 3
    assert rows(done.out)[0] == DEAD
    assert sorted(rows(done.out)) == [*HOSTS, DEAD]
    lines = [line.rstrip() for line in done.out.splitlines() if line.strip()]
    assert lines[0] == "5 devices: 1 failed, 4 ready now"
    assert max(map(len, lines)) <= 80
    assert done.error == (
        f"benchhub: 1 of 5 devices lack an environment: {DEAD};"
        " `benchhub devices provision --rerun-failed` takes just those"
    )
    wheels = project.folder / "cache" / "wheels"
    assert len(list(wheels.glob("*.whl"))) == 2
    assert not list(wheels.glob("fetch-*"))

    again = project.here(*words, "rack", "--json")
    assert again.code == 3
    assert [row["device"] for row in again.json] == [*HOSTS, DEAD]
    assert [row.get("built") for row in again.json] == [False] * 4 + [None]
    failed = project.here(*words, "--rerun-failed", "--json")
    assert (failed.code, [row["device"] for row in failed.json]) == (3, [DEAD])

    examined = project.here("devices", "doctor", "rack", "--json")
    assert examined.code == 3
    assert list(examined.json) == [*HOSTS, DEAD]
    for name, checks in examined.json.items():
        levels = {check["check"]: check["level"] for check in checks}
        assert levels.get("connect") == ("refuse" if name == DEAD else None)
    # Of the second all is well again: it is no more among those that failed.
    assert project.here("devices", "provision", "rack", "--exclude", DEAD, "--remove").code == 0


@pytest.mark.usefixtures("processes")
def test_ctrl_c_shows_what_is_known_and_the_rest_is_gone_on_with(project: Project) -> None:
    file = project.folder / "fleet.toml"
    text = file.read_text("utf-8")
    silent = socket.create_server(("127.0.0.1", 0))  # it takes calls, and says nothing
    own = f'host = "127.0.0.1"\nport = {silent.getsockname()[1]}\nconnect_timeout_s = 600\n'
    file.write_text(f"{text}[groups.rack.members.{DEAD}.device]\n{own}", "utf-8")
    process = project.start("devices", "doctor", "rack")
    assert process.stderr is not None
    while f"{len(HOSTS)} of 5 done" not in (line := process.stderr.readline()):
        assert line, "it ended by itself"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert sorted(rows(out)) == HOSTS
    assert "4 devices: " in out
    told = [line for line in err.splitlines() if line.startswith("benchhub: ")]
    assert told == [
        "benchhub: stopped: 1 of 5 devices were not done; go on with"
        " `benchhub devices doctor --rerun-failed`"
    ]
    silent.close()
    file.write_text(text, "utf-8")
    rest = project.here("devices", "doctor", "--rerun-failed", "--json")
    assert (rest.code, list(rest.json)) == (3, [DEAD])
