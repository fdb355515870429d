"""Addresses of schedulers: what is safe, what is refused, and in which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchhub.device.gateway.address import parse_address, parse_listen
from benchhub.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "contact"),
    [
        ("dask://127.0.0.1:9000", "tcp://127.0.0.1:9000"),
        ("dask://localhost", "tcp://localhost:8786"),
        ("dask://[::1]:8786", "tcp://[::1]:8786"),
        ("tls://sched.lab", "tls://sched.lab:8786"),
        ("tls://10.0.0.7:1/", "tls://10.0.0.7:1"),
    ],
)
def test_an_address_is_read_as_dask_has_it(text: str, contact: str) -> None:
    assert parse_address(text).contact == contact


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dask://10.0.0.7:8786", "another machine, and dask:// is not encrypted: use tls://"),
        ("dask://sched.lab", "another machine"),
        ("tcp://127.0.0.1:8786", "is unknown; local, dask://"),
        ("8786", "is unknown"),
        ("dask://", "is unknown"),
        ("dask://127.0.0.1:86000", "is no address"),
        ("dask://user@127.0.0.1", "is unknown"),
        ("tls://h:1?cat=x.pem", "cat is unknown; did you mean ca?"),
        ("tls://h:1?ca=/nowhere/ca.pem", "ca: there is no file '/nowhere/ca.pem'"),
    ],
)
def test_what_is_no_address_or_no_safe_one_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_address(text)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_gateways_scheduler_is_named_by_its_own_option() -> None:
    with pytest.raises(ConfigError, match=r"^--scheduler 'foo' is unknown; dask://127"):
        parse_address("foo", "--scheduler")


def test_where_a_gateway_listens_is_an_address() -> None:
    assert parse_listen("10.0.0.7:8790") == ("10.0.0.7", 8790)
    assert parse_listen("[::1]:1") == ("::1", 1)
    for text in ("8790", ":8790", "host:0", "host:x", "host:70000", "host"):
        with pytest.raises(ConfigError, match=r"--listen .* is no address: give HOST:PORT"):
            parse_listen(text)


def test_certificates_are_of_tls_only(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    with pytest.raises(ConfigError, match="dask:// takes no certificates"):
        parse_address(f"dask://127.0.0.1?ca={tmp_path / 'ca.pem'}")
    found = parse_address(f"tls://h?ca={tmp_path / 'ca.pem'}")
    assert found.ca == tmp_path / "ca.pem"
    with pytest.raises(ConfigError, match="certificates cannot be used"):
        parse_address(
            f"tls://h?ca={tmp_path / 'ca.pem'}&cert={tmp_path / 'ca.pem'}&key={tmp_path / 'ca.pem'}"
        ).security()


def test_tls_without_certificates_says_how_to_name_them() -> None:
    with pytest.raises(ConfigError, match="has no certificates: name them, as in tls://"):
        parse_address("tls://h").security()
