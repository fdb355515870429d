"""The cluster as a fixture, and stores in it, for tests of every folder."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .cluster import Cluster

_numbers = itertools.count()
_TEMPLATE = "of_today"
#: Both kinds of store, for tests that hold for either.
KINDS = [
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.asks("processes", "servers", "cluster")),
]


@pytest.fixture(scope="session")
def cluster(processes: None, servers: None) -> Iterator[Cluster]:
    """A PostgreSQL server up for the session; whoever stops it starts it again.

    Tests that ask for it are run by one process of pytest-xdist, one after another.
    """
    try:
        from .cluster import Cluster, why_not

        reason = why_not()
    except ImportError as error:
        reason = f"{error}: pip install 'benchhub[postgresql]'"
    if reason is not None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def new_database(request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """Make empty databases in the cluster, by URL; they go with the test."""
    cluster: Cluster = request.getfixturevalue("cluster")
    made: list[str] = []

    def make(template: str = "template0") -> str:
        made.append(f"d{next(_numbers)}")
        with cluster.connected() as connection:
            connection.execute(f"CREATE DATABASE {made[-1]} TEMPLATE {template}")
        return cluster.url(made[-1])

    yield make
    with cluster.connected() as connection:
        for name in made:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def template(cluster: Cluster) -> str:
    """The name of a database that has the tables of today, to be copied from."""
    from benchhub.store import Store

    with cluster.connected() as connection:
        connection.execute(f"CREATE DATABASE {_TEMPLATE}")
    Store.open(cluster.url(_TEMPLATE)).close()
    return _TEMPLATE


@pytest.fixture
def server_url(cluster: Cluster, template: str, new_database: Callable[..., str]) -> str:
    """The URL of an empty store in the cluster."""
    return new_database(template)


@pytest.fixture(params=KINDS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store: one after another of either kind."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("server_url"))
    return f"sqlite:///{tmp_path}/results.db"


def pytest_itemcollected(item: pytest.Item) -> None:
    """Keep every test of the cluster in one process: one server is enough."""
    asked = {name for mark in item.iter_markers("asks") for name in mark.args}
    if "cluster" in asked | set(getattr(item, "fixturenames", ())):
        item.add_marker(pytest.mark.xdist_group("postgresql"))
