"""What the ssh configuration says of a host, asked of `ssh -G`, or else of paramiko's parser."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import paramiko

from benchhub.device.ssh.tokens import tilde
from benchhub.errors import ConfigError
from benchhub.outside.foreign.bounds import SETTINGS, whole
from benchhub.outside.foreign.reading import reading

_NOT_UNDERSTOOD = re.compile(r"^\s*(include|match|proxyjump)\b", re.IGNORECASE | re.MULTILINE)
_ASKING_S = 30.0
#: Of no setting here a longer number makes sense.
_DIGITS = 9
#: What ssh says when nobody has a terminal, whatever else is wrong.
_IDLE = "Pseudo-terminal will not be allocated"


@dataclass(frozen=True, slots=True)
class Options:
    """What holds for one host: keywords in small letters, each with its values in order."""

    values: Mapping[str, list[str]]

    def first(self, key: str, default: str = "") -> str:
        """Return the first value of `key`."""
        return self.values.get(key, [default])[0]

    def number(self, key: str, usual: int, owner: str) -> int:
        """Return the first value of `key` as a number; ConfigError, starting with `owner`."""
        value = self.first(key, str(usual))
        if not (value.isascii() and value.isdecimal() and len(value) <= _DIGITS):
            raise ConfigError(
                f"{owner}: {key} {value[:40]!r} of its ssh configuration is no number; mend it"
            )
        return int(value)

    def every(self, key: str) -> list[str]:
        """Return every value of `key` but "none"."""
        return [value for value in self.values.get(key, []) if value.lower() != "none"]

    def unless_none(self, key: str) -> str:
        """Return the first value of `key`, "" for "none"."""
        value = self.first(key)
        return "" if value.lower() == "none" else value

    def on(self, key: str) -> bool:
        """Tell whether `key` is switched on."""
        return self.first(key).lower() in ("yes", "true")

    def listed(self, key: str) -> tuple[str, ...]:
        """Return the parts of the value of `key` between commas."""
        return tuple(filter(None, self.first(key).split(",")))


def of_openssh(
    ssh: str, config: Path | None, alias: str, arguments: list[str], owner: str
) -> Options:
    """Return what `ssh -G` says of `alias`; ConfigError, starting with `owner`, if it cannot."""
    argv = [ssh, "-G", *(["-F", str(config)] if config else [])]
    try:
        done = subprocess.run(
            [*argv, *arguments, "--", alias],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=_ASKING_S,
        )
    except subprocess.TimeoutExpired as error:
        raise ConfigError(
            f"{owner}: `ssh -G {alias}` says nothing for {_ASKING_S:.0f} s; does a `Match "
            "exec` of its configuration hang?"
        ) from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if not line.startswith(_IDLE)]
        cause = " ".join(" ".join(said).split()) or f"exit status {done.returncode}"
        raise ConfigError(
            f"{owner}: `ssh -G {alias}` failed: {cause}; mend the configuration there"
        )
    options: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        key, _, value = line.partition(" ")
        options.setdefault(key.lower(), []).append(value)
    return Options(options)


def of_paramiko(
    config: Path | None, alias: str, arguments: list[str], owner: str
) -> tuple[Options, tuple[str, ...]]:
    """Return what paramiko's parser says of `alias`, and warnings about what it misreads."""
    path = config or tilde("~/.ssh/config")
    options: dict[str, list[str]] = {}
    warnings: tuple[str, ...] = ()
    if path.is_file():
        with reading(path, "cannot be read", "mend it"):
            text = whole(path, SETTINGS).decode("utf-8", "replace")
        words = sorted({word.lower() for word in _NOT_UNDERSTOOD.findall(text)})
        if words:
            warnings = (
                f"{path}: {', '.join(words)} may be misread without an OpenSSH client; "
                "install openssh-client",
            )
        with reading(path, "cannot be read by paramiko", "install openssh-client, or mend it"):
            parsed = paramiko.SSHConfig.from_text(text).lookup(alias)
        for key, value in parsed.items():
            options[key] = value if isinstance(value, list) else [value]
    elif config:
        raise ConfigError(f"{owner}: ssh_config {path} does not exist")
    names = {"-p": "port", "-l": "user", "-J": "proxyjump"}
    for flag, value in zip(arguments[::2], arguments[1::2], strict=True):
        if flag == "-i":
            options["identityfile"] = [value, *options.get("identityfile", [])]
        else:
            options[names[flag]] = [value]
    defaults = [f"~/.ssh/id_{kind}" for kind in ("ed25519", "ecdsa", "rsa")]
    options.setdefault("identityfile", defaults)
    options.setdefault("userknownhostsfile", ["~/.ssh/known_hosts"])
    return Options(options), warnings
