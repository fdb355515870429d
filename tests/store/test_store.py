from __future__ import annotations

import dataclasses
import hashlib
import json
import threading

import numpy as np
import pytest
from builders import (
    make_answer_key,
    make_budget,
    make_cell,
    make_device,
    make_launch,
    make_launches,
    make_plan,
    make_run,
    make_skip,
    make_variant,
)

from benchhub.errors import ConfigError, StoreError
from benchhub.model.cell import Plan
from benchhub.model.device import Finding
from benchhub.model.quality import OwnReference
from benchhub.model.recipe import Recipe
from benchhub.model.request import RunKind, RunRequest
from benchhub.ondevice.wire import Failure
from benchhub.store import Store
from benchhub.store.reached import Tried, reached
from benchhub.store.records import launch_row

RUN = make_run().id


@pytest.fixture
def store(store_url):
    with Store.open(store_url) as store:
        yield store


def create(store, *cells, **changes):
    store.create_run(make_run(**changes), make_plan(*cells), None, [make_variant()], ())


def same(one, other):
    for field in dataclasses.fields(one):
        left, right = getattr(one, field.name), getattr(other, field.name)
        if field.name == "outputs":
            assert len(left) == len(right)
            for a, b in zip(left, right, strict=True):
                assert a.dtype == b.dtype
                np.testing.assert_array_equal(a, b)
        elif isinstance(left, np.ndarray):
            np.testing.assert_array_equal(left, right)
        else:
            assert left == right, field.name
    return True


def test_a_run_comes_back_as_it_was_given(store):
    skip = make_skip(batch=8, precision="bf16")
    cell = make_cell()
    answer_key = make_answer_key(20)
    own = OwnReference((answer_key.reference[0][:4], answer_key.reference[0][:4, :1]), (0.5, 2.0))
    answer_key = dataclasses.replace(answer_key, own={"pruned": own})
    recipe = Recipe("int8-static", {"calibration_cases": 64})
    variants = (make_variant(), make_variant("int8", recipe=recipe, params=None))
    budgets = (make_budget(devices=("localhost",), latency_p95_ms=50.0, model_bytes=10),)
    store.create_run(make_run(), Plan((cell,), (skip,)), answer_key, variants, budgets)
    assert store.run(RUN) == make_run()
    assert store.plan(RUN) == Plan((cell,), (skip,))
    assert store.plan(RUN).cells[0].key == cell.key
    assert store.variants(RUN) == variants
    assert store.budgets(RUN) == budgets
    back = store.answer_key(RUN)
    assert (back.metric, back.ids, back.groups) == (
        answer_key.metric,
        answer_key.ids,
        answer_key.groups,
    )
    np.testing.assert_array_equal(back.labels, answer_key.labels)
    np.testing.assert_array_equal(back.reference[0], answer_key.reference[0])
    assert set(back.own) == {"pruned"}
    assert back.own["pruned"].spreads == (0.5, 2.0)
    for mine, theirs in zip(
        back.own["pruned"].outputs, answer_key.own["pruned"].outputs, strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)


def test_predictions_come_back_exactly(store):
    rng = np.random.default_rng(0)
    answer_key = dataclasses.replace(
        make_answer_key(20),
        also=("dice", "dice_worst5"),
        predict="argmax-labels",
        predictions=rng.integers(0, 4, (20, 3, 3), dtype=np.uint8),
        sketch=rng.normal(size=(20, 16)),
        spreads=(0.25, 3.0),
    )
    store.create_run(make_run(), make_plan(), answer_key, [make_variant()], ())
    back = store.answer_key(RUN)
    assert (back.also, back.predict, back.spreads) == (
        answer_key.also,
        answer_key.predict,
        answer_key.spreads,
    )
    for name in ("predictions", "sketch"):
        np.testing.assert_array_equal(getattr(back, name), getattr(answer_key, name))
        assert getattr(back, name).dtype == getattr(answer_key, name).dtype
    launch = make_launch(
        predictions=answer_key.predictions, postprocess_ns=np.arange(20, dtype=np.int64)
    )
    store.add(launch)
    store.add(launch)
    (found,) = store.launches(RUN)
    np.testing.assert_array_equal(found.predictions, answer_key.predictions)
    np.testing.assert_array_equal(found.postprocess_ns, np.arange(20))
    with pytest.raises(StoreError, match="already, with other results"):
        store.add(dataclasses.replace(launch, predictions=answer_key.predictions + np.uint8(1)))


