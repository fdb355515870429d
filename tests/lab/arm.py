"""Devices of another processor: translated by QEMU program by program, or a whole machine."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import psutil

from . import binfmt, image
from .board import QEMU_CPU, Board
from .command import LabError, run, tool
from .host import Host
from .rootfs import Rootfs, located, rootfs
from .state import RUN, State

#: Name of every such device: (Debian architecture, whether it is a machine of its own).
DEVICES = {"lab-arm64-vm": ("arm64", True), "lab-arm64": ("arm64", False),
           "lab-armhf": ("armhf", False)}  # fmt: skip
TUN = Path("/dev/net/tun")
_TOOLS = {
    False: ("mmdebstrap", "chroot", "mkfs.ext4"),
    True: ("mmdebstrap", "chroot", "mkfs.ext4", "qemu-system-aarch64"),
}
_BOOT = Path(__file__).with_name("boot_arm.sh")
_BOOT_TIMEOUT_S = 240.0
_VM_INIT = """\
#!/bin/sh
export HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin
mkdir -p /dev/pts /dev/shm /run/sshd
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
ln -sf /proc/self/fd /dev/fd
/usr/sbin/sshd -f /run/lab/sshd_config -E /run/lab/sshd.log
trap : TERM HUP INT
while :; do
  sleep 3600 &
  wait $! || true
done
"""


def is_machine(name: str) -> bool:
    """Whether `name` is that of a virtual machine."""
    return DEVICES.get(name, ("", False))[1]


def why_not(name: str) -> str | None:
    """Return why this machine cannot have the device `name`, None if it can."""
    architecture, is_machine = DEVICES[name]
    missing = [each for each in _TOOLS[is_machine] if not _has(each)]
    if not Path(f"/usr/lib/binfmt.d/qemu-{binfmt.CALLED[architecture]}.conf").exists():
        missing.append("qemu-user-static")
    if missing:
        return f"{name} needs {', '.join(missing)}; run scripts/install-system-packages"
    if is_machine and not TUN.exists():
        return f"{name} needs {TUN}, which this machine lacks"
    return None


def is_cached(name: str) -> bool:
    """Whether the device `name` can start without anything being fetched."""
    return located(DEVICES[name][0]).folder.is_dir()


def ready(architecture: str) -> Rootfs:
    """Return the root file system of `architecture`; its programs run here from now on."""
    binfmt.ensure(architecture)
    return rootfs(architecture)


def _has(name: str) -> bool:
    with contextlib.suppress(LabError):
        return bool(tool(name))
    return False


@dataclass
class ArmHost(Host):
    """What devices of another processor have in common; `home` is a path of theirs."""

    rootfs: Rootfs = field(default_factory=lambda: Rootfs(Path()))
    identity_file: Path = Path()

    emulation = ""

    @property
    def home(self) -> Path:
        """Root's home directory, as the device sees it."""
        return Path("/root")

    @property
    def profile_changes(self) -> dict[str, Any]:
        """What the device's profile has that those of other hosts do not."""
        labels = {"site": "lab", "emulation": self.emulation}
        python = "/usr/bin/python3"
        return {"emulated": True, "python": python, "connect_timeout_s": 30.0, "labels": labels}


@dataclass
class Translated(ArmHost):
    """Real processes of this machine, whose ARM instructions QEMU translates as they come.

    Their times say nothing of ARM. `board` is what the device takes for its hardware.
    """

    emulation = "user-mode translation"

    @property
    def architecture(self) -> str:
        """Debian's name of the processor."""
        return DEVICES[self.name][0]

    @property
    def board(self) -> Board:
        """The device's governor, sensors and processor."""
        return Board(self.folder / "board", self.architecture)

    def set_governor(self, name: str) -> None:
        """Set the frequency governor that the device shows."""
        self.board.set_governor(name)

    def set_temperature(self, celsius: float) -> None:
        """Set the CPU temperature that the device shows."""
        self.board.set_temperature(celsius)

    def _sshd(self) -> str:
        return "/usr/sbin/sshd"

    def _prepare(self) -> None:
        self.board.make()
        self._write_sshd_config(f"SetEnv QEMU_CPU={QEMU_CPU[self.architecture]}\n")

    def _boot_argv(self, ready: int) -> list[str]:
        bash = shutil.which("bash") or "/bin/bash"
        layer = self.folder.parent.parent / "layers" / self.name
        words = (self.name, self.folder, self.disk_mib, ready, self.rootfs.tree, layer)
        return [bash, str(_BOOT), *map(str, words)]


