"""The lab: several hosts on a private network, up while a `with` lasts or until taken down."""

from __future__ import annotations

import json
import os
import random
import shlex
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

from benchhub.model.device import DeviceProfile

from . import arm
from . import state as states
from .command import LabError, born, owner_of_all, run, why_not
from .host import Host, new_key
from .network import Network, choose_net
from .rootfs import Rootfs
from .state import State

_PROFILE_KEYS = (
    "name", "transport", "host", "port", "user", "host_key", "identity_file", "python",
    "emulated", "connect_timeout_s",
)  # fmt: skip


class Lab:
    """Real SSH hosts, named as `disk_mib` names them (0: no disk of their own).

    Names of `arm.DEVICES` are of ARM devices; all others are of hosts like this machine. Reached
    from this very machine by address, so anything that speaks SSH can use them. With `folder`,
    what the lab writes is found there; with `lasting`, it stays up until `down`.
    """

    def __init__(
        self,
        disk_mib: dict[str, int] | None = None,
        folder: Path | None = None,
        lasting: bool = False,
    ) -> None:
        self._wanted = {"lab-x86-1": 0, "lab-x86-2": 0} if disk_mib is None else disk_mib
        self._given_folder = folder
        self._lasting = lasting
        self._state: State | None = None
        self.folder = Path()
        self.hosts: dict[str, Host] = {}
        #: Hosts that could not be had, and why.
        self.missing: dict[str, str] = {}
        self._rootfs: dict[str, Rootfs] = {}

    def __enter__(self) -> Lab:
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.down()

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    @property
    def name(self) -> str:
        """The prefix of everything this lab made in the kernel."""
        return self.state.lab

    @property
    def state(self) -> State:
        """What the lab has made so far."""
        if self._state is None:
            raise LabError("the lab is not up")
        return self._state

    @property
    def identity_file(self) -> Path:
        """The private key that every host accepts."""
        return self.folder / "client_key"

    def up(self) -> None:
        """Start the network and every host; they answer when this returns."""
        reason = why_not()
        if reason is not None:
            raise LabError(reason)
        names = [name for name in self._wanted if name in arm.DEVICES]
        for name in names:
            if (reason := arm.why_not(name)) is not None:
                raise LabError(reason)
        architectures = sorted({arm.DEVICES[name][0] for name in names})
        with ThreadPoolExecutor(2) as pool:
            found = pool.map(arm.ready, architectures)
            self._rootfs = dict(zip(architectures, found, strict=True))
        states.sweep()
        self._state = state = self._claim()
        network = Network(state)
        network.up()
        client_key = new_key(self.identity_file) if self._wanted else ""
        # The slowest to answer first: it boots while others do.
        order = sorted(self._wanted, key=lambda name: not arm.is_machine(name))
        numbers = {name: number for number, name in enumerate(self._wanted, start=1)}
        for name in order:
            host = self._new_host(name, numbers[name], network)
            host.boot(state, client_key)
            self.hosts[name] = host
        self.hosts = {name: self.hosts[name] for name in self._wanted}
        for name, host in self.hosts.items():
            host.wait()
            state.hosts[name] = host.address
        state.save()

    def _new_host(self, name: str, number: int, network: Network) -> Host:
        address, disk_mib = network.address(number), self._wanted[name]
        folder = self.folder / "hosts" / name
        if arm.is_machine(name):
            network.add_tap(number)
            namespace = network.control
        else:
            namespace = network.add(name, number)
        values = (name, number, address, namespace, folder, disk_mib, network)
        if name not in arm.DEVICES:
            return Host(*values)
        kind = arm.Machine if arm.is_machine(name) else arm.Translated
        rootfs = self._rootfs[arm.DEVICES[name][0]]
        return kind(*values, rootfs=rootfs, identity_file=self.identity_file)

    def down(self) -> None:
        """Take everything down; harmless when it is down."""
        if self._state is not None:
            self._state.clear()
            self._state = None
        self.hosts = {}

    def profile(self, name: str, **changes: Any) -> DeviceProfile:
        """Return the profile of a host, its key enrolled; `changes` replace fields of it."""
        host = self.hosts[name]
        fields: dict[str, Any] = {
            "name": host.name,
            "transport": "ssh",
            "host": host.address,
            "port": 22,
            "user": "root",
            "host_key": host.host_key,
            "identity_file": self.identity_file,
            "python": sys.executable,
            "ssh_config": Path(os.devnull),
            **host.profile_changes,
        }
        return DeviceProfile(**{**fields, **changes})

    def write_profiles(self, folder: Path) -> list[Path]:
        """Write a TOML profile of every host, and of this machine, into `folder`.

        All of them share this machine's cores, so they take turns.
        """
        folder.mkdir(parents=True, exist_ok=True)
        here = folder / "localhost.toml"
        here.write_text('[device]\nname = "localhost"\ntransport = "local"\nmachine = "lab"\n')
        written = [here]
        for name in self.hosts:
            profile = self.profile(name)
            lines = [f"{key} = {_toml(getattr(profile, key))}" for key in _PROFILE_KEYS]
            path = folder / f"{name}.toml"
            said = profile.labels or {"site": "lab"}
            labels = ["", "[labels]", *(f"{key} = {_toml(value)}" for key, value in said.items())]
            path.write_text("\n".join(["[device]", *lines, 'machine = "lab"', *labels, ""]))
            written.append(path)
        if self._state is not None:
            self._state.litter += map(str, written)
            self._state.save()
        return written

    def ssh(self, name: str, command: str, *options: str, check: bool = True) -> str:
        """Run a command on a host through the plain OpenSSH client; return its stdout."""
        host = self.hosts[name]
        known = self.folder / "known_hosts"
        known.write_text("".join(f"{h.address} {h.host_key}\n" for h in self.hosts.values()))
        strict = f"-oBatchMode=yes -oStrictHostKeyChecking=yes -oUserKnownHostsFile={known}"
        login = f"-F {os.devnull} -oIdentitiesOnly=yes -i {self.identity_file} -l root"
        argv = ["ssh", *shlex.split(strict), *shlex.split(login), *options, host.address, command]
        return run(*argv, check=check, timeout_s=60)

    def _claim(self) -> State:
        """Choose a name and a network that no other lab has, and write them down."""
        if self._given_folder is None:
            self.folder = Path(tempfile.mkdtemp(prefix="benchhub-lab-"))
            litter = [self.folder]
        else:
            self.folder = self._given_folder.resolve()
            self.folder.mkdir(parents=True, exist_ok=True)
            parts = ("hosts", "layers", "client_key", "client_key.pub", "known_hosts")
            litter = [self.folder / part for part in parts]
            for part in ("hosts", "layers"):
                shutil.rmtree(self.folder / part, ignore_errors=True)
        with states.locked():
            taken = {saved.lab for saved in states.saved()}
            while (lab := f"bh{random.randrange(1 << 16):04x}") in taken:
                pass
            owner = owner_of_all() if self._lasting else (os.getpid(), born(os.getpid()))
            state = State(lab, choose_net(), *owner, str(self.folder))
            state.litter += map(str, litter)
            state.save()
        return state


def _toml(value: object) -> str:
    """Return a string or a number as TOML; JSON writes both in the same way."""
    return json.dumps(value if isinstance(value, int | float) else str(value))
