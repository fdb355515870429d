"""A scheduler behind TLS: who may come in, and what is said to who may not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dask_processes import Dask
from lab.fleet.certificates import Authority
from project import Project, make_project
from waiting import until_said

pytestmark = pytest.mark.usefixtures("processes", "servers")


def issued(authority: Authority, folder: Path) -> str:
    """Make certificates in a folder, and return them as an address names them."""
    folder.mkdir()
    authority.issue(folder, folder.name, "127.0.0.1")
    return f"ca={folder}/ca.pem&cert={folder}/cert.pem&key={folder}/key.pem"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def dask(project: Project, authority: Authority, processes: None, servers: None) -> Iterator[Dask]:
    issued(authority, project.folder / "scheduler")
    made = Dask(project)
    try:
        made.start_scheduler("--protocol", "tls", "--tls-ca-file", "scheduler/ca.pem",
                             "--tls-cert", "scheduler/cert.pem",
                             "--tls-key", "scheduler/key.pem")  # fmt: skip
        yield made
    finally:
        made.end()


def test_who_has_a_certificate_of_its_authority_comes_in(
    project: Project, dask: Dask, authority: Authority
) -> None:
    files = issued(authority, project.folder / "client")
    url = f"tls://127.0.0.1:{dask.port}"
    done = project.run("run", "tiny", "--device", "here", "--engine", f"{url}?{files}")
    assert done.code == 3
    assert f"here: no gateway of {url} offers it, of 0 devices" in done.err


def test_who_has_one_of_another_authority_does_not(project: Project, dask: Dask) -> None:
    files = issued(Authority(), project.folder / "stranger")
    url = f"tls://127.0.0.1:{dask.port}"
    done = project.run("run", "tiny", "--engine", f"{url}?{files}")
    assert done.code == 2
    assert done.error.startswith(
        f"benchhub: {url}: the scheduler and we do not accept each other's certificates: "
    )


def test_nor_does_who_speaks_without_encryption(project: Project, dask: Dask) -> None:
    done = project.run("run", "tiny", "--engine", dask.url)
    assert done.code == 2
    said = f"benchhub: {dask.url}: what listens there does not answer as a dask scheduler"
    assert done.error.startswith(said)


def test_a_gateway_of_another_authority_says_so_and_tries_again(
    project: Project, dask: Dask
) -> None:
    files = issued(Authority(), project.folder / "strange-gateway")
    url = f"tls://127.0.0.1:{dask.port}"
    words = ["gateway", "--site", "x", "--device", "here", "--scheduler", f"{url}?{files}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchhub", *words, "--allow-root"], cwd=project.folder,
        env=project.env, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        until_said(process, f"x: {url} does not take us: ")
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()
