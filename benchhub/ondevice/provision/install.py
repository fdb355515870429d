"""Making an environment on the device, from wheels that were staged or through its own pip."""

import errno
import json
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

from benchhub.ondevice.agent.blobs import Blobs
from benchhub.ondevice.agent.private import fresh
from benchhub.ondevice.agent.receive import explain
from benchhub.ondevice.provision import environments, wheel
from benchhub.ondevice.provision.environments import Base

#: Kept free beside what the files need: folders, and what the first import compiles.
_SPARE_BYTES = 32 << 20

# What a child of this backend does first; in the environment it must come to the same end.
_CHECK = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy
from benchhub.ondevice import backends
print(backends.find(sys.argv[2]).version())
"""


class NotProvisioned(Exception):
    """Why there is no environment now; `kind` is a key of wire.TROUBLES."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Ended(NamedTuple):
    """A process that ended: its status (None: killed at its deadline) and the end of its output."""

    status: Optional[int]
    said: str


#: Runs argv with some environment variables added, until a monotonic time.
Run = Callable[[List[str], Mapping[str, str], float], Ended]


class WantedPackages(NamedTuple):
    """What is to be provisioned.

    `pins` are requirement lines without markers, each with `==` and hashes; `system` names the
    packages that the base interpreter's own installation has to bring. `wheels` are (sha256,
    file name) of staged blobs in the order of `pins`; None has the device's pip fetch them.
    """

    backend: str
    lock: str
    pins: str
    packages: Mapping[str, str]
    system: Tuple[str, ...]
    wheels: Optional[Tuple[Tuple[str, str], ...]]
    deadline_s: float


def wanted(request: Mapping[str, Any]) -> WantedPackages:
    """Return what a request asks for; KeyError, TypeError or ValueError if it makes no sense."""
    backend = str(request["backend"])
    if not backend.replace("-", "").replace("_", "").isalnum():
        raise ValueError("%.80r cannot name an environment" % backend)
    wheels = request["wheels"]
    return WantedPackages(
        backend,
        str(request["lock"]),
        str(request["pins"]),
        {str(name): str(version) for name, version in request["packages"].items()},
        tuple(request["system"]),
        None if wheels is None else tuple((str(digest), str(name)) for digest, name in wheels),
        float(request["deadline_s"]),
    )


def provision(
    root: str, want: WantedPackages, blobs: Blobs, runner: str, run: Run
) -> Dict[str, Any]:
    """Make the environment unless it is there; return its record and whether it was `built`.

    The record is what `ready.json` has: backend, lock, key, version (of the runtime), packages
    (name to version), pins_sha256, base_python, python_version, machine, wheels (sha256 each),
    bytes, built_at; and name, python (the interpreter to start) and reason (None). NotProvisioned
    when it cannot be made; what was there before stays usable then, what was begun is deleted.
    """
    until = time.monotonic() + want.deadline_s
    interpreter = environments.base()
    name = "%s-%s" % (want.backend, environments.key(want.pins, interpreter))
    here = environments.folder(root)
    for record in environments.records(root):
        if record["name"] == name and record["reason"] is None:
            return {"environment": record, "built": False}
    os.makedirs(here, exist_ok=True)
    if os.statvfs(here).f_flag & os.ST_NOEXEC:
        text = "%s is on a file system mounted noexec, from which no runtime can be loaded"
        raise NotProvisioned("install", text % root + "; set root to a folder on another one")
    for left in os.listdir(here):
        if left.endswith(environments.PART) or left == name:
            environments.delete(os.path.join(here, left))
    part = os.path.join(here, name + environments.PART)
    try:
        packages = _lay_out(part, interpreter, bool(want.system))
        if want.wheels is None:
            _fetch(part, packages, want, run, until, os.path.join(here, "pip-cache"))
            size = environments.size_bytes(part)
        else:
            size = _unpack(part, packages, want.wheels, blobs)
        version = _check(part, want, runner, run, until)
        record = _record(want, interpreter, version, size)
        _write_ready(part, record)
        blobs.settle()  # once it has its name it must be whole, whatever happens to the power
        os.rename(part, os.path.join(here, name))
    except OSError as error:
        _discard(part)
        kind = "space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "install"
        raise NotProvisioned(kind, explain(root, error)) from error
    except NotProvisioned:
        _discard(part)
        raise
    _forget_older(root, want.backend, name)
    _discard(os.path.join(here, "pip-cache"))
    made = next(r for r in environments.records(root) if r["name"] == name)
    return {"environment": made, "built": True}


def _lay_out(part: str, interpreter: Base, system: bool) -> str:
    """Make what `venv --without-pip` makes; return the folder for packages."""
    series = ".".join(interpreter.version.split(".")[:2])
    packages = os.path.join(part, "lib", "python" + series, "site-packages")
    os.makedirs(packages)
    os.makedirs(os.path.join(part, "bin"))
    os.symlink(interpreter.path, os.path.join(part, "bin", "python"))
    with open(os.path.join(part, "pyvenv.cfg"), "w", encoding="utf-8") as file:
        file.write("home = %s\n" % os.path.dirname(interpreter.path))
        file.write("include-system-site-packages = %s\n" % ("true" if system else "false"))
        file.write("version = %s\n" % interpreter.version)
    return packages


