"""Runs over two sites by real processes: dask, gateways, a store; and each of them killed."""

from __future__ import annotations

import signal
import sqlite3
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from dask_processes import Dask, dask_with, free_port
from project import Project, make_project
from waiting import until

pytestmark = pytest.mark.usefixtures("processes", "servers")

LAUNCHES = 4
SITES = {"a1": "lab-1", "a2": "lab-1", "b1": "lab-2"}
ALL = [word for name in SITES for word in ("--device", name)]
TWO = ("--device", "a1", "--device", "b1")


def make_sites(folder: Path) -> Project:
    made = make_project(folder, launches=LAUNCHES)
    made.edit('[[variants]]\nname = "int8"\nfrom = "fp32"\nrecipe = "int8-dynamic"\n', "")
    for name, site in SITES.items():
        path = made.device(name, root=str(folder / f"root-{name}"))
        path.write_text(f'{path.read_text()}[labels]\nsite = "{site}"\n')
    return made


@pytest.fixture(scope="module")
def sites(
    tmp_path_factory: pytest.TempPathFactory, processes: None, servers: None
) -> Iterator[tuple[Project, Dask]]:
    """A project, and the scheduler and gateways that its tests share."""
    made = make_sites(tmp_path_factory.mktemp("sites"))
    with dask_with(made, ["lab-1", "lab-2"]) as dask:
        yield made, dask


@pytest.fixture
def project(sites: tuple[Project, Dask], tmp_path: Path) -> Project:
    """The project with a store of the test's own."""
    made, _ = sites
    return Project(made.folder, {**made.env, "BENCHHUB_STORE": f"sqlite:///{tmp_path}/benchhub.db"})


@pytest.fixture
def dask(sites: tuple[Project, Dask]) -> Iterator[Dask]:
    """The scheduler and gateways, with a new gateway where the test leaves none."""
    _, dask = sites
    yield dask
    for site, process in dask.gateways.items():
        if process.poll() is not None:
            dask.start_gateway(site)


def launches(url: str) -> list[tuple[str, int, int, str]]:
    """Return (cell, launch, attempt, status) of every launch in a store, in order."""
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            query = "select cell, launch, attempt, status from launches order by id"
            return [tuple(row) for row in connection.execute(sa.text(query))]
    except (sa.exc.DBAPIError, sqlite3.Error):
        return []
    finally:
        engine.dispose()


def store_of(project: Project) -> str:
    return project.env["BENCHHUB_STORE"]


def check_all_done_once(url: str, devices: int) -> None:
    """Nothing is lost, nothing is doubled: of each device the model, the canary, quality."""
    there = launches(url)
    done = Counter((cell, launch) for cell, launch, _, status in there if status == "finished")
    assert set(done.values()) == {1}
    assert len(done) == devices * (2 * LAUNCHES + 1)
    assert {status for *_, status in there} <= {"finished", "interrupted"}


def test_models_cross_to_a_site_once_and_what_comes_back_is_as_from_here(tmp_path: Path) -> None:
    project = make_sites(tmp_path)  # to whose sites no model has crossed yet
    with dask_with(project, ["lab-2"]) as dask:
        listen = f"127.0.0.1:{free_port()}"
        dask.start_gateway("lab-1", "--metrics", "127.0.0.1:0", "--listen", listen)
        done = project.run("run", "tiny", *ALL, "--engine", dask.url, "--json")
        assert done.code == 0, done.err
        said = dask.said("lab-1")
        told = urllib.request.urlopen(said.split("metrics at ")[1].split()[0]).read().decode()
    assert {(row["device"], row["status"]) for row in done.json["rows"]} == {
        (name, "finished") for name in SITES
    }
    check_all_done_once(f"sqlite:///{project.folder}/benchhub.db", len(SITES))
    figures = {
        line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
        for line in told.splitlines()
        if line.startswith("benchhub_")
    }
    received = figures['benchhub_gateway_bytes_total{way="received"}']
    assert figures['benchhub_gateway_bytes_total{way="pushed"}'] == 2 * received > 0
    assert figures['benchhub_gateway_devices{state="idle"}'] == 2
    each = 2 * LAUNCHES + 1
    for name in ("a1", "a2"):
        mine = f'benchhub_gateway_launches_total{{device="{name}",status="finished"}}'
        assert figures[mine] == each
    here = project.run("run", "tiny", "--device", "here", "--json")
    quality = {row["variant"]: row["quality"] for row in here.json["rows"] if row["quality"]}
    for row in done.json["rows"]:
        if row["quality"]:
            assert row["quality"] == quality[row["variant"]]


