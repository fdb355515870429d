"""Getting the agent to run: one exec where the runner is on the device already, three where not."""

from __future__ import annotations

from typing import Protocol

from benchhub.device.local import interpreter
from benchhub.device.transport import RemoteProcess, Transport
from benchhub.errors import DeviceError, NoSpace, PythonUnusable
from benchhub.model.device import DeviceProfile

# Values reach the scripts as positional parameters, so none of them is ever parsed by a shell.
# Exit statuses no shell and no Python uses of itself:
NO_PYTHON, NO_RUNNER, NO_ROOM, BAD_COPY = 91, 90, 93, 94

_NAMES = """
home() { case $1 in "~") echo "$HOME";; "~/"*) echo "$HOME/${1#"~/"}";; *) echo "$1";; esac; }
root=$(home "$1"); python=$(home "$2"); runner=$root/runner/runner-$3.pyz
command -v "$python" >/dev/null 2>&1 || exit 91
"""
_START = _NAMES + '[ -f "$runner" ] || exit 90; exec "$python" "$runner" agent'
_PUSH = (
    _NAMES
    + """
part=$runner.$$.part
trap 'rm -f "$part"' EXIT
mkdir -p "$root/runner" && cat > "$part" || exit 93
sum='import hashlib,sys; print(hashlib.sha256(open(sys.argv[1],"rb").read()).hexdigest())'
[ "$("$python" -c "$sum" "$part")" = "$3" ] || exit 94
mv -f "$part" "$runner"
"""
)


class RunnerFile(Protocol):
    """The runner as it is shipped: one file, named by its sha256."""

    @property
    def sha256(self) -> str:
        """Return the digest of `data`."""

    @property
    def data(self) -> bytes:
        """Return the content of the .pyz."""


def python_of(profile: DeviceProfile) -> str:
    """Return the interpreter to start on the device."""
    return interpreter(profile.python) if profile.transport == "local" else profile.python


def start_agent(transport: Transport, profile: DeviceProfile, runner: RunnerFile) -> RemoteProcess:
    """Start the agent; its process ends with NO_PYTHON or NO_RUNNER where one is missing."""
    return transport.start(_argv(_START, profile, runner))


def push_runner(transport: Transport, profile: DeviceProfile, runner: RunnerFile) -> None:
    """Put the runner on the device, verified; PythonUnusable, NoSpace or DeviceError."""
    done = transport.run(_argv(_PUSH, profile, runner), runner.data, timeout_s=120.0)
    if done.status == 0:
        return
    words = (done.stdout.decode("utf-8", "replace") + " " + done.stderr).split()
    name, said = profile.name, " ".join(words)[-300:] or "it said nothing"
    if done.status == NO_PYTHON:
        raise no_python(profile)
    if "No space left" in said or "quota" in said.lower():
        raise NoSpace(
            f"{name}: no room for the runner ({len(runner.data)} bytes) in {profile.root}: {said}; "
            "free some, or set `root` in its profile to another disk"
        )
    if done.status == NO_ROOM:
        raise DeviceError(f"{name}: cannot write to {profile.root}: {said}; set `root` elsewhere")
    if done.status == BAD_COPY:
        raise DeviceError(
            f"{name}: the runner arrived damaged in {profile.root}, or {profile.python} cannot "
            f"compute its sha256: {said}; check its disk and its Python"
        )
    raise DeviceError(f"{name}: pushing the runner failed with status {done.status}: {said}")


def no_python(profile: DeviceProfile) -> PythonUnusable:
    """Return the error for a device whose interpreter is not there."""
    return PythonUnusable(
        f"{profile.name}: there is no {profile.python!r} on it; install Python 3.8 or later, or "
        "name the interpreter as `python` in its profile"
    )


def _argv(script: str, profile: DeviceProfile, runner: RunnerFile) -> list[str]:
    return ["sh", "-c", script, "benchhub", profile.root, python_of(profile), runner.sha256]
