"""Files of a fleet: who its devices are, for a gateway with keys, and for clients without."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..lab import Lab


def of_gateway(site: str, lab: Lab) -> str:
    """Return the fleet file of a gateway: its own site's devices, their addresses and keys."""
    device = {
        "transport": "ssh", "user": "root", "identity_file": "ssh_key", "ssh_config": os.devnull,
        "python": sys.executable,
    }  # fmt: skip
    lines = [*_group(site, list(lab.hosts), [host.address for host in lab.hosts.values()])]
    lines += [f"[groups.{site}.device]", *(f"{key} = {json.dumps(device[key])}" for key in device)]
    for name, host in lab.hosts.items():
        lines += [f"[groups.{site}.members.{name}.device]"]
        lines += [f"host_key = {json.dumps(host.host_key)}"]
    return "\n".join([*lines, *_labels(site)]) + "\n"


def of_clients(sites: Iterable[tuple[str, Lab]]) -> str:
    """Return the fleet file of clients: names and labels, and nothing that leads to a device.

    All devices share this machine's cores, so they take turns.
    """
    lines = ["# Their addresses and keys are at the gateways."]
    for site, lab in sites:
        lines += [*_group(site, list(lab.hosts), ["{name}.invalid"])]
        lines += [f"[groups.{site}.device]", 'transport = "ssh"', 'machine = "lab"']
        lines += _labels(site)
    return "\n".join(lines) + "\n"


def env(store: str, engine: str, metrics: Iterable[str]) -> str:
    """Return what a shell reads before it runs benchhub."""
    return f"export BENCHHUB_STORE='{store}'\nENGINE='{engine}'\nMETRICS='{' '.join(metrics)}'\n"


def engine(scheduler: str, folder: str = "") -> str:
    """Return a scheduler's address with the certificates that lie in a folder."""
    files = (f"{key}={Path(folder, f'{key}.pem')}" for key in ("ca", "cert", "key"))
    return f"{scheduler}?{'&'.join(files)}"


def _group(site: str, names: list[str], addresses: list[str]) -> Iterator[str]:
    yield f"[groups.{site}]"
    yield f"names = {json.dumps(names)}"
    yield f"addresses = {json.dumps(addresses)}"


def _labels(site: str) -> list[str]:
    return [f"[groups.{site}.labels]", f'site = "{site}"']
