"""One situation: what the user's files say, what plain ssh makes of it, and what benchhub does."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ssh_site import Site
from waiting import until

from benchhub.device.runner import build_runner
from benchhub.device.session import DeviceSession, holder
from benchhub.device.ssh import transport as ssh
from benchhub.errors import BenchhubError
from benchhub.model.device import DeviceProfile

_BASE = """
Host *
  HostName 127.0.0.1
  Port {port}
  User {me}
  UserKnownHostsFile {here}/known_hosts
  GlobalKnownHostsFile /dev/null
"""
KNOWN = "[127.0.0.*]:*,[::1]:* {host_ed25519}\n"


@dataclass(frozen=True)
class Situation:
    """What stands in the ssh configuration before what all have, and in known_hosts.

    `refused` is a pattern for benchhub's one line where ssh refuses, None where both connect.
    `lacking`: ssh connects and benchhub does not, one of the exceptions of docs/how-to/ssh.md.
    `agent` lists the keys that an agent holds, if there is one. `known` may be bytes.
    """

    id: str
    config: str = ""
    known: str | bytes = KNOWN
    keys: str = "  IdentityFile {site}/main\n  IdentitiesOnly yes\n"
    agent: tuple[str, ...] | None = None
    files: dict[str, str] = field(default_factory=dict)
    prepare: Callable[[Path, Site], None] | None = None
    refused: str | None = None
    lacking: bool = False
    host: str = "board"
    profile: dict[str, object] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    #: Whether the agent has to say hello, beyond a command that runs.
    hello: bool = False
    ipv6: bool = False

    def __str__(self) -> str:
        return self.id


def check(situation: Situation, site: Site, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have ssh and then benchhub try it, and hold the one against the other."""
    if situation.ipv6 and not _has_ipv6():
        pytest.skip("no IPv6 on loopback here")
    words = {**site.words(), "here": here}
    config = written(situation, site, here)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    for name, value in situation.environment.items():
        monkeypatch.setenv(name, value.format(**words))
    with agent_with(situation.agent, site) as path:
        if path:
            monkeypatch.setenv("SSH_AUTH_SOCK", path)
        asked = ask_ssh(config, situation.host)
        try:
            refusal = refused_by_benchhub(situation, site, config)
        finally:
            said = asked.communicate(timeout=60)[1].decode("utf-8", "replace")
        lets_in = asked.returncode == 0
    if situation.refused is None:
        assert lets_in, f"ssh refuses: {said}"
        assert refusal is None, refusal
    else:
        assert lets_in == situation.lacking, f"ssh {'connects' if lets_in else 'refuses'}: {said}"
        assert refusal is not None, "benchhub connects"
        assert "\n" not in refusal
        pattern = situation.refused.format(**{k: re.escape(str(v)) for k, v in words.items()})
        assert re.search(pattern, refusal), refusal


def written(situation: Situation, site: Site, here: Path) -> Path:
    """Write the user's files of a situation, and return the configuration."""
    words = {**site.words(), "here": here}
    known = situation.known
    (here / "known_hosts").write_bytes(
        known if isinstance(known, bytes) else known.format(**words).encode()
    )
    for name, text in situation.files.items():
        (here / name).write_text(text.format(**words))
    config = here / "config"
    before = f"Host board\n{situation.config}{situation.keys}"
    config.write_text((before + _BASE).format(**words))
    if situation.prepare:
        situation.prepare(here, site)
    return config


def ask_ssh(config: Path, host: str) -> subprocess.Popen[bytes]:
    """Start plain ssh, which tells by its status whether it connects."""
    return subprocess.Popen(
        [
            "ssh", "-F", str(config), "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
            "-o", "ConnectTimeout=20", host, "true",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )  # fmt: skip


def refused_by_benchhub(situation: Situation, site: Site, config: Path) -> str | None:
    """Have benchhub connect, and its agent say hello if that is asked; return why not."""
    profile = DeviceProfile(
        name="board",
        transport="ssh",
        host=situation.host,
        ssh_config=config,
        connect_timeout_s=20.0,
        **{"root": str(site.folder / "root"), **situation.profile},  # type: ignore[arg-type]
    )
    profile = dataclasses.replace(profile, root=profile.root.replace("{site}", str(site.folder)))
    try:
        if situation.hello:
            with DeviceSession.open(profile, build_runner(), holder("situation")) as session:
                assert session.hello.python.startswith("3.")
        else:
            with contextlib.closing(ssh.connect(profile)) as transport:
                assert transport.run(["echo", "$HOME 'n !"]).stdout == b"$HOME 'n !\n"
    except BenchhubError as error:
        return str(error)
    return None


@contextlib.contextmanager
def agent_with(keys: tuple[str, ...] | None, site: Site) -> Iterator[str | None]:
    """Run an agent that holds `keys`, in their order, for the length of a with block."""
    if keys is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="bh-", dir="/tmp") as folder:  # a short path
        path = f"{folder}/agent"
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
        try:
            until(lambda: agent.poll() is not None or _answers(path), "the agent")
            ask = site.folder / "askpass"
            if not ask.exists():
                ask.write_text("#!/bin/sh\necho secret\n")
                ask.chmod(0o700)
            told = {"SSH_AUTH_SOCK": path, "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"}
            if keys:
                subprocess.run(
                    ["ssh-add", "-q", *(str(site.key(key)) for key in keys)],
                    check=True,
                    env={**os.environ, **told},
                    stdin=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            yield path
        finally:
            agent.terminate()
            agent.wait()


def _has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as sock:
        sock.bind(("::1", 0))
        return True
    return False


def _answers(path: str) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        return True
    return False
