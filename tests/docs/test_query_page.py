"""docs/how-to/query.md: its queries find what benchhub itself says of the same store."""

from __future__ import annotations

import csv
import io
import json
import re
import socket
import sqlite3
import statistics
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np
import pytest
import yaml
from builders import make_budget, make_cell, make_launch, make_plan, make_run, make_variant
from in_process import Reading
from recorded_runs import launches_of, stored
from repository import ROOT
from waiting import until

from benchhub.model.cell import Cell
from benchhub.model.device import Finding, Selftest
from benchhub.model.launch import Launch
from benchhub.ondevice.wire import Failure
from benchhub.store import Store
from benchhub.store.schema import HEAD

if TYPE_CHECKING:
    from postgresql.cluster import Cluster

sys.path.insert(0, str(ROOT / "scripts"))
import query_files

OVER_A_FILE = query_files.queries("Datasette")
OVER_A_SERVER = query_files.queries("Grafana")
PAGE = query_files.PAGE.read_text("utf-8")
BUDGETS = (make_budget("edge", latency_p50_ms=20.0, peak_rss_mib=200.0),)
RUNS = ("one", "two")
CELLS = [
    make_cell(device=device, threads=threads)
    for device in ("board", "localhost")
    for threads in (1, 2)
]


def failed(cell: Cell, run: str) -> Launch:
    """A launch that ends in loading."""
    none = np.array([], dtype=np.int64)
    return make_launch(
        cell, 90, run=run, status="failed", samples_ns=none, warmup_ns=none, elapsed_ns=None,
        outputs=(), failure=Failure("load", "crash", "it said <b>no</b>"),
    )  # fmt: skip


def filled(url: str) -> None:
    """Two runs of a suite with a failure, a device in quarantine, and one that is a good tool."""
    with Store.open(url) as store:
        for number, run in enumerate(RUNS):
            counts = zip(CELLS, (10, 9, 4, 3), strict=True)
            made = [one for cell, count in counts for one in launches_of(cell, run, count)]
            # The second run's clock is two hours ahead of UTC: as text it would come first.
            began = ("2026-01-01T12:00:00+00:00", "2026-01-02T01:30:00+02:00")[number]
            stored(store, run, [*made, failed(CELLS[0], run)], BUDGETS, started_at=began)
        under_way = make_run(id="three", started_at="2026-01-03T00:00:00Z")
        store.create_run(under_way, make_plan(CELLS[0]), None, [make_variant()], ())
        store.quarantine.add("board", "too hot")
        checks = (Finding("equal work", "ok", "+0.0%"),)
        store.selftests.add(Selftest("localhost", "2026-01-01T10:00:00Z", True, "s1", checks))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a `benchhub.db`."""
    made = tmp_path_factory.mktemp("asked")
    filled(f"sqlite:///{made}/benchhub.db")
    return made


def asked(folder: Path, title: str, **named: str) -> list[dict[str, Any]]:
    """What a query finds in the folder's file, which it opens as Datasette does."""
    address = f"file:{folder}/benchhub.db?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(OVER_A_FILE[title], named)]


def told(folder: Path, *words: str) -> Any:
    return json.loads(Reading(folder).run(*words).out)


def medians(history: dict[str, Any]) -> dict[tuple[Any, ...], tuple[float, int]]:
    """The medians that `benchhub history --json` tells, by configuration and run."""
    return {
        (cell["device"], cell["threads"], run["run"]): (run["p50_ms"], run["launches"])
        for cell in history["cells"]
        for run in cell["runs"]
    }


def test_every_query_is_tested_and_each_file_is_made_from_the_page() -> None:
    source = Path(__file__).read_text("utf-8")
    titles = [*OVER_A_FILE, *OVER_A_SERVER]
    assert 16 <= len(titles) == PAGE.count("```sql") - 1  # and the roles
    assert [title for title in titles if f'"{title}"' not in source] == []
    for name, text in query_files.files().items():
        assert (query_files.FOLDER / name).read_text("utf-8") == text, "scripts/query_files.py"
    assert f"schema {HEAD}." in PAGE


def test_runs_are_those_of_runs_list(folder: Path) -> None:
    rows = asked(folder, "Runs, newest first")
    said = told(folder, "runs", "list", "--json")
    assert [(row["id"], row["status"]) for row in rows] == [
        (run["id"], run["status"]) for run in reversed(said)
    ]
    assert [row["failed"] for row in rows] == [0, 1, 1]
    assert rows[1]["started_utc"] == "2026-01-01 23:30:00"


