"""How one gets there: aliases, jump hosts, proxies, algorithms, and what else ssh_config says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ssh_site import Site
from ssh_situation import KNOWN, Situation, check

RELAY = f"""#!{sys.executable}
import os, select, socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
if len(sys.argv) > 3:
    socket.send_fds(socket.socket(fileno=1), [b"x"], [s.fileno()])
    sys.exit()
while True:
    for r in select.select([0, s], [], [])[0]:
        data = os.read(r if r == 0 else s.fileno(), 65536)
        if not data:
            sys.exit()
        s.sendall(data) if r == 0 else os.write(1, data)
"""
GATE = "Host gate\n  IdentityFile {site}/second\n  IdentitiesOnly yes\n"
UNKNOWN_GATE = GATE + "  UserKnownHostsFile {here}/of_gate\n"


def relay(here: Path, site: Site) -> None:
    (here / "relay").write_text(RELAY)
    (here / "relay").chmod(0o700)


def in_latin_1(here: Path, site: Site) -> None:
    config = here / "config"
    config.write_bytes(b"# gr\xf6\xdfe\n" + config.read_bytes())


def in_windows(here: Path, site: Site) -> None:
    config = here / "config"
    config.write_bytes(config.read_bytes().replace(b"\n", b"\r\n"))


SITUATIONS = [
    Situation("include", "  Include {here}/more\n", keys="", files={
        "more": "  IdentityFile {site}/main\n  IdentitiesOnly yes\n"}),
    Situation("include-of-nothing", "  Include {here}/gone*\n"),
    Situation("include-with-a-mistake", "  Include {here}/more\n", files={"more": "\nNonsense 1\n"},
              refused=r"{here}/more.*line 2.*[Nn]onsense.*mend"),
    Situation("mistake", "  Nonsense yes\n", refused=r"{here}/config.*line 2.*[Nn]onsense"),
    Situation("wrong-value", "  IdentitiesOnly perhaps\n", refused=r"{here}/config.*line 2"),
    Situation("configuration-is-missing", prepare=lambda here, site: (here / "config").unlink(),
              refused=r"{here}/config"),
    Situation("not-utf-8", prepare=in_latin_1),
    Situation("line-ends-of-windows", prepare=in_windows),
    Situation("equals-signs-and-quotes",
              keys='  IdentityFile="{site}/main"\n  identitiesonly = yes\n'),
    Situation("match-exec", 'Match host board exec "test %h = board"\n'),
    Situation("match-exec-that-is-false", '  User nobody-there\nMatch host board exec false\n',
              keys="", refused="accepted none of|no key"),
    Situation("match-final", "Match final host board\n  HostName 127.0.0.1\nHost board\n"),
    Situation("negated-host", "Host * !board\n  User nobody-there\nHost board\n"),
    Situation("name-by-token", "  HostName 127.0.0.%n\n", host="1",
              keys="Host 1\n  HostName 127.0.0.%h\n  IdentityFile {site}/main\n"),
    Situation("port-where-nobody-listens", "  Port 1\n", refused="refuses connections"),
    Situation("name-that-is-unknown", "  HostName no-such-host.invalid\n",
              refused="'no-such-host.invalid' is unknown"),
    Situation("family-that-fits", "  AddressFamily inet\n"),
    Situation("family-that-does-not", "  AddressFamily inet6\n", refused="127.0.0.1"),
    Situation("address-to-come-from", "  BindAddress 127.0.0.9\n"),
    Situation("address-of-others-to-come-from", "  BindAddress 192.0.2.1\n", refused="cannot be"),
    Situation("ipv6", "  HostName ::1\n", ipv6=True),
    Situation("ipv6-through-a-jump-host", "  ProxyJump gate\n  HostName ::1\n", ipv6=True,
              keys="  IdentityFile {site}/main\n  IdentitiesOnly yes\n" + GATE),
    Situation("jump-host", "  ProxyJump gate\n",
              keys="  IdentityFile {site}/main\n  IdentitiesOnly yes\n" + GATE),
    Situation("jump-host-with-user-and-port", "  ProxyJump {me}@gate:{port}\n",
              keys="  IdentityFile {site}/main\n  IdentitiesOnly yes\n" + GATE),
    Situation("jump-host-as-an-address", "  ProxyJump ssh://{me}@127.0.0.10:{port}\n",
              keys="  IdentityFile {site}/main\n  IdentitiesOnly yes\nHost *\n"
              "  IdentityFile {site}/second\n"),
    Situation("two-jump-hosts", "  ProxyJump gate,second-gate\n",
              keys="  IdentityFile {site}/main\n  IdentitiesOnly yes\nHost second-gate\n"
              "  HostName 127.0.0.10\n  IdentityFile {site}/ecdsa\n" + GATE),
    Situation("jump-host-behind-a-jump-host", "  ProxyJump second-gate\n",
              keys="  IdentityFile {site}/main\n  IdentitiesOnly yes\nHost second-gate\n"
              "  ProxyJump gate\n  IdentityFile {site}/ecdsa\n" + GATE),
    Situation("jump-host-switched-off", "  ProxyJump none\n  ProxyCommand none\n",
              keys="  IdentityFile {site}/main\nHost *\n  ProxyJump gone.invalid\n"),
    Situation("jump-host-is-not-known", "  ProxyJump gate\n", files={"of_gate": ""},
              keys="  IdentityFile {site}/main\n  IdentitiesOnly yes\n" + UNKNOWN_GATE,
              refused=r"jump host .*{here}/of_gate does not have.*connect to it once"),
    Situation("jump-host-has-changed", "  ProxyJump gate\n", files={"of_gate": "* {stranger}\n"},
              keys="  IdentityFile {site}/main\n  IdentitiesOnly yes\n" + UNKNOWN_GATE,
              refused=r"jump host .*{here}/of_gate line 1 has"),
    Situation("jump-host-is-revoked", "  ProxyJump gate\n",
              files={"of_gate": KNOWN + "@revoked * {host_ed25519}\n"},
              keys="  IdentityFile {site}/main\n  IdentitiesOnly yes\n" + UNKNOWN_GATE,
              refused=r"jump host .*{here}/of_gate line 2 revokes"),
    Situation("jump-host-with-a-certificate", "  ProxyJump gate\n",
              files={"of_gate": "@cert-authority * {host_ca}\n"},
              keys="  IdentityFile {site}/main\n  IdentitiesOnly yes\n" + UNKNOWN_GATE),
    Situation("jump-host-with-damaged-lines", "  ProxyJump gate\n",
              files={"of_gate": "@cert-authority nonsense\n\u00f6 ssh-rsa AAAA\n@x\n" + KNOWN},
              keys="  IdentityFile {site}/main\n  IdentitiesOnly yes\n" + UNKNOWN_GATE),
    Situation("jump-host-takes-no-key", "  ProxyJump gate\n",
              keys="  IdentityFile {site}/main\n  IdentitiesOnly yes\nHost gate\n"
              "  IdentityFile {site}/stranger\n", refused="accepted none of: {site}/stranger"),
    Situation("jump-host-forwards-nothing", "  ProxyJump gate\n",
              keys="  IdentityFile {site}/main\n  IdentitiesOnly yes\n" + GATE
              + "  HostName 127.0.0.6\n", refused="AllowTcpForwarding"),
    Situation("jump-host-with-a-command", "  ProxyJump gate\n",
              keys="  IdentityFile {site}/main\n  IdentitiesOnly yes\n" + GATE
              + "  RemoteCommand tmux\n"),
    Situation("proxy-command", "  ProxyCommand {here}/relay %h %p\n", prepare=relay),
    Situation("proxy-command-of-ssh", "  ProxyCommand ssh -F {here}/config -W %h:%p gate\n",
              keys="  IdentityFile {site}/main\n  IdentitiesOnly yes\n" + GATE),
    Situation("proxy-command-in-a-shell", "  ProxyCommand sh -c 'X=%p; {here}/relay %h $X' 2>&-\n",
              prepare=relay),
    Situation("proxy-command-that-chatters",
              "  ProxyCommand sh -c 'yes | head -c 300000 >&2; exec {here}/relay %h %p'\n",
              prepare=relay),
    Situation("proxy-command-that-fails", "  ProxyCommand sh -c 'echo no way there >&2; exit 3'\n",
              refused="ProxyCommand failed: no way there"),
    Situation("proxy-command-with-an-unknown-token", "  ProxyCommand {here}/relay %Z %p\n",
              refused="unknown token %Z"),
    Situation("proxy-that-hands-its-socket-over", "  ProxyCommand {here}/relay %h %p pass\n"
              "  ProxyUseFdpass yes\n", prepare=relay),
    Situation("proxy-that-hands-nothing-over", "  ProxyCommand echo sorry >&2\n"
              "  ProxyUseFdpass yes\n", refused="passed no socket: sorry"),
    Situation("command-of-the-configuration", "  RemoteCommand tmux attach\n",
              refused=r"RemoteCommand is set \({here}/config line 2\).*RemoteCommand none"),
    Situation("command-of-the-configuration-is-none",
              "  RemoteCommand none\nHost *\n  RemoteCommand tmux\nHost board\n"),
    Situation("subsystem", "  SessionType subsystem\n",
              refused=r"SessionType is set \({here}/config line 2\).*SessionType default"),
    Situation("one-session-at-a-time", "  HostName 127.0.0.14\n", hello=True,
              profile={"root": "{site}/another"}),
    Situation("shared-connections", "  ControlMaster auto\n  ControlPath /tmp/bh-%C\n"),
    Situation("terminal", "  RequestTTY force\n"),
    Situation("environment", "  SetEnv BH_A=1 BH_B=2\n  SendEnv LANG LC_*\n"),
    Situation("forwarding-and-compression", "  Compression yes\n  LocalForward {here}/sock x:1\n"
              "  ForwardAgent yes\n  ServerAliveInterval 5\n", agent=("main",)),
    Situation("forced-command-that-runs-what-is-asked", "  HostName 127.0.0.8\n", hello=True),
    Situation("forced-command-that-repeats", "  HostName 127.0.0.7\n", hello=True,
              refused="does not run what it is asked to.*ForceCommand", lacking=True),
    Situation("forced-command-of-sftp", "  HostName 127.0.0.12\n", hello=True,
              refused="does not run what it is asked to.*ForceCommand"),
    Situation("ciphers", "  Ciphers aes256-ctr\n  MACs hmac-sha2-512\n"
              "  KexAlgorithms curve25519-sha256\n"),
    Situation("ciphers-that-paramiko-lacks", "  Ciphers chacha20-poly1305@openssh.com\n",
              refused="Ciphers of its ssh configuration leaves none", lacking=True),
    Situation("macs-that-paramiko-lacks", "  MACs umac-128@openssh.com\n",
              refused="MACs of its ssh configuration leaves none", lacking=True),
    Situation("kex-that-paramiko-lacks", "  KexAlgorithms sntrup761x25519-sha512@openssh.com\n",
              refused="KexAlgorithms of its ssh configuration leaves none", lacking=True),
    Situation("server-with-ciphers-that-paramiko-lacks", "  Port {odd_port}\n",
              known="[127.0.0.1]:{odd_port} {odd_key}\n",
              refused="no cipher algorithm that paramiko has.*Ciphers", lacking=True),
    Situation("ciphers-that-the-server-lacks", "  Port {odd_port}\n  Ciphers aes256-ctr\n",
              known="[127.0.0.1]:{odd_port} {odd_key}\n", refused="no cipher algorithm"),
]  # fmt: skip


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_way(
    situation: Situation, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(situation, site, tmp_path, monkeypatch)
