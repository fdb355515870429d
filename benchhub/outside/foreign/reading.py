"""Whatever a library stumbles over in a file of somebody else's, as one line."""

from __future__ import annotations

import contextlib
import logging
import threading
import warnings
from collections.abc import Iterator
from typing import Any

from benchhub.errors import BenchhubError, ConfigError
from benchhub.outside.faults import used_up
from benchhub.text import abridged, visible

_SAID = 300
#: What says by its text alone what is wrong; of others the name is half of it.
_TELLING = (OSError, SyntaxError, UnicodeError, ValueError)


@contextlib.contextmanager
def reading(where: object, what: str, step: str) -> Iterator[None]:
    """Make a ConfigError of what the block raises: where, what is wrong with it, why, what to do.

    For what reads bytes of others, and no more: a fault of benchhub's own in the block reads as the
    file's. Errors of benchhub's own and packages that are not installed pass through. Warnings and
    logs of the libraries are not shown.
    """
    try:
        with _QUIET:
            yield
    except (BenchhubError, ImportError):
        raise
    except MemoryError as error:
        raise ConfigError(
            f"{where}: there is no memory to read it{_and(error)}: end other programs, or {step}"
        ) from error
    except Exception as error:
        if (gone := used_up(error)) is not None:
            raise ConfigError(f"{where}: {gone}") from error
        raise ConfigError(f"{where}: {what} ({reason(error)}); {step}") from error


class _Quiet:
    """Warnings and logs are off while any thread is within, and as they were once all have left."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._within = 0
        self._kept = contextlib.ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if not self._within:
                self._kept.callback(logging.disable, logging.root.manager.disable)
                logging.disable(logging.CRITICAL)
                self._kept.enter_context(warnings.catch_warnings())
                warnings.simplefilter("ignore")
            self._within += 1

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            self._within -= 1
            if not self._within:
                self._kept.close()


_QUIET = _Quiet()


def reason(error: BaseException) -> str:
    """Return in a few words, on one line, why a library gave up on a file."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    kind = type(error).__name__
    if kind == "UnidentifiedImageError":  # it only names the file
        return "unknown format"
    if kind == "ValidationError" and hasattr(error, "errors"):  # pydantic's, of many lines
        told: Any = error
        first = told.errors(include_url=False, include_input=False)[0]
        return visible(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")[:_SAID]
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    said = abridged(" ".join(visible(said).split()), _SAID)
    if not said:
        return kind
    return said if isinstance(error, _TELLING) else f"{kind}: {said}"


def _and(error: BaseException) -> str:
    said = abridged(" ".join(visible(str(error)).split()), _SAID)
    return f" ({said})" if said else ""
