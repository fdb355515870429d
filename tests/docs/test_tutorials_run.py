"""The commands of tutorials run one after another, and end as their pages say.

With fewer launches than there, on one runtime: what is tested is that they work, not how fast.
"""

from __future__ import annotations

import getpass
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from loopback_sshd import Sshd
from repository import ROOT

TUTORIALS = ROOT / "docs" / "tutorial"
_COMMANDS = (
    "benchhub",
    "python",
    "mkdir",
    "cd",
    "cp",
    "echo",
    "make",
    "source",
    "ssh-copy-id",
    "#",
)
#: Done before the tests: what installs, and what shows the example.
_INSTALLS = ("make ", "source ", "python3 -m venv", "~/bench/bin/pip")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FEWER = {"benchhub bench": " --effort quick", "benchhub run": " --effort quick"}


@dataclass(frozen=True)
class Step:
    """Commands of a page, what it shows of their output, and what they printed."""

    commands: tuple[str, ...]
    shown: str = ""
    printed: str = ""


def steps(page: Path) -> Iterator[Step]:
    """Yield the commands of a page, each with the block that follows it if that is output."""
    blocks = [text for language, text in _BLOCK.findall(page.read_text("utf-8")) if not language]
    for block, after in zip(blocks, [*blocks[1:], ""], strict=True):
        if block.startswith(_COMMANDS):
            lines = (line.partition(" #")[0].strip() for line in block.splitlines())
            wanted = [one for one in lines if one and not one.startswith(("#", *_INSTALLS))]
            shown = "" if after.startswith(_COMMANDS) else after
            if wanted:
                yield Step(tuple(wanted), shown)


def fewer(command: str, instead: Mapping[str, str]) -> str:
    """A command with less to do, if it measures, or what is done `instead` of its beginning."""
    for start, other in instead.items():
        if command.startswith(start):
            return other + command.removeprefix(start)
    more = "".join(more for start, more in _FEWER.items() if command.startswith(start))
    if command.startswith("benchhub bench") and "--backend" not in command:
        more += " --backend onnxruntime"
    return command if "--dry-run" in command else command + more


