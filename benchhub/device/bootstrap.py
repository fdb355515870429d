"""Getting the agent to run: one exec where the runner is on the device already, three where not."""

from __future__ import annotations

from typing import Protocol

from benchhub.device.local import interpreter
from benchhub.device.transport import RemoteProcess, Transport
from benchhub.errors import DeviceError, LinkLost, NoSpace, PythonUnusable
from benchhub.model.device import DeviceProfile
from benchhub.text import visible

# Values reach the scripts as positional parameters, so none of them is ever parsed by a shell.
# Exit statuses no shell and no Python uses of itself:
NO_PYTHON, NO_RUNNER, NO_ROOM, BAD_COPY, NO_HOME = 91, 90, 93, 94, 95
#: Where others could change what is to be run.
OPEN_TO_OTHERS, OF_ANOTHER = 96, 97

#: The interpreter of a profile that names none; where it is missing another will do.
ANY_PYTHON = "python3"
#: Where a root below a home is that is not there, or not writable; a folder of the user's own.
OTHER_HOME = "/var/tmp/benchhub-UID"

# Modes are read from `ls`: not every sh can ask for them, and not every device has `stat`.
_NAMES = """
umask 077
shown() { ls -ld "$1" 2>/dev/null || ls -ld "${1%/.}"; }
told() { path=${1%/.}; set -- $(shown "$1"); echo "benchhub: $path of $3, $1" >&2; }
closed() {
  [ -O "$1" ] || return 97
  case $(shown "$1") in
    ?????w* | ????????w*) return 96;;
    [d-]?????????*) return 0;;
    *) return 96;;
  esac
}
own() { closed "$1" || { status=$?; told "$1"; exit $status; }; }
digest() {
  if command -v sha256sum >/dev/null 2>&1; then set -- $(sha256sum <"$1"); echo "$1"; return; fi
  sum='import hashlib,sys; print(hashlib.sha256(open(sys.argv[1],"rb").read()).hexdigest())'
  "$python" -c "$sum" "$1"
}
home() { case $1 in "~") echo "$HOME";; "~/"*) echo "$HOME/${1#"~/"}";; *) echo "$1";; esac; }
modern() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1; }
another() {
  PATH=$PATH:/usr/local/bin:/opt/bin:/opt/homebrew/bin:$HOME/.local/bin
  for name in python3 python3.14 python3.13 python3.12 python3.11 python3.10 python3.9 python3.8 \
    python; do
    if found=$(command -v "$name") && modern "$found"; then echo "$found"; return; fi
  done
  return 1
}
python=$(home "$2")
if [ "$4" = another ] || ! command -v "$python" >/dev/null 2>&1; then
  [ "$2" = python3 ] || exit 91
  python=$(another) || exit 91
fi
root=$(home "$1")
case $1 in "~" | "~/"*)
  if ! [ -w "$root" ] && ! { [ -d "$HOME" ] && [ -w "$HOME" ]; }; then
    HOME=/var/tmp/benchhub-$(id -u)
    (umask 077; [ -d "$HOME" ] || mkdir "$HOME") && [ -O "$HOME" ] && ! [ -L "$HOME" ] || exit 95
    export HOME
    root=$(home "$1")
  fi ;;
esac
runner=$root/runner/runner-$3.pyz
"""
# What start-up files print may lack the end of its line. The event says that a shell took our
# words for what they are; nologin, or a forced command, even one that repeats them, does not.
SHELL = b'{"event": "shell"}'
_HERE = """printf '\\n{"event": "%s"}\\n' shell\n"""
# Nothing of the runner is executed before it was found to be what was pushed, and closed to others.
_START = (
    _HERE
    + _NAMES
    + """
[ -d "$root/runner" ] || exit 90
own "$root/." && own "$root/runner"
[ -f "$runner" ] && closed "$runner" && [ "$(digest "$runner")" = "$3" ] || exit 90
exec "$python" "$runner" agent
"""
)
_PUSH = (
    _NAMES
    + """
part=$runner.$$.part
[ ! -d "$root" ] || own "$root/."
mkdir -p "$root/runner" || exit 93
own "$root/." && own "$root/runner"
trap 'rm -f "$part"' EXIT
rm -f "$part" && set -C && cat > "$part" || exit 93
[ "$(digest "$part")" = "$3" ] || exit 94
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


def start_agent(
    transport: Transport, profile: DeviceProfile, runner: RunnerFile, another: bool = False
) -> RemoteProcess:
    """Start the agent; its process ends with NO_PYTHON or NO_RUNNER where one is missing.

    `another`: with any Python but the one that the profile names, if it names none of its own.
    """
    return transport.start(_argv(_START, profile, runner, another))


def push_runner(
    transport: Transport, profile: DeviceProfile, runner: RunnerFile, another: bool = False
) -> None:
    """Put the runner on the device, verified; PythonUnusable, NoSpace or DeviceError."""
    argv = _argv(_PUSH, profile, runner, another)
    try:
        done = transport.run(argv, runner.data, timeout_s=120.0)
    except TimeoutError as error:
        raise LinkLost(f"{profile.name}: slow: it did not take the runner: {error}") from error
    if done.status == 0:
        return
    words = visible(f"{done.stdout.decode('utf-8', 'replace')} {done.stderr}").split()
    name, said = profile.name, " ".join(words)[-300:] or "it said nothing"
    if done.status == NO_PYTHON:
        raise no_python(profile)
    if done.status == NO_HOME:
        raise no_home(profile)
    if done.status in (OPEN_TO_OTHERS, OF_ANOTHER):
        raise not_private(profile, done.status, done.stderr)
    if "No space left" in said or "quota" in said.lower():
        raise NoSpace(
            f"{name}: no room for the runner ({len(runner.data)} bytes) in {profile.root}: {said}; "
            "free some, or set `root` in its profile to another disk"
        )
    if done.status == NO_ROOM:
        raise DeviceError(f"{name}: cannot write to {profile.root}: {said}; set `root` elsewhere")
    if done.status == BAD_COPY:
        raise DeviceError(
            f"{name}: the runner arrived damaged in {profile.root}, or its "
            f"sha256 cannot be computed: {said}; check its disk, sha256sum and Python"
        )
    raise DeviceError(f"{name}: pushing the runner failed with status {done.status}: {said}")


def no_python(profile: DeviceProfile) -> PythonUnusable:
    """Return the error for a device whose interpreter is not there."""
    others = ", nor another from 3.8 on" if profile.python == ANY_PYTHON else ""
    return PythonUnusable(
        f"{profile.name}: there is no {profile.python!r} on it{others}; install Python 3.8 or "
        "later, or name the interpreter as `python` in its profile"
    )


def no_home(profile: DeviceProfile) -> DeviceError:
    """Return the error for a device on which neither the home nor what stands in for it will do."""
    return DeviceError(
        f"{profile.name}: root {profile.root} cannot be used: the home of its user is not there, "
        f"or not writable, and {OTHER_HOME} does not belong to that user or cannot be made; set "
        "`root` in its profile to a folder that the user may write to"
    )


def not_private(profile: DeviceProfile, status: int, said: str) -> DeviceError:
    """Return the error for a root in which others could change what is to be run."""
    told = " ".join(visible(said).rpartition("benchhub: ")[2].split())[-300:]
    if status == OF_ANOTHER:
        return DeviceError(
            f"{profile.name}: root {profile.root} cannot be used: it belongs to another account "
            f"({told}); set `root` in its profile to a folder of this account's own"
        )
    path = told.rpartition(" of ")[0] or profile.root
    return DeviceError(
        f"{profile.name}: root {profile.root} cannot be used: others may write to it, or it leads "
        f"elsewhere ({told}); run `chmod go-w {path}` on the device, or remove it where they may "
        "have, and it is made anew"
    )


def no_shell(profile: DeviceProfile, status: int, said: str) -> DeviceError:
    """Return the error for a device that let us in and then ran something else."""
    return DeviceError(
        f"{profile.name}: it lets {profile.user or 'the user'} in, and does not run what it is "
        f"asked to (status {status}: {said or 'it said nothing'}); give that account a login shell "
        "(`chsh`), or take ForceCommand, or command= of its authorized_keys, away"
    )


def _argv(script: str, profile: DeviceProfile, runner: RunnerFile, another: bool) -> list[str]:
    names = [profile.root, python_of(profile), runner.sha256, "another" if another else "named"]
    return ["sh", "-c", script, "benchhub", *names]
