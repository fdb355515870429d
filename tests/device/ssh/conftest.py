"""The servers of the situations, once for a process of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ssh_site import Site, running


@pytest.fixture(scope="session")
def site(
    tmp_path_factory: pytest.TempPathFactory, processes: None, servers: None
) -> Iterator[Site]:
    """Return SSH servers of every kind."""
    with running(tmp_path_factory.mktemp("site")) as site:
        yield site
