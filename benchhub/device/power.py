"""Switching a device off and on again, by a command of the user's: a smart plug, a BMC, a lab's.

The command is a list of arguments that no shell reads, run on this machine. Nothing here decides
whether it may be run: see `run.loop.power`.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable

from benchhub.errors import Interrupted, PowerFailed
from benchhub.model.device import DeviceProfile
from benchhub.outside.masked import masked
from benchhub.text import visible

_SAID_BYTES = 4096
#: So much it may say before it is ended: only the end is told of it, and the disk is others', too.
_MOST_SAID_BYTES = 16 << 20
_SLICE_S = 0.1


def argv(profile: DeviceProfile) -> list[str]:
    """Return the command with this device's name and host in place; PowerFailed where it cannot be.

    A value that begins with a dash would be an option: there is none in a name, and a host with one
    is refused.
    """
    assert profile.power is not None
    if profile.host.startswith("-") and any("{host}" in one for one in profile.power.cycle):
        raise PowerFailed(
            f"{profile.name}: host {profile.host!r} would be an option of its power command; change"
            " `host`, or leave {host} out of power.cycle"
        )
    values = {"name": profile.name, "host": profile.host}
    return [one.format(**values) for one in profile.power.cycle]


def cycle(profile: DeviceProfile, stopping: Callable[[], bool] = lambda: False) -> None:
    """Run the power command of a device to its end; PowerFailed where it fails, or hangs.

    Interrupted once `stopping`; the command is ended then, and all that it started with it.
    """
    words = argv(profile)
    assert profile.power is not None
    shown = f"{profile.name}: its power command `{masked(visible(shlex.join(words)))}`"
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
            )
        except (OSError, ValueError) as error:
            cause = getattr(error, "strerror", None) or error
            raise PowerFailed(
                f"{shown} cannot be started: {cause}; correct power.cycle in its profile"
            ) from error
        try:
            _await(process, profile.power.timeout_s, stopping, profile.name, said.fileno())
        except BufferError as error:
            raise PowerFailed(
                f"{shown} was ended, for it wrote more than {_MOST_SAID_BYTES >> 20} MB; run it by"
                " hand"
            ) from error
        except TimeoutError as error:
            raise PowerFailed(
                f"{shown} was ended, not done after {profile.power.timeout_s:g} s; run it by hand,"
                " or set a longer power.timeout_s"
            ) from error
        finally:
            _end(process)
        if process.returncode:
            raise PowerFailed(
                f"{shown} failed with {_status(process.returncode)}: {_last(said.fileno())}; run it"
                " by hand"
            )


def _await(
    process: subprocess.Popen[bytes],
    timeout_s: float,
    stopping: Callable[[], bool],
    name: str,
    said: int,
) -> None:
    until = time.monotonic() + timeout_s
    while process.poll() is None:
        if stopping():
            raise Interrupted(f"{name}: stopped")
        if time.monotonic() > until:
            raise TimeoutError
        if os.fstat(said).st_size > _MOST_SAID_BYTES:
            raise BufferError
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_SLICE_S)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of a command and of what it started."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _status(code: int) -> str:
    return f"status {code}" if code > 0 else f"signal {-code}"


def _last(fd: int) -> str:
    size = os.fstat(fd).st_size
    text = os.pread(fd, _SAID_BYTES, max(0, size - _SAID_BYTES)).decode("utf-8", "replace")
    return masked(" ".join(visible(text).split())[-300:]) or "it said nothing"
