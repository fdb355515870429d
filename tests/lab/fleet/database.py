"""The fleet's PostgreSQL server: it lasts until the fleet is taken down, and is found again."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from postgresql.cluster import Cluster, programs, why_not

from ..command import LabError, mark, tool
from ..state import State
from .certificates import private

#: Nobody but root makes anything here, and the server's user may pass.
_ALL = Path("/var/lib/benchhub-lab")
#: Shared memory that goes with the server, however it ends: see `start`.
_SETTINGS = "dynamic_shared_memory_type = sysv\n"
_NAME = "results"


def located(folder: Path) -> Path:
    """Return where the server of the fleet in `folder` keeps its data."""
    return _ALL / f"fleet-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"


def start(state: State, folder: Path) -> str:
    """Start the server, with the data it had if there are any; return the store's URL."""
    if (reason := why_not()) is not None:
        raise LabError(reason)
    place = located(folder)
    url = place / "url"
    if not url.exists():
        shutil.rmtree(place, ignore_errors=True)
        _make(place)
    known = urlsplit(url.read_text())
    cluster = Cluster(
        place / "cluster", known.port or 0, durable=True, password=known.password or ""
    )
    owner = cluster.data.stat()
    bin_folder = programs()
    assert bin_folder is not None
    # All of it, and its shared memory, goes with a shell of root's: see sealed.sh.
    argv = [tool("unshare"), "--pid", "--ipc", "--fork", "--kill-child"]
    argv += [shutil.which("bash") or "/bin/bash", "-c", '"$@" & wait $!', "server"]
    argv += [
        tool("setpriv"),
        f"--reuid={owner.st_uid}",
        f"--regid={owner.st_gid}",
        "--clear-groups",
    ]
    argv += [str(bin_folder / "postgres"), "-D", str(cluster.data)]
    state.spawn(argv, place / "log", {"PATH": os.defpath, **mark()})
    cluster.own()
    with cluster.connected() as connection:
        there = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (_NAME,))
        if there.fetchone() is None:
            connection.execute(f"CREATE DATABASE {_NAME} TEMPLATE template0")
    return cluster.url(_NAME, password=cluster.password)


def _make(place: Path) -> None:
    _ALL.mkdir(mode=0o755, exist_ok=True)
    place.mkdir(mode=0o755)
    cluster = Cluster(place / "cluster", durable=True, password=secrets.token_urlsafe(12))
    cluster.folder.mkdir(mode=0o700)
    cluster.make()
    with (cluster.data / "postgresql.conf").open("a") as file:
        file.write(_SETTINGS)
    private(place / "url", cluster.url(_NAME, password=cluster.password).encode())
