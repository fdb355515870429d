"""How one logs in: key files, agents, certificates and their order, as plain ssh has them."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path

import pytest
from ssh_site import Site, certify
from ssh_situation import Situation, agent_with, check, refused_by_benchhub, written

OTHERS = tuple(f"other{number}" for number in range(10))
ONLY = "  IdentitiesOnly yes\n"
#: Where nothing is in the agent, and no default key of whoever runs the tests is tried.
NO_FILE = "  IdentityFile {here}/missing\n"


def file(name: str) -> str:
    return f"  IdentityFile {{site}}/{name}\n"


def at(last: int) -> str:
    """Return the line that leads to one of the server's addresses."""
    return f"  HostName 127.0.0.{last}\n"


def copied(name: str, mode: int = 0o600, public: bool = False) -> object:
    """Copy a private key to `here`/key, without its public half unless `public`."""

    def prepare(here: Path, site: Site) -> None:
        shutil.copy(site.key(name), here / "key")
        if public:
            shutil.copy(site.folder / f"{name}.pub", here / "key.pub")
        (here / "key").chmod(mode)

    return prepare


def in_old_format(here: Path, site: Site) -> None:
    shutil.copy(site.key("rsa"), here / "key")
    convert = ["ssh-keygen", "-q", "-p", "-m", "PEM", "-N", "", "-f", str(here / "key")]
    subprocess.run(convert, check=True, stdout=subprocess.DEVNULL)


def certified(here: Path, site: Site, *options: str) -> None:
    """Make `here`/key and a certificate beside it of `options`."""
    for name in ("certified", "certified.pub"):
        shutil.copy(site.folder / name, here / name.replace("certified", "key"))
    (here / "key").chmod(0o600)
    certify(here / "key.pub", site.key("user_ca"), *options)


def damaged(here: Path, site: Site) -> None:
    lines = site.key("main").read_text().splitlines()
    (here / "key").write_text("\n".join([lines[0], "AAAA" + lines[1][9:], *lines[2:]]) + "\n")
    (here / "key").chmod(0o600)


CERTIFICATE = "  CertificateFile {site}/certified-cert.pub\n"
HERE = "  IdentityFile {here}/key\n"

