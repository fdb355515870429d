"""A private network: a bridge in its own namespace, a namespace per host, a way in from here."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import random

from .command import LabError, run
from .state import State, saved

_TRIES = 200


def choose_net() -> tuple[int, int]:
    """Return x and y of a network 10.x.y.0/24 that neither a route here nor another lab uses."""
    taken = {state.net for state in saved()}
    routes = []
    for route in json.loads(run("ip", "-j", "-4", "route", "show", "table", "all") or "[]"):
        with contextlib.suppress(ValueError):  # `default`
            routes.append(ipaddress.ip_network(route["dst"]))
    for _ in range(_TRIES):
        net = (random.randint(128, 254), random.randint(0, 254))
        block = ipaddress.ip_network(f"10.{net[0]}.{net[1]}.0/24")
        if net not in taken and not any(block.overlaps(route) for route in routes):
            return net
    raise LabError("no free network 10.x.y.0/24 is left on this machine")


class Network:
    """Links and namespaces of one lab; everything it makes is in `state` before it exists."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.control = f"{state.lab}-ctl"

    def address(self, number: int) -> str:
        """Return the address of host `number`, counted from 1; 0 is this machine."""
        return f"10.{self._state.net[0]}.{self._state.net[1]}.{number + 10}"

    def up(self) -> None:
        """Make the bridge and the link from this machine to it."""
        lab = self._state.lab
        self._state.namespaces.append(self.control)
        self._state.links.append(f"{lab}-here")
        self._state.save()
        run("ip", "netns", "add", self.control)
        control = ("ip", "-n", self.control, "link")
        run(*control, "add", "bridge", "type", "bridge", "forward_delay", "0")
        run(*control, "set", "bridge", "up")
        self._plug(f"{lab}-here", "here", None, self.address(0))

    def add(self, name: str, number: int) -> str:
        """Make a namespace with a link to the bridge; return its name."""
        namespace = f"{self._state.lab}-{name}"
        self._state.namespaces.append(namespace)
        self._state.save()
        run("ip", "netns", "add", namespace)
        run("ip", "-n", namespace, "link", "set", "lo", "up")
        self._plug("eth0", self.port(number), namespace, self.address(number))
        return namespace

    def add_tap(self, number: int) -> None:
        """Make a link to the bridge whose other end is a program's, opened in `control`."""
        there = ("ip", "-n", self.control)
        run(*there, "tuntap", "add", "dev", self.port(number), "mode", "tap")
        run(*there, "link", "set", self.port(number), "master", "bridge", "up")

    def port(self, number: int) -> str:
        """Return the bridge's end of the link to host `number`."""
        return f"port{number}"

    def _plug(self, end: str, port: str, namespace: str | None, address: str) -> None:
        where = ["-n", namespace] if namespace else []
        there = ["netns", self.control]
        run("ip", *where, "link", "add", end, "type", "veth", "peer", "name", port, *there)
        run("ip", *where, "addr", "add", f"{address}/24", "dev", end)
        run("ip", *where, "link", "set", end, "up")
        run("ip", "-n", self.control, "link", "set", port, "master", "bridge", "up")