def test_the_digest_of_a_launch_without_predictions_is_that_of_older_versions():
    row, blobs = launch_row(make_launch())
    later = ("digest", "predictions", "postprocess", "own_scores")
    known = {name: value for name, value in row.items() if name not in later}
    digest = hashlib.sha256(json.dumps(known, sort_keys=True, default=bytes.hex).encode())
    for blob in blobs:
        digest.update(blob)
    assert row["digest"] == digest.hexdigest()


def test_a_run_without_truth_has_none(store):
    create(store)
    assert store.answer_key(RUN) is None
    assert store.budgets(RUN) == ()


def test_an_id_is_taken_once(store):
    create(store)
    with pytest.raises(StoreError, match=f"run {RUN} is in the store already"):
        create(store)


def test_devices_are_replaced_by_name(store):
    create(store)
    store.put_device(RUN, make_device())
    finding = Finding("governor", "warn", "powersave", "slow", "cpupower frequency-set")
    later = make_device(findings=(finding,), error="gone", staged={"bytes": 5})
    store.put_device(RUN, later)
    store.put_device(RUN, make_device("a-device"))
    assert store.devices(RUN) == (make_device("a-device"), later)


@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.run("none"),
        lambda store: store.plan("none"),
        lambda store: store.set_status("none", "done", None),
        lambda store: store.delete_run("none"),
        lambda store: store.put_device("none", make_device()),
    ],
)
def test_an_unknown_run_is_named(store, use):
    with pytest.raises(ConfigError, match="no run none"):
        use(store)


def test_runs_resolve_by_prefix_and_latest(store):
    with pytest.raises(ConfigError, match="the store is empty"):
        store.resolve("latest")
    create(store, id="aa11", started_at="2026-01-01T00:00:00Z")
    create(store, id="aa22", started_at="2026-01-03T00:00:00Z")
    create(store, id="bb", started_at="2026-01-02T00:00:00Z")
    assert [info.id for info in store.runs()] == ["aa11", "bb", "aa22"]
    assert store.resolve("latest") == "aa22"
    assert store.resolve("b") == "bb"
    assert store.resolve("aa11") == "aa11"
    with pytest.raises(ConfigError, match="ambiguous: aa22, aa11"):
        store.resolve("aa")
    with pytest.raises(ConfigError, match="no run zz; the newest are aa22, bb, aa11"):
        store.resolve("zz")


def test_the_newest_run_is_so_by_instant_whatever_the_offsets(store):
    begun = [
        ("b", "2026-10-25T02:01:00+01:00"),  # an hour after the clocks went back
        ("a", "2026-10-25T02:59:00+02:00"),
        ("c", "2026-10-24T23:31:00-05:00"),
        ("d", "2026-10-25T01:02:00"),  # without a zone: in UTC
        ("f", "2026-10-25T04:30:00Z"),
        ("e", "2026-10-25T04:30:00.000+00:00"),  # the same instant, added later
        ("x", "yesterday"),
    ]
    for name, started_at in begun:
        create(store, id=name, started_at=started_at)
    added = ["f", "e"] if store.file else ["e", "f"]  # a server does not tell which came first
    assert [info.id for info in store.runs()] == ["x", "a", "b", "d", *added, "c"]
    assert store.resolve("latest") == "c"
    store.delete_run("c")
    assert store.resolve("latest") == added[-1]


def test_a_suite_stands_for_its_newest_run_and_latest_is_no_selftest(store):
    create(store, id="1a", suite="edge", started_at="2026-01-02T00:00:00+02:00")
    create(store, id="1b", suite="edge", started_at="2026-01-01T23:30:00+00:00")
    create(store, id="2", suite="other", started_at="2026-01-02T00:00:00Z")
    tested = RunRequest("selftest", ("localhost",), kind=RunKind.SELFTEST)
    create(store, id="3", suite="selftest", started_at="2026-01-03T00:00:00Z", request=tested)
    assert store.resolve("edge") == "1b"
    assert store.resolve("latest") == "2"
    assert store.resolve("selftest") == "3"
    for run in ("1a", "1b", "2"):
        store.delete_run(run)
    assert store.resolve("latest") == "3"


