"""What a gateway answers, checked like what a device sends: typed, bounded, fit to be shown."""

from __future__ import annotations

import functools
import platform
from importlib.metadata import version
from typing import Annotated

from pydantic import Field, ValidationError

from benchhub import __version__, errors
from benchhub.device.events.bounds import TEXT_CHARS
from benchhub.device.events.parse import Broken
from benchhub.device.events.told import Count, Digest, Reason, Said, Text, Word
from benchhub.outside.mistakes import said
from benchhub.text import abridged, visible

#: Lines of an agent in one answer, and of a model in one call.
PIECE_BYTES = 4 << 20
#: What gateways offer to dask: each of their devices, and themselves. It says where a call can be
#: answered and holds nobody back: who has a device is the device's affair.
DEVICE, GATEWAY = "device:", "gateway:"
#: A session of which nothing is heard for so long is closed, and its device given back.
IDLE_S = 60.0
#: What people are told of an error is the same wherever it was met.
_KINDS: dict[str, type[errors.DeviceError]] = {
    kind.__name__: kind
    for kind in (
        errors.DeviceError, errors.Unreachable, errors.WayBroken, errors.LinkLost,
        errors.DeviceBusy, errors.HostKeyUnknown, errors.HostKeyChanged, errors.HostKeyRevoked,
        errors.AuthenticationRefused, errors.PythonUnusable, errors.PowerFailed, errors.NoSpace,
        errors.Unfit, errors.BackendError,
    )
}  # fmt: skip


class ToldError(Said):
    """Why something was not done at a gateway; `reason` is a protocol fault's."""

    kind: Word
    message: Reason
    reason: Text = ""

    def raised(self, device: str) -> errors.DeviceError:
        """Return the error to raise for a device."""
        if self.kind == errors.ProtocolFault.__name__:
            return errors.ProtocolFault(device, self.reason)
        # What is wrong at a gateway itself, as with its disk, is told without the device.
        named = self.message if device in self.message else f"{device}: {self.message}"
        return _KINDS.get(self.kind, errors.DeviceError)(named)


def told(error: Exception) -> ToldError:
    """Return what is told of an error at a gateway."""
    kind = type(error).__name__
    if isinstance(error, ValidationError):
        return ToldError(kind="DeviceError", message=f"a call that is none: {_explained(error)}")
    if isinstance(error, errors.ProtocolFault):
        return ToldError(kind=kind, message=_line(error), reason=abridged(error.reason, TEXT_CHARS))
    if isinstance(error, errors.Interrupted):
        kind = errors.LinkLost.__name__
    elif kind not in _KINDS:
        kind = errors.DeviceError.__name__
    return ToldError(kind=kind, message=_line(error))


def _line(error: Exception) -> str:
    return abridged(visible(str(error)) or type(error).__name__, TEXT_CHARS)


class GatewayHello(Said):
    """A session with a device, as its gateway has it; `gateway` is who is to be called next."""

    gateway: Word
    runner_sha256: Digest
    warnings: Annotated[tuple[Text, ...], Field(max_length=64)] = ()


class ToldSession(Said):
    """A session that a gateway holds: the word it goes by, and the process that it is for."""

    session: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    run: Text
    host: Text
    pid: Count


class Reply(Said):
    """What a call came to. Lines of the agent come beside it, `next` is where they go on.

    `over`: what was asked for has ended, and all its lines were told; `gateway`: who answered.
    """

    error: ToldError | None = None
    over: bool = True
    gateway: Text = ""
    next: Count = 0
    moved: Count = 0
    said: Text = ""
    opened: GatewayHello | None = None
    staged: tuple[Count, Count] | None = None
    reserved: Annotated[tuple[Text, ...], Field(max_length=1000)] = ()
    lacking: Annotated[dict[Digest, Count], Field(max_length=100_000)] | None = None
    sessions: Annotated[tuple[ToldSession, ...], Field(max_length=10_000)] = ()


def read(answer: bytes) -> Reply:
    """Return what a gateway answered; Broken, in one line, where it is no answer."""
    try:
        return Reply.model_validate_json(answer)
    except ValidationError as error:
        raise Broken(f"an answer of its gateway that is none: {_explained(error)}") from error


def _explained(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return visible(f"{place and f'{place}: '}{said(first)}")[:200]


@functools.cache  # every call tells them, and they are read from a disk
def versions() -> dict[str, str]:
    """Return what has to be equal at both ends."""
    return {
        "benchhub": __version__,
        "dask.distributed": version("distributed"),
        "Python": ".".join(platform.python_version_tuple()[:2]),
    }
