"""Proof that this machine's instructions are translated by an emulator, not run by hardware.

What counts as proof, each found without running anything:
- `kernel.arch` (a sysctl since Linux 6.1) names another family of processors than uname: uname
  is what a user-mode emulator answers for itself, the sysctl is what the kernel says.
- /proc/thread-self/exe is an emulator: qemu-user rewrites /proc/self/exe, not this one.
- /proc/cpuinfo describes a processor of another family than uname.
- The processor calls itself QEMU's translator ("QEMU TCG", ARM part 0x051 of implementer 0).

A virtual machine as such is no proof: under KVM the guest's instructions run on hardware.
"""

import os
from typing import Optional

from benchhub.ondevice.facts import cpu
from benchhub.ondevice.facts.kernel_files import read_text

_FAMILIES = (("x86", ("x86_64", "amd64", "i386", "i486", "i586", "i686")),
             ("arm", ("aarch64", "arm64", "arm")), ("riscv", ("riscv",)), ("ppc", ("ppc",)),
             ("s390", ("s390",)), ("loongarch", ("loongarch",)), ("mips", ("mips",)))  # fmt: skip


def evidence(machine: str, proc_root: str = "/proc") -> Optional[str]:
    """Return one line of proof that `machine` (uname's) is emulated, None if there is none."""
    ours = _family(machine)
    kernel = read_text(proc_root + "/sys/kernel/arch")
    if kernel and ours and _family(kernel) not in (None, ours):
        return "uname says %s, its kernel is for %s (kernel.arch)" % (machine, kernel)
    try:
        program = os.path.basename(os.readlink(proc_root + "/thread-self/exe"))
    except OSError:
        program = ""
    if program.startswith("qemu-"):
        return "this process is run by %s (/proc/thread-self/exe)" % program
    cores = cpu.cores(proc_root)
    described = "x86" if any("flags" in c and "vendor_id" in c for c in cores) else None
    if any("CPU implementer" in core for core in cores):
        described = "arm"
    if ours in ("x86", "arm") and described not in (None, ours):
        return "uname says %s, /proc/cpuinfo describes an %s processor" % (machine, described)
    for core in cores:
        if "QEMU TCG" in core.get("model name", ""):
            return "the processor is %r (/proc/cpuinfo)" % core["model name"]
        if (core.get("CPU implementer"), core.get("CPU part")) == ("0x00", "0x051"):
            return "the processor is QEMU's own, implementer 0x00 part 0x051 (/proc/cpuinfo)"
    return None


def _family(machine: str) -> Optional[str]:
    for family, names in _FAMILIES:
        if machine.lower().startswith(names):
            return family
    return None
