"""What a board does not tell: where machines are, whose they are, and folders on them; pure.

Secrets are hidden as everywhere. Names that people chose, of devices, suites and variants, stay:
they are what a board is about.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from benchhub.model.facts import Facts, Provenance
from benchhub.model.launch import Details
from benchhub.outside.masked import masked

#: What stands for what is left out.
GONE = "…"
#: Entries that are left out whole, of what devices, backends and runs tell of themselves.
_ENTRIES = frozenset(
    {
        "address", "boot_id", "executable", "home", "host", "host_key", "hostname", "identity_file",
        "ip", "mac", "mac_address", "machine_id", "proxy_jump", "root", "serial", "serial_number",
        "user", "username", "uuid",
    }
)  # fmt: skip
#: Fields that people chose, or by which things are found: they are as they are.
_KEPT = frozenset(
    {
        "against", "at", "backend", "backend_version", "backends", "baseline", "budget", "cell",
        "cells", "column", "device", "finished_at", "id", "key", "launches_of", "method",
        "model_sha256", "name", "run", "runs", "scenario", "sha256", "started_at", "suite",
        "suite_sha256", "task", "variant", "variants", "version",
    }
)  # fmt: skip
_URL = re.compile(r"\b([a-z][a-z0-9+.-]*)://([^\s'\"<>`)]*)", re.I)
_PUBLIC_HOST = re.compile(r"(?!\d+\.\d+\.\d+\.\d+)[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?=[/?#]|$)", re.I)
_PRIVATE_NAMES = r"(?:local|localdomain|lan|lab|internal|intranet|home|corp)"
_PART = r"[^\s/'\"`:;,()\[\]<>|]"
_TEXTS = (
    # user@host, and a name of a network that is somebody's own
    re.compile(r"(?<![\w@])[\w.+-]+@[\w-]+(?:\.[\w-]+)*"),
    re.compile(rf"(?<![\w.-])[\w-]+(?:\.[\w-]+)*\.{_PRIVATE_NAMES}\b(?![.\w])", re.I),
    # host:port, and what commands are told to lead to
    re.compile(
        r"(?<![\w./-])(?!\d{4}-\d\d-)(?=[\w.-]*[a-z])[\w-]+(?:\.[\w-]+)*:\d{2,5}(?![\w.:-])"
        r"|(?<=\benroll )[\w.@][\w.@-]*|(?<=\bssh )[\w.@][\w.@-]*(?=`)",
        re.I,
    ),
    # addresses of networks and of network cards
    re.compile(
        r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|(?![\d.]))){4}(?!\w)(?::\d+)?"
    ),
    re.compile(
        r"(?<![\w:.])(?=[0-9a-f:]*::|(?:[0-9a-f]{1,4}:){5})[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])"
        r"(?:%\w+)?",
        re.I,
    ),
    # a path in quotes may have spaces in it
    re.compile(r"(?<=['\"])(?:~|/(?!(?:sys|proc|dev)/))[^'\"]* [^'\"]*/(?=[^'\"/]*['\"])"),
)
#: What has none of these tells nothing private: numbers, words.
_MARKS = re.compile(r"[/@:=~]|[\w-]\.[\w-]|\b(?:enroll|ssh) ", re.I)
#: A path of a machine but those that all Linux machines have alike.
_PATH = re.compile(
    rf"(?<![\w/.…<~-])(?:~[\w.-]*)?/(?!(?:sys|proc|dev)/)(?:{_PART}+/)+({_PART}*)"
    rf"|(?<![\w/.…<])~[\w.-]*/({_PART}+)"
)


def public(told: Any) -> Any:
    """Return frozen values or plain JSON types without what is private in their texts."""
    return _tree(told, "")


def public_text(text: str) -> str:
    """Return a text without addresses, users, hosts and folders; twice is as once."""
    if not _MARKS.search(text):
        return text
    found = _URL.sub(_url, masked(text, {}))
    for pattern in _TEXTS:
        found = pattern.sub(lambda of: f"{GONE}/" if of[0].endswith("/") else GONE, found)
    found = _PATH.sub(lambda of: f"{GONE}/{of[1] or of[2] or ''}", found)
    return text if found == text else found


def _url(found: re.Match[str]) -> str:
    """Return an address of the public web as it is: sources of claims; of others the kind."""
    scheme, rest = found[1], found[2]
    public_host = _PUBLIC_HOST.match(rest)
    if scheme.lower() in ("http", "https") and public_host and "@" not in rest.split("/")[0]:
        last = public_host[0].rpartition(".")[2].lower()
        if not re.fullmatch(_PRIVATE_NAMES, last):
            return found[0]
    return f"{scheme}://{GONE}" if rest != GONE else found[0]


def _tree(told: Any, name: str, in_list: bool = False) -> Any:
    """Return a value without what is private; the same object where nothing in it is.

    `in_list`: it is of an open list, whose entries anybody names.
    """
    if type(told) is str:
        return told if name in _KEPT else public_text(told)
    if isinstance(told, Facts):
        return _facts(told)
    if dataclasses.is_dataclass(told) and not isinstance(told, type):
        within = isinstance(told, Provenance | Details)
        fields = {one.name: getattr(told, one.name) for one in dataclasses.fields(told)}
        changed = {
            key: new
            for key, value in fields.items()
            if (new := _tree(value, key, within)) is not value
        }
        return dataclasses.replace(told, **changed) if changed else told
    if isinstance(told, Mapping):
        return _mapping(told, in_list)
    if isinstance(told, list | tuple):
        found = [_tree(one, name, in_list) for one in told]
        same = all(new is old for new, old in zip(found, told, strict=True))
        return told if same else type(told)(found)
    return told


def _facts(told: Facts) -> Facts:
    """Return facts without what is private; of backends the version, as `Facts.public` has them.

    Those of a report's json went through that once.
    """
    known = dict(told.told)
    backends = known.get("backends")
    if isinstance(backends, Mapping):
        known["backends"] = {
            name: {
                "version": one.get("version"),
                "provisioned": bool(one.get("python")) or one.get("provisioned") is True,
            }
            for name, one in backends.items()
            if isinstance(one, Mapping)
        }
    return Facts(_mapping(known, in_list=True))


def _mapping(told: Mapping[Any, Any], in_list: bool) -> Mapping[Any, Any]:
    found = {
        key: _tree(value, key if isinstance(key, str) else "", in_list)
        for key, value in told.items()
        if not (in_list and isinstance(key, str) and key.lower() in _ENTRIES)
    }
    same = len(found) == len(told) and all(found[key] is told[key] for key in found)
    return told if same else found