def followed(
    page: str, home: Path, *, at: Path | None = None, instead: Mapping[str, str] | None = None
) -> list[Step]:
    """The steps of a page after they were run by one shell, beginning in `at` or in `home`."""
    found = list(steps(TUTORIALS / page))
    script = "\n".join(
        "\n".join(
            [*(fewer(one, instead or {}) for one in step.commands), f"echo; echo '<<<{number}>>>'"]
        )
        for number, step in enumerate(found)
    )
    programs = home / "programs"
    programs.mkdir()
    for name, begins in (("benchhub", "-m benchhub"), ("python", "")):
        (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {begins} "$@"\n')
        (programs / name).chmod(0o755)
    env = {**os.environ, "HOME": str(home), "COLUMNS": "200", "PYTHONPATH": str(ROOT)}
    env |= {"BENCHHUB_CACHE": str(home / "cache"), "PATH": f"{programs}:{os.environ['PATH']}"}
    env.pop("BENCHHUB_STORE", None)
    done = subprocess.run(
        ["bash", "-u", "-c", script], cwd=at or home, env=env, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "benchhub: " not in done.stderr, done.stderr[-2000:]
    printed = re.split(r"\n<<<\d+>>>\n", done.stdout)
    assert len(printed) == len(found) + 1, done.stderr[-2000:]
    return [replace(step, printed=text) for step, text in zip(found, printed, strict=False)]


def heads(text: str) -> set[str]:
    """The words in the heads of the tables in what was printed; its width says which there are."""
    lines = text.splitlines()
    ruled = [above for above, line in itertools.pairwise(lines) if line.startswith("──")]
    return {word for line in ruled for word in line.split()}


def fewer_images(home: Path) -> Path:
    """The tutorials' script in a home, as it is but for how many images it makes."""
    made = home / "stripes.py"
    text = (TUTORIALS / "stripes.py").read_text("utf-8")
    made.write_text(text.replace("count: int = 2000", "count: int = 400"), "utf-8")
    return made


@pytest.mark.usefixtures("processes")
def test_own_model(tmp_path: Path) -> None:
    script = "python docs/tutorial/stripes.py"
    instead = {script: f"python {fewer_images(tmp_path)}"}
    done = followed("own-model.md", tmp_path, at=ROOT, instead=instead)
    assert sum(bool(heads(step.shown)) for step in done) >= 2
    for step in done:
        assert heads(step.shown) <= heads(step.printed), step.printed
    assert re.sub(r"\d+", "N", done[0].printed).strip() == "N.N% of N test cases are right"
    codes = [step.printed.split()[-1] for step in done if step.commands[-1] == "echo $?"]
    assert set(codes) <= {"0", "4"}
    assert len(codes) == 1
    assert (tmp_path / "my-model" / "report.html").stat().st_size > 10_000


@pytest.mark.usefixtures("processes")
def test_gate_in_ci(tmp_path: Path) -> None:
    fewer_images(tmp_path)
    page = (TUTORIALS / "gate-in-ci.md").read_text("utf-8")
    (listing,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    suite = tmp_path / "stripes-ci" / "suites" / "edge" / "suite.toml"
    suite.parent.mkdir(parents=True)
    listing = listing.replace("cases = 2000", "cases = 400")  # which lose more, unseen or not
    suite.write_text(listing.replace("_loss_max = 0.02", "_loss_max = 0.5"), "utf-8")
    done = followed("gate-in-ci.md", tmp_path)
    kept, broken = (step for step in done if step.commands[-1] == "echo $?")
    assert kept.printed.split()[-1] in ("0", "4")  # so few launches may decide nothing
    assert broken.printed.split()[-1] == "1"
    for step in (kept, broken):
        assert step.shown.split()[-1] == ("0" if step is kept else "1")
    assert "FAIL" in (suite.parents[2] / "gate.md").read_text("utf-8")
    assert "<failure" in (suite.parents[2] / "gate.xml").read_text("utf-8")


@pytest.mark.usefixtures("processes", "servers", "no_ssh_agent")
def test_raspberry_pi(sshd: Sshd, tmp_path: Path) -> None:
    """With an SSH host in place of a Pi, on which the runtimes are installed already."""
    config = tmp_path / "ssh_config"
    config.write_text(
        "Host raspberrypi.local\nHostName 127.0.0.1\n"
        f"Port {sshd.port}\nIdentityFile {sshd.identity}\n"
    )
    enroll = "benchhub devices enroll raspberrypi.local --name pi5"
    more = f"--yes --ssh-config {config} --python {sys.executable} --root {sshd.folder}/root"
    run = "benchhub run quickstart --device pi5"
    some = "--effort quick --backend onnxruntime --scenario latency --variant fp32"
    instead = {
        "ssh-copy-id": "true",
        f"{enroll} --user pi": f"{enroll} --user {getpass.getuser()} {more}",
        "benchhub devices provision": "true",
        f"{run} --dry-run": f"{run} --dry-run {some}",
        run: f"{run} {some}",
    }
    done = followed("raspberry-pi.md", tmp_path, instead=instead)
    profile = (tmp_path / "pi" / "device_profiles" / "pi5.toml").read_text("utf-8")
    assert sshd.host_key in profile
    assert "max_temperature_c = 75" in profile
    printed = {command: step.printed for step in done for command in step.commands}
    assert "launches, 0 skips" in printed[run]
    assert "suite quickstart" in printed["benchhub gate latest"]
    (report,) = (tmp_path / "pi").glob("benchhub-*.html")
    assert "pi5" in report.read_text("utf-8")


def test_every_tutorials_commands_are_found() -> None:
    found = {page.name: list(steps(page)) for page in TUTORIALS.glob("*.md")}
    assert {name: len(made) for name, made in found.items() if not made} == {}
    assert found["raspberry-pi.md"][0].commands[-1] == "mkdir ~/pi && cd ~/pi"
