"""Connecting over SSH: trust, keys, configuration, jump hosts, retries; against real servers."""

from __future__ import annotations

import getpass
import re
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback_sshd import Sshd, make_key, start_sshd
from waiting import until

from benchhub.device.ssh import config as ssh_config
from benchhub.device.ssh import transport as ssh
from benchhub.device.ssh.endpoint import Endpoint
from benchhub.device.ssh.handshake import tune
from benchhub.device.ssh.keys import host_keys
from benchhub.errors import (
    AuthenticationRefused,
    ConfigError,
    HostKeyChanged,
    HostKeyUnknown,
    Unreachable,
)
from benchhub.model.device import DeviceProfile


@pytest.fixture(scope="module")
def behind(
    tmp_path_factory: pytest.TempPathFactory, processes: None, servers: None
) -> Iterator[Sshd]:
    """Return a second server, to be reached through the first."""
    server = start_sshd(tmp_path_factory.mktemp("behind"))
    yield server
    server.stop()


def says(profile: DeviceProfile, **options: object) -> str:
    transport = ssh.connect(profile, **options)  # type: ignore[arg-type]
    try:
        return transport.run(["echo", "hello"]).stdout.decode().strip()
    finally:
        transport.close()


# --- host keys ---------------------------------------------------------------------------------


def test_an_unknown_host_key_is_refused_with_the_command_that_enrols(sshd: Sshd) -> None:
    with pytest.raises(HostKeyUnknown, match=r"devices enroll 127.0.0.1") as caught:
        ssh.connect(sshd.profile(host_key=None))
    assert host_keys.fingerprint(sshd.host_key) in str(caught.value)


