"""`benchhub init`: a project folder with commented examples."""

from __future__ import annotations

from pathlib import Path

import typer

from benchhub.cli import project

_SUITE = """\
# A suite: what is compared. `benchhub schema suite` describes every key.
[suite]
name = "my-suite"
task = "npz"                       # your own cases; chest_xray is built in
baseline = "fp32"                  # losses and speed-ups refer to this variant
backends = ["onnxruntime"]         # add "openvino" where devices have it

[data]
inputs = "cases.npz"               # one array per model input, and `labels`
metric = "macro_auc"               # or "accuracy"

[[variants]]
name = "fp32"
model = "model.onnx"

[[variants]]
name = "int8-dynamic"
from = "fp32"
recipe = "int8-dynamic"

[scenarios.latency]
threads = [1, 2]
[scenarios.throughput]
batch = [8, 32]
threads = 2
[scenarios.memory]
[scenarios.cold_start]
[scenarios.quality]                # at each batch that is timed

[[budgets]]
variants = ["int8-dynamic"]
latency_p95_ms = 50
quality_loss_max = 0.01
"""

_DEVICE = """\
# A device over SSH. Write its host key with `benchhub devices enroll example.lab`.
[device]
name = "example"
transport = "ssh"
host = "example.lab"               # a Host of ~/.ssh/config, or an address
# user = "bench"
# identity_file = "~/.ssh/id_ed25519"
# python = "/opt/bench/bin/python" # needs numpy, psutil and one backend

[limits]
# max_temperature_c = 80           # at or above this nothing is measured

[labels]
site = "lab-1"
"""

_FLEET = """\
# Many devices of one kind. `benchhub schema fleet` describes every key. A single device has its
# profile in device_profiles/ instead.
[groups.rack1]
names = "rack1-{01..04}"             # rack1-01 to rack1-04
addresses = "10.0.1.{101..104}"      # as many, or a list; or by their names: "{name}.lab-1.example"

[groups.rack1.device]                # what a profile's [device] may have, but name and host
transport = "ssh"
# user = "bench"
# identity_file = "~/.ssh/id_ed25519"

[groups.rack1.limits]
# max_temperature_c = 80

[groups.rack1.labels]                # `--device label=site:lab-1` chooses by them
site = "lab-1"

# [groups.rack1.members.rack1-03.device]   # what one of them has otherwise
# host = "10.0.1.203"
"""


def init(directory: Path = typer.Argument(Path(), help="Folder to write into")) -> None:
    """Write a project folder: examples of a suite, a device profile and a fleet."""
    import contextlib
    import os

    from benchhub.errors import ConfigError
    from benchhub.outside.written import write_whole

    files = {
        directory / "suites" / "my-suite" / "suite.toml": _SUITE,
        directory / "device_profiles" / "example.toml": _DEVICE,
        directory / "fleet.toml": _FLEET,
    }
    for path in files:
        if os.path.lexists(path):
            raise ConfigError(f"{path} exists already; benchhub init never overwrites")
    made: list[Path] = []
    try:
        for path, text in files.items():
            write_whole(path, text, "name another folder")
            made.append(path)
    except BaseException:  # half a project could not be written again: it exists
        for path in made:
            with contextlib.suppress(OSError):
                path.unlink()
        raise
    for path in made:
        typer.echo(path)
    project.note(
        "put model.onnx and cases.npz beside suite.toml, then `benchhub run my-suite --dry-run`"
    )
