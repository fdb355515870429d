"""Pipes and devices where ssh has its files: plain ssh waits for them, benchhub says so at once."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from ssh_site import Site
from ssh_situation import Situation, refused_by_benchhub, written


def at(word: str) -> str:
    return f"  {word} {{here}}/pipe\n"


ONLY = "  IdentityFile {site}/main\n  IdentitiesOnly yes\n"
SITUATIONS = [
    Situation("known-hosts", at("UserKnownHostsFile"),
              refused=r"pipe does not have.*pipe cannot be read \(is {kind}, not a file"),
    Situation("known-hosts-and-a-right-one",
              "  UserKnownHostsFile {here}/pipe {here}/known_hosts\n"),
    Situation("global-known-hosts", at("GlobalKnownHostsFile")),
    Situation("revoked-keys", at("RevokedHostKeys"),
              refused=r"pipe might revoke, and cannot be read \(is {kind}, not a file"),
    Situation("identity", keys=at("IdentityFile") + "  IdentitiesOnly yes\n",
              refused="pipe is no file"),
    Situation("identity-and-a-right-one", keys=at("IdentityFile") + ONLY),
    Situation("certificate", at("CertificateFile"), keys="  IdentityFile {site}/stranger\n",
              refused="pipe is no file"),
    Situation("included", at("Include"), refused=r"configuration .*pipe: is {kind}, not a file"),
    Situation("included-for-others", keys=ONLY + "Host other\n" + at("Include"),
              refused=r"pipe: is {kind}, not a file"),
    Situation("named-in-the-profile", keys="  IdentitiesOnly yes\n",
              profile={"identity_file": "pipe"}, refused="pipe is no file"),
]  # fmt: skip


@pytest.mark.parametrize("kind", ["a named pipe", "a device"])
@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_what_never_ends_is_not_waited_for(
    situation: Situation, kind: str, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "a device":
        (tmp_path / "pipe").symlink_to("/dev/zero")
    else:
        os.mkfifo(tmp_path / "pipe")
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    if situation.profile:
        situation = dataclasses.replace(situation, profile={"identity_file": tmp_path / "pipe"})
    config = written(situation, site, tmp_path)
    refusal = refused_by_benchhub(situation, site, config)
    if situation.refused is None:
        assert refusal is None
    else:
        assert refusal is not None
        assert "\n" not in refusal
        assert re.search(situation.refused.format(kind=kind), refusal), refusal


@pytest.mark.parametrize("beside", [".pub", "-cert.pub"])
def test_what_lies_beside_a_key_is_not_waited_for(
    beside: str, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    shutil.copy(site.key("main"), tmp_path / "key")
    (tmp_path / "key").chmod(0o600)
    os.mkfifo(tmp_path / f"key{beside}")
    situation = Situation("beside", keys="  IdentityFile {here}/key\n  IdentitiesOnly yes\n")
    assert refused_by_benchhub(situation, site, written(situation, site, tmp_path)) is None


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_a_configuration_that_is_none_is_not_waited_for(
    make: Callable[[Path], None], site: Site, tmp_path: Path
) -> None:
    situation = Situation("config")
    config = written(situation, site, tmp_path)
    config.unlink()
    make(config)
    refusal = refused_by_benchhub(situation, site, config)
    assert refusal is not None
    assert refusal.startswith(f"board: its ssh configuration {config}: is a ")