@dataclass
class Machine(ArmHost):
    """A virtual machine whose clock counts instructions, 2 ns each: times repeat exactly.

    There is no cache, no memory and no second core in these times. Faults that work on a host's
    processes or its namespace do not work on it; `cut` does.
    """

    emulation = "instruction time"

    @property
    def _qmp(self) -> Path:
        return RUN / f"{self.namespace}-{self.number}.qmp"

    def boot(self, state: State, client_key: str) -> None:
        """Start the machine; it answers once `wait` returns."""
        self.folder.mkdir(parents=True)
        self._new_host_key(client_key)
        self._write_sshd_config(folder=Path("/run/lab"))
        names = ("authorized_keys", "host_key", "sshd_config")
        files = {f"lab/{name}": (self.folder / name).read_bytes() for name in names}
        files["lab/address"] = self.address.encode()
        files["lab/hostname"] = self.name.encode()
        files["lab/init"] = _VM_INIT.encode()
        initrd = self.folder / "initrd"
        initrd.write_bytes(self.rootfs.initrd.read_bytes() + image.archive(files))
        state.litter.append(str(self._qmp))
        self.pid = self._spawn(state, self._argv(initrd))

    def wait(self) -> None:
        """Return when the machine answers SSH; LabError if it does not."""
        self._wait_for_greeting(_BOOT_TIMEOUT_S, self.folder / "console.log")

    def run(self, *argv: str, check: bool = True) -> str:
        """Run a command on the machine, through SSH for want of another way."""
        strict = "-oBatchMode=yes -oStrictHostKeyChecking=yes -oConnectTimeout=30"
        # A machine that restarts meanwhile knows nothing of the connection, and is asked about it.
        strict += " -oServerAliveInterval=3 -oServerAliveCountMax=10"
        known = self.folder / "known_hosts"
        known.write_text(f"{self.address} {self.host_key}\n")
        login = f"-F {os.devnull} -oIdentitiesOnly=yes -i {self.identity_file} -l root"
        ssh = ["ssh", *strict.split(), f"-oUserKnownHostsFile={known}", *login.split()]
        return run(*ssh, self.address, shlex.join(argv), check=check, timeout_s=60)

    @property
    def monitor(self) -> Path:
        """The socket on which the machine's switches are: QEMU's machine protocol."""
        return self._qmp

    def reset(self) -> None:
        """Press the reset button: what was not yet written to the disk is lost."""
        self._tell("system_reset")

    def hang(self) -> None:
        """Stop the machine's processor where it is: nothing answers any more."""
        self._tell("stop")

    def _tell(self, what: str) -> None:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(10)
            link.connect(str(self._qmp))
            with link.makefile("rw") as talk:
                for command in ("qmp_capabilities", what):
                    talk.write(json.dumps({"execute": command}) + "\n")
                    talk.flush()
                    while "return" not in json.loads(talk.readline()):
                        pass

    def reboot(self) -> None:
        """Start the machine again, its disk as it was; it answers when this returns."""
        before = self.run("cat", "/proc/sys/kernel/random/boot_id")
        self.run("sync")
        self.reset()
        self.wait()
        if self.run("cat", "/proc/sys/kernel/random/boot_id") == before:
            raise LabError(f"{self.name}: was reset and runs on as before")

    def processes(self) -> list[psutil.Process]:
        """Return nothing: they are the machine's own."""
        return []

    def path(self, inside: Path) -> NoReturn:
        """Raise LabError: the machine's files are on a disk of its own."""
        raise LabError(f"{self.name}: {inside} is on its own disk; copy it over SSH")

    def start_sshd(self) -> None:
        """Raise LabError: see `stop_sshd`."""
        self.stop_sshd()

    def stop_sshd(self) -> None:
        """Raise LabError: nothing could start it again."""
        raise LabError(f"{self.name}: its SSH server starts and stops with it; use reset")

    def _argv(self, initrd: Path) -> list[str]:
        tap = self.network.port(self.number)
        options = {
            "M": "virt,gic-version=3",
            "cpu": "cortex-a72",
            "smp": "1",
            "m": "1024",
            "icount": "shift=1,align=off,sleep=on",
            "kernel": self.rootfs.kernel,
            "initrd": initrd,
            "append": "console=ttyAMA0 quiet nokaslr panic=1",
            "drive": f"file={self.rootfs.disk},format=raw,if=none,id=disk,snapshot=on",
            "netdev": f"tap,id=net,ifname={tap},script=no,downscript=no",
            "serial": f"file:{self.folder}/console.log",
            "qmp": f"unix:{self._qmp},server=on,wait=off",
            "display": "none",
            "monitor": "none",
        }
        argv = [tool("nsenter"), f"--net=/run/netns/{self.network.control}"]
        argv += [tool("qemu-system-aarch64"), "-nodefaults", "-no-user-config"]
        for name, value in options.items():
            argv += [f"-{name}", str(value)]
        mac = f"52:54:00:12:34:{self.number:02x}"
        for device in ("blk-device,drive=disk", f"net-device,netdev=net,mac={mac}", "rng-device"):
            argv += ["-device", f"virtio-{device}"]
        return argv
