"""A function in a file beside the suite: found, imported once, known by the file's sha256.

Only `benchhub run` imports it, with the suite that names it. What reads a store never does.
"""

from __future__ import annotations

import hashlib
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from benchhub.errors import ConfigError, nearest
from benchhub.model.arrays import Settings

#: What stands before the name of a file in a run's provenance.
CODE = "code "
_NAME = re.compile(r"([^:]+\.py):([A-Za-z_]\w*)")


def is_own(name: str) -> bool:
    """Return whether a metric or prediction is named as `file.py:function`."""
    return ".py:" in name


@dataclass(frozen=True, slots=True)
class OwnFunction:
    """A function of a user's file, with what tells the file from another one."""

    name: str
    path: Path
    function: Callable[..., Any]

    def __call__(self, *arguments: Any, where: str) -> Any:
        """Call it; ValueError of one line where it raises, `where` telling of which case."""
        try:
            return self.function(*arguments)
        except (Exception, SystemExit) as error:
            raise ValueError(f"{self.name} raised {_said(error, self.path)} for {where}") from error


def own_function(name: str, folder: Path, where: str) -> OwnFunction:
    """Return the function of a name as `file.py:function`, relative to `folder`.

    ConfigError, beginning with `where`: no such file or function, or it cannot be imported.
    """
    parted = _NAME.fullmatch(name)
    if parted is None:
        raise ConfigError(f'{where} = {name!r}: write "file.py:function"')
    path = folder / parted[1]
    module = _imported(path, where)
    function = getattr(module, parted[2], None)
    if not callable(function):
        known = [key for key, of in vars(module).items() if callable(of) and key[0] != "_"]
        raise ConfigError(f"{where}: {path} has no function {parted[2]}{nearest(parted[2], known)}")
    return OwnFunction(name, path, function)


def digests(data: Settings, folder: Path) -> dict[str, str]:
    """Return the sha256 of each file that `[data]` names, under `code FILE`; "": not there."""
    return {CODE + file: _digest(folder / file) for file in sorted(set(_files(data)))}


def changed(told: Mapping[str, str], data: Settings, folder: Path) -> str:
    """Return the first file that `[data]` names and that is not the one a run was `told`."""
    now = digests(data, folder)
    return next((name.removeprefix(CODE) for name in now if told.get(name) != now[name]), "")


def _files(data: Settings) -> Iterator[str]:
    also = data.get("also", [])
    for name in (
        data.get("metric"),
        data.get("predict"),
        *(also if isinstance(also, list) else ()),
    ):
        if isinstance(name, str) and is_own(name):
            yield name.rpartition(":")[0]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _imported(path: Path, where: str) -> ModuleType:
    if not path.is_file():
        near = nearest(path.name, [one.name for one in path.parent.glob("*.py")])
        raise ConfigError(f"{where}: {path}: no such file{near}")
    module = ModuleType(f"benchhub_own_{path.stem}")
    module.__file__ = str(path)
    try:
        # Compiled here, so that no cache file of another content can stand in for it.
        code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
        sys.modules[module.__name__] = module
        exec(code, module.__dict__)
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{where}: {path} cannot be imported: {_said(error, path)}") from error
    return module


def _said(error: BaseException, path: Path) -> str:
    """Return an error as one line, with the line of the user's file that it comes from."""
    text = " ".join(str(error).split())
    lines = [
        one.lineno for one in traceback.extract_tb(error.__traceback__) if one.filename == str(path)
    ]
    line = lines[-1] if lines else error.lineno if isinstance(error, SyntaxError) else None
    said = f"{type(error).__name__}{f' ({text})' if text else ''}"
    return f"{said} in line {line}" if line else said
