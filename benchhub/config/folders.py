"""Where results and caches are, unless somebody says otherwise."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from benchhub.errors import ConfigError
from benchhub.outside import Variable
from benchhub.text import abridged, visible

#: Characters of a path that messages show at most.
_SHOWN = 200


def here() -> Path:
    """Return the current folder; ConfigError where it is gone or may not be read."""
    try:
        return Path.cwd()
    except OSError as error:
        raise ConfigError(
            f"the current folder cannot be used ({error.strerror}): cd to one that is there"
        ) from error


def expanded(path: str | os.PathLike[str]) -> Path:
    """Return the path that a user wrote, with `~` filled in; nothing need be there.

    A file that is called `~name` is meant where nobody has that name. ConfigError where it is not
    known what `~` stands for, for what this machine takes for no path, and for a place that may not
    be looked at.
    """
    text = os.fspath(path)
    shown = abridged(visible(text), _SHOWN)
    written = Path(text)
    try:
        if text.startswith("~"):  # of ./~name the path alone would not know it any more
            written = written.expanduser()
    except RuntimeError:
        if text[1:2] in ("", os.sep) or not os.path.lexists(text):
            raise ConfigError(
                f"{shown}: it is not known what ~ stands for: write the folder out, or set HOME"
            ) from None
    try:
        written.stat()
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            raise ConfigError(f"{shown}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # NUL, or characters that no name of a file has
        raise ConfigError(f"{shown}: no path: {error}") from error
    return written


def cache() -> Path:
    """Return the controller's cache: $BENCHHUB_CACHE, or benchhub in the user's cache folder.

    ConfigError: this account has no home folder, and no variable names another.
    """
    given = os.environ.get(Variable.CACHE)
    if given:
        return expanded(given)
    base = os.environ.get(Variable.XDG_CACHE) or "~/.cache"
    try:
        return expanded(base) / "benchhub"
    except ConfigError as error:
        raise ConfigError(
            f"this account has no home folder for a cache: set {Variable.CACHE} to a folder"
        ) from error


def store_url(folder: Path) -> str:
    """Return the results database of the project in `folder`: $BENCHHUB_STORE, or its own."""
    return os.environ.get(Variable.STORE) or f"sqlite:///{folder / 'benchhub.db'}"


def placed(file: str | os.PathLike[str]) -> str:
    """Return the absolute path of a model file as it is named: a link stays one.

    What a model keeps in other files lies beside the link, in a download cache say, and not beside
    what the link leads to.
    """
    return str(here() / expanded(file))
