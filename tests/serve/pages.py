"""A server started for tests, and the browser that looks at it."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builders import make_cell, make_device, make_launch, make_plan, make_run, make_variant
from repository import ROOT
from waiting import PATIENCE_S, until_said

from benchhub.model.device import Finding
from benchhub.store import Store
from benchhub.store.watched.process import ControllerProcess
from benchhub.store.watched.signs import LaneSign, Sign

#: What a device, a suite and a variant may be called by who means harm.
HOSTILE = "<img src=x onerror=alert(1)>'\"&../%2f?#"
KILLED, MANY = "20260103-120000-dead", 1000


@contextlib.contextmanager
def serving(env: dict[str, str], *arguments: str) -> Iterator[str]:
    """Give the address of a server that was started with these arguments, and end it."""
    argv = [sys.executable, "-m", "benchhub", "serve", "--port", "0", *arguments]
    process = subprocess.Popen(
        argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        said = until_said(process, "serving ")
        found = re.search(r"serving (http://\S+)/;", said)
        assert found, said
        yield found[1]
        assert process.poll() is None
    finally:
        process.terminate()
        _, err = process.communicate(timeout=PATIENCE_S)
        assert "Traceback" not in err, err


def filled(path: Path) -> None:
    """Write a store of a thousand runs and devices; one run was killed, and names are hostile."""
    with Store.open(f"sqlite:///{path}") as store:
        cell = make_cell(device=HOSTILE, variant=HOSTILE)
        suite = make_run(id="20260102-120000-aaaa", suite=HOSTILE)
        store.create_run(suite, make_plan(cell), None, [make_variant(HOSTILE)], ())
        found = Finding("load", "warn", HOSTILE, HOSTILE, HOSTILE)
        store.put_device(suite.id, make_device(HOSTILE, findings=(found,)))
        store.add(make_launch(cell, 0, run=suite.id))
        store.set_status(suite.id, "done", "2026-01-02T12:30:00+00:00")
        store.quarantine.add(HOSTILE, HOSTILE)
        killed = make_run(id=KILLED, started_at="2026-01-03T12:00:00+00:00")
        store.create_run(killed, make_plan(), None, [make_variant()], ())
        this = ControllerProcess.this()
        store.signs.put(KILLED, Sign(
            at="2026-01-03T12:01:00+00:00", host=this.host, space=this.space, pid=2**22 + 1,
            began_s=1.0, lanes=(LaneSign(
                device="localhost", planned=20, done=3, cells=2, cells_done=0, settled=0,
                state="measuring", doing=HOSTILE, since="2026-01-03T12:00:59+00:00",
            ),),
        ))  # fmt: skip
    with contextlib.closing(sqlite3.connect(path)) as raw, raw:
        for table, name, text, where in (
            ("runs", "id", "'many-' || printf('%04d', n)", f"id = '{suite.id}'"),
            ("devices", "name", "'rack-' || printf('%04d', n)", f"run = '{suite.id}'"),
        ):
            columns = [row[1] for row in raw.execute(f"pragma table_info({table})")]
            told = {name: text, "suite": "'many'", "started_at": "'2025-06-01T00:00:00+00:00'"}
            told["info"] = f"json_set(info, '$.name', {text})"
            values = ", ".join(told.get(one, one) for one in columns)
            raw.execute(
                f"with recursive c(n) as (select 1 union all select n + 1 from c where n < {MANY})"
                f" insert into {table} select {values} from {table}, c where {where}"
            )


def axe_source() -> str:
    """axe-core as one script, out of the package that carries it."""
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return (Path(spec.submodule_search_locations[0]) / "axe.min.js").read_text("utf-8")


def axe(page: Any, source: str, rules: tuple[str, ...] = ()) -> list[Any]:
    """Return what axe finds serious or critical on a page by some rules or all, with a node."""
    page.evaluate(source)
    found: list[Any] = page.evaluate(
        "async (rules) => (await axe.run(document, {resultTypes: ['violations'],"
        " runOnly: rules.length ? rules : undefined})).violations.filter("
        "(v) => ['serious', 'critical'].includes(v.impact)).map((v) => [v.id, v.nodes[0].html])",
        list(rules),
    )
    return found