def test_status_is_saved(store):
    create(store)
    store.set_status(RUN, "done", "2026-01-01T13:00:00Z")
    assert store.run(RUN).status == "done"
    assert store.run(RUN).finished_at == "2026-01-01T13:00:00Z"


def test_launches_come_back_exactly_and_in_order_of_their_start(store):
    one, other = make_cell(), make_cell(threads=2)
    create(store, one, other)
    late = make_launch(one, 1, started_at="2026-01-01T12:30:00Z")
    early = make_launch(other, 0, started_at="2026-01-01T12:10:00Z", outputs=())
    failed = make_launch(
        one,
        2,
        status="failed",
        started_at="2026-01-01T12:20:00Z",
        failure=Failure("time", "crashed", "signal 11"),
        samples_ns=np.array([], dtype=np.int64),
        before=None,
        memory_reset=None,
    )
    for launch in (late, early, failed):
        store.add(launch)
    back = list(store.launches(RUN))
    assert all(same(a, b) for a, b in zip(back, (early, failed, late), strict=True))
    assert [launch.index for launch in store.launches(RUN, one.key)] == [2, 1]


def test_a_replay_changes_nothing_and_another_result_is_refused(store):
    create(store)
    store.add(make_launch())
    store.add(make_launch())
    assert len(list(store.launches(RUN))) == 1
    with pytest.raises(StoreError, match="already, with other results"):
        store.add(make_launch(samples_ns=np.array([1, 2, 3])))
    with pytest.raises(StoreError, match="already, with other results"):
        store.add(make_launch(outputs=(np.zeros(3),)))


def test_a_launch_of_an_unplanned_cell_is_refused(store):
    create(store)
    with pytest.raises(StoreError, match="is not planned"):
        store.add(make_launch(make_cell(threads=64)))


def test_what_is_left_to_do_is_counted_by_cell(store):
    done, broken, mended = make_cell(), make_cell(threads=2), make_cell(threads=3)
    create(store, done, broken, mended)
    store.add(make_launch(done, 0))
    store.add(make_launch(done, 1, status="interrupted"))
    store.add(make_launch(done, 1, attempt=1))
    crash = Failure("load", "crashed", "signal 11")
    store.add(make_launch(broken, 0, status="failed", failure=crash))
    store.add(make_launch(mended, 0, status="failed", failure=crash))
    store.add(make_launch(mended, 0, attempt=1))
    assert store.finished(RUN) == {done.key: 2, mended.key: 1}
    so_far = store.reached(RUN)
    assert so_far.failed == {broken.key: crash}
    assert so_far.attempts == {(done.key, 1): 1, (broken.key, 0): 1, (mended.key, 0): 1}
    assert so_far == reached(map(Tried.at, store.launches(RUN)))


def test_deleting_a_run_leaves_the_others(store):
    create(store)
    store.add(make_launch())
    create(store, id="other")
    store.delete_run(RUN)
    assert [info.id for info in store.runs()] == ["other"]
    assert list(store.launches(RUN)) == []
    with store.engine.connect() as connection:
        for table in ("launches", "outputs", "cells", "variants"):
            sql = f"SELECT count(*) FROM {table}" + (" WHERE run != 'other'" * (table != "outputs"))
            assert connection.exec_driver_sql(sql).scalar() == 0


def test_several_devices_write_at_once(store):
    cells = [make_cell(device=f"device-{number}") for number in range(4)]
    create(store, *cells)
    failures = []

    def device(cell):
        try:
            for launch in make_launches(cell, 25):
                store.add(launch)
                mine = [x.index for x in store.launches(RUN, cell.key)]
                assert mine == list(range(launch.index + 1))
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=device, args=(cell,)) for cell in cells]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert store.finished(RUN) == {cell.key: 25 for cell in cells}


def test_a_launch_row_can_be_asked_for_in_sql(store):
    create(store)
    launch = make_launch()
    store.add(launch)
    with store.engine.connect() as connection:
        row = connection.exec_driver_sql(
            "SELECT samples_count, p50_ns, peak_rss_bytes, device FROM launches"
            " JOIN cells ON cells.run = launches.run AND cells.key = launches.cell"
        ).one()
    assert row == (200, round(float(np.median(launch.samples_ns))), 100 * 2**20, "localhost")