SITUATIONS = [
    Situation("key-file", keys=file("main")),
    Situation("key-of-ecdsa", keys=file("ecdsa") + ONLY),
    Situation("key-of-rsa", keys=file("rsa") + ONLY),
    Situation("key-in-the-old-format", keys=HERE + ONLY, prepare=in_old_format),
    Situation("rsa-with-one-signature", at(11) + "  PubkeyAcceptedAlgorithms rsa-sha2-256\n",
              keys=file("main") + file("rsa") + ONLY),
    Situation("no-key", keys=NO_FILE + ONLY, refused=r"no key \(there is none\)"),
    Situation("wrong-key", keys=file("stranger") + ONLY,
              refused=r"accepted none of: {site}/stranger.*authorized_keys"),
    Situation("second-file-is-right", keys=file("stranger") + file("main") + ONLY),
    Situation("wrong-user", "  User nobody-of-this-name\n", refused="accepted none of"),
    Situation("encrypted", keys=file("locked") + ONLY,
              refused=r"{site}/locked is encrypted.*ssh-add {site}/locked"),
    Situation("encrypted-and-in-the-agent", keys=file("locked") + ONLY, agent=("locked",)),
    Situation("encrypted-without-public-half", keys=HERE + ONLY, agent=("locked",),
              prepare=copied("locked")),
    Situation("open-to-others", keys=HERE + ONLY, prepare=copied("main", 0o644),
              refused=r"{here}/key is open to others.*chmod 600 {here}/key"),
    Situation("open-to-others-but-in-the-agent", keys=HERE + ONLY, agent=("main",),
              prepare=copied("main", 0o644)),
    Situation("damaged-file", keys=HERE + ONLY, prepare=damaged,
              refused="{here}/key cannot be read"),
    Situation("damaged-file-and-a-right-one", keys=HERE + file("main") + ONLY, prepare=damaged),
    Situation("file-by-tokens", keys="  IdentityFile {here}/key-%h-%r\n" + ONLY,
              prepare=lambda here, site: shutil.copy(
                  site.key("main"), here / f"key-127.0.0.1-{site.words()['me']}") and None),
    Situation("file-by-a-variable", keys="  IdentityFile ${{BH_KEYS}}/main\n" + ONLY,
              environment={"BH_KEYS": "{site}"}),
    Situation("unknown-token", keys="  IdentityFile {here}/%Z\n" + ONLY,
              refused="unknown token %Z"),
    Situation("public-half-and-agent", keys=file("main.pub") + ONLY, agent=("main",)),
    Situation("public-half-alone", keys=file("main.pub") + ONLY,
              refused=r"{site}/main.pub is a public key"),
    Situation("agent-alone", keys=NO_FILE, agent=("main",)),
    Situation("agent-of-rsa", keys=NO_FILE, agent=("rsa",)),
    Situation("agent-of-ecdsa", keys=NO_FILE, agent=("ecdsa",)),
    Situation("empty-agent", keys=NO_FILE, agent=(), refused="no key"),
    Situation("agent-that-is-gone", keys=file("main"),
              environment={"SSH_AUTH_SOCK": "{here}/gone"}),
    Situation("agent-that-is-gone-and-no-file", keys=NO_FILE,
              environment={"SSH_AUTH_SOCK": "{here}/gone"}, refused="the agent at {here}/gone"),
    Situation("only-named-keys-of-the-agent", keys=NO_FILE + ONLY, agent=("main",),
              refused="no key"),
    Situation("named-key-of-the-agent", keys=HERE + ONLY, agent=(*OTHERS, "main"),
              prepare=copied("main")),
    Situation("agent-is-switched-off", "  IdentityAgent none\n", keys=NO_FILE, agent=("main",),
              refused="no key"),
    Situation("agent-by-a-variable", "  IdentityAgent $SSH_AUTH_SOCK\n", keys=NO_FILE,
              agent=("main",)),
    Situation("agent-by-name", "  IdentityAgent SSH_AUTH_SOCK\n", keys=NO_FILE, agent=("main",)),
    Situation("agent-by-a-variable-in-braces", "  IdentityAgent ${{SSH_AUTH_SOCK}}\n", keys=NO_FILE,
              agent=("main",)),
    Situation("three-tries-and-the-named-key-last-in-the-agent", at(2), keys=file("main"),
              agent=(*OTHERS, "main")),
    Situation("three-tries-without-public-half", at(2), keys=HERE, agent=(*OTHERS, "main"),
              prepare=copied("main")),
    Situation("three-tries-and-ten-keys-before-the-file", at(2), keys=file("main"), agent=OTHERS,
              refused=r"hung up after 3 keys.*IdentitiesOnly"),
    Situation("three-tries-and-only-the-file", at(2), keys=file("main") + ONLY, agent=OTHERS),
    Situation("three-tries-and-four-files", at(2), refused="hung up after 3 keys",
              keys="".join(map(file, OTHERS[:3])) + file("main") + ONLY),
    Situation("two-keys-are-wanted", at(3), keys=file("main") + file("second") + ONLY),
    Situation("two-keys-after-a-wrong-one", at(3),
              keys=file("main") + file("stranger") + file("second") + ONLY),
    Situation("two-keys-of-the-agent", at(3), keys=NO_FILE, agent=("main", "other1", "second")),
    Situation("two-keys-are-wanted-of-one", at(3), refused="wants one more key"),
    Situation("key-and-password-are-wanted", at(13), refused="asks for password too"),
    Situation("only-passwords", at(4), refused=r"takes no keys .*only password"),
    Situation("keys-are-switched-off", "  PubkeyAuthentication no\n",
              refused=r"PubkeyAuthentication is off \({here}/config line 2\)"),
    Situation("other-methods-are-preferred", "  PreferredAuthentications password\n",
              refused=r"PreferredAuthentications leaves publickey out \({here}/config line 2\)"),
    Situation("keys-are-preferred", "  PreferredAuthentications publickey,password\n"),
    Situation("type-is-not-accepted-here", "  PubkeyAcceptedAlgorithms rsa-sha2-512\n",
              refused="PubkeyAcceptedAlgorithms of .* forbids {site}/main"),
    Situation("rsa-with-sha-256-only", "  PubkeyAcceptedAlgorithms rsa-sha2-256\n",
              keys=file("rsa") + ONLY),
    Situation("rsa-is-too-short", "  RequiredRSASize 8192\n", keys=file("rsa") + ONLY,
              refused="RequiredRSASize"),
    Situation("key-is-revoked-there", at(9), keys=file("second") + ONLY,
              refused="accepted none of"),
    Situation("banner", at(10)),
    Situation("certificate-file", at(5),
              keys=file("certified") + CERTIFICATE + ONLY),
    Situation("certificate-beside-the-key", at(5), keys=file("certified") + ONLY),
    Situation("certificate-of-rsa", at(5), keys=file("certified_rsa") + ONLY),
    Situation("certificate-in-the-agent", at(5), keys=NO_FILE, agent=("certified",)),
    Situation("certificate-of-rsa-in-the-agent", at(5), keys=NO_FILE, agent=("certified_rsa",)),
    Situation("certificate-file-for-a-key-of-the-agent", at(5), agent=("certified",),
              keys=file("certified.pub") + CERTIFICATE + ONLY),
    Situation("certificate-file-for-any-key-of-the-agent", at(5), agent=("certified",),
              keys=NO_FILE + CERTIFICATE),
    Situation("certificate-file-for-a-key-of-the-agent-that-is-not-named", at(5),
              keys=NO_FILE + CERTIFICATE + ONLY, agent=("certified",),
              refused="certifies a key that is in no identity file"),
    Situation("certificate-before-ten-keys", "  HostName 127.0.0.5\n", agent=OTHERS[:5],
              keys=file("certified") + CERTIFICATE),
    Situation("certificate-file-without-its-key", at(5),
              keys=NO_FILE + CERTIFICATE + ONLY,
              refused="certifies a key that is in no identity file and no agent"),
    Situation("certificate-file-is-missing", at(5), keys=file("main")
              + "  CertificateFile {here}/gone-cert.pub\n" + ONLY,
              refused="{here}/gone-cert.pub does not exist"),
    Situation("certificate-for-somebody-else", at(5), keys=HERE + ONLY,
              prepare=lambda here, site: certified(here, site, "-n", "somebody"),
              refused="accepted none of: .*key-cert.pub"),
    Situation("certificate-has-expired", at(5), keys=HERE + ONLY,
              prepare=lambda here, site: certified(here, site, "-V", "20200101:20200102"),
              refused="key-cert.pub expired on 2020-01-02"),
    Situation("certificate-for-hosts", at(5), keys=HERE + ONLY,
              prepare=lambda here, site: certified(here, site, "-h"),
              refused="accepted none of"),
    Situation("tickets-do-not-harm", "  GSSAPIAuthentication yes\n"),
    Situation("tickets-do-not-help", "  GSSAPIAuthentication yes\n", keys=file("stranger") + ONLY,
              refused=r"GSSAPIAuthentication is set \({here}/config line 2\): .* no GSSAPI"),
    Situation("tokens-do-not-harm", "  PKCS11Provider {here}/none.so\n"),
    Situation("tokens-do-not-help", "  PKCS11Provider {here}/none.so\n",
              keys=file("stranger") + ONLY, refused=r"PKCS11Provider is set .*ssh-add -s"),
]  # fmt: skip


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_login(
    situation: Situation, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(situation, site, tmp_path, monkeypatch)


def test_the_key_of_the_profile_comes_before_ten_of_the_agent(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_tries = Situation("three-tries", at(2), keys="")
    config = written(three_tries, site, tmp_path)
    with agent_with(OTHERS, site) as path:
        assert path
        monkeypatch.setenv("SSH_AUTH_SOCK", path)
        assert "hung up after 3 keys" in (refused_by_benchhub(three_tries, site, config) or "")
        named = dataclasses.replace(three_tries, profile={"identity_file": site.key("main")})
        assert refused_by_benchhub(named, site, config) is None
