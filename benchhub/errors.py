"""Every error benchhub raises on purpose: whose fault it is, whether to retry, which exit code.

BenchhubError
├── ConfigError                 the user's files or arguments; never retried; exit 2
│   ├── MissingExtra            an optional part of benchhub that is not installed
│   └── RecipeFailed            a variant that cannot be made, or that no runtime here can run
├── StoreError                  the results database: locked, read-only, of a newer schema; exit 2
│   ├── StoreGone               its file was removed or replaced in the middle
│   └── StoreLost               its server does not answer
├── Interrupted                 Ctrl-C or SIGTERM; what was measured is saved; exit 130
├── Fault                       a fault of benchhub's own, where Python called it; exit 70
└── DeviceError                 the device or the way to it; exit 3
    ├── Unreachable             connect again, stage again
    │   ├── WayBroken           this machine, its network or a jump host cannot get there
    │   └── LinkLost            it was reached, and then fell silent or the link broke
    ├── ProtocolFault           what it sent breaks the protocol; never retried
    ├── DeviceBusy              somebody else holds the lease
    ├── HostKeyUnknown          not enrolled yet
    ├── HostKeyChanged          never retried, never overridden by benchhub
    ├── HostKeyRevoked          the same
    ├── AuthenticationRefused   no key or agent identity was accepted
    ├── PythonUnusable          no Python on the device, or one too old
    ├── PowerFailed             its power command failed, hung, or is not there
    ├── NoSpace                 the device's disk is full
    ├── Unfit                   failed its checks, or did not cool down; it is quarantined
    └── BackendError            a runtime that is missing or cannot be used on the device

A message names the thing, the cause and the next step, on one line. A failed cell is not an
exception: it is a `Launch` with a `Failure`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

#: What the command line returns. Where several apply the worst wins: 70, 2, 3, 1, 4, in this order.
EXIT_CODES: Mapping[int, str] = {
    0: "done; judged: PASS, or nothing that is known regressed",
    1: "a budget is not kept (FAIL), something regressed, or a report was not replicated; of `run`"
    " a budget given with --budget",
    2: "usage or configuration: arguments, files, the results database",
    3: "a device could not be used, cells failed, or a variant could not be made",
    4: "INCONCLUSIVE: it cannot be told; of `run` a budget given with --budget",
    70: "a fault of benchhub's own: one line, and the path of a log with its traceback",
    130: "stopped by Ctrl-C, SIGTERM or SIGHUP; what was measured is saved",
}


class BenchhubError(Exception):
    """Something benchhub can explain in one line; `exit_code` is what the command line returns."""

    exit_code = 2


class ConfigError(BenchhubError):
    """A suite, profile, model, dataset or argument that cannot be used as it stands."""


class MissingExtra(ConfigError):
    """A package of one of benchhub's extras that is not installed; `reason` is why in short."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class RecipeFailed(ConfigError):
    """A variant that its recipe cannot make, or that no runtime here can run; others are measured.

    `reason` is the message without the name of the variant.
    """

    def __init__(self, variant: str, reason: str) -> None:
        super().__init__(f"variant {variant}: {reason}")
        self.reason = reason

    def __reduce__(self) -> tuple[type[RecipeFailed], tuple[str, str]]:
        variant = str(self).removesuffix(f": {self.reason}").removeprefix("variant ")
        return type(self), (variant, self.reason)


class StoreError(BenchhubError):
    """The results database cannot be opened, read or written."""


class StoreGone(StoreError):
    """The file of the results database was removed or replaced while it was in use."""


class StoreLost(StoreError):
    """The server of the results database does not answer, or the connection to it was lost."""


class Interrupted(BenchhubError):
    """The user stopped the run; everything measured so far is in the store."""

    exit_code = 130


class Fault(BenchhubError):
    """A fault of benchhub's own, as Python hears of it; the message names the log of it."""

    exit_code = 70


class DeviceError(BenchhubError):
    """A device that cannot be used now; other devices are not affected."""

    exit_code = 3


class Unreachable(DeviceError):
    """The device does not answer, or the link to it broke: connect and stage again."""


class WayBroken(Unreachable):
    """The way to the device is at fault, which a device that is started anew does not mend."""


class LinkLost(Unreachable):
    """The device was reached, and then fell silent, or the link to it broke."""


class ProtocolFault(DeviceError):
    """The device sent what the protocol does not allow: what runs there is broken, or lies.

    `reason` is what, without the device's name and without the next step.
    """

    def __init__(self, device: str, reason: str) -> None:
        super().__init__(
            f"{device}: broke the protocol: {reason}; it is not measured further, because what"
            f" runs on it is broken or lies: run `benchhub devices doctor {device}`"
        )
        self.device, self.reason = device, reason

    def __reduce__(self) -> tuple[type[ProtocolFault], tuple[str, str]]:
        return type(self), (self.device, self.reason)


class DeviceBusy(DeviceError):
    """Another controller holds the device's lease."""


class HostKeyUnknown(DeviceError):
    """The device's SSH host key has not been enrolled."""


class HostKeyChanged(DeviceError):
    """The device shows another SSH host key than the enrolled one."""


class HostKeyRevoked(DeviceError):
    """The user's SSH files revoke the host key that the device shows."""


class AuthenticationRefused(DeviceError):
    """The device accepted none of the offered keys."""


class PythonUnusable(DeviceError):
    """The device has no Python interpreter, or one older than 3.8."""


class PowerFailed(DeviceError):
    """The command that switches a device off and on failed, hung, or cannot be started."""


class NoSpace(DeviceError):
    """The device's disk has no room for what must be staged."""


class Unfit(DeviceError):
    """The device failed its checks, and is not measured until a doctor passes it."""


class BackendError(DeviceError):
    """An inference runtime that the device does not have or cannot load."""


#: Names of backends, metrics and the like are fewer; of devices and models there may be thousands.
_MOST_LISTED, _MOST_TOLD = 40, 20
#: What is longer is no name that was mistyped.
_MOST_LETTERS = 80


def nearest(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean X?" for the closest known name, or else "; known: ..".

    Of many names it tells how many there are.
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=5, cutoff=0.6)
    if close:
        # Among equally similar names (p90, p95, p99) the one with the nearest letters.
        best = min(close, key=lambda other: (-_similarity(name, other), _distance(name, other)))
        return f"; did you mean {best}?"
    if len(names) > _MOST_LISTED:
        return f"; {len(names):,} others are known"
    return f"; known: {', '.join(names)}" if names else ""


def one_of(value: str, choices: Sequence[str]) -> str:
    """Return "should be a, b or c; did you mean a?": the nearest first, where one is near."""
    near = value.lower() if len(value) <= _MOST_LETTERS else ""
    close = difflib.get_close_matches(near, choices, n=max(1, len(choices)), cutoff=0.5)
    *others, last = [*close, *(one for one in choices if one not in close)]
    listed = f"{', '.join(others)} or {last}" if others else last
    return f"should be {listed}" + (f"; did you mean {close[0]}?" if close and others else "")


def told_of(names: Sequence[str], most: int = _MOST_TOLD) -> str:
    """Return names in one line; of more than `most` the first, and how many more there are."""
    more = len(names) - most
    told = ", ".join(names[:most])
    return f"{told} and {more:,} more" if more > 0 else told


def _similarity(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


def _distance(one: str, other: str) -> int:
    return sum(abs(ord(a) - ord(b)) for a, b in zip(one, other, strict=False))
