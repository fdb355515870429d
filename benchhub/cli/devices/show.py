"""`benchhub devices show`: what one device really is."""

from __future__ import annotations

import dataclasses
import json as jsonlib

import typer

from benchhub.cli import project
from benchhub.cli.devices.listing import plain


def show(
    device: str = typer.Argument(help="A device's name or profile file"),
    json: bool = project.JSON,
) -> None:
    """Connect to a device and show what it really is, and its conditions now."""
    from benchhub.cli.devices.asked import one_device
    from benchhub.cli.devices.doctor import question
    from benchhub.run.loop.engine import Sessions

    profile = one_device(device)
    facts, conditions = question(profile, Sessions())
    if json:
        now = dataclasses.asdict(conditions)
        whole = {"profile": plain(profile), "facts": dict(facts.told), "conditions": now}
        typer.echo(jsonlib.dumps(whole, indent=2))
        return
    from benchhub.cli.show.say import stdout
    from benchhub.cli.show.table import print_table
    from benchhub.report.tables.table import listing

    body = [
        (name, _text(value) if value or name != "emulation" else "no sign of it")
        for name, value in facts.told.items()
    ]
    for name, value in dataclasses.asdict(conditions).items():
        if name not in ("at_ns", "unavailable") and not name.endswith("_ticks"):
            reason = conditions.unavailable.get(name, "unknown")
            body.append((name, _text(value) if value is not None else f"unavailable: {reason}"))
    print_table(stdout(), listing("facts", profile.name, ("fact", "value"), body))


def _text(value: object) -> str:
    if isinstance(value, dict):
        known = {key: item for key, item in value.items() if item not in (None, [], {})}
        return ", ".join(f"{key} {_text(item)}" for key, item in known.items())
    if isinstance(value, list | tuple):
        several = any(isinstance(item, dict) for item in value)
        return ("; " if several else " ").join(_text(item) for item in value) or "none"
    return "unknown" if value is None else str(value)
