"""The exit code is the command line's: no library that gives up ends the process with another."""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
from typing import NoReturn


def keep(code: int) -> None:
    """From now on an `exit` that native code calls, with any status, ends in `code`.

    OpenBLAS calls exit(1) where it gets no memory, which would read as a verdict. What Python
    itself ends with has to go through `leave` from here on.
    """
    libc = ctypes.CDLL(None)
    register = libc.__cxa_atexit  # `atexit` itself is no symbol of a shared glibc
    register.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    register(ctypes.cast(libc._exit, ctypes.c_void_p), code, None)


def leave(code: int) -> NoReturn:
    """End the process as sys.exit does: threads are waited for, and what is registered is done."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
    finally:
        os._exit(code)
