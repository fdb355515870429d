"""How long it takes to give a device a runtime offline, the wheels being in the cache here.

`python -m benchmarks.provision PROFILE.toml`: for a device that is at hand, such as the lab's
ARM64 one. Each round begins without environment and without wheels on the device.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchhub.cli.project import cache
from benchhub.config.suite import load_profile
from benchhub.device.provision.install import provision
from benchhub.device.provision.lock import shipped
from benchhub.device.runner import build_runner
from benchhub.device.session import DeviceSession, holder
from benchhub.model.device import DeviceProfile
from benchhub.stats.interval import median_interval
from benchmarks import table
from benchmarks.claim import Claim, compared

LIMIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    backend: str = "onnxruntime"
    rounds: int = 5


def measure(profile: DeviceProfile, wheels: Path, size: Size | None = None) -> list[Claim]:
    """Return the claims: offline against the limit, and beside the device's own pip, if it can."""
    size = size or Size()
    locks = shipped(size.backend)
    offline: list[float] = []
    with DeviceSession.open(profile, build_runner(), holder("benchmark")) as device:
        for _ in range(size.rounds + 1):
            device.unprovision([size.backend])
            done = provision(device, locks, wheels)
            assert done.built
            offline.append(done.elapsed_s)
        again = provision(device, locks, wheels)
    del offline[0]  # it may have fetched the wheels
    seconds = median_interval(offline)
    packages = len(done.environment.packages)
    return [
        compared(
            f"provision {size.backend} offline on {profile.name}, wheels cached here",
            f"{seconds.estimate:.1f} s ({packages} wheels, {done.moved_bytes / 1e6:.0f} MB pushed)",
            f"{LIMIT_S:.0f} s allowed",
            median_interval([value / LIMIT_S for value in offline]),
            at_most=1.0,
        ),
        Claim(
            name=f"provision {size.backend} again",
            ours=f"{again.moved_bytes} bytes moved, decided in {again.elapsed_s * 1e3:.0f} ms",
            peer="",
            ratio=float(again.moved_bytes),
            target="0 bytes",
            met=again.moved_bytes == 0 and not again.built,
        ),
    ]


def main() -> int:
    """Return 0, or 1 when a claim was surely not met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.provision", description=__doc__)
    parser.add_argument("profile", type=Path)
    parser.add_argument("--backend", default=Size().backend)
    parser.add_argument("--rounds", type=int, default=Size().rounds)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    options = parser.parse_args()
    size = Size(options.backend, options.rounds)
    claims = measure(load_profile(options.profile), cache() / "wheels", size)
    output = Console()
    table.show(claims, output if output.is_terminal else Console(width=160))
    if options.json:
        options.json.write_text(table.as_json(claims), "utf-8")
    return int(any(claim.met is False and claim.sure for claim in claims))


if __name__ == "__main__":
    sys.exit(main())
