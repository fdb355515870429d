"""Files of others are read without a word of the libraries, by several threads at once, too."""

from __future__ import annotations

import logging
import threading
import warnings

import pytest

from benchhub.errors import ConfigError
from benchhub.outside.foreign.reading import reading


def test_logs_and_warnings_are_as_before_once_all_threads_have_read() -> None:
    """The first to begin is the first to end, and so were a level kept of the second's."""
    begun, ended = threading.Event(), threading.Event()
    level, filters = logging.root.manager.disable, list(warnings.filters)

    def second() -> None:
        with reading("b", "damaged", "copy it again"):
            begun.set()
            assert ended.wait(30)

    thread = threading.Thread(target=second)
    with reading("a", "damaged", "copy it again"):
        thread.start()
        assert begun.wait(30)
        assert logging.root.manager.disable == logging.CRITICAL
    assert logging.root.manager.disable == logging.CRITICAL  # the other still reads
    ended.set()
    thread.join(30)
    assert (logging.root.manager.disable, list(warnings.filters)) == (level, filters)


def test_what_is_raised_leaves_them_as_they_were_within_another_reading(
    recwarn: pytest.WarningsRecorder,
) -> None:
    level = logging.root.manager.disable

    def read() -> None:
        with reading("a", "damaged", "copy it again"):
            with reading("b", "fine", "copy it again"):
                warnings.warn("nobody hears it", stacklevel=1)
            raise ValueError("cut")

    with pytest.raises(ConfigError, match="a: damaged"):
        read()
    assert logging.root.manager.disable == level
    assert not recwarn
