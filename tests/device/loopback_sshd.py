"""A real sshd on loopback as an ordinary process, and a TCP link in front of it that can be cut."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from lab.command import MARK
from waiting import until

from benchhub.model.device import DeviceProfile


@dataclass
class Sshd:
    """One running server and the key that opens it."""

    folder: Path
    port: int
    host_key: str
    identity: Path
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> str:
        """What the server has logged."""
        return (self.folder / "sshd.log").read_text()

    def profile(self, root: Path | str | None = None, **changes: object) -> DeviceProfile:
        """Return a device profile for this server; `changes` replaces fields."""
        settings: dict[str, object] = {
            "name": "board",
            "transport": "ssh",
            "host": "127.0.0.1",
            "port": self.port,
            "user": getpass.getuser(),
            "host_key": self.host_key,
            "identity_file": self.identity,
            "ssh_config": self.folder / "empty_ssh_config",
            "root": str(root or self.folder / "root"),
        }
        return DeviceProfile(**{**settings, **changes})  # type: ignore[arg-type]

    def stop(self) -> None:
        """Stop the server; connections it has open live on."""
        self.process.terminate()
        self.process.wait(60)


#: The first of several lines about the same is the one that counts.
_SETTINGS = {
    "ListenAddress": "127.0.0.1",
    "PidFile": "none",
    "UsePAM": "no",
    "StrictModes": "no",
    "PasswordAuthentication": "no",
    "KbdInteractiveAuthentication": "no",
    "PermitRootLogin": "yes",
    "MaxStartups": "100",
    "LogLevel": "VERBOSE",
}


def make_key(path: Path, passphrase: str = "", kind: str = "ed25519") -> str:
    """Make a key pair and return its public line without comment."""
    size = ["-b", "2048"] if kind == "rsa" else []  # the least that is worth its name, and fast
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, *size, "-N", passphrase, "-C", "", "-f", str(path)],
        check=True,
    )
    return path.with_name(path.name + ".pub").read_text().strip()


def start_sshd(
    folder: Path,
    *,
    sftp: bool = True,
    extra: str = "",
    port: int = 0,
    within: Sequence[str] = (),
    **settings: str,
) -> Sshd:
    """Start a server with keys of its own; fails, never skips, where OpenSSH is not installed.

    `settings` replace those that are here; `extra` adds lines; `within` is a command that becomes
    the server.
    """
    server = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin:/usr/sbin:/usr/local/sbin")
    if server is None:
        pytest.fail("sshd is not installed; install openssh-server and openssh-client")
    folder.mkdir(parents=True, exist_ok=True)
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    there = folder / "host_key.pub"
    host_key = there.read_text().strip() if there.exists() else make_key(folder / "host_key")
    identity = folder / "identity"
    (folder / "authorized_keys").write_text(make_key(identity) + "\n")
    (folder / "empty_ssh_config").write_text("")
    said = {**_SETTINGS, **settings}
    lines = [f"{name} {value}" for name, value in said.items()]
    lines += [f"HostKey {folder}/host_key", f"AuthorizedKeysFile {folder}/authorized_keys"]
    lines += ["Subsystem sftp internal-sftp"] if sftp else []
    lines += [extra, f"SetEnv {MARK}={os.environ.get(MARK, '')}", ""]
    for _ in range(5):  # another process may take the port between here and there
        chosen = port or _free_port()
        (folder / "sshd_config").write_text("\n".join([f"Port {chosen}", *lines]))
        process = subprocess.Popen(
            [
                *within,
                server,
                "-D",
                "-f",
                str(folder / "sshd_config"),
                "-E",
                str(folder / "sshd.log"),
            ],
            stdin=subprocess.DEVNULL,
        )
        if _listens(chosen, process):
            return Sshd(folder, chosen, host_key, identity, process)
    pytest.fail(f"sshd does not start: {(folder / 'sshd.log').read_text()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    def greets() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as sock:
            return sock.recv(4) == b"SSH-"
        return False

    until(lambda: process.poll() is not None or greets(), "a greeting")
    if process.poll() is None:
        return True
    process.wait()
    return False


class Link:
    """A TCP relay to `port` that cuts everything once `cut_after` bytes went to the server."""

    def __init__(self, port: int, cut_after: int | None = None) -> None:
        self._target = port
        self.cut_after = cut_after
        self.sent = 0
        self.connections = 0
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._start(self._accept)

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            self.connections += 1
            self._sockets += [client, server]
            self._start(self._relay, client, server, True)
            self._start(self._relay, server, client, False)

    def _relay(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if counted:
                    self.sent += len(data)
                    if self.cut_after is not None and self.sent > self.cut_after:
                        self.cut_after = None
                        self.cut()
                        return
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """Break every connection; new ones are accepted."""
        broken, self._sockets = self._sockets, []
        for sock in broken:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def close(self) -> None:
        """Break everything and stop listening."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()
        for thread in self._threads:
            thread.join(5)


@contextlib.contextmanager
def link(port: int, cut_after: int | None = None) -> Iterator[Link]:
    """Relay to `port` for the length of a with block."""
    relay = Link(port, cut_after)
    try:
        yield relay
    finally:
        relay.close()


@pytest.fixture(scope="module")
def sshd(
    tmp_path_factory: pytest.TempPathFactory, processes: None, servers: None
) -> Iterator[Sshd]:
    """Return a server shared by the tests of one module."""
    server = start_sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def no_ssh_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's own agent out of the tests."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
