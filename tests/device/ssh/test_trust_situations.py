"""Which hosts are trusted: known_hosts, certificates and revocations, as plain ssh has them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ssh_site import Site
from ssh_situation import KNOWN, Situation, check, refused_by_benchhub, written

CA = "@cert-authority * {host_ca}\n"
PLAIN = "[127.0.0.1]:{port} {host_ed25519}\n"


def hashed(here: Path, site: Site) -> None:
    file = str(here / "known_hosts")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", file], check=True, capture_output=True)


def revocation_list(here: Path, site: Site) -> None:
    make = ["ssh-keygen", "-q", "-k", "-f", str(here / "krl")]
    subprocess.run([*make, str(site.main.folder / "host_key.pub")], check=True)


def folder_instead(here: Path, site: Site) -> None:
    (here / "known_hosts").unlink()
    (here / "known_hosts").mkdir()


def with_spaces(here: Path, site: Site) -> None:
    (here / "known_hosts").rename(here / "known hosts")


SITUATIONS = [
    Situation("plain-entry", known=PLAIN),
    Situation("unknown", known="", refused=r"{here}/known_hosts does not have.*devices enroll"),
    Situation(
        "changed",
        known="# a note\n\n[127.0.0.1]:{port} {stranger}\n",
        refused=r"{here}/known_hosts line 3 has ssh-ed25519 SHA256:.*ssh-keygen -f",
    ),
    Situation(
        "another-type-is-known",
        known="[127.0.0.1]:{port} {host_rsa}\n[127.0.0.1]:{port} {host_ecdsa}\n",
    ),
    Situation(
        "known-by-a-type-that-is-not-allowed",
        config="  HostKeyAlgorithms ssh-ed25519\n",
        known="[127.0.0.1]:{port} {host_ecdsa}\n",
        refused=r"known_hosts line 1 has ecdsa",
    ),
    Situation("one-of-two-keys-is-right", known="[127.0.0.1]:{port} {stranger}\n" + PLAIN),
    Situation("hashed", known=PLAIN, prepare=hashed),
    Situation("hashed-of-another", known="[127.0.0.2]:{port} {host_ed25519}\n", prepare=hashed,
              refused="does not have"),
    Situation("star", known="* {host_ed25519}\n"),
    Situation("pattern-of-an-address", known="[127.*.?.1]:{port} {host_ed25519}\n"),
    Situation("negated", known="*,!*127.0.0.1* {host_ed25519}\n", refused="does not have"),
    Situation("negated-for-another", known="*,![127.0.0.2]:* {host_ed25519}\n"),
    Situation("without-its-port", known="127.0.0.1 {host_ed25519}\n"),
    Situation("without-its-port-and-wrong", known="127.0.0.1 {stranger}\n",
              refused="does not have"),
    Situation("with-another-port", known="[127.0.0.1]:1 {host_ed25519}\n", refused="does not have"),
    Situation("alias-in-a-domain", "  HostKeyAlias board.lab\n", known="*.lab {host_ed25519}\n"),
    Situation("alias-in-capitals", "  HostKeyAlias Board.LAB\n", known="*.lab {host_ed25519}\n"),
    Situation("alias-hides-the-address", "  HostKeyAlias board.lab\n", known=PLAIN,
              refused="does not have"),
    Situation("alias-negated", "  HostKeyAlias board.lab\n",
              known="*.lab,!board.lab {host_ed25519}\n", refused="does not have"),
    Situation("second-file", "  UserKnownHostsFile {here}/none {here}/more\n", known="",
              files={"more": PLAIN}),
    Situation("global-file", "  GlobalKnownHostsFile {here}/all\n", known="", files={"all": PLAIN}),
    Situation("no-file", "  UserKnownHostsFile none\n  GlobalKnownHostsFile none\n",
              refused="names no known_hosts file.*enroll"),
    Situation("file-by-tokens", "  UserKnownHostsFile {here}/%n-%p-%r\n", known="",
              prepare=lambda here, site: (here / f"board-{site.main.port}-{site.words()['me']}")
              .write_text(PLAIN.format(**site.words())) and None),
    Situation("file-by-a-variable", "  UserKnownHostsFile ${{BH_THERE}}/known_hosts\n",
              environment={"BH_THERE": "{here}"}),
    Situation("file-by-an-unset-variable", "  UserKnownHostsFile ${{BH_NOWHERE}}/known_hosts\n",
              refused="BH_NOWHERE"),
    Situation("file-with-spaces", '  UserKnownHostsFile "{here}/known hosts"\n',
              prepare=with_spaces),
    Situation("file-is-a-folder", prepare=folder_instead, refused="does not have"),
    Situation("line-ends-of-windows", known=PLAIN.replace("\n", " me@pc\r\n")),
    Situation("damaged-line", known="[127.0.0.1]:{port} ssh-ed25519 AAAA!\n" + KNOWN),
    Situation("only-a-damaged-line", known="[127.0.0.1]:{port} ssh-ed25519 AAAA!\n",
              refused=r"known_hosts line 1 cannot be read"),
    Situation("not-utf-8", known="gr\xf6\xdfe {stranger}\n" + KNOWN,
              prepare=lambda here, site: (here / "known_hosts").write_bytes(
                  (here / "known_hosts").read_text().encode("latin-1")) and None),
    Situation("unknown-marker", known="@trusted * {stranger}\n" + KNOWN),
    Situation("revoked", known=PLAIN + "@revoked * {host_ed25519}\n",
              refused=r"{here}/known_hosts line 2 revokes"),
    Situation("revoked-elsewhere", known=PLAIN + "@revoked *.lab {host_ed25519}\n"),
    Situation("another-is-revoked", known=PLAIN + "@revoked * {stranger}\n"),
    Situation("revoked-though-enrolled-is-said-below", known="@revoked * {host_ed25519}\n",
              refused=r"line 1 revokes"),
    Situation("list-of-revoked", "  RevokedHostKeys {here}/revoked\n",
              files={"revoked": "{host_ed25519}\n"}, refused=r"{here}/revoked revokes"),
    Situation("list-of-others-revoked", "  RevokedHostKeys {here}/revoked\n",
              files={"revoked": "{stranger}\n"}),
    Situation("revocation-list-in-binary", "  RevokedHostKeys {here}/krl\n",
              prepare=revocation_list, refused=r"{here}/krl revokes"),
    Situation("list-of-revoked-is-missing", "  RevokedHostKeys {here}/nothing\n",
              refused=r"RevokedHostKeys {here}/nothing"),
    Situation("authority", known=CA),
    Situation("authority-by-pattern", known="@cert-authority [127.0.0.*]:* {host_ca}\n"),
    Situation("authority-without-port", known="@cert-authority 127.0.0.1 {host_ca}\n"),
    Situation("authority-of-a-domain", "  HostKeyAlias board.lab\n",
              known="@cert-authority *.lab {host_ca}\n"),
    Situation("authority-of-another-domain", known="@cert-authority *.lab {host_ca}\n",
              refused="does not have"),
    Situation("another-authority", known="@cert-authority * {other_ca}\n",
              refused=r"known_hosts line 1 trusts certificates of"),
    Situation("authority-without-the-marker", known="* {host_ca}\n", refused="line 1 has"),
    Situation("revoked-authority", known=CA + "@revoked * {host_ca}\n",
              refused=r"line 2 revokes"),
    Situation("certificate-of-a-revoked-key", known=CA + "@revoked * {host_ed25519}\n",
              refused=r"line 2 revokes"),
    Situation("expired-certificate",
              "  HostKeyAlgorithms rsa-sha2-512-cert-v01@openssh.com\n", known=CA,
              refused="its certificate 'host_rsa' expired on 2020-01-02"),
    Situation("expired-certificate-of-a-known-key",
              "  HostKeyAlgorithms rsa-sha2-512-cert-v01@openssh.com\n",
              known=CA + "* {host_rsa}\n"),
    Situation("certificate-for-another-name", "  HostKeyAlias elsewhere.lab\n", known=CA,
              refused=r"is for 127.0.0.1, board.lab, not for elsewhere.lab"),
    Situation("certificate-for-a-name-of-its-own", "  HostKeyAlias other.lab\n"
              "  HostKeyAlgorithms ecdsa-sha2-nistp256-cert-v01@openssh.com\n", known=CA),
    Situation("certificate-for-another-address", "  HostName 127.0.0.10\n", known=CA,
              refused="not for 127.0.0.10"),
    Situation("certificates-are-not-allowed", "  HostKeyAlgorithms ssh-ed25519\n", known=CA,
              refused="shows none"),
    Situation("signatures-of-authorities-are-not-allowed",
              "  CASignatureAlgorithms rsa-sha2-512\n", known=CA, refused="CASignatureAlgorithms"),
    Situation("key-beside-an-authority", known="@cert-authority * {other_ca}\n" + PLAIN),
    Situation("not-checked-on-loopback", "  NoHostAuthenticationForLocalhost yes\n", known=""),
    Situation("known-by-a-command", "  KnownHostsCommand {here}/tell\n", known="",
              prepare=lambda here, site: _script(here / "tell", f"echo '* {site.main.host_key}'"),
              refused=r"KnownHostsCommand is set \({here}/config line 2\)", lacking=True),
    Situation("host-in-capitals", "  HostName LOCALHOST\n",
              known="[localhost]:{port} {host_ed25519}\n"),
    Situation("strictness-is-not-lowered", "  StrictHostKeyChecking no\n", known="",
              refused="does not have"),
]  # fmt: skip


def _script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o700)


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_trust(
    situation: Situation, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(situation, site, tmp_path, monkeypatch)


def test_an_enrolled_key_counts_as_known_until_it_is_revoked(site: Site, tmp_path: Path) -> None:
    enrolled = {"host_key": site.main.host_key}
    unknown = Situation("enrolled", known="", profile=enrolled)
    assert refused_by_benchhub(unknown, site, written(unknown, site, tmp_path)) is None
    revoked = Situation("revoked", known="@revoked * {host_ed25519}\n", profile=enrolled)
    refusal = refused_by_benchhub(revoked, site, written(revoked, site, tmp_path))
    assert "known_hosts line 1 revokes" in (refusal or "")
    config = "  RevokedHostKeys {here}/revoked\n"
    listed = Situation("listed", config, "", files={"revoked": "{host_ed25519}"}, profile=enrolled)
    refusal = refused_by_benchhub(listed, site, written(listed, site, tmp_path))
    assert f"{tmp_path}/revoked revokes" in (refusal or "")
