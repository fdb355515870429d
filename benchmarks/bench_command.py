"""How long `benchhub bench` takes to its table, beside its launches' own time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchhub.stats.interval import median_interval
from benchhub.store import Store
from benchmarks.claim import Claim, compared
from benchmarks.quickstart import MODEL

LIMIT = 1.3


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    rounds: int = 5
    effort: str = "standard"
    backends: tuple[str, ...] = ("onnxruntime",)


def measure(size: Size | None = None) -> list[Claim]:
    """Return the claim about a small model on this machine: start to table, over all launches."""
    size = size or Size()
    ratios, whole = [], []
    with tempfile.TemporaryDirectory() as folder:
        model = Path(shutil.copy(MODEL, folder))
        profile = f'[device]\nname = "here"\ntransport = "local"\nroot = "{folder}/device"\n'
        (Path(folder) / "here.toml").write_text(profile)
        _bench(model, size)  # fills the cache of compiled modules, and has the runner pushed
        for _ in range(size.rounds):
            took_s, launches_s = _bench(model, size)
            ratios.append(took_s / launches_s)
            whole.append(took_s)
    return [
        compared(
            "benchhub bench, start to table, over its launches' own time",
            f"{sorted(whole)[len(whole) // 2]:.1f} s",
            f"{LIMIT:g} times the launches allowed",
            median_interval(ratios),
            at_most=LIMIT,
        )
    ]


def _bench(model: Path, size: Size) -> tuple[float, float]:
    """Return the seconds until the last of the table was written, and those of all launches."""
    command = [sys.executable, "-m", "benchhub", "bench", str(model), "--device", "here.toml"]
    command += ["--effort", size.effort]
    for backend in size.backends:
        command += ["--backend", backend]
    store = f"sqlite:///{model.parent / 'benchhub.db'}"
    started = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--json", "--store", store], cwd=model.parent, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env=_as_users_have_it(model.parent),
    )  # fmt: skip
    assert process.stdout is not None
    parts, took_s = [], 0.0
    while part := os.read(process.stdout.fileno(), 1 << 20):
        parts.append(part)
        took_s = time.perf_counter() - started
    process.stdout.close()
    if process.wait() != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    run = json.loads(b"".join(parts))["run"]["id"]
    with Store.open(store) as results:
        launches_ns = sum(launch.wall_ns or 0 for launch in results.launches(run))
    return took_s, launches_ns / 1e9


def _as_users_have_it(folder: Path) -> dict[str, str]:
    """Return the environment with compiled modules kept, which some workplaces turn off."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
