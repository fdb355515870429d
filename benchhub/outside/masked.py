"""Passwords and other secrets, hidden in what is stored, logged or shown."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

#: What stands in a secret's place.
MASK = "***"
#: Names of variables, options and keys of a URL whose values nobody else should read.
_NAMES = (
    r"(?:[a-z0-9_.-]*(?:password|passwd|passphrase|secret|token|api[_.-]?key|access[_.-]?key"
    r"|secret[_.-]?key|private[_.-]?key|account[_.-]?key|credentials?)"
    r"|(?:[a-z0-9]+[_.-])*(?:pass|pwd|auth|authorization|signature|sig|cookie))"
)
#: Of a URL what stands between `//` and `@`: a name may be shown, what follows a colon may not.
#: One that was taken for a path has lost one of its `/`.
_USERINFO = re.compile(r"(\b[a-z][a-z0-9+.-]{0,40}:/{1,2}[^\s/@:'\"]*):([^\s'\"]*)@", re.I)
#: A token alone in a name's place, as package indexes and hosts of code take it.
_BARE = re.compile(r"(\b(?:git\+)?https?:/{1,2})[^\s/@:'\"]+@", re.I)
_VALUE = r"(\"[^\"]*\"|'[^']*'|[^\s&;,'\"]+)"
_PAIR = re.compile(
    rf"(?<![\w/.-])((?:--?)?{_NAMES}[\"']?(?:[=:]|\s?[=:]\s?(?=[\"'])))" + _VALUE, re.I
)
_SAID = re.compile(r"\b((?:password|passwd|passphrase)\s?[=:]\s?)" + _VALUE, re.I)
_NAME = re.compile(_NAMES, re.I)
_OPTION = re.compile(rf"^--?{_NAMES}$", re.I)
_HEADER = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.I)
#: What is a secret by its very look.
_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|hf_[A-Za-z0-9]{16,}"
    r"|xox[abeprs]-[\w-]{10,}|sk-[\w-]{20,}|pypi-[\w-]{20,}|AKIA[0-9A-Z]{16}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)",
    re.S,
)  # fmt: skip
#: A value of the environment that is shorter may stand in a text by chance.
_SHORTEST = 8


def masked(text: str, environment: Mapping[str, str] | None = None) -> str:
    """A text without the secrets in it: passwords of URLs, values of such names, known tokens.

    Values of variables of `environment` (this process's own) whose names say that they are secret,
    and passwords of URLs in it, are hidden wherever they stand.
    """
    return _without(text, _secret_values(os.environ if environment is None else environment))


def all_masked(told: Any) -> Any:
    """Plain JSON types as they are, but every text in them, keys too, as `masked` has it.

    A text under a name that says that it is secret is hidden whole.
    """
    return _tree(told, _secret_values(os.environ))


def _tree(told: Any, hidden: Sequence[str]) -> Any:
    if isinstance(told, str):
        return _without(told, hidden)
    if isinstance(told, Mapping):
        return {
            _tree(key, hidden): MASK if _is_secret(key, value) else _tree(value, hidden)
            for key, value in told.items()
        }
    return [_tree(one, hidden) for one in told] if isinstance(told, list | tuple) else told


def _is_secret(name: Any, value: Any) -> bool:
    named = isinstance(name, str) and _NAME.fullmatch(name) is not None
    return named and isinstance(value, str) and bool(value)


def _without(text: str, hidden: Sequence[str]) -> str:
    for value in hidden:
        text = text.replace(value, MASK)
    text = _SHAPES.sub(MASK, text)
    text = _USERINFO.sub(rf"\1:{MASK}@", text)
    text = _BARE.sub(rf"\1{MASK}@", text)
    text = _HEADER.sub(rf"\1 {MASK}", text)
    return _SAID.sub(rf"\g<1>{MASK}", _PAIR.sub(rf"\g<1>{MASK}", text))


def masked_words(words: Sequence[str]) -> list[str]:
    """Words of a command line without secrets: also the word that follows `--password`."""
    found: list[str] = []
    for word in words:
        follows = bool(found) and _OPTION.match(found[-1]) is not None
        found.append(MASK if follows and not word.startswith("--") else masked(word))
    return found


def _secret_values(environment: Mapping[str, str]) -> list[str]:
    values = set()
    for name, value in environment.items():
        if _NAME.fullmatch(name) and not value.startswith("/"):  # of a folder or a socket
            values.add(value)
        for found in _USERINFO.finditer(value):
            values |= {found[2], unquote(found[2])}
    return sorted((one for one in values if len(one) >= _SHORTEST), key=len, reverse=True)
