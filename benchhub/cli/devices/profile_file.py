"""Writing a device profile, or the new host key into one, comments kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchhub.config.folders import expanded
from benchhub.errors import ConfigError
from benchhub.outside.written import write_whole


def write_profile(
    path: Path, name: str, chosen: Mapping[str, Any], host_key: str, template: Path | None = None
) -> None:
    """Write the profile at `path`, or update the keys that were given in an existing one.

    A new one takes everything else, comments too, from `template`.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        if path.exists():
            document = tomlkit.parse(path.read_text("utf-8"))
        elif template is not None:
            document = tomlkit.parse(_as_own(template.read_text("utf-8")))
            chosen = {"name": name, **chosen}
        else:
            document = tomlkit.document()
            document.add(tomlkit.comment(f"Enrolled with `benchhub devices enroll {name}`."))
            table = tomlkit.table()
            table.update({"name": name, "transport": "ssh"})
            document.add("device", table)
        device = document["device"]
        if not isinstance(device, dict):
            raise KeyError("device")
        device.update({key: _plain(value) for key, value in chosen.items()})
        device["host_key"] = host_key
        text = tomlkit.dumps(document)
    except (TOMLKitError, KeyError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not a device profile: {error}; move it away") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; make it readable") from error
    write_whole(path, text, "make its folder writable, or start this in another project folder")


def write_member(path: Path, group: str, name: str, chosen: Mapping[str, Any]) -> None:
    """Write keys of one device of a group into the fleet file at `path`, comments kept."""
    import tomllib

    import tomlkit
    from tomlkit.exceptions import TOMLKitError
    from tomlkit.items import InlineTable

    keys = {key: _plain(value) for key, value in chosen.items()}
    try:
        document = tomlkit.parse(path.read_text("utf-8"))
        table: Any = document["groups"]
        for part in (group, "members", name, "device"):
            if part not in table:
                new = tomlkit.table(is_super_table=part in ("members", name))
                table[part] = tomlkit.inline_table() if isinstance(table, InlineTable) else new
            table = table[part]
        table.update(keys)
        text = tomlkit.dumps(document)
        there: Any = tomllib.loads(text)
        for part in ("groups", group, "members", name, "device"):
            there = there[part]
        if any(there.get(key) != value for key, value in keys.items()):
            raise ValueError("its tables are in an order that cannot be added to")
    except (TOMLKitError, KeyError, TypeError, ValueError, RecursionError) as error:
        told = ", ".join(f'{key} = "{value}"' for key, value in keys.items())
        raise ConfigError(
            f"{path}: cannot be written to: {error}; add [groups.{group}.members.{name}.device]"
            f" with {told}"
        ) from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; make it readable") from error
    write_whole(path, text, "make its folder writable")


def _as_own(text: str) -> str:
    """Return a template without its head, which tells how to make a profile of it."""
    head, _, rest = text.partition("\n\n")
    return rest if head.startswith("#") and "[" + "device]" not in head else text


def _plain(value: object) -> object:
    return str(expanded(value).resolve()) if isinstance(value, Path) else value