def _unpack(part: str, packages: str, wheels: Tuple[Tuple[str, str], ...], blobs: Blobs) -> int:
    """Unpack the wheels and return the bytes of their files."""
    places = wheel.Places(packages, os.path.join(part, "bin"), part, os.path.join(part, "include"))
    size = 0
    for digest, name in wheels:
        if not blobs.whole(digest):
            raise NotProvisioned("wheel", "%s is not whole on the device; provision again" % name)
        size += _sound(name, wheel.unpacked_bytes, blobs.path(digest))
    free = blobs.free_bytes()
    if free < size + _SPARE_BYTES:
        needed = (size + _SPARE_BYTES) / 1e6
        text = "the environment needs %.0f MB and %.0f MB are free" % (needed, free / 1e6)
        raise NotProvisioned("space", text + "; free some, or set another root")
    # Threads, because unpacking and writing let others run: two large wheels on two cores.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        sizes = [os.path.getsize(blobs.path(digest)) for digest, _ in wheels]
        largest_first = sorted(zip(sizes, wheels), reverse=True)
        jobs = [
            pool.submit(_sound, name, lambda path: wheel.unpack(path, places), blobs.path(digest))
            for _, (digest, name) in largest_first
        ]
        for job in jobs:
            job.result()
    return size


def _sound(name: str, do: Callable[[str], Any], path: str) -> Any:
    try:
        return do(path)
    except wheel.BadWheel as error:
        text = "%s is no sound wheel: %s; make or fetch it again" % (name, error)
        raise NotProvisioned("wheel", text) from error


def _fetch(
    part: str, packages: str, want: WantedPackages, run: Run, until: float, cache: str
) -> None:
    """Have the device's own pip install the pins."""
    requirements = os.path.join(part, "requirements.txt")
    with open(requirements, "w", encoding="utf-8") as file:
        file.write(want.pins)
    scratch = os.path.join(part, "tmp")
    os.makedirs(scratch)
    # The whole ones among its downloads outlive a run that broke, beside what it is for.
    argv = [
        sys.executable, "-m", "pip", "install", "--no-deps", "--only-binary=:all:",
        "--require-hashes", "--target", packages, "--cache-dir", cache, "--no-input",
        "--disable-pip-version-check", "-r", requirements,
    ]  # fmt: skip
    # Its scratch would be /tmp, which on many boards is a small piece of memory; and what somebody
    # set for their own installations does not go together with --target.
    variables = {"TMPDIR": scratch, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}
    ended = run(argv, variables, until)
    if ended.status == 0:
        shutil.rmtree(scratch, ignore_errors=True)
        os.unlink(requirements)
        return
    if "No module named pip" in ended.said:
        raise NotProvisioned("pip", "%s has no pip; use --offline" % sys.executable)
    if ended.status is None:
        text = "pip was not done after %g s" % want.deadline_s
        raise NotProvisioned("install", text + _last(ended.said) + "; try again, or use --offline")
    if "No space left" in ended.said or "Disk quota" in ended.said:
        raise NotProvisioned("space", "pip ran out of disk space; free some, or set another root")
    text = "its pip failed%s; if it has no internet, use --offline" % _last(ended.said)
    raise NotProvisioned("install", text)


def _check(part: str, want: WantedPackages, runner: str, run: Run, until: float) -> str:
    """Return the runtime's version, as the environment's interpreter imports it."""
    python = os.path.join(part, "bin", "python")
    ended = run([python, "-c", _CHECK, runner, want.backend], {}, until)
    lines = ended.said.strip().splitlines()
    if ended.status == 0 and lines:
        return lines[-1].strip()
    missing = [name for name in want.system if "No module named '%s'" % name in ended.said]
    if missing:
        text = "no %s wheel exists for %s: install python3-%s with the system's package manager"
        raise NotProvisioned("import", text % (missing[0], environments.base().machine, missing[0]))
    how = "was not done in time" if ended.status is None else "failed"
    raise NotProvisioned(
        "import", "importing %s there %s%s" % (want.backend, how, _last(ended.said))
    )


def _last(said: str) -> str:
    """Return what a program said last, errors first."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    text = (errors or lines or [""])[-1]
    return ": %.300s" % text if text else ""


def _record(want: WantedPackages, interpreter: Base, version: str, size: int) -> Dict[str, Any]:
    import hashlib

    return {
        "backend": want.backend,
        "lock": want.lock,
        "key": environments.key(want.pins, interpreter),
        "version": version,
        "packages": dict(want.packages),
        "pins_sha256": hashlib.sha256(want.pins.encode("utf-8")).hexdigest(),
        "base_python": interpreter.path,
        "python_version": interpreter.version,
        "machine": interpreter.machine,
        "wheels": [digest for digest, _ in want.wheels or ()],
        "bytes": size,
        "built_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _write_ready(part: str, record: Mapping[str, Any]) -> None:
    path = os.path.join(part, environments.READY)
    with open(fresh(path + ".new"), "w", encoding="utf-8") as file:
        json.dump(record, file, indent=1, sort_keys=True)
    os.replace(path + ".new", path)


def _discard(path: str) -> None:
    shutil.rmtree(path, ignore_errors=True)


def _forget_older(root: str, backend: str, name: str) -> None:
    for record in environments.records(root):
        if record["backend"] == backend and record["name"] != name:
            environments.delete(os.path.join(environments.folder(root), record["name"]))
