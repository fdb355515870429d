"""Where suites and device profiles are found: the user's folder first, then what ships."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from benchhub.config.folders import expanded
from benchhub.errors import ConfigError, nearest
from benchhub.outside.foreign.bounds import check_kind

#: What holds groups of devices, beside profiles or in the project's folder.
FLEET_FILE = "fleet.toml"
#: The host of a profile that is only a template for the user's own.
TEMPLATE_HOST = "CHANGE-ME"

# A wheel carries the catalogue inside the package; in a checkout it stands beside it.
_PACKAGED = Path(__file__).parents[1] / "shipped"
SHIPPED = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[2]


def suite_file(name: str, project: Path) -> Path:
    """Return the suite.toml that `name` stands for: a file, a folder, or a name in `suites/`."""
    given = expanded(name)
    if given.is_file():
        if _is_model(given):
            raise ConfigError(f"{name} is a model, not a suite: `benchhub bench {name}`")
        return given
    if not given.is_dir():
        _refuse_others(given)
    if (given / "suite.toml").is_file():
        return given / "suite.toml"
    _refuse_others(given / "suite.toml")
    if given.is_dir() and (len(given.parts) > 1 or name.startswith(".")):
        raise ConfigError(f"{name}: the folder has no suite.toml; `benchhub init` writes one")
    return _find("suite", name, project, "suites/{}/suite.toml", "suites/*/suite.toml")


def _is_model(file: Path) -> bool:
    """Whether a file begins as ONNX, TFLite or torch files do, and no TOML does."""
    with file.open("rb") as opened:
        head = opened.read(8)
    return head.startswith((b"\x08", b"PK\x03\x04")) or head[4:] == b"TFL3"


def profile_file(name: str, project: Path) -> Path:
    """Return the profile that `name` stands for: a .toml file, or a name in `device_profiles/`."""
    given = expanded(name)
    if given.suffix == ".toml":
        if given.is_file():
            return given
        _refuse_others(given)
        raise ConfigError(f"{name}: no such device profile; `benchhub devices list` shows them")
    return _find("device", name, project, "device_profiles/{}.toml", "device_profiles/*.toml")


def profile_files(project: Path) -> dict[str, Path]:
    """Return every known profile by file stem; the user's hide the shipped ones."""
    found = _all(project, "device_profiles/*.toml", stem=lambda path: path.stem)
    return {name: path for name, path in found.items() if path.name != FLEET_FILE}


def check_own(name: str, host: str) -> None:
    """ConfigError for a device profile that is only a template."""
    if host == TEMPLATE_HOST:
        raise ConfigError(
            f"device {name} is a template without a host; make it yours with"
            f" `benchhub devices enroll HOST --name {name} --like {name}`"
        )


def _find(kind: str, name: str, project: Path, pattern: str, every: str) -> Path:
    for folder in (project, SHIPPED):
        path = folder / pattern.format(name)
        if path.is_file():
            return path
        _refuse_others(path)
    known = _all(project, every, stem=lambda path: _name(kind, path))
    raise ConfigError(f"{kind} {name} is unknown{nearest(name, known)}")


def _refuse_others(path: Path) -> None:
    """ConfigError where something lies at `path` that is no file."""
    if not os.path.lexists(path):
        return
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder, not a file; give the path of a file")
    if not path.exists():
        raise ConfigError(f"{path}: is a link that leads nowhere; mend or remove it")
    check_kind(path)


def _name(kind: str, path: Path) -> str:
    return path.parent.name if kind == "suite" else path.stem


def suite_files(project: Path) -> dict[str, Path]:
    """Return every known suite by its folder's name; the user's hide the shipped ones."""
    return _all(project, "suites/*/suite.toml", stem=lambda path: path.parent.name)


def _all(project: Path, pattern: str, stem: Callable[[Path], str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in (SHIPPED, project):
        found |= {stem(path): path for path in sorted(folder.glob(pattern))}
    return found
