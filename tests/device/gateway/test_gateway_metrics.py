"""Where figures are served: what is no address is one line."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchhub.device.gateway.metrics import serve_metrics
from benchhub.device.gateway.site import Site
from benchhub.errors import ConfigError

pytestmark = pytest.mark.usefixtures("processes", "servers")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site("lab-1", [], tmp_path / "cache")
    yield site
    site.close()


@pytest.mark.parametrize("text", ["", "here", "127.0.0.1:", "127.0.0.1:²", "127.0.0.1:65536"])
def test_what_is_no_address_is_refused(site: Site, text: str) -> None:
    with pytest.raises(ConfigError, match="is no address: give HOST:PORT"):
        serve_metrics(site, text)


def test_a_port_that_is_taken_is_named(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        text = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigError, match=f"{text}: Address already in use; choose another"):
            serve_metrics(site, text)


@pytest.mark.parametrize("text", ["0", "[::1]:0"])
def test_what_is_returned_can_be_asked(site: Site, text: str) -> None:
    told = urllib.request.urlopen(f"http://{serve_metrics(site, text)}/metrics").read()
    assert b'benchhub_gateway_devices{state="idle"} 0.0' in told
