"""Makes the GPU suites' models and runs the suites on this machine: one command.

    python suites/gpu/run.py          # needs an NVIDIA GPU and PyTorch with CUDA
    python suites/gpu/run.py --cpu    # the same path without a GPU; no GPU's figures

Models, cases and suites are written below the cache (--output); reports and the results to the
current folder, as `benchhub run` writes them. Further arguments go to `benchhub run`: another
machine than this with --device, more measuring with --effort.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import tomlkit
import torch
from make import HERE, SUITES, make

from benchhub.cli.project import cache


def main() -> int:
    """Return the worst exit code of the runs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cpu", action="store_true", help="run the suites cut down to a CPU")
    parser.add_argument("--suite", action="append", choices=SUITES, help="only this; repeatable")
    parser.add_argument("--output", type=Path, default=cache() / "gpu-suites")
    parser.add_argument("--make-only", action="store_true", help="write the suites, run nothing")
    asked, passed_on = parser.parse_known_args()
    here = not asked.make_only and not any(one.startswith("--device") for one in passed_on)
    if here and not asked.cpu and not torch.cuda.is_available():
        print(
            f"run.py: torch {torch.__version__} finds no usable GPU; install PyTorch with CUDA and"
            " check nvidia-smi, or try the path with --cpu",
            file=sys.stderr,
        )
        return 3
    worst = 0
    for name in asked.suite or SUITES:
        folder = asked.output / f"gpu-{name}"
        print(f"making the models of gpu-{name} in {folder}", flush=True)
        make(name, folder)
        file = write_suite(name, folder, asked.cpu)
        if asked.make_only:
            continue
        command = [sys.executable, "-m", "benchhub", "run", str(file), *passed_on]
        worst = max(worst, subprocess.run(command, check=False).returncode)
    return worst


def write_suite(name: str, folder: Path, cpu: bool) -> Path:
    """Return the suite's file in `folder`: as it ships or, for a CPU, cut down to one."""
    text = (HERE / f"{name}.toml").read_text("utf-8")
    path = folder / "suite.toml"
    if cpu:
        path = folder / "suite-cpu.toml"
        text = for_cpu(text)
    path.write_text(text, "utf-8")
    return path


def for_cpu(text: str) -> str:
    """Return a suite without what only a GPU has, and with few and small cells."""
    suite = tomlkit.parse(text)
    suite["suite"].update(
        name=f"{suite['suite']['name']}-on-cpu",
        backends=["torch", "onnxruntime", "null"],
        precision="f32",  # CPUs without bf16 instructions take twenty times as long for it
    )
    for variant in suite["variants"]:
        variant["backends"] = [one for one in variant["backends"] if one != "tensorrt"]
    suite["options"]["torch"].update(device="cpu", mode=["eager", "compile"])
    suite["options"]["onnxruntime"].update(provider="cpu")
    suite["scenarios"]["latency"].update(batch=1, launches=1, max_timed_s=1)
    suite["scenarios"]["throughput"].update(batch=4, concurrency=2, launches=1, max_timed_s=1)
    suite["scenarios"]["quality"].update(batch=4, cases=16)
    if "test_patients" in suite["data"]:
        suite["scenarios"]["quality"].update(cases=200)  # every finding needs both classes
    return tomlkit.dumps(suite)


if __name__ == "__main__":
    sys.exit(main())
