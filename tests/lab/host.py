"""One SSH host of the lab: a namespace, an OpenSSH server, a home and a disk of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from .command import LabError, mark, run, tool
from .network import Network
from .state import State

_BOOT = Path(__file__).with_name("boot.sh")
_SSHD_CONFIG = """\
Port 22
ListenAddress {address}
HostKey {folder}/host_key
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
StrictModes no
PrintMotd no
LogLevel VERBOSE
Subsystem sftp internal-sftp
"""


def new_key(path: Path) -> str:
    """Make an ed25519 key pair at `path`; return the public half as `type base64`."""
    path.unlink(missing_ok=True)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(path))
    return " ".join(path.with_name(path.name + ".pub").read_text().split()[:2])


@dataclass
class Host:
    """A host that answers SSH at `address`:22 as root; `home` is root's home there.

    `home` is visible from outside unless the host has a disk of its own; `path` always is.
    """

    name: str
    number: int
    address: str
    namespace: str
    folder: Path
    disk_mib: int
    network: Network
    pid: int = 0
    host_key: str = ""

    @property
    def profile_changes(self) -> dict[str, Any]:
        """What the host's profile has that those of other hosts do not."""
        return {}

    @property
    def home(self) -> Path:
        """Root's home directory, as the host sees it."""
        return self.folder / "home"

    def path(self, inside: Path) -> Path:
        """Return a path of the host as this process can open it."""
        return Path(f"/proc/{self.pid}/root", *inside.parts[1:])

    def boot(self, state: State, client_key: str) -> None:
        """Start the host and its SSH server; it answers when this returns."""
        self.folder.mkdir(parents=True)
        self._new_host_key(client_key)
        self._prepare()
        self._start(state)
        self.start_sshd()

    def wait(self) -> None:
        """Return when the host answers SSH, which most do from `boot` on."""

    def run(self, *argv: str, check: bool = True) -> str:
        """Run a command on the host, not through SSH, and return its stdout."""
        inside = ("-t", str(self.pid), "-n", "-u", "-m", "-p")
        return run("nsenter", *inside, "--", *argv, check=check)

    def start_sshd(self) -> None:
        """Start the SSH server and wait for its greeting."""
        log = self.folder / "sshd.log"
        self.run(self._sshd(), "-f", str(self.folder / "sshd_config"), "-E", str(log))
        self._wait_for_greeting(60.0, log)

    def stop_sshd(self) -> None:
        """Kill the SSH server and every session of it; what runs on the host otherwise stays."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                if process.name().startswith("sshd"):
                    process.kill()
        deadline = time.monotonic() + 20.0
        while any(self._is_sshd(process) for process in self.processes()):
            if time.monotonic() > deadline:
                raise LabError(f"{self.name}: its SSH server does not end")
            time.sleep(0.01)  # looks again

    def processes(self) -> list[psutil.Process]:
        """Return what runs on the host besides its first process and that one's sleep."""
        try:
            first = psutil.Process(self.pid)
            everything = first.children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [process for process in everything if not _is_idle(process, self.pid)]

    def _wait_for_greeting(self, timeout_s: float, log: Path) -> None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self._greets():
                return
            time.sleep(0.01)  # looks again
        raise LabError(f"{self.name}: sshd does not answer; see {log}")

    def _greets(self) -> bool:
        try:
            with socket.create_connection((self.address, 22), timeout=2.0) as probe:
                return probe.recv(8).startswith(b"SSH-2.0-")
        except OSError:
            return False

    def _is_sshd(self, process: psutil.Process) -> bool:
        try:
            return process.name().startswith("sshd") and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def _sshd(self) -> str:
        """Return the path of the SSH server on the host."""
        return tool("sshd")

    def _new_host_key(self, client_key: str) -> None:
        self.folder.joinpath("authorized_keys").write_text(client_key + "\n")
        self.host_key = new_key(self.folder / "host_key")

    def _prepare(self) -> None:
        """Write what the host needs before it boots."""
        self.home.mkdir()
        self._write_accounts()
        self._write_sshd_config()

    def _write_accounts(self) -> None:
        """Copy this machine's accounts, with root's home moved and root not locked."""
        passwd = [line.split(":") for line in Path("/etc/passwd").read_text().splitlines()]
        for entry in passwd:
            if entry[0] == "root":
                entry[1], entry[5] = "x", str(self.home)
        self.folder.joinpath("passwd").write_text("".join(":".join(e) + "\n" for e in passwd))
        self.folder.joinpath("shadow").write_text("root:*:19000:0:99999:7:::\n")
        self.folder.joinpath("shadow").chmod(0o600)

    def _write_sshd_config(self, more: str = "", folder: Path | None = None) -> None:
        """Write it for a server that finds its files in `folder`."""
        text = _SSHD_CONFIG.format(address=self.address, folder=folder or self.folder) + more
        # Newer servers lock an address out after refusals, which are daily bread here.
        test = [tool("sshd"), "-t", "-f", os.devnull, "-h", str(self.folder / "host_key")]
        done = subprocess.run([*test, "-o", "PerSourcePenalties=no"], capture_output=True)
        if done.returncode == 0:
            text += "PerSourcePenalties no\n"
        self.folder.joinpath("sshd_config").write_text(text)

    def _start(self, state: State) -> None:
        reader, writer = os.pipe()
        os.set_inheritable(writer, True)
        argv = [tool("nsenter"), f"--net=/run/netns/{self.namespace}", tool("unshare")]
        argv += ["--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        outer = self._spawn(state, argv + self._boot_argv(writer))
        os.close(writer)
        with os.fdopen(reader) as said:
            if said.readline() != "up\n":
                raise LabError(f"{self.name}: did not boot: {self._log.read_text().strip()}")
        self.pid = psutil.Process(outer).children()[0].pid

    def _boot_argv(self, ready: int) -> list[str]:
        """Return what makes the host; it says "up" to the descriptor `ready`."""
        bash = shutil.which("bash") or "/bin/bash"
        return [bash, str(_BOOT), self.name, str(self.folder), str(self.disk_mib), str(ready)]

    @property
    def _log(self) -> Path:
        return self.folder / "boot.log"

    def _spawn(self, state: State, argv: list[str]) -> int:
        """Start `argv`, which is to be killed when the lab ends; return its number."""
        path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
        return state.spawn(argv, self._log, {"PATH": path, **mark()})


def _is_idle(process: psutil.Process, first: int) -> bool:
    try:
        return process.ppid() == first and process.cmdline()[-2:] == ["sleep", "3600"]
    except psutil.NoSuchProcess:
        return True
