"""The processor, as /proc/cpuinfo tells it on x86 and on ARM."""

from typing import Dict, List, Optional

from benchhub.ondevice.facts.arm_parts import ARM_PARTS

#: Instruction sets that decide how fast a compressed model runs.
_FLAGS = (
    "sse4_2", "avx", "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512vl",
    "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16",
    "neon", "asimd", "asimddp", "asimdhp", "fphp", "i8mm", "bf16", "sve", "sve2", "sme",
)  # fmt: skip


def model(proc_root: str = "/proc") -> Optional[str]:
    """Return the name of the processor; several, comma-free, where cores differ."""
    return " + ".join(sorted(set(filter(None, map(name_of, cores(proc_root)))))) or None


def name_of(core: Dict[str, str]) -> Optional[str]:
    """Return the name of one core of `cores`."""
    # ARM kernels that fill in `model name` only repeat the architecture there.
    part = (core.get("CPU implementer", ""), core.get("CPU part", ""))
    if part in ARM_PARTS:
        return ARM_PARTS[part]
    if core.get("model name"):
        return core["model name"]
    return "ARM implementer %s part %s" % part if all(part) else None


def isa_flags(proc_root: str = "/proc") -> Optional[List[str]]:
    """Return which of the instruction sets that matter every core has, None if unknown."""
    sets = [
        set((core.get("flags") or core.get("Features") or "").split())
        for core in cores(proc_root)
        if "flags" in core or "Features" in core
    ]
    if not sets:
        return None
    return [flag for flag in _FLAGS if flag in set.intersection(*sets)]


def physical_cores(proc_root: str = "/proc") -> Optional[int]:
    """Return the number of cores without hyper-threads, None where the kernel does not say."""
    found = {
        (core["physical id"], core["core id"])
        for core in cores(proc_root)
        if "physical id" in core and "core id" in core
    }
    return len(found) or None


def cores(proc_root: str) -> List[Dict[str, str]]:
    """Return what /proc/cpuinfo says of every core, as its own names and values."""
    try:
        with open(proc_root + "/cpuinfo", encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return []
    found = []
    shared: Dict[str, str] = {}
    for block in text.split("\n\n"):
        pairs = (line.partition(":") for line in block.splitlines())
        core = {name.strip(): value.strip() for name, _, value in pairs}
        if core.get("processor", "").isdigit():
            found.append(core)
        else:
            shared.update(core)
    # Old 32-bit ARM kernels say once, for all cores, what they can do.
    lacking = {k: v for k, v in shared.items() if k.startswith("CPU ") or k == "Features"}
    return [dict(lacking, **core) for core in found]
