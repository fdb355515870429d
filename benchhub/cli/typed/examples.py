"""Two examples of every verb, and the page of the documentation to read on; `--help` shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class VerbExample(NamedTuple):
    """A command as it is typed, and what it is for."""

    command: str
    about: str


class VerbHelp(NamedTuple):
    """What the help of a verb ends with: two examples, and a page, from the repository's root."""

    examples: tuple[VerbExample, VerbExample]
    page: str


def _shown(page: str, *pairs: tuple[str, str]) -> VerbHelp:
    first, second = (VerbExample(f"benchhub {command}", about) for command, about in pairs)
    return VerbHelp((first, second), f"docs/{page}")


#: By the words of the verb.
EXAMPLES: Mapping[str, VerbHelp] = {
    "init": _shown(
        "tutorial/first-verdict.md",
        ("init", "in this folder: a suite, a device and a fleet, with comments"),
        ("init ~/my-project", "in a folder of its own"),
    ),
    "bench": _shown(
        "how-to/bench.md",
        ("bench model.onnx", "median, p95, load, first call, memory and size, on this machine"),
        (
            "bench old.onnx new.onnx --device pi4 --budget latency_p95_ms=20",
            "which of two is faster on pi4; exit 1 where one is over the limit",
        ),
    ),
    "run": _shown(
        "how-to/suites.md",
        ("run quickstart", "the suite that ships, on this machine; ends in a report"),
        (
            "run my-suite --device pi4 --device 'rack1-*' --effort rigorous",
            "a suite of yours on several devices at once, measured longer",
        ),
    ),
    "report": _shown(
        "explanation/reading-a-report.md",
        ("report latest", "the newest run as one HTML file"),
        ("report latest --format csv -o rows.csv", "every column of every cell, for a table"),
    ),
    "publish": _shown(
        "how-to/publish.md",
        ("publish latest -o board", "the newest run on a board: open board/index.html"),
        (
            "publish quickstart rack.json site-b.json.gz -o board",
            "add the newest run of a suite, and those of files from elsewhere",
        ),
    ),
    "recommend": _shown(
        "how-to/recommend.md",
        ("recommend latest", "what to ship on each device under the suite's own budgets"),
        (
            "recommend latest --budget latency_p95_ms=20 --budget quality_loss_max=.01",
            "under these limits instead",
        ),
    ),
    "gate": _shown(
        "how-to/gates.md",
        ("gate latest", "the newest run against its suite's budgets; the exit code is the answer"),
        ("gate latest -o gate.xml -o gate.md", "JUnit and a comment for a merge request as well"),
    ),
    "gateway": _shown(
        "how-to/sites.md",
        (
            "gateway --site lab-1 --scheduler dask://127.0.0.1:8786",
            "the devices with the label site:lab-1, through a scheduler on this machine",
        ),
        (
            "gateway --site lab-1 --scheduler 'tls://s.example:8786?ca=ca.pem&cert=c.pem&key=k.pem'",
            "through one elsewhere, both sides known by certificates",
        ),
    ),
    "compare": _shown(
        "how-to/gates.md",
        ("compare 20260131 latest", "what changed and what moved from one run to another"),
        (
            "compare 20260131 latest --question backend --margin 5",
            "after a runtime was upgraded: the same models, and 5 % is too little to matter",
        ),
    ),
    "compress": _shown(
        "how-to/compress.md",
        ("compress --list", "the recipes, and the options of each"),
        (
            "compress model.onnx --recipe int8-dynamic -o out",
            "a model file of yours, with weights of 8 bits",
        ),
    ),
    "export": _shown(
        "how-to/pytest.md",
        (
            "export latest --format pytest-benchmark -o run.json",
            "for what reads the files of pytest-benchmark",
        ),
        ("export latest --format parquet", "the table of rows, as benchhub-RUN.parquet"),
    ),
    "ab": _shown(
        "how-to/comparing.md",
        (
            "ab localhost onnxruntime old.onnx new.onnx",
            "launches in turn on this machine, and whether the new one is slower",
        ),
        (
            "ab pi4 tflite old.tflite new.tflite --threads 2 --delta 0.05",
            "on pi4 with two threads; up to 5 % counts as equal",
        ),
    ),
    "history": _shown(
        "how-to/comparing.md",
        ("history quickstart", "cells of a suite that may have changed from run to run"),
        ("history quickstart --device pi4 --confirm", "and these measured, old beside new"),
    ),
    "replicate": _shown(
        "how-to/replicate.md",
        (
            "replicate report.json --device pi4 --models ~/models",
            "run somebody's report again on pi4; which rows and claims came out again",
        ),
        (
            "replicate https://example.org/report.json --against latest",
            "hold it against the newest run of the store, and run nothing",
        ),
    ),
    "schema": _shown(
        "how-to/suites.md",
        ("schema suite > suite.schema.json", "for an editor that checks suite.toml"),
        ("schema device > device.schema.json", "for device profiles"),
    ),
    "serve": _shown(
        "how-to/serve.md",
        ("serve", "runs in progress, devices and verdicts at http://127.0.0.1:8377/"),
        (
            "serve --store postgresql://reader@db/benchhub --port 9000 --allow-actions",
            "a server's store; whoever shows the token may stop runs and lift quarantines",
        ),
    ),
    "devices list": _shown(
        "how-to/devices.md",
        ("devices list", "yours, and the profiles that ship to begin with"),
        ("devices list label=site:lab-1 --limit 0", "all that have a label"),
    ),
    "devices show": _shown(
        "how-to/devices.md",
        ("devices show localhost", "processor, memory, runtimes, temperature of this machine"),
        ("devices show pi4 --json", "for programs"),
    ),
    "devices doctor": _shown(
        "how-to/devices.md",
        ("devices doctor pi4", "every check of one device, with what mends what is wrong"),
        ("devices doctor 'rack1-*' --exclude rack1-07", "many at once, those in trouble first"),
    ),
    "devices enroll": _shown(
        "how-to/devices.md",
        (
            "devices enroll raspberrypi.local --name pi4 --user pi --like raspberry-pi-4",
            "take its host key after you compared it, and begin with a profile that ships",
        ),
        ("devices enroll orin", "a Host of ~/.ssh/config, under that name"),
    ),
    "devices provision": _shown(
        "how-to/devices.md",
        ("devices provision pi4", "environments with onnxruntime, openvino and tflite"),
        (
            "devices provision pi4 --backend tflite --offline",
            "one runtime, fetched here, for a device without internet",
        ),
    ),
    "devices selftest": _shown(
        "how-to/devices.md",
        ("devices selftest pi4", "whether it tells equal work from 3 and 5 % more"),
        ("devices selftest --rerun-failed", "those that did not pass the last time"),
    ),
    "devices queue": _shown(
        "how-to/fleet.md",
        ("devices queue", "who measures on which device, who waits, and until when"),
        ("devices queue 'jetson-*' --json", "some devices, for programs"),
    ),
    "devices reserve": _shown(
        "how-to/fleet.md",
        ("devices reserve jetson-1 --for 2h", "from now on, as soon as nobody measures"),
        (
            "devices reserve jetson-1 --from 14:00 --for 30m --why 'paper figures'",
            "later today, with a reason that others read",
        ),
    ),
    "devices reservations": _shown(
        "how-to/fleet.md",
        ("devices reservations", "all that are not over"),
        ("devices reservations jetson-1 --json", "those of one device, for programs"),
    ),
    "devices release": _shown(
        "how-to/fleet.md",
        ("devices release 2026c62c", "a reservation of this store, by its id"),
        (
            "devices release 2026c62c device_profiles/jetson-1.toml",
            "where its device is no known name any more",
        ),
    ),
    "runs list": _shown(
        "how-to/stores.md",
        ("runs list", "the newest twenty"),
        ("runs list --all --json", "every run, for programs"),
    ),
    "runs show": _shown(
        "how-to/fleet.md",
        ("runs show latest", "the newest run: verdicts, then tables"),
        ("runs show quickstart --json", "the newest run of a suite, for programs"),
    ),
    "runs delete": _shown(
        "how-to/stores.md",
        ("runs delete 20260131-101500-ab12", "one run with its launches"),
        ("runs delete latest --yes", "the newest one, without being asked"),
    ),
    "runs import": _shown(
        "how-to/pytest.md",
        (
            "runs import a.json b.json --device laptop --suite speed",
            "two sessions of pytest-benchmark: two launches of a run",
        ),
        (
            "runs import times.json --device orin --suite resnet --variant fp16",
            "what trtexec wrote with --exportTimes",
        ),
    ),
    "store check": _shown(
        "how-to/stores.md",
        ("store check", "read all that benchhub.db holds, and name what is damaged"),
        ("store check postgresql://me@db.example/bench", "the same of another store"),
    ),
    "store copy": _shown(
        "how-to/stores.md",
        (
            "store copy sqlite:///benchhub.db postgresql://me@db.example/bench",
            "from a file to a server; again, and it goes on where it was",
        ),
        ("store copy sqlite:///benchhub.db sqlite:///kept.db", "a copy of the file"),
    ),
    "store prune": _shown(
        "how-to/stores.md",
        ("store prune --keep 20 --dry-run", "which runs would lose their samples"),
        ("store prune --older-than 90d --yes", "what began longer ago, without being asked"),
    ),
    "store upgrade": _shown(
        "how-to/stores.md",
        ("store upgrade", "bring benchhub.db to the schema of this benchhub"),
        ("store upgrade --store postgresql://me@db.example/bench", "a server's database"),
    ),
    "store downgrade": _shown(
        "how-to/stores.md",
        ("store downgrade 0008", "for an older benchhub, which asks for this schema"),
        ("store downgrade 0008 --yes", "without being asked"),
    ),
}


def lines(path: str) -> list[str]:
    """Return what the help of a verb ends with; empty where nothing is known of it."""
    if path not in EXAMPLES:
        return []
    shown = EXAMPLES[path]
    told = ["Examples:"]
    for one in shown.examples:
        told += [f"  {one.command}", f"      {one.about}"]
    return [*told, "", f"Read on: {shown.page}"]
