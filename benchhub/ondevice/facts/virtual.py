"""Hints that a device is not what it seems: virtual machines, containers, and the board itself."""

import os
from typing import Optional

from benchhub.ondevice.facts.kernel_files import read_text

_VENDORS = (
    ("qemu", "qemu"), ("kvm", "kvm"), ("vmware", "vmware"), ("virtualbox", "virtualbox"),
    ("xen", "xen"), ("microsoft corporation", "hyper-v"), ("amazon ec2", "amazon"),
    ("google compute", "google"), ("firecracker", "firecracker"), ("parallels", "parallels"),
)  # fmt: skip


def hypervisor(proc_root: str = "/proc", sys_root: str = "/sys") -> Optional[str]:
    """Return the hypervisor's name, "unnamed" if there is one that hides it, else None."""
    dmi = " ".join(
        read_text("%s/class/dmi/id/%s" % (sys_root, name)) or ""
        for name in ("sys_vendor", "product_name", "board_vendor")
    ).lower()
    for word, name in _VENDORS:
        if word in dmi:
            return name
    kind = read_text(sys_root + "/hypervisor/type")
    if kind:
        return kind
    flags = read_text(proc_root + "/cpuinfo") or ""
    return "unnamed" if " hypervisor" in flags else None


def container(proc_root: str = "/proc", root: str = "/") -> Optional[str]:
    """Return what kind of container this is in, None if there is no sign of one."""
    for name, kind in ((".dockerenv", "docker"), ("run/.containerenv", "podman")):
        if os.path.exists(os.path.join(root, name)):
            return kind
    groups = read_text(proc_root + "/1/cgroup") or ""
    for word in ("docker", "kubepods", "lxc", "containerd", "libpod"):
        if word in groups:
            return word
    return None


def board(proc_root: str = "/proc", sys_root: str = "/sys") -> Optional[str]:
    """Return the board's name from the device tree, or the product name from DMI."""
    for path in (proc_root + "/device-tree/model", sys_root + "/class/dmi/id/product_name"):
        text = read_text(path)
        if text:
            return text
    return None
