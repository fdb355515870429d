"""What is planted in every text of a record gets into no output as it is."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import (
    make_answer_key,
    make_budget,
    make_cell,
    make_conditions,
    make_device,
    make_run,
    make_skip,
    make_variant,
)
from in_process import Reading
from project import run_here
from recorded_runs import launches_of

from benchhub.model.cell import Plan
from benchhub.model.device import Finding
from benchhub.model.recipe import Recipe
from benchhub.model.request import RunRequest
from benchhub.ondevice.wire import Failure
from benchhub.store import Store

PLANT = "\x1b]0;own\x07\x1b[31m\x9b2J\u202egnp.\u2066x\u2028\x00\x7f<b>|`"
#: Whatever a terminal, a page or a reader of lines obeys.
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def planted(name: str) -> str:
    return f"{name} {PLANT}"


def plant_all(told: Any) -> Any:
    """JSON types with the plant in every key and text."""
    if isinstance(told, str):
        return planted(told)
    if isinstance(told, dict):
        return {planted(key): plant_all(value) for key, value in told.items()}
    return [plant_all(one) for one in told] if isinstance(told, list) else told


FACTS = {
    "arch": "x86_64", "cpu_model": "Fast", "os": "Linux", "kernel": "6.1", "hostname": "pi",
    "python": "3.11", "packages": {"numpy": "2.1"}, "gpus": [{"name": "A100", "driver": "55"}],
}  # fmt: skip


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Reading:
    """Two runs of a store that nobody held to anything: one cell finished, one failed, one left."""
    reading = Reading(tmp_path_factory.mktemp("planted"))
    device = planted("pi")
    common: dict[str, Any] = {"device": device, "options": json.dumps(plant_all({"mode": "x"}))}
    slow = make_cell(variant=planted("fp32"), **common)
    bad = make_cell(variant=planted("int8"), shapes=planted("x=1x3"), **common)
    failure = Failure("load", "raised", planted("no such operator"))
    details = plant_all({"note": "said", "deep": {"a": ["b"]}})
    with Store.open(reading.url) as store:
        for name, scale in (("one", 1.0), ("two", 1.5)):
            told = {"command": planted("benchhub run"), planted("key"): planted("value")}
            info = make_run(
                id=name, suite=planted("tiny"), task=planted("npz"), baseline=planted("fp32"),
                status="running", provenance=told, request=RunRequest(planted("tiny"), (device,)),
            )  # fmt: skip
            variants = [
                make_variant(
                    planted("fp32"), provenance={planted("told"): planted("it"), "told": PLANT}
                ),
                make_variant(
                    planted("int8"), sha256="b" * 64, uncounted=(planted("Einsum"),), macs=None,
                    recipe=Recipe(planted("int8-dynamic"), {planted("k"): planted("v")}),
                ),
            ]  # fmt: skip
            skips = (make_skip(planted("not there"), device=device, variant=planted("fp32")),)
            budgets = (make_budget(planted("edge"), latency_p50_ms=12.0),)
            key = dataclasses.replace(
                make_answer_key(), label_names=(planted("cat"), planted("dog")), metric="accuracy"
            )
            store.create_run(info, Plan((slow, bad), skips), key, variants, budgets)
            finding = Finding(*map(planted, ("governor",)), "warn", *map(planted, "abc"))
            store.put_device(name, make_device(
                device, facts=plant_all(FACTS), findings=(finding,), error=planted("lost"),
                labels={planted("site"): planted("lab")},
            ))  # fmt: skip
            before = make_conditions(governor=planted("fast"), unavailable={"x": planted("why")})
            told_by = {
                "details": details, "backend_version": planted("1.2"), "provider": planted("cpu"),
                "clock": planted("host"), "before": before, "after": before,
            }  # fmt: skip
            for launch in launches_of(slow, name, scale=scale, **told_by):
                store.add(launch)
            gone = {"status": "failed", "failure": failure, "samples_ns": np.empty(0, np.int64)}
            for launch in launches_of(bad, name, 1, **{**told_by, **gone}):
                store.add(launch)
            store.quarantine.add(device, planted("hot"))
    return reading


def strings(told: Any) -> Iterator[str]:
    if isinstance(told, str):
        yield told
    elif isinstance(told, dict):
        yield from told
        for value in told.values():
            yield from strings(value)
    elif isinstance(told, list):
        for value in told:
            yield from strings(value)


COMMANDS = [
    ("report", "one", "--format", "markdown"),
    ("report", "one", "two", "--format", "csv"),
    ("report", "one", "--format", "json"),
    ("gate", "one"),
    ("gate", "one", "--format", "markdown"),
    ("gate", "one", "--format", "junit"),
    ("gate", "one", "--json"),
    ("compare", "one", "two"),
    ("compare", "one", "two", "--format", "markdown"),
    ("compare", "one", "two", "--json"),
    ("runs", "list"),
    ("runs", "list", "--json"),
    ("runs", "show", "one"),
    ("runs", "show", "one", "--json"),
    ("gate", PLANT),
    ("history", planted("tiny")),
]


@pytest.mark.parametrize(
    "words",
    COMMANDS,
    ids=lambda words: " ".join(words[:4]) if PLANT not in words[1] else f"{words[0]} planted",
)
def test_nothing_obeyed_is_printed(reading: Reading, words: tuple[str, ...]) -> None:
    done = run_here(reading.folder, {"COLUMNS": "100", "HOME": str(reading.folder)}, *words)
    shown = done.out + done.err
    assert shown
    for line in shown.replace("\r\n", "\n").split("\n"):
        assert not OBEYED.search(line), ascii(line)
    if done.out.startswith(("{", "[")):
        for text in strings(json.loads(done.out)):
            assert not OBEYED.search(text), ascii(text)


@pytest.mark.usefixtures("processes", "native")
@pytest.mark.parametrize("interactive", [False, True])
def test_nothing_obeyed_is_in_a_page_or_a_picture(
    reading: Reading, tmp_path: Path, interactive: bool
) -> None:
    words = ("--interactive", "-o", str(tmp_path / "a.html")) if interactive else (
        "--format", "all", "-o", str(tmp_path / "all"),
    )  # fmt: skip
    done = reading.run("report", "one", "two", *words)
    assert done.code == 0, done.err
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) >= (1 if interactive else 6)
    for path in files:
        found = OBEYED.search(path.read_bytes().decode("utf-8").replace("\r\n", "\n"))
        assert found is None, (
            f"{path.name}: {found and ascii(found.string[found.start() - 80 : found.end()])}"
        )
