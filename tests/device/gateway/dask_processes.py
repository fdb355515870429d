"""A scheduler and gateways as processes of their own, and what befalls them."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from project import Project
from waiting import until


def free_port() -> int:
    """Return a port of this machine that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class Dask:
    """A scheduler on a port that is its own, and gateways of `project`, in folders of their own."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.port = free_port()
        self.url = f"dask://127.0.0.1:{self.port}"
        self.scheduler: subprocess.Popen[str] | None = None
        self.gateways: dict[str, subprocess.Popen[str]] = {}

    def start_scheduler(self, *more: str) -> None:
        """Start it, in place of one that is gone."""
        words = ["--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard", "--no-show"]
        words += more
        self.scheduler = self._started("scheduler", "distributed.cli.dask_scheduler", *words)
        until(self._listens, "the scheduler listens")

    def start_gateway(self, site: str, *words: str, cache: str = "") -> subprocess.Popen[str]:
        """Start one, in place of one that is gone, and wait until its devices are offered."""
        folder = self._project.folder / f"gateway-{cache or site}"
        folder.mkdir(exist_ok=True)
        with contextlib.suppress(FileExistsError):
            (folder / "device_profiles").symlink_to(self._project.folder / "device_profiles")
        arguments = ["gateway", "--site", site, "--scheduler", self.url, "--allow-root", *words]
        process = self._started(site, "benchhub", *arguments, folder=folder)
        self.gateways[site] = process
        until(lambda: "are offered to" in self.said(site), f"{site} is connected")
        return process

    def said(self, name: str) -> str:
        """Return what a process has said so far."""
        return self._log(name).read_text("utf-8", "replace")

    def end(self) -> None:
        """End everything, whatever state it is in."""
        for process in (*self.gateways.values(), self.scheduler):
            if process is not None and process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()

    def _log(self, name: str) -> Path:
        return self._project.folder / f"{name}.log"

    def _started(
        self, name: str, module: str, *words: str, folder: Path | None = None
    ) -> subprocess.Popen[str]:
        cache = str((folder or self._project.folder) / "cache")
        env = {**self._project.env, "BENCHHUB_CACHE": cache}
        with self._log(name).open("w") as log:
            return subprocess.Popen(
                [sys.executable, "-m", module, *words], cwd=folder or self._project.folder,
                env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL, text=True,
            )  # fmt: skip

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


@contextlib.contextmanager
def dask_with(project: Project, sites: Sequence[str]) -> Iterator[Dask]:
    """Yield a scheduler with a gateway for each of `sites`, which offer what is labelled so."""
    dask = Dask(project)
    try:
        dask.start_scheduler()
        for site in sites:
            dask.start_gateway(site)
        yield dask
    finally:
        dask.end()