def test_a_changed_host_key_is_refused_with_both_fingerprints(sshd: Sshd, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other")
    with pytest.raises(HostKeyChanged) as caught:
        ssh.connect(sshd.profile(host_key=other))
    assert host_keys.fingerprint(sshd.host_key) in str(caught.value)
    assert host_keys.fingerprint(other) in str(caught.value)
    assert "reinstalled" in str(caught.value)


def test_a_host_key_of_another_type_counts_as_changed(sshd: Sshd, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other", kind="ecdsa")
    with pytest.raises(HostKeyChanged, match=re.escape(host_keys.fingerprint(other))):
        ssh.connect(sshd.profile(host_key=other))


@pytest.mark.usefixtures("processes", "servers")
def test_the_enrolled_type_is_asked_for(tmp_path: Path) -> None:
    ecdsa = make_key(tmp_path / "ecdsa", kind="ecdsa")
    server = start_sshd(tmp_path / "two", extra=f"HostKey {tmp_path}/ecdsa")
    try:
        assert says(server.profile(host_key=ecdsa)) == "hello"
        assert says(server.profile(host_key=f"{ecdsa}\n{server.host_key}")) == "hello"
        shown = ssh.scan(server.profile(host_key=None))
    finally:
        server.stop()
    assert [key.line for key in shown] == [server.host_key, ecdsa]


def test_enrolment_sees_what_ssh_keygen_prints(sshd: Sshd) -> None:
    (key,) = ssh.scan(sshd.profile(host_key=None))
    printed = subprocess.run(
        ["ssh-keygen", "-lf", str(sshd.folder / "host_key.pub")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert key.fingerprint in printed.stdout


def test_a_malformed_host_key_is_a_configuration_error(sshd: Sshd) -> None:
    for text in ("ssh-ed25519", "ssh-ed25519 AAAAnonsense", "garbage", "ssh-rsa AAAAC3NzaC1lZDI1"):
        with pytest.raises(ConfigError, match="host_key"):
            ssh.connect(sshd.profile(host_key=text))


# --- logging in --------------------------------------------------------------------------------


def test_a_refused_key_names_what_was_offered(sshd: Sshd, tmp_path: Path) -> None:
    make_key(tmp_path / "stranger")
    with pytest.raises(AuthenticationRefused, match=r"stranger.*authorized_keys"):
        ssh.connect(sshd.profile(identity_file=tmp_path / "stranger"))


def test_an_encrypted_key_without_agent_names_ssh_add(sshd: Sshd, tmp_path: Path) -> None:
    make_key(tmp_path / "locked", passphrase="secret")
    with pytest.raises(AuthenticationRefused, match=r"locked is encrypted.*ssh-add"):
        ssh.connect(sshd.profile(identity_file=tmp_path / "locked"))


def test_an_encrypted_key_in_the_agent_is_used(
    sshd: Sshd, tmp_path: Path, short_folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{short_folder}/agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
    try:
        public = (sshd.folder / "identity").read_bytes()
        locked = tmp_path / "locked"
        locked.write_bytes(public)
        locked.chmod(0o600)
        until(lambda: agent.poll() is not None or Path(path).exists(), "the agent")
        monkeypatch.setenv("SSH_AUTH_SOCK", path)
        subprocess.run(["ssh-add", "-q", str(locked)], check=True, stderr=subprocess.DEVNULL)
        subprocess.run(
            ["ssh-keygen", "-q", "-p", "-N", "secret", "-f", str(locked)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        assert says(sshd.profile(identity_file=locked)) == "hello"
        monkeypatch.delenv("SSH_AUTH_SOCK")
        config = tmp_path / "config"
        config.write_text(f"Host *\n  IdentityAgent {path}\n")
        assert says(sshd.profile(identity_file=locked, ssh_config=config)) == "hello"
    finally:
        agent.terminate()
        agent.wait()


@pytest.fixture
def short_folder() -> Iterator[str]:
    """Return a folder for a socket, whose path must be short."""
    with tempfile.TemporaryDirectory(prefix="bh-", dir="/tmp") as folder:
        yield folder


@pytest.mark.usefixtures("processes", "servers")
def test_a_server_that_takes_no_keys(tmp_path: Path) -> None:
    extra = "PubkeyAuthentication no\nAuthenticationMethods password"
    server = start_sshd(tmp_path / "s", extra=extra, PasswordAuthentication="yes")
    try:
        with pytest.raises(AuthenticationRefused, match="password"):
            ssh.connect(server.profile())
    finally:
        server.stop()


# --- not reachable -----------------------------------------------------------------------------


def test_nobody_listens(sshd: Sshd) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(Unreachable, match=r"board: 127.0.0.1:.* refuses connections"):
            ssh.connect(sshd.profile(port=unused.getsockname()[1]))


def test_an_unknown_name(sshd: Sshd) -> None:
    with pytest.raises(Unreachable, match=r"no-such-host.invalid"):
        ssh.connect(sshd.profile(host="no-such-host.invalid"))


def test_a_port_that_never_answers(sshd: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        profile = sshd.profile(port=silent.getsockname()[1], connect_timeout_s=0.5)
        with pytest.raises(Unreachable, match="board"):
            ssh.connect(profile)


def test_a_server_that_hangs_up_at_first_is_tried_again(sshd: Sshd) -> None:
    calls: list[int] = []

    def moody(endpoint: Endpoint) -> socket.socket:
        calls.append(endpoint.port)
        if len(calls) > 2:
            return socket.create_connection((endpoint.host, endpoint.port), 10.0)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            ours = socket.create_connection(listener.getsockname())
            listener.accept()[0].close()
            return ours

    assert says(sshd.profile(), sock_factory=moody) == "hello"
    assert len(calls) == 3


@pytest.mark.usefixtures("processes", "servers")
def test_many_connect_at_once_to_a_server_that_refuses_many(tmp_path: Path) -> None:
    server = start_sshd(tmp_path / "s", MaxStartups="4:60:8")
    answers: list[str] = []
    try:
        threads = [
            threading.Thread(target=lambda: answers.append(says(server.profile())))
            for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        server.stop()
    assert answers == ["hello"] * 16


def test_the_socket_is_tuned() -> None:
    with socket.socket() as sock:
        tune(sock)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 14_000


def test_ciphers_of_the_profile_win_and_are_checked(sshd: Sshd) -> None:
    made = ssh.connect(sshd.profile(ciphers=("aes256-ctr",)))
    with_default = ssh.connect(sshd.profile())
    try:
        assert made._connection.transport.local_cipher == "aes256-ctr"
        assert with_default._connection.transport.local_cipher == "aes128-gcm@openssh.com"
    finally:
        made.close()
        with_default.close()
    with pytest.raises(ConfigError, match="rot13"):
        ssh.connect(sshd.profile(ciphers=("rot13",)))


# --- the user's ssh configuration --------------------------------------------------------------


def write_config(folder: Path, sshd: Sshd, behind: Sshd, jump_known: str) -> Path:
    """Write an alias that an Include defines and that leads through a ProxyJump."""
    (folder / "known").write_text(jump_known)
    (folder / "boards").write_text(
        f"""
Host far-board
  HostName 127.0.0.1
  Port {behind.port}
  User {getpass.getuser()}
  IdentityFile {behind.identity}
  ProxyJump gateway
Host gateway
  HostName 127.0.0.1
  Port {sshd.port}
  IdentityFile {sshd.identity}
  UserKnownHostsFile {folder}/known
  GlobalKnownHostsFile /dev/null
"""
    )
    config = folder / "config"
    config.write_text(f"Include {folder}/boards\n")
    return config


def far_board(behind: Sshd, config: Path, **changes: object) -> DeviceProfile:
    settings = {"host": "far-board", "port": None, "user": None, "identity_file": None}
    return behind.profile(ssh_config=config, **{**settings, **changes})


def test_an_alias_from_an_include_through_a_jump_host(
    sshd: Sshd, behind: Sshd, tmp_path: Path
) -> None:
    config = write_config(tmp_path, sshd, behind, f"[127.0.0.1]:{sshd.port} {sshd.host_key}\n")
    before = sshd.log.count("Accepted publickey")
    assert says(far_board(behind, config)) == "hello"
    assert sshd.log.count("Accepted publickey") == before + 1
    assert [key.line for key in ssh.scan(far_board(behind, config))] == [behind.host_key]


def test_a_jump_host_that_is_not_known(sshd: Sshd, behind: Sshd, tmp_path: Path) -> None:
    config = write_config(tmp_path, sshd, behind, "")
    with pytest.raises(HostKeyUnknown, match="jump host"):
        ssh.connect(far_board(behind, config))


def test_a_jump_host_that_changed(sshd: Sshd, behind: Sshd, tmp_path: Path) -> None:
    known = f"[127.0.0.1]:{sshd.port} {behind.host_key}\n"
    config = write_config(tmp_path, sshd, behind, known)
    with pytest.raises(HostKeyChanged, match="jump host"):
        ssh.connect(far_board(behind, config))


def test_a_device_behind_a_jump_host_that_is_off(sshd: Sshd, behind: Sshd, tmp_path: Path) -> None:
    config = write_config(tmp_path, sshd, behind, f"[127.0.0.1]:{sshd.port} {sshd.host_key}\n")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(Unreachable, match="jump host"):
            ssh.connect(far_board(behind, config, port=unused.getsockname()[1]))


def test_a_jump_host_that_leads_to_itself(sshd: Sshd, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host loop\n  ProxyJump loop2\nHost loop2\n  ProxyJump loop\n")
    with pytest.raises(ConfigError, match="jump hosts"):
        ssh.connect(sshd.profile(host="loop", port=None, ssh_config=config))


def test_a_proxy_command_runs_in_a_shell(sshd: Sshd, tmp_path: Path) -> None:
    script = tmp_path / "relay.py"
    script.write_text(
        "import os, select, socket, sys\n"
        "s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "while True:\n"
        "    for r in select.select([0, s], [], [])[0]:\n"
        "        data = os.read(r if r == 0 else s.fileno(), 65536)\n"
        "        if not data: sys.exit()\n"
        "        s.sendall(data) if r == 0 else os.write(1, data)\n"
    )
    config = tmp_path / "config"
    config.write_text(f"Host *\n  ProxyCommand python3 '{script}' %h %p 2>/dev/null\n")
    assert says(sshd.profile(ssh_config=config)) == "hello"


def test_a_broken_configuration_is_a_configuration_error(sshd: Sshd, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Nonsense yes\n")
    with pytest.raises(ConfigError, match=r"(?i)nonsense"):
        ssh.connect(sshd.profile(ssh_config=config))


def test_a_host_that_looks_like_an_option_is_no_option(sshd: Sshd, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    profile = sshd.profile(host=f"-oProxyCommand=touch {witness}")
    with pytest.raises((ConfigError, Unreachable)):
        ssh.connect(profile)
    assert not witness.exists()


def test_without_openssh_the_parser_of_paramiko_and_a_warning(
    sshd: Sshd, behind: Sshd, tmp_path: Path
) -> None:
    config = write_config(tmp_path, sshd, behind, "")
    endpoint = ssh_config.resolve(far_board(behind, config), ssh=None)
    assert "include" in endpoint.warnings[0]
    plain = tmp_path / "plain"
    plain.write_text(
        f"Host near\n  HostName 127.0.0.1\n  Port {sshd.port}\n  IdentityFile {sshd.identity}\n"
    )
    near = sshd.profile(host="near", port=None, identity_file=None, ssh_config=plain)
    made = ssh.connect(near, ssh=None)
    try:
        assert made.warnings == ()
        assert made.run(["echo", "hello"]).stdout == b"hello\n"
    finally:
        made.close()
