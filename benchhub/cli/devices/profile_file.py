"""Writing a device profile, or the new host key into one, comments kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchhub.errors import ConfigError


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
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(tomlkit.dumps(document), "utf-8")
    except (TOMLKitError, KeyError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not a device profile: {error}; move it away") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error


def _as_own(text: str) -> str:
    """Return a template without its head, which tells how to make a profile of it."""
    head, _, rest = text.partition("\n\n")
    return rest if head.startswith("#") and "[" + "device]" not in head else text


def _plain(value: object) -> object:
    return str(value.expanduser().resolve()) if isinstance(value, Path) else value
