"""The %-tokens, ~ and ${VARIABLES} that `ssh -G` leaves in paths and commands."""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import socket
from dataclasses import dataclass
from pathlib import Path

from benchhub.errors import ConfigError

_TOKEN = re.compile(r"%(.?)", re.DOTALL)
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the tokens stand for, on the way to one host; `owner` starts messages."""

    owner: str
    alias: str
    host: str
    port: int
    user: str
    jump: str = ""
    key_alias: str = ""

    def command(self, text: str) -> str:
        """Return a command with its tokens filled in; ConfigError for one that ssh has not."""
        return self._fill(text)

    def path(self, text: str) -> Path:
        """Return a path with tokens, variables and ~ filled in; ConfigError as ssh would fail."""
        text = text.strip('"')
        return tilde(_VARIABLE.sub(self._variable, self._fill(text)))

    def _fill(self, text: str) -> str:
        here = socket.gethostname()
        me = pwd.getpwuid(os.getuid())
        hashed = f"{here}{self.host}{self.port}{self.user}{self.jump}"
        meanings = {
            "%": "%",
            "C": hashlib.sha1(hashed.encode(), usedforsecurity=False).hexdigest(),
            "d": me.pw_dir,
            "h": self.host,
            "i": str(me.pw_uid),
            "j": self.jump,
            "k": self.key_alias or self.alias,
            "L": here.partition(".")[0],
            "l": here,
            "n": self.alias,
            "p": str(self.port),
            "r": self.user,
            "u": me.pw_name,
        }

        def meaning(found: re.Match[str]) -> str:
            try:
                return meanings[found[1]]
            except KeyError:
                raise ConfigError(
                    f"{self.owner}: {text!r} in its ssh configuration has the unknown token "
                    f"{found[0]}; write %% for a percent sign"
                ) from None

        return _TOKEN.sub(meaning, text)

    def _variable(self, found: re.Match[str]) -> str:
        value = os.path.expandvars(found[0])
        if value == found[0]:
            raise ConfigError(
                f"{self.owner}: its ssh configuration uses {found[0]}, and that variable is not "
                "set; set it, or write the path"
            )
        return value


def me() -> str:
    """Return who ssh takes the user for: the account, whatever $USER says."""
    return pwd.getpwuid(os.getuid()).pw_name


def tilde(text: str) -> Path:
    """Return `text` with ~ or ~user filled in from the accounts, as ssh does, not from $HOME."""
    if not text.startswith("~"):
        return Path(text)
    name, _, rest = text[1:].partition("/")
    try:
        home = (pwd.getpwnam(name) if name else pwd.getpwuid(os.getuid())).pw_dir
    except (KeyError, ValueError):  # nobody, or no name
        return Path(text)
    return Path(home, rest)
