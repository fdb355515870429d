"""The processor, as /proc/cpuinfo tells it on x86 and on ARM."""

from typing import Dict, List, Optional

#: Instruction sets that decide how fast a compressed model runs.
_FLAGS = (
    "sse4_2", "avx", "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512vl",
    "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16",
    "neon", "asimd", "asimddp", "asimdhp", "fphp", "i8mm", "bf16", "sve", "sve2", "sme",
)  # fmt: skip

_ARM_PARTS = {
    ("0x41", "0xd03"): "Cortex-A53",
    ("0x41", "0xd04"): "Cortex-A35",
    ("0x41", "0xd05"): "Cortex-A55",
    ("0x41", "0xd07"): "Cortex-A57",
    ("0x41", "0xd08"): "Cortex-A72",
    ("0x41", "0xd0b"): "Cortex-A76",
    ("0x41", "0xd0c"): "Neoverse-N1",
    ("0x41", "0xd40"): "Neoverse-V1",
    ("0x41", "0xd42"): "Cortex-A78AE",
    ("0x41", "0xd49"): "Neoverse-N2",
    ("0x41", "0xd4f"): "Neoverse-V2",
}


def model(proc_root: str = "/proc") -> Optional[str]:
    """Return the name of the processor; several where cores differ."""
    cores = _cores(proc_root)
    found = {core["model name"] for core in cores if core.get("model name")}
    if not found:
        for core in cores:
            part = (core.get("CPU implementer", ""), core.get("CPU part", ""))
            if all(part):
                found.add(_ARM_PARTS.get(part, "ARM implementer %s part %s" % part))
    return " + ".join(sorted(found)) or None


def isa_flags(proc_root: str = "/proc") -> Optional[List[str]]:
    """Return which of the instruction sets that matter every core has, None if unknown."""
    sets = [
        set((core.get("flags") or core.get("Features") or "").split())
        for core in _cores(proc_root)
        if "flags" in core or "Features" in core
    ]
    if not sets:
        return None
    return [flag for flag in _FLAGS if flag in set.intersection(*sets)]


def physical_cores(proc_root: str = "/proc") -> Optional[int]:
    """Return the number of cores without hyper-threads, None where the kernel does not say."""
    found = {
        (core["physical id"], core["core id"])
        for core in _cores(proc_root)
        if "physical id" in core and "core id" in core
    }
    return len(found) or None


def _cores(proc_root: str) -> List[Dict[str, str]]:
    try:
        with open(proc_root + "/cpuinfo", encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return []
    cores = []
    for block in text.split("\n\n"):
        pairs = (line.partition(":") for line in block.splitlines())
        core = {name.strip(): value.strip() for name, _, value in pairs}
        if "processor" in core:
            cores.append(core)
    return cores
