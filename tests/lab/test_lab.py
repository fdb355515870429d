"""The lab itself: hosts of their own, faults that do what they say, nothing left behind."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import paramiko
import pytest
from waiting import until

from lab import faults, state
from lab.command import LabError, run
from lab.host import Host
from lab.lab import Lab
from lab.plugin import give_up

pytestmark = pytest.mark.lab
HERE = Path(__file__).parent


def greeting(host: Host, timeout_s: float = 2.0) -> bytes:
    with socket.create_connection((host.address, 22), timeout=timeout_s) as link:
        return link.recv(8)


def client(lab: Lab, host: Host) -> paramiko.SSHClient:
    ssh = paramiko.SSHClient()
    kind, key = host.host_key.split()
    assert kind == "ssh-ed25519"
    ssh.get_host_keys().add(
        host.address, kind, paramiko.PKey.from_type_string(kind, base64.b64decode(key))
    )
    ssh.connect(host.address, username="root", key_filename=str(lab.identity_file), timeout=5)
    return ssh


def test_hosts_are_machines_of_their_own(lab: Lab) -> None:
    homes = set()
    for name in lab.hosts:
        script = "hostname; echo $HOME; mkdir -p .cache; echo $$; echo ~"
        hostname, home, pid, tilde = lab.ssh(name, script).split()
        assert hostname == name
        assert home == tilde == str(lab[name].home)
        assert int(pid) < 2000  # counted from 1 on this host
        homes.add(home)
    assert len(homes) == 2
    assert Path.home() not in map(Path, homes)


def test_python_of_the_profile_runs_there(lab: Lab) -> None:
    profile = lab.profile("lab-x86-2", lease_wait_s=3.0)
    assert profile.lease_wait_s == 3.0
    said = lab.ssh("lab-x86-2", f"{profile.python} -c 'import numpy; print(numpy.__name__)'")
    assert said.strip() == "numpy"


def test_paramiko_reaches_a_host_and_moves_a_file(lab: Lab) -> None:
    host = lab["lab-x86-1"]
    data = os.urandom(100_000)
    with client(lab, host) as ssh, ssh.open_sftp() as sftp:
        with sftp.open("moved", "wb") as target:
            target.write(data)
        assert sftp.normalize("moved") == str(host.home / "moved")
    assert host.path(host.home / "moved").read_bytes() == data
    host.path(host.home / "moved").unlink()


def test_cut_cable_is_survived_by_tcp(lab: Lab) -> None:
    host = lab["lab-x86-1"]
    with client(lab, host) as ssh:
        waits = "while [ ! -e ~/go ]; do sleep 0.02; done; echo after; touch ~/gone"
        _, stdout, _ = ssh.exec_command(waits, timeout=60)
        with faults.cut(host):
            host.path(host.home / "go").touch()
            until(host.path(host.home / "gone").exists, "the host to say it")
            with pytest.raises(OSError, match=r"timed out|No route"):
                greeting(host, 0.3)
            assert not stdout.channel.recv_ready()
        assert stdout.read() == b"after\n"


def test_cut_leaves_the_other_host_alone(lab: Lab) -> None:
    with faults.cut(lab["lab-x86-1"]):
        assert lab.ssh("lab-x86-2", "hostname").strip() == "lab-x86-2"


def test_lost_packets(lab: Lab) -> None:
    host = lab["lab-x86-1"]
    with faults.loss(host, 1.0), pytest.raises(TimeoutError):
        greeting(host, 0.3)
    with faults.loss(host, 0.1):
        assert lab.ssh(host.name, "hostname").strip() == host.name
        rules = run("nsenter", f"--net=/run/netns/{host.namespace}", "iptables", "-vxnL", "INPUT")
        assert "probability 0.1" in rules
    assert greeting(host).startswith(b"SSH-2.0-")


def test_resets_break_an_open_connection(lab: Lab) -> None:
    host = lab["lab-x86-1"]
    with client(lab, host) as ssh:
        _, stdout, _ = ssh.exec_command("sleep 60", timeout=20)
        with faults.resets(host):
            with pytest.raises(ConnectionRefusedError):
                greeting(host)
            ssh.get_transport().send_ignore()  # type: ignore[union-attr]
            assert stdout.read() == b""
        assert not ssh.get_transport().is_active()  # type: ignore[union-attr]


def test_slow_link_shapes_both_directions(lab: Lab) -> None:
    host = lab["lab-x86-1"]
    with faults.slow(host, 8), client(lab, host) as ssh:
        for command, data in (("head -c 600000 /dev/zero", b""), ("wc -c", bytes(600_000))):
            began = time.monotonic()
            stdin, stdout, _ = ssh.exec_command(command, timeout=20)
            stdin.write(data)
            stdin.channel.shutdown_write()
            assert len(stdout.read()) in (600_000, len(b"600000\n"))
            assert time.monotonic() - began > 0.4  # 1 MB/s; without it, milliseconds
    assert "tbf" not in run("tc", "-n", host.namespace, "qdisc", "show", "dev", "eth0")


def test_killed_sshd_leaves_other_processes(lab: Lab) -> None:
    host = lab["lab-x86-1"]
    with client(lab, host) as ssh:
        ssh.exec_command("exec sleep 4321", timeout=20)
        until(lambda: _runs(host, "4321"), "a sleep on the host")
        with faults.no_sshd(host):
            with pytest.raises(ConnectionRefusedError):
                greeting(host)
            assert _runs(host, "4321")
        host.run("pkill", "-x", "-f", "sleep 4321")
    assert lab.ssh(host.name, "hostname").strip() == host.name


def _runs(host: Host, argument: str) -> bool:
    return any(argument in process.cmdline() for process in host.processes())


def test_changed_host_key(lab: Lab) -> None:
    host = lab["lab-x86-1"]
    with faults.other_host_key(host) as key:
        assert key != host.host_key
        with pytest.raises(LabError, match="HOST IDENTIFICATION HAS CHANGED"):
            lab.ssh(host.name, "hostname")
    assert lab.ssh(host.name, "hostname").strip() == host.name


def test_refused_key(lab: Lab) -> None:
    host = lab["lab-x86-1"]
    with faults.key_refused(host), pytest.raises(LabError, match="Permission denied"):
        lab.ssh(host.name, "hostname")
    assert lab.ssh(host.name, "hostname").strip() == host.name


def test_full_disk(lab: Lab) -> None:
    host = lab["lab-x86-2"]
    write = "head -c 1000000 /dev/zero >filler; s=$?; rm -f filler; exit $s"
    full = faults.full_disk(host, left_bytes=100_000)
    with full, pytest.raises(LabError, match="No space left"):
        lab.ssh(host.name, write)
    assert lab.ssh(host.name, write) == ""
    with pytest.raises(ValueError, match="no disk of its own"), faults.full_disk(lab["lab-x86-1"]):
        pass


def test_frozen_host_accepts_and_is_silent(lab: Lab) -> None:
    host = lab["lab-x86-2"]
    with faults.frozen(host), pytest.raises(TimeoutError):
        greeting(host, 0.3)
    assert greeting(host).startswith(b"SSH-2.0-")


def test_old_python_takes_itself_for_old(lab: Lab, tmp_path: Path) -> None:
    old = faults.old_python(tmp_path / "old")
    code = "import sys; print(sys.version_info >= (3, 8), sys.version_info[:2], sys.argv[1])"
    for options in ("", "-I", "-E -s"):
        assert lab.ssh("lab-x86-1", f"{old} {options} -c '{code}' x") == "False (3, 6) x\n"


def test_a_machine_without_a_lab_fails_in_ci_and_skips_elsewhere() -> None:
    with pytest.raises(pytest.fail.Exception, match="no root here"):
        give_up("no root here", in_ci=True)
    with pytest.raises(pytest.skip.Exception, match="no root here"):
        give_up("no root here", in_ci=False)


@pytest.mark.usefixtures("processes", "servers")
def test_nothing_is_left() -> None:
    lab = Lab({"a": 16})
    with lab:
        name, pid, folder = lab.name, lab["a"].pid, lab.folder
        assert run("ip", "-br", "link", "show", "dev", f"{name}-here")
        assert lab.ssh("a", "hostname") == "a\n"
    _assert_gone(name, [pid], folder)
    lab.down()


def _assert_gone(name: str, pids: list[int], folder: Path) -> None:
    links = json.loads(run("ip", "-j", "link"))
    assert not [link for link in links if link["ifname"].startswith(name)]
    assert name not in run("ip", "netns", "list")
    until(lambda: not any(Path(f"/proc/{pid}/root/").exists() for pid in pids), "the end")
    assert not folder.exists()
    assert name not in {saved.lab for saved in state.saved()}


@pytest.mark.usefixtures("processes")
def test_a_killed_labs_leftovers_are_swept() -> None:
    code = (
        "import signal; from lab.lab import Lab\n"
        "with Lab({'a': 0}) as lab: print(lab.name, lab['a'].pid, lab.folder, flush=True); "
        "signal.pause()"
    )
    path = os.pathsep.join([str(HERE.parent), str(HERE.parent.parent)])
    environment = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment
    ) as owner:
        assert owner.stdout is not None
        name, pid, folder = owner.stdout.readline().split()
        owner.send_signal(signal.SIGKILL)
    assert Path(folder).exists()
    state.sweep()  # this one, or that of another test process at the same time
    _assert_gone(name, [int(pid)], Path(folder))


@pytest.mark.usefixtures("processes", "servers")
def test_command_brings_two_hosts_up_and_down(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    root = HERE.parent.parent

    def command(verb: str, *more: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "tests.lab", verb, *more, "--dir", str(folder)]
        return subprocess.run(argv, capture_output=True, text=True, cwd=root, timeout=60)

    assert command("status").returncode == 1
    first = command("up", "--only", "x86")
    try:
        assert first.returncode == 0, first.stderr
        assert "--device localhost --device lab-x86-1 --device lab-x86-2" in first.stdout
        for name in ("lab-x86-1", "lab-x86-2"):
            text = folder.joinpath("device_profiles", f"{name}.toml").read_text()
            device = tomllib.loads(text)["device"]
            assert device["name"] == name
            with socket.create_connection((device["host"], device["port"]), timeout=5) as link:
                assert link.recv(8) == b"SSH-2.0-"
        assert command("status").returncode == 0
        again = command("up")
        assert again.returncode == 0
        assert f"root@{device['host']}" in again.stdout  # the same lab, not a second one
        folder.joinpath("benchhub.db").write_text("a person's results")
    finally:
        last = command("down")
    assert last.returncode == 0, last.stderr
    left = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    assert left == ["benchhub.db"]
    network = device["host"].rpartition(".")[0]
    assert f" {network}." not in run("ip", "-4", "addr")