def test_limits_are_those_of_the_gate(folder: Path) -> None:
    rows = asked(folder, "What the newest runs are held to")
    verdicts = told(folder, "gate", "two", "--json")["verdicts"]
    assert {row["run"] for row in rows} == {"two"}
    assert {(row["budget"], row["quantity"], row["limit"]) for row in rows} == {
        (one["budget"], one["key"], one["limit"]) for one in verdicts
    }


def test_medians_are_those_of_the_history(folder: Path) -> None:
    rows = asked(folder, "Medians from run to run", suite="quickstart")
    found = {
        (row["device"], row["threads"], row["run"]): (row["median_ms"], row["launches"])
        for row in rows
    }
    said = medians(told(folder, "history", "quickstart", "--json"))
    assert len(found) == len(CELLS) * len(RUNS)
    assert found == {key: (pytest.approx(ms, abs=1e-6), count) for key, (ms, count) in said.items()}
    assert all(row["fastest_ms"] < row["median_ms"] < row["slowest_ms"] for row in rows)


def test_a_launchs_median_is_that_of_its_calls_and_no_cells_percentile(folder: Path) -> None:
    with Store.open(f"sqlite:///{folder}/benchhub.db") as store:
        launches = [one for one in store.launches("one") if one.status == "finished"]
    with closing(sqlite3.connect(folder / "benchhub.db")) as connection:
        kept = connection.execute(
            "SELECT cell, launch, p50_ns FROM launches WHERE run = 'one' AND status = 'finished'"
        ).fetchall()
    assert {(cell, number): ns for cell, number, ns in kept} == {
        (one.cell.key, one.index): round(statistics.median(one.samples_ns.tolist()))
        for one in launches
    }


def test_failures_are_counted_by_kind(folder: Path) -> None:
    (row,) = asked(folder, "Failures by kind")
    assert (row["device"], row["stage"], row["kind"], row["launches"], row["runs"]) == (
        "board", "load", "crash", 2, 2,
    )  # fmt: skip
    assert row["newest_message"] == "it said <b>no</b>"


def test_the_longest_launches_come_first(folder: Path) -> None:
    rows = asked(folder, "The longest launches")
    assert len(rows) == 20
    assert [row["wall_s"] for row in rows] == sorted((row["wall_s"] for row in rows), reverse=True)


def test_devices_that_are_left_out_are_those_of_devices_list(folder: Path) -> None:
    rows = asked(folder, "Devices that are left out, and self-tests")
    assert [(row["device"], row["what"], row["told"]) for row in rows] == [
        ("board", "quarantine", "too hot"), ("localhost", "self-test passed", "run s1"),
    ]  # fmt: skip


def test_versions_and_sizes_are_those_of_the_rows(folder: Path) -> None:
    versions = asked(folder, "Which runtimes there were, and since when")
    said = told(folder, "history", "quickstart", "--json")["cells"]
    assert {(one["backend"], one["backend_version"], one["runs"]) for one in versions} == {
        (cell["backend"], run["backend_version"], len(cell["runs"]))
        for cell in said
        for run in cell["runs"]
    }
    out = Reading(folder).run("report", "two", "--format", "csv").out
    row = next(csv.DictReader(io.StringIO(out)))
    (size,) = asked(folder, "Sizes of variants", run="two")
    assert (size["mb"] * 1e6, size["params"]) == (int(row["model_bytes"]), int(row["params"]))


def test_conditions_and_room(folder: Path) -> None:
    warm = asked(folder, "How busy and warm a device was", run="one")
    assert {one["temperature_c"] for one in warm} == {50.0}
    rows = asked(folder, "Room by run")
    assert {row["id"]: row["launches"] for row in rows} == {"one": 27, "two": 27}
    assert all(row["samples_mb"] > 0 for row in rows)


def test_a_file_is_asked_while_it_is_written(folder: Path) -> None:
    with Store.open(f"sqlite:///{folder}/benchhub.db") as store:
        store.quarantine.add("busy", "for a moment")
        assert "busy" in str(asked(folder, "Devices that are left out, and self-tests"))
        assert store.quarantine.lift("busy")


# --- Datasette itself


