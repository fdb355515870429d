"""Debian for another processor, unpacked once into a cache that every lab of this machine shares.

Packages are unpacked, not configured: their scripts would run translated, for minutes. What the
scripts would have done and a device needs is done here.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import image
from .command import LabError, run

#: Part of the key of the cache: another number, another tree.
_RECIPE = 2
_PACKAGES = (
    "base-files", "base-passwd", "bash", "busybox-static", "coreutils", "dash", "diffutils",
    "findutils", "grep", "gzip", "hostname", "iproute2", "libatomic1", "libc-bin", "libgomp1",
    "libstdc++6", "login", "mawk", "mount", "openssh-server", "procps", "python3",
    "python3-numpy", "python3-psutil", "sed", "tar", "util-linux",
)  # fmt: skip
#: Debian architecture: (multiarch name, packages it alone has).
_ARCHITECTURES = {
    "arm64": ("aarch64-linux-gnu", ("linux-image-cloud-arm64",)),
    "armhf": ("arm-linux-gnueabihf", ()),
}
#: Imported once in advance: a device would compile them at its every start.
_COMPILED = (
    "numpy", "psutil", "argparse", "ctypes", "dataclasses", "email.parser", "importlib.metadata",
    "json", "multiprocessing", "platform", "runpy", "selectors", "shutil", "socket",
    "statistics", "subprocess", "tempfile", "unittest.mock", "urllib.parse", "venv", "zipfile",
)  # fmt: skip
_BUILD_TIMEOUT_S = 600.0


@dataclass(frozen=True)
class Rootfs:
    """A cached root file system; only ever read. For arm64 there is what a VM boots from too."""

    folder: Path

    @property
    def tree(self) -> Path:
        """The root directory."""
        return self.folder / "root"

    @property
    def kernel(self) -> Path:
        """The kernel that was among the packages."""
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        """What mounts `disk`; the files of a lab follow it."""
        return self.folder / "initrd"

    @property
    def disk(self) -> Path:
        """An ext4 file system with `tree` in it."""
        return self.folder / "disk.ext4"


def cache() -> Path:
    """Return the folder of the cache; BENCHHUB_LAB_CACHE names another."""
    return Path(os.environ.get("BENCHHUB_LAB_CACHE") or "/var/cache/benchhub-lab")


def located(architecture: str) -> Rootfs:
    """Return where the root file system of `architecture` is once it is made."""
    said = json.dumps([_RECIPE, image.RECIPE, _release(), _packages(architecture)])
    key = hashlib.sha256(said.encode()).hexdigest()[:12]
    return Rootfs(cache() / f"{architecture}-{key}")


def rootfs(architecture: str) -> Rootfs:
    """Return the root file system of `architecture`, making it if it is not in the cache.

    What is found under its final name is whole; what another process makes is waited for.
    """
    found = located(architecture)
    if found.folder.is_dir():
        return found
    cache().mkdir(parents=True, exist_ok=True)
    with _locked(architecture):
        if found.folder.is_dir():
            return found
        for old in cache().glob(f"{architecture}-*"):  # unfinished, or of another recipe
            if old.name.startswith(f"{architecture}-new") or not _in_use(old):
                shutil.rmtree(old)
        draft = Rootfs(Path(tempfile.mkdtemp(prefix=f"{architecture}-new", dir=cache())))
        try:
            _build(draft, architecture)
            draft.folder.chmod(0o755)
            draft.folder.rename(found.folder)
        except BaseException:
            shutil.rmtree(draft.folder, ignore_errors=True)
            raise
    return found


def _packages(architecture: str) -> tuple[str, ...]:
    return (*_PACKAGES, *_ARCHITECTURES[architecture][1])


def _build(draft: Rootfs, architecture: str) -> None:
    release = _release()
    include = ",".join(_packages(architecture))
    wanted = (f"--architectures={architecture}", f"--include={include}")
    argv = ("mmdebstrap", "--quiet", "--variant=extract", "--format=directory", *wanted)
    run(*argv, release, str(draft.tree), _source(release), timeout_s=_BUILD_TIMEOUT_S)
    _finish(draft.tree, _ARCHITECTURES[architecture][0])
    if architecture == "arm64":
        image.make(draft.tree, draft.kernel, draft.initrd, draft.disk)


def _release() -> str:
    """Return the code name of this machine's Debian."""
    with contextlib.suppress(OSError):
        for line in Path("/etc/os-release").read_text().splitlines():
            name, _, value = line.partition("=")
            if name == "VERSION_CODENAME":
                return value.strip('"')
    raise LabError("ARM devices are made of this machine's own Debian packages; this is no Debian")


def _source(release: str) -> str:
    """Return where this machine's apt has the main packages of its release from."""
    which = ("Identifier: Packages", "Component: main", f"Codename: {release}")
    listed = run("apt-get", "indextargets", "--format", "$(REPO_URI)", *which).split()
    if not listed:
        raise LabError(f"apt has no source for {release} main; see /etc/apt, run apt-get update")
    return listed[0]


def _finish(root: Path, multiarch: str) -> None:
    """Do what the packages' scripts would have done."""
    masters = root / "usr/share/base-passwd"
    passwd = (masters / "passwd.master").read_text().replace(":*:", ":x:")
    etc = root / "etc"
    files = {
        "passwd": passwd + "sshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n",
        "group": (masters / "group.master").read_text(),
        "shadow": "root:*:19000:0:99999:7:::\nsshd:!:19000::::::\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files\n",
        "hosts": "127.0.0.1 localhost\n::1 localhost\n",
        "resolv.conf": "",
        "apt/sources.list": "",
    }
    shutil.rmtree(etc / "apt/sources.list.d", ignore_errors=True)
    for name, text in files.items():
        (etc / name).write_text(text)
    (etc / "shadow").chmod(0o640)
    links = {"usr/bin/awk": "mawk", "sbin/reboot": "/bin/busybox"}
    for library in ("blas", "lapack"):
        name = f"lib{library}.so.3"
        if (root / "usr/lib" / multiarch / library / name).exists():
            links[f"usr/lib/{multiarch}/{name}"] = f"{library}/{name}"
    for name, target in links.items():
        (root / name).unlink(missing_ok=True)
        (root / name).symlink_to(target)
    for folder in ("doc", "man", "locale", "info", "bug", "lintian"):
        shutil.rmtree(root / "usr/share" / folder, ignore_errors=True)
    shutil.rmtree(root / "var/cache/apt", ignore_errors=True)
    for folder in ("root", "proc", "sys", "dev", "run", "tmp", "mnt"):
        (root / folder).mkdir(exist_ok=True)
    run("chroot", str(root), "/sbin/ldconfig", timeout_s=120)
    imports = f"import {', '.join(_COMPILED)}"
    run("chroot", str(root), "/usr/bin/python3", "-c", imports, timeout_s=120)


def _in_use(folder: Path) -> bool:
    """Whether some process has a file system mounted on top of this one."""
    inside = f"{folder}/"
    for mounts in Path("/proc").glob("[0-9]*/mounts"):
        with contextlib.suppress(OSError):
            if inside in mounts.read_text():
                return True
    return False


@contextlib.contextmanager
def _locked(architecture: str) -> Iterator[None]:
    with (cache() / f".{architecture}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
