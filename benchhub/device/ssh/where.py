"""Where a setting stands in the ssh configuration, for messages; `ssh -G` says what holds."""

from __future__ import annotations

import glob
import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchhub.device.ssh.tokens import tilde
from benchhub.errors import ConfigError
from benchhub.outside.foreign.bounds import SETTINGS, whole

_SYSTEM = Path("/etc/ssh/ssh_config")
_LINE = re.compile(r"[ \t]*(?P<word>\w+)(?:[ \t]*=[ \t]*|[ \t]+)(?P<value>.*)")
_MAX_DEPTH = 16  # OpenSSH's own


@dataclass(frozen=True, slots=True)
class Standing:
    """A line that sets something, for some hosts."""

    value: str
    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file} line {self.line}"


def files(config: Path | None) -> tuple[Path, ...]:
    """Return where ssh begins to read: the file named, or the user's and the system's."""
    return (config,) if config else (tilde("~/.ssh/config"), _SYSTEM)


def check(config: Path | None, owner: str) -> None:
    """ConfigError, starting with `owner`, for a file that ssh would wait for or read for ever."""
    try:
        for path in files(config):
            list(_settings(path, "", 0))
    except ConfigError as error:
        raise ConfigError(f"{owner}: its ssh configuration {error}") from error


def place(config: Path | None, keyword: str, value: str = "") -> str:
    """Return "FILE line N" of the line that sets `keyword` to `value`, for messages.

    Where several do the first is named, and where none does, the files that were read.
    """
    beginnings = files(config)
    said = [s for path in beginnings for s in _settings(path, keyword.lower(), 0)]
    wanted = value.lower().split()
    exact = [s for s in said if not wanted or s.value.lower().split() == wanted]
    if found := exact or said:
        return str(found[0])
    return " and ".join(str(path) for path in beginnings if os.path.isfile(path)) or str(
        beginnings[0]
    )


def _settings(path: Path, keyword: str, depth: int) -> Iterator[Standing]:
    try:
        lines = whole(path, SETTINGS, piped=False).decode("utf-8", "replace").splitlines()
    except OSError:
        return
    for number, line in enumerate(lines, 1):
        match = _LINE.match(line)
        if match is None or match["word"].startswith("#"):
            continue
        word, value = match["word"].lower(), match["value"].strip()
        if word == keyword:
            yield Standing(value.strip('"'), path, number)
        elif word == "include" and depth < _MAX_DEPTH:
            for pattern in _words(value):
                base = path.parent if path.is_relative_to("/etc/ssh") else tilde("~/.ssh")
                for included in sorted(glob.glob(str(base / tilde(pattern)))):
                    yield from _settings(Path(included), keyword, depth + 1)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return text.split()
