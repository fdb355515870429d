"""Keep third-party converters from writing to the terminal."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator

_ONE_AT_A_TIME = threading.RLock()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence log records below ERROR, warnings and prints; exceptions pass through.

    onnxruntime's quantizer logs advice to the root logger and some converters print. What is
    silenced belongs to the whole process, so threads take turns.
    """
    with _ONE_AT_A_TIME:
        yield from _silenced()


def _silenced() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def quiet_natively() -> Iterator[None]:
    """Be `quiet`, and silence what native code and progress bars write to stderr as well.

    Descriptor 2 belongs to the process: a display in another thread stands still meanwhile.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with quiet(), open(os.devnull, "w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            with contextlib.redirect_stderr(nowhere):
                yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
