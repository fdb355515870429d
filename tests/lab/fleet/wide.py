"""The link between a gateway and its scheduler: as slow as one between two sites."""

from __future__ import annotations

from ..command import LabError, run

RATE_MBIT, DELAY_MS = 50, 20


def make_wide(ends: list[tuple[str, str]]) -> None:
    """Let both ends of a link, each a namespace and an interface, send no faster than that."""
    for namespace, link in ends:
        shape = ("tc", "-n", namespace, "qdisc", "add", "dev", link, "root")
        rate = f"{RATE_MBIT}mbit"
        try:
            run(*shape, "netem", "delay", f"{DELAY_MS}ms", "rate", rate)
        except LabError:  # many kernels have no netem
            run(*shape, "tbf", "rate", rate, "burst", "32kb", "latency", "100ms")


def told(namespace: str, link: str) -> str:
    """Return how a link is, by what the kernel says."""
    shape = run("tc", "-n", namespace, "qdisc", "show", "dev", link, check=False)
    if "netem" in shape:
        return f"{RATE_MBIT} Mbit/s and {DELAY_MS} ms each way"
    if "tbf" in shape:
        return f"{RATE_MBIT} Mbit/s each way, and no delay: this kernel has no netem"
    return "as fast as this machine"
