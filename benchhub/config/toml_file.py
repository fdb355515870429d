"""What a TOML file of a user says, before anybody looks for keys in it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from benchhub.errors import ConfigError
from benchhub.outside.foreign.bounds import SETTINGS, whole
from benchhub.text import all_visible

#: A key takes the square of its parts: of 100 kB one would keep tomllib for minutes.
_LONG_KEY = re.compile(
    r"""(?<![\w.-])(?:(?:[\w-]{1,64}|"[^"\n]{0,64}"|'[^'\n]{0,64}')[ \t]*\.[ \t]*){100}""", re.ASCII
)


def tables(path: Path) -> dict[str, Any]:
    """Return its tables; ConfigError, with its path, where it is none."""
    try:
        text = whole(path, SETTINGS).decode("utf-8")
        if _LONG_KEY.search(text):
            raise ValueError("a key of more than a hundred parts")
        found: dict[str, Any] = all_visible(tomllib.loads(text.removeprefix("\ufeff")))
        return found
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: not valid TOML: it is nested too deeply") from error
    except ValueError as error:  # of numbers with thousands of digits, too
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
