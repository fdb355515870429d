"""SSH servers of every kind on loopback, and the keys and authorities that go with them.

One process listens on many loopback addresses, and asks for something else on each of them.
"""

from __future__ import annotations

import getpass
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from loopback_sshd import Sshd, make_key, start_sshd

#: What the server asks for at each address; at 127.0.0.1 for a key, and allows much.
ADDRESSES = {
    "127.0.0.2": "MaxAuthTries 3",
    "127.0.0.3": "AuthenticationMethods publickey,publickey",
    "127.0.0.4": "PubkeyAuthentication no\n  PasswordAuthentication yes",
    "127.0.0.5": "AuthorizedKeysFile none\n  TrustedUserCAKeys {folder}/user_ca.pub",
    "127.0.0.6": "AllowTcpForwarding no",
    "127.0.0.7": "ForceCommand echo $SSH_ORIGINAL_COMMAND",
    "127.0.0.8": 'ForceCommand sh -c "$SSH_ORIGINAL_COMMAND"',
    "127.0.0.9": "RevokedKeys {folder}/second.pub",
    "127.0.0.10": "Banner {folder}/banner",
    "127.0.0.11": "PubkeyAcceptedAlgorithms rsa-sha2-256",
    "127.0.0.12": "ForceCommand internal-sftp",
    "127.0.0.14": "MaxSessions 1",
    "127.0.0.13": "AuthenticationMethods publickey,password\n  PasswordAuthentication yes",
}
#: A user's keys: what each is made of, and its passphrase.
KEYS = {
    "main": ("ed25519", ""),
    "second": ("ed25519", ""),
    "ecdsa": ("ecdsa", ""),
    "rsa": ("rsa", ""),
    "locked": ("ed25519", "secret"),
    "stranger": ("ed25519", ""),
    "certified": ("ed25519", ""),
    "certified_rsa": ("rsa", ""),
}
#: Keys of the server, with certificates of `host_ca`: their kind, for which hosts, and until when.
HOST_KEYS = (
    ("host_key", "ed25519", "127.0.0.1,board.lab", "+1d"),
    ("host_ecdsa", "ecdsa", "other.lab", "+1d"),
    ("host_rsa", "rsa", "127.0.0.1,board.lab", "20200101:20200102"),
)
#: Those that the server takes at most addresses.
_AUTHORIZED = ("main", "second", "ecdsa", "rsa", "locked")


@dataclass(frozen=True)
class Site:
    """The servers; `folder` holds keys, public halves and certificates by their names."""

    folder: Path
    main: Sshd
    odd: Sshd
    more: Mapping[str, object] = field(default_factory=dict)

    def words(self) -> dict[str, object]:
        """Return what configurations of situations may name in braces."""
        return {
            **{path.stem: path.read_text().strip() for path in self.folder.glob("*.pub")},
            **{name: public_line(self.main.folder / name) for name, *_ in HOST_KEYS},
            "host_ed25519": self.main.host_key,
            "odd_key": self.odd.host_key,
            "port": self.main.port,
            "odd_port": self.odd.port,
            "site": self.folder,
            "me": getpass.getuser(),
            **self.more,
        }

    def key(self, name: str) -> Path:
        """Return the path of a user's private key."""
        return self.folder / name


@contextmanager
def running(folder: Path) -> Iterator[Site]:
    """Make the keys and start the servers."""
    for name, (kind, passphrase) in KEYS.items():
        make_key(folder / name, passphrase, kind)
    for number in range(10):
        make_key(folder / f"other{number}")
    for name in ("host_ca", "other_ca", "user_ca"):
        make_key(folder / name)
    (folder / "main_server").mkdir()
    for name, kind, hosts, until in HOST_KEYS:
        make_key(folder / "main_server" / name, kind=kind)
        shown = folder / "main_server" / f"{name}.pub"
        certify(shown, folder / "host_ca", "-h", "-n", hosts, "-V", until)
    for name in ("certified", "certified_rsa"):
        options = ("-n", getpass.getuser(), "-V", "+1d")
        certify(folder / f"{name}.pub", folder / "user_ca", *options)
    (folder / "banner").write_text("no trespassing\n")
    (folder / "authorized").write_text(
        "".join(f"{public_line(folder / name)}\n" for name in _AUTHORIZED)
    )
    (folder / "matches").write_text(
        "".join(
            f"Match LocalAddress {address}\n  {lines.format(folder=folder)}\n"
            for address, lines in ADDRESSES.items()
        )
    )
    extra = ["ListenAddress ::1", f"Include {folder}/matches"]
    for name, *_ in HOST_KEYS:
        key = folder / "main_server" / name
        extra += [f"HostKey {key}"] if name != "host_key" else []
        extra += [f"HostCertificate {key}-cert.pub"]
    settings = {"AuthorizedKeysFile": f"{folder}/authorized", "LogLevel": "DEBUG1"}
    main = start_sshd(
        folder / "main_server", extra="\n".join(extra), ListenAddress="0.0.0.0", **settings
    )
    try:
        chacha = "chacha20-poly1305@openssh.com"
        odd = start_sshd(folder / "odd_server", Ciphers=chacha, **settings)
        try:
            yield Site(folder, main, odd)
        finally:
            odd.stop()
    finally:
        main.stop()


def certify(public: Path, authority: Path, *options: str) -> None:
    """Have `authority` sign the key `public`; the certificate lies beside it."""
    sign = ["ssh-keygen", "-q", "-s", str(authority), "-I", public.stem, *options]
    subprocess.run([*sign, str(public)], check=True)


def public_line(key: Path) -> str:
    """Return the public half of a key file."""
    return key.with_name(key.name + ".pub").read_text().strip()
