"""Unpacks what a device shows of itself; see README.md beside this."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))


def unpack(name: str, folder: Path) -> Path:
    """Write the files of device `name` below `folder` and return that."""
    text = (FOLDER / f"{name}.txt").read_text("utf-8")
    pieces = re.split(r"(?:^|\n)==> (\S+) <==\n", text)
    assert not pieces[0]
    for path, content in zip(pieces[1::2], pieces[2::2], strict=True):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content.replace("\\0", "\0"))
    return folder
