"""Sites whose devices only their gateways reach, and what gateways and clients meet at."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import psutil

from .. import state as states
from ..command import LabError, run
from ..lab import Lab
from ..network import Network
from ..state import State
from . import database, written
from .certificates import Authority, private
from .sealed import Sealed
from .wide import make_wide

PORT, METRICS_PORT = 8786, 9464
#: Users of this number and the next ones have no account here.
_FIRST_UID = 64_100
_PARTS = ("sites", "gateways", "scheduler", "client", "fleet.toml", "env", "hosts", "layers")


class Fleet:
    """A scheduler and results server of this machine, and a gateway for each site.

    `sites` says how many devices each has. With `lasting` it stays up until somebody's `clear`.
    """

    def __init__(self, folder: Path, sites: Mapping[str, int], lasting: bool = False) -> None:
        self.folder = folder.resolve()
        self._hub = Lab({}, self.folder, lasting)
        self.sites = {
            name: Lab(
                {f"{name}-{number:02}": 0 for number in range(1, count + 1)},
                self.folder / "sites" / name,
                lasting,
            )
            for name, count in sites.items()
        }
        self.store = self.engine = ""

    def __enter__(self) -> Fleet:
        try:
            self.up()
        except BaseException:
            clear(self.folder)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        clear(self.folder)

    def up(self) -> None:
        """Start everything; devices can be measured when this returns."""
        self._hub.up()
        state, network = self._hub.state, Network(self._hub.state)
        state.litter += [str(self.folder / part) for part in _PARTS]
        state.litter.append(str(database.located(self.folder)))
        state.save()
        self.store = database.start(state, self.folder)
        authority, here = Authority(), network.address(0)
        scheduler = f"tls://{here}:{PORT}"
        self._start_scheduler(authority, here)
        for number, (name, lab) in enumerate(self.sites.items(), start=1):
            lab.up()
            self._start_gateway(authority, scheduler, name, lab, number)
        client = self.folder / "client"
        client.mkdir(mode=0o700)
        authority.issue(client, "client", here)
        self.engine = written.engine(scheduler, "client")
        (self.folder / "fleet.toml").write_text(written.of_clients(self.sites.items()))
        told = written.env(self.store, self.engine, map(self.metrics, self.sites))
        private(self.folder / "env", told.encode())

    def metrics(self, site: str) -> str:
        """Return where the gateway of a site tells what it counted."""
        return metrics(self._hub.state, site)

    def gateway(self, site: str) -> Sealed:
        """Return the user that is the gateway of a site."""
        number = list(self.sites).index(site)
        return Sealed(_FIRST_UID + 1 + number, f"gateway-{site}", self.folder / "gateways" / site)

    def gateway_pid(self, site: str) -> str:
        """Return the number of the process that is the gateway of a site."""
        outer, _ = self.state.pids[list(self.sites).index(site) - len(self.sites)]
        return str(psutil.Process(outer).children(recursive=True)[-1].pid)

    @property
    def state(self) -> State:
        """What was made besides the sites' own devices."""
        return self._hub.state

    def _start_scheduler(self, authority: Authority, here: str) -> None:
        user = Sealed(_FIRST_UID, "scheduler", self.folder / "scheduler")
        user.make()
        authority.issue(user.folder, user.name, here, user.uid)
        tls = ("--tls-ca-file", "ca.pem", "--tls-cert", "cert.pem", "--tls-key", "key.pem")
        where = ("--protocol", "tls", "--host", here, "--port", str(PORT))
        quiet = ("--no-dashboard", "--dashboard-address", "127.0.0.1:0")
        pid = user.start(self.state, None, self.folder, "dask", "scheduler", *where, *tls, *quiet)
        user.wait(pid, lambda: _listens(here))

    def _start_gateway(
        self, authority: Authority, scheduler: str, site: str, lab: Lab, number: int
    ) -> None:
        network, inner = Network(self.state), Network(lab.state)
        namespace = network.add(f"gateway-{site}", number)
        at = network.address(number)
        make_wide([(namespace, "eth0"), (network.control, network.port(number))])
        # From now on nobody but the gateway reaches the site's devices.
        run("ip", "link", "set", f"{lab.name}-here", "netns", namespace, "name", "site")
        run("ip", "-n", namespace, "addr", "add", f"{inner.address(0)}/24", "dev", "site")
        run("ip", "-n", namespace, "link", "set", "site", "up")
        user = self.gateway(site)
        user.make()
        authority.issue(user.folder, user.name, at, user.uid)
        private(user.folder / "ssh_key", lab.identity_file.read_bytes(), user.uid)
        (user.folder / "fleet.toml").write_text(written.of_gateway(site, lab))
        pid = user.start(
            self.state, namespace, self.folder, "benchhub", "gateway", "--site", site,
            "--scheduler", written.engine(scheduler), "--metrics", f"{at}:{METRICS_PORT}",
        )  # fmt: skip
        user.wait(pid, lambda: "are offered to" in user.log.read_text())
        self.state.hosts[site] = at
        self.state.save()


def metrics(hub: State, site: str) -> str:
    """Return where the gateway of a site tells what it counted."""
    return f"http://{hub.hosts[site]}:{METRICS_PORT}/metrics"


def found(folder: Path) -> list[State]:
    """Return what is written down of the fleet in a folder, the hub first; empty: nothing."""
    below = str(folder / "sites") + "/"
    hub = [state for state in states.saved() if state.folder == str(folder)]
    return hub + [state for state in states.saved() if state.folder.startswith(below)]


def clear(folder: Path, keep_results: bool = False) -> None:
    """Take down what there is of the fleet in a folder, however much of it still runs."""
    results = str(database.located(folder))
    for state in found(folder):
        if keep_results:
            state.litter = [item for item in state.litter if item != results]
        state.clear()
    if not keep_results:
        shutil.rmtree(results, ignore_errors=True)


def _listens(host: str) -> bool:
    try:
        with socket.create_connection((host, PORT), 2.0):
            return True
    except OSError:
        return False


def check_whole(folder: Path) -> None:
    """Raise LabError unless all that is written down of the fleet in a folder runs."""
    states_found = found(folder)
    if not states_found:
        raise LabError(f"{folder} is not up")
    if len(states_found) < 2 or not all(state.running() for state in states_found):
        raise LabError(f"{folder} is broken; up again")