@pytest.mark.usefixtures("processes", "servers")
def test_datasette_shows_the_queries_and_writes_nothing(folder: Path) -> None:
    pytest.importorskip("datasette")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    words = re.search(r"^datasette (.+)$", PAGE, re.MULTILINE)
    assert words
    argv = [sys.executable, "-m", "datasette", *words[1].split(), "--port", str(port)]
    argv = [str(ROOT / word) if word.startswith("docs/") else word for word in argv]
    server = subprocess.Popen(argv, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        until(lambda: _listens(port) or server.poll() is not None, "Datasette listens")
        queries = json.loads((query_files.FOLDER / "datasette.json").read_text("utf-8"))
        for name, query in queries["databases"]["benchhub"]["queries"].items():
            more = urlencode({"suite": "quickstart", "run": "two", "_shape": "array"})
            rows = json.loads(_fetched(port, f"/benchhub/{name}.json?{more}"))
            assert rows == asked(folder, query["title"], suite="quickstart", run="two")
        page = _fetched(port, "/benchhub/failures_by_kind")
        assert "it said &lt;b&gt;no&lt;/b&gt;" in page
        refused = _fetched(port, "/benchhub.json?sql=delete+from+quarantine")
        assert "must be a SELECT" in refused
    finally:
        server.terminate()
        server.wait(30)
        assert server.stdout is not None
        server.stdout.close()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _fetched(port: int, path: str) -> str:
    """What is answered, a refusal or not."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return str(error.read().decode())


# --- What Grafana is handed


@pytest.fixture
def server(cluster: Cluster, server_url: str) -> Iterator[tuple[Cluster, str]]:
    """A store on a server, and the role that the page makes for Grafana."""
    database = re.search(r"//[^/]*/(\w+)", server_url)
    assert database
    filled(server_url)
    roles = next(block for block in re.findall(r"```sql\n(.*?)```", PAGE, re.S) if "ROLE" in block)
    try:
        with cluster.connected("postgres", database[1]) as connection:
            connection.execute("CREATE ROLE bench_readers")
            connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO bench_readers")
            connection.execute(roles)
        yield cluster, database[1]
    finally:
        with cluster.connected("postgres", database[1]) as connection:
            connection.execute("DROP ROLE IF EXISTS bench_grafana")
            connection.execute("DROP OWNED BY bench_readers")
            connection.execute("DROP ROLE IF EXISTS bench_readers")


def as_sent(sql: str) -> str:
    """A query as Grafana sends it: macros and the variable as its documentation says."""
    between = r"\1 BETWEEN '2025-12-01T00:00:00Z' AND '2026-02-01T00:00:00Z'"
    sql = re.sub(r"\$__timeFilter\(((?:[^()]|\([^()]*\))+)\)", between, sql)
    day = r'floor(extract(epoch from \1)/86400)*86400 AS "time"'
    sql = re.sub(r"\$__timeGroupAlias\(([^,]+), '1d'\)", day, sql)
    sql = sql.replace("${suite:sqlstring}", "'quickstart'")
    assert "$" not in sql
    return sql


def test_grafanas_queries_find_what_benchhub_says(
    server: tuple[Cluster, str], folder: Path
) -> None:
    import psycopg
    from psycopg.rows import dict_row

    cluster, database = server
    with cluster.connected("bench_grafana", database) as connection:
        cursor = connection.cursor(row_factory=dict_row)
        found = {
            title: cursor.execute(as_sent(sql)).fetchall() for title, sql in OVER_A_SERVER.items()
        }
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("DELETE FROM quarantine")
        connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM quarantine")

    said = medians(told(folder, "history", "quickstart", "--json"))
    assert found["Suites to choose from"] == [{"suite": "quickstart"}]
    points = found["Median of each run"]
    assert sorted(row["median ms"] for row in points) == pytest.approx(
        sorted(ms for ms, _ in said.values()), abs=1e-6
    )
    assert {row["metric"] for row in points} == {
        f"{cell.device} fp32 onnxruntime t{cell.threads} b1" for cell in CELLS
    }
    launches = found["95th percentile of each launch"]
    assert len(launches) == sum(count for _, count in said.values())
    days = found["Failed launches a day"]
    assert Counter({row["metric"]: row["launches"] for row in days}) == {"crash": 2}
    assert [row["run"] for row in found["Runs under way"]] == ["three"]
    assert [(row["device"], row["reason"]) for row in found["Devices in quarantine"]] == [
        ("board", "too hot")
    ]
    versions = found["New versions of runtimes"]
    assert {row["text"] for row in versions} == {"board 1.23.0", "localhost 1.23.0"}
    assert {row["°C"] for row in found["Temperature before launches"]} == {50.0}


def test_a_parser_reads_what_grafana_is_provisioned_with() -> None:
    """And no more: no Grafana has run it, as the page says."""
    dashboard = json.loads((query_files.FOLDER / "grafana-dashboard.json").read_text("utf-8"))
    source = yaml.safe_load((query_files.FOLDER / "grafana-datasource.yaml").read_text("utf-8"))
    (database,) = source["datasources"]
    assert database["user"] == "bench_grafana"
    assert {panel["title"] for panel in dashboard["panels"]} <= OVER_A_SERVER.keys()
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {database["uid"]}
    for panel in dashboard["panels"]:
        assert panel["targets"][0]["rawSql"] == OVER_A_SERVER[panel["title"]]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
    assert "**No Grafana has run them**" in PAGE
