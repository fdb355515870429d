"""A run whose store is on a server, which is started again, or goes for good."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from postgresql.cluster import Cluster
from project import Project, make_project
from waiting import PATIENCE_S, until

LAUNCHES = 4
#: The command line, less patient with a server that is away.
HASTY = (
    "import benchhub.store.store as s; s.PATIENCE_S = 0.5; from benchhub.cli import main; main()"
)


@pytest.fixture
def durable(server_url: str) -> str:
    """A store whose commits outlive the server's processes."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET synchronous_commit = 'on'")
    return server_url


@pytest.fixture
def server(cluster: Cluster, durable: str) -> Iterator[Cluster]:
    """The cluster, which a test may stop."""
    yield cluster
    if cluster.process is None:
        cluster.start()


@pytest.fixture
def project(tmp_path: Path, durable: str) -> Project:
    """A project whose store is the server's."""
    project = make_project(tmp_path, launches=LAUNCHES)
    project.env["BENCHHUB_STORE"] = durable
    return project


def finished(url: str) -> Counter[tuple[str, int]]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT cell, launch FROM launches WHERE status = 'finished'")
        return Counter((str(cell), int(launch)) for cell, launch in rows)


def some(url: str) -> Callable[[], bool]:
    return lambda: len(finished(url)) >= 2


def test_a_server_that_is_started_again_is_waited_for(
    server: Cluster, durable: str, project: Project
) -> None:
    process = project.start("run", "tiny", "--device", "here")
    until(some(durable), "launches in the store")
    server.stop()
    server.start()
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    counts = finished(durable)
    assert set(counts.values()) == {1}
    assert len(counts) == 3 * LAUNCHES + 2  # two variants and the fixed work; two for quality


def test_one_that_is_gone_ends_the_run_which_can_be_gone_on_with(
    server: Cluster, durable: str, project: Project
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HASTY, "run", "tiny", "--device", "here"], cwd=project.folder,
        env=project.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until(some(durable), "launches in the store")
    server.stop()
    _, err = process.communicate(timeout=120)
    assert process.returncode == 2, err
    assert "does not answer" in err
    assert "finished launches are saved, go on with `benchhub run --resume" in err
    assert "Traceback" not in err
    server.start()
    before = finished(durable)
    waiting = project.start("run", "--resume", "latest")
    until(lambda: len(finished(durable)) > len(before), "more launches in the store")
    server.stop()
    waiting.send_signal(signal.SIGINT)  # who stops it does not wait for the server either
    _, err = waiting.communicate(timeout=PATIENCE_S)
    assert waiting.returncode == 130, err
    server.start()
    done = project.run("run", "--resume", "latest")
    assert done.code == 0, done.err
    counts = finished(durable)
    assert set(counts.values()) == {1}
    assert len(counts) == 3 * LAUNCHES + 2
    assert before.keys() <= counts.keys()
