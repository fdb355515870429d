"""What a virtual machine boots from: a kernel, a small initrd, a disk; made of a root tree."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

from .command import LabError, run

#: Part of the key of the cache: another number, another image.
RECIPE = 1
_DISK_BYTES = 3 << 30
#: In the order they depend on each other; ext4 is part of the kernel.
_MODULES = (
    "virtio", "virtio_ring", "virtio_mmio", "failover", "net_failover", "virtio_blk",
    "virtio_net", "virtio-rng",
)  # fmt: skip
#: Mounts the disk, hands over to /run/lab/init of the lab's own files.
_INIT = """\
#!/bin/busybox sh
b=/bin/busybox
$b mkdir -p /proc /sys /dev /new
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs devtmpfs /dev
for module in $($b cat /modules); do
  $b insmod /lib/$module.ko
done
tries=0
until [ -b /dev/vda ] || [ $tries = 200 ]; do
  $b sleep 0.05
  tries=$((tries + 1))
done
$b mount -t ext4 -o noatime /dev/vda /new
$b mount -t tmpfs -o mode=755 run /new/run
$b cp -r /lab /new/run/lab
$b hostname "$($b cat /lab/hostname)"
$b ip link set lo up
$b ip addr add "$($b cat /lab/address)/24" dev eth0
$b ip link set eth0 up
for folder in proc sys dev; do
  $b mount --move /$folder /new/$folder
done
exec $b switch_root /new /run/lab/init
"""


def make(tree: Path, kernel: Path, initrd: Path, disk: Path) -> None:
    """Take the kernel out of `tree`, and make an initrd with its modules and a disk of the rest."""
    kernels = sorted((tree / "boot").glob("vmlinuz-*"))
    if not kernels:
        raise LabError(f"no kernel in {tree}/boot")
    shutil.move(kernels[-1], kernel)
    shutil.rmtree(tree / "boot")
    modules = {path.stem: path for path in (tree / "lib/modules").rglob("*.ko")}
    files = {"init": _INIT.encode(), "bin/busybox": (tree / "bin/busybox").read_bytes()}
    there = [name for name in _MODULES if name in modules]  # others are part of the kernel
    files |= {f"lib/{name}.ko": modules[name].read_bytes() for name in there}
    files["modules"] = "\n".join(there).encode()
    initrd.write_bytes(archive(files))
    shutil.rmtree(tree / "lib/modules")
    with disk.open("wb") as file:
        file.truncate(_DISK_BYTES)
    run("mkfs.ext4", "-q", "-F", "-d", str(tree), str(disk), timeout_s=120)


def archive(files: Mapping[str, bytes]) -> bytes:
    """Return a cpio archive of executable files, their folders before them.

    Format: the kernel's Documentation/driver-api/early-userspace/buffer-format.rst ("newc").
    """
    parents = {str(folder) for name in files for folder in Path(name).parents} - {"."}
    entries = [(name, stat.S_IFDIR | 0o755, b"") for name in sorted(parents)]
    entries += [(name, stat.S_IFREG | 0o700, data) for name, data in files.items()]
    entries.append(("TRAILER!!!", 0, b""))
    packed = bytearray()
    for number, (name, mode, data) in enumerate(entries, start=1):
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        packed += b"070701" + b"".join(b"%08x" % field for field in fields)
        packed += name.encode() + b"\0"
        packed += bytes(-len(packed) % 4) + data
        packed += bytes(-len(packed) % 4)
    return bytes(packed)