def kill_gateway(dask: Dask) -> None:
    dask.gateways["lab-1"].kill()
    dask.gateways["lab-1"].wait()
    dask.start_gateway("lab-1")


def kill_scheduler(dask: Dask) -> None:
    assert dask.scheduler is not None
    dask.scheduler.kill()
    dask.scheduler.wait()
    dask.start_scheduler()


def cut_site_off(dask: Dask) -> None:
    from time import sleep

    dask.gateways["lab-1"].send_signal(signal.SIGSTOP)
    sleep(8)  # the subject: a site that nothing is heard of for a while
    dask.gateways["lab-1"].send_signal(signal.SIGCONT)


@pytest.mark.parametrize("befalls", [kill_gateway, kill_scheduler, cut_site_off])
def test_whatever_dies_or_is_cut_off_nothing_is_lost_or_doubled(
    project: Project, dask: Dask, befalls: Callable[[Dask], None]
) -> None:
    process = project.start("run", "tiny", *TWO, "--engine", dask.url, "--json")
    until(lambda: len(launches(store_of(project))) >= 3, "launches in the store")
    befalls(dask)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    check_all_done_once(store_of(project), 2)


def test_a_client_that_is_killed_is_gone_on_with_at_once(project: Project, dask: Dask) -> None:
    process = project.start("run", "tiny", *TWO, "--engine", dask.url)
    until(lambda: len(launches(store_of(project))) >= 3, "launches in the store")
    process.kill()
    process.communicate()
    before = launches(store_of(project))
    done = project.run("run", "--resume", "latest", "--engine", dask.url)
    assert done.code == 0, done.err
    assert launches(store_of(project))[: len(before)] == before
    check_all_done_once(store_of(project), 2)


def test_what_another_gateway_held_for_a_client_that_was_killed_is_had_soon(
    project: Project, dask: Dask
) -> None:
    """Of two gateways for one site the other cannot end that session; the scheduler tells of it."""
    process = project.start("run", "tiny", *TWO, "--engine", dask.url)
    until(lambda: len(launches(store_of(project))) >= 3, "launches in the store")
    process.kill()
    process.communicate()
    until(lambda: "a1 is given back: its caller left" in dask.said("lab-1"), "a device given back")


def test_a_store_that_is_killed_is_waited_for(
    project: Project, dask: Dask, cluster, new_database
) -> None:
    url = new_database()
    process = project.start("run", "tiny", *TWO, "--engine", dask.url, "--store", url)
    until(lambda: len(launches(url)) >= 3, "launches in the store")
    cluster.stop(signal.SIGKILL)
    cluster.start()
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    check_all_done_once(url, 2)


def test_a_device_without_a_gateway_is_named_and_the_others_are_measured(
    project: Project, dask: Dask
) -> None:
    dask.gateways["lab-2"].kill()
    dask.gateways["lab-2"].wait()
    done = project.run("run", "tiny", *TWO, "--engine", dask.url, "--json")
    assert done.code == 3
    assert f"b1: no gateway of {dask.url} offers it, of 2 devices" in done.err
    assert {row["device"] for row in done.json["rows"] if row["status"] == "finished"} == {"a1"}


def test_a_scheduler_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    done = make_project(tmp_path).run("run", "tiny", "--engine", "dask://127.0.0.1:1")
    assert (done.code, done.error) == (
        2,
        "benchhub: dask://127.0.0.1:1: no scheduler answers there: Connection refused; start one"
        " with `dask scheduler`",
    )
