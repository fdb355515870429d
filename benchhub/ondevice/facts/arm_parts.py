"""Names of ARM cores by implementer and part number, as /proc/cpuinfo gives them.

Source: MIDR_EL1 part numbers in the Linux kernel's arch/arm64/include/asm/cputype.h and
arch/arm/include/asm/cputype.h.
"""

_ARM = {
    "0xc05": "Cortex-A5", "0xc07": "Cortex-A7", "0xc08": "Cortex-A8", "0xc09": "Cortex-A9",
    "0xc0d": "Cortex-A12", "0xc0e": "Cortex-A17", "0xc0f": "Cortex-A15", "0xb76": "ARM1176",
    "0xd03": "Cortex-A53", "0xd04": "Cortex-A35", "0xd05": "Cortex-A55", "0xd06": "Cortex-A65",
    "0xd07": "Cortex-A57", "0xd08": "Cortex-A72", "0xd09": "Cortex-A73", "0xd0a": "Cortex-A75",
    "0xd0b": "Cortex-A76", "0xd0c": "Neoverse-N1", "0xd0d": "Cortex-A77", "0xd0e": "Cortex-A76AE",
    "0xd40": "Neoverse-V1", "0xd41": "Cortex-A78", "0xd42": "Cortex-A78AE", "0xd44": "Cortex-X1",
    "0xd46": "Cortex-A510", "0xd47": "Cortex-A710", "0xd48": "Cortex-X2", "0xd49": "Neoverse-N2",
    "0xd4b": "Cortex-A78C", "0xd4d": "Cortex-A715", "0xd4e": "Cortex-X3", "0xd4f": "Neoverse-V2",
    "0xd80": "Cortex-A520", "0xd81": "Cortex-A720", "0xd82": "Cortex-X4", "0xd84": "Neoverse-V3",
    "0xd85": "Cortex-X925", "0xd87": "Cortex-A725", "0xd8e": "Neoverse-N3",
}  # fmt: skip

ARM_PARTS = {("0x41", part): name for part, name in _ARM.items()}
ARM_PARTS.update(
    {
        ("0x43", "0x0af"): "ThunderX2",
        ("0x46", "0x001"): "A64FX",
        ("0x48", "0xd01"): "Kunpeng TSV110",
        ("0x4e", "0x003"): "NVIDIA Denver 2",
        ("0x4e", "0x004"): "NVIDIA Carmel",
        ("0xc0", "0xac3"): "Ampere-1",
        # Not silicon: what QEMU's `-cpu max` calls itself when it translates instructions.
        ("0x00", "0x051"): "QEMU virtual CPU",
    }
)
