"""What a run shows is computed once, and again where anything changed that it hangs on."""

from __future__ import annotations

import dataclasses
import re
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from builders import (
    make_answer_key,
    make_cell,
    make_device,
    make_launch,
    make_launches,
    make_plan,
    make_run,
    make_variant,
)

from benchhub.model.asked import Budget
from benchhub.model.cell import CANARY, CellKind
from benchhub.model.row import Row
from benchhub.model.scenario import Scenario, VerdictOutcome
from benchhub.results.kept import codec, method, rows
from benchhub.results.load import held_against, load_results
from benchhub.results.rows.rows import summarized
from benchhub.store import Store
from benchhub.store.blobs import pack_ns

RUN = make_run().id
CELLS = [
    make_cell(
        device=device, backend=backend, variant=variant, scenario=scenario, launches=3,
        model_sha256=sha256 * 64,
    )
    for device, backend in (("one", "onnxruntime"), ("one", "openvino"), ("other", "openvino"))
    for variant, sha256 in (("fp32", "a"), ("int8", "b"))
    for scenario in (Scenario.LATENCY, Scenario.QUALITY)
]  # fmt: skip
FIXED = [
    make_cell(
        device=device, backend="null", variant=CANARY, model_sha256="", kind=CellKind.CANARY,
        launches=3,
    )
    for device in ("one", "other")
]  # fmt: skip
KEY = make_answer_key(40)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHHUB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def store(path):
    with Store.open(f"sqlite:///{path}") as opened:
        plan = make_plan(*CELLS, *FIXED)
        variants = (make_variant(), make_variant("int8", sha256="b" * 64))
        opened.create_run(make_run(), plan, KEY, variants, ())
        for device in ("one", "other"):
            opened.put_device(RUN, make_device(device))
        for cell in (*CELLS, *FIXED):
            for launch in launches_of(cell):
                opened.add(launch)
        yield opened


def launches_of(cell, count=2):
    answers = KEY.reference[0] + (0.3 * np.sin(np.arange(80)).reshape(40, 2)).astype(np.float32)
    given = KEY.reference[0] if cell.variant == "fp32" else answers
    outputs = (given if cell.scenario is Scenario.QUALITY else given[:4],)
    if cell.kind is CellKind.CANARY:
        outputs = ()
    return make_launches(cell, count, outputs=outputs)


@pytest.fixture
def computed(monkeypatch):
    """Return the cells that were computed since this was last asked, by device, and so on."""
    found: list[tuple[str, str, str, str]] = []

    def counted(run, needed, launches, variants, devices, fixed_work, asked, wanted, seen):
        cells = needed if wanted is None else wanted
        found.extend(
            (one.device, one.backend, one.variant, str(one.scenario))
            for one in cells
            if one.kind is not CellKind.CANARY
        )
        return summarized(run, needed, launches, variants, devices, fixed_work, asked, wanted, seen)

    monkeypatch.setattr(rows, "summarized", counted)

    def since():
        told = sorted(found)
        found.clear()
        return told

    return since


def names(cells):
    return sorted((one.device, one.backend, one.variant, str(one.scenario)) for one in cells)


def fresh(store, monkeypatch):
    with monkeypatch.context() as without:
        without.setattr(rows, "method", lambda: None)
        without.setattr(rows, "summarized", summarized)
        return repr(load_results(store, RUN))


def test_a_second_reading_computes_nothing(store, computed, monkeypatch):
    first = load_results(store, RUN)
    assert computed() == names(CELLS)
    again = load_results(store, RUN)
    assert computed() == []
    assert repr(first) == repr(again) == fresh(store, monkeypatch)
    assert any(row.quality for row in first.rows)
    assert any(row["speedup"].value not in (None, 1.0) for row in first.rows)


def test_one_launch_more_computes_what_hangs_on_it(store, computed, monkeypatch):
    load_results(store, RUN)
    computed()
    cell = CELLS[2]  # of int8 on the first backend of the first device
    store.add(make_launch(cell, 2, outputs=(KEY.reference[0][:4],)))
    found = load_results(store, RUN)
    assert computed() == names(CELLS[2:4])
    assert repr(found) == fresh(store, monkeypatch)
    store.add(make_launch(CELLS[0], 2, outputs=(KEY.reference[0][:4],)))
    found = load_results(store, RUN)
    assert computed() == names(CELLS[0:4])  # what is held against the baseline, too
    assert repr(found) == fresh(store, monkeypatch)


def test_the_fixed_work_is_of_its_device(store, computed, monkeypatch):
    load_results(store, RUN)
    computed()
    store.add(make_launch(FIXED[1], 2, outputs=()))
    found = load_results(store, RUN)
    assert computed() == names(cell for cell in CELLS if cell.device == "other")
    assert repr(found) == fresh(store, monkeypatch)


def test_what_is_known_of_a_device_is_of_its_rows(store, computed, monkeypatch):
    load_results(store, RUN)
    computed()
    store.put_device(RUN, make_device("other", facts={"arch": "riscv64"}))
    found = load_results(store, RUN)
    assert computed() == names(cell for cell in CELLS if cell.device == "other")
    assert repr(found) == fresh(store, monkeypatch)


def damaged(path, change):
    with closing(sqlite3.connect(path)) as other, other:
        assert other.execute(change[0], change[1:]).rowcount


OTHER_SAMPLES = pack_ns(np.full(200, 20_000_000))


@pytest.mark.parametrize(
    "change",
    [
        ("update launches set samples = ? where cell = ? and launch = 1", OTHER_SAMPLES, 2),
        ("update launches set samples = ? where cell = ? and launch = 1", b"torn", 2),
        ("update launches set load_ns = load_ns + 1 where cell = ?", 2),
        ("update launches set \"after\" = null where cell = ?", 2),
        ("update launches set status = 'failed' where cell = ?", 2),
        ("update launches set details = '{\"python\": \"3.12\"}' where cell = ?", 2),
        ("delete from launches where cell = ? and launch = 1", 2),
        ("update outputs set data = x'00' where launch_id = (select min(id) from launches"
         " where cell = ?)", 3),
        ("delete from outputs where launch_id = (select min(id) from launches where cell = ?)", 3),
    ],
)  # fmt: skip
def test_raw_data_that_was_changed_counts(store, path, computed, monkeypatch, change):
    """The digest that was stored beside it is as it was: what lies there is looked at itself."""
    load_results(store, RUN)
    computed()
    damaged(path, (*change[:-1], CELLS[change[-1]].key))
    found = load_results(store, RUN)
    assert computed() == names(CELLS[2:4])
    assert repr(found) == fresh(store, monkeypatch)


@pytest.mark.parametrize(
    "change",
    [
        ("update truths set labels = (select labels from truths) || x'00'",),
        ("update truth_references set data = x'00'",),
        ("update runs set baseline = 'int8'",),
        ('update runs set provenance = \'{"seed": "5"}\'',),
        ("update variants set info = replace(info, '4000', '4001')",),
        ("update truths set metric = 'balanced_accuracy'",),
    ],
)
def test_what_concerns_all_cells_computes_all(store, path, computed, monkeypatch, change):
    load_results(store, RUN)
    computed()
    damaged(path, change)
    try:
        expected = fresh(store, monkeypatch)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is that with kept rows, too
        with pytest.raises(type(error), match=re.escape(str(error))):
            load_results(store, RUN)
    else:
        computed()
        assert repr(load_results(store, RUN)) == expected
        assert computed() == names(CELLS)


def test_another_method_computes_anew(store, computed, monkeypatch):
    load_results(store, RUN)
    computed()
    monkeypatch.setattr(rows, "method", lambda: "another")
    load_results(store, RUN)
    assert computed() == names(CELLS)
    load_results(store, RUN)
    assert computed() == []


def test_metrics_of_other_packages_are_not_kept(store, computed, monkeypatch):
    monkeypatch.setattr(rows, "ours", lambda metric: False)
    for _ in range(2):
        load_results(store, RUN)
        assert computed() == names(CELLS)


@pytest.mark.parametrize("change", ["data = x'00'", "key = ''", "name = 'other'"])
def test_a_kept_row_that_is_torn_is_computed_anew(store, path, computed, monkeypatch, change):
    load_results(store, RUN)
    computed()
    damaged(path, (f"update summaries set {change} where name = ?", CELLS[2].key))
    found = load_results(store, RUN)
    assert computed() == names(CELLS[2:3])
    assert repr(found) == fresh(store, monkeypatch)


def test_a_store_that_cannot_be_written_is_read(store, path, computed, monkeypatch):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        for _ in range(2):
            found = load_results(store, RUN)
            assert computed() == names(CELLS)
    assert repr(found) == fresh(store, monkeypatch)


def test_launches_are_held_of_few_cells(store, monkeypatch):
    """Memory does not grow with the run: no more than a cell's launches are read at a time."""
    asked = []
    real = Store.launches

    def launches(self, run, cell=None, until=None):
        asked.append(cell)
        return real(self, run, cell, until)

    monkeypatch.setattr(Store, "launches", launches)
    load_results(store, RUN)
    assert None not in asked
    assert set(asked) == {cell.key for cell in (*CELLS, *FIXED)}
    assert len(asked) < 2 * len(set(asked))  # some again, where warm-ups are not alike


@pytest.mark.parametrize(
    "value",
    [
        Row(device="d", run="r", backend="b", variant="v", model_sha256="", scenario="latency",
            batch=1, threads=1, n_eff=float("nan"), rate_per_s=0.1 + 0.2),
        Row(device="\ud800", run="r", backend="b", variant="v", model_sha256="", scenario="s",
            batch=2**70, threads=-1, n_eff=float("inf"), medians_ms=((1, 5e-324), (2, 3))),
    ],
)  # fmt: skip
def test_what_is_encoded_comes_back(value):
    assert repr(codec.decoded(Row, codec.encoded(value))) == repr(value)


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"[1]", b"null", b"\xff", b"[" * 10_000, b"[[]]", b'"Row"']
)
def test_what_is_no_row_is_refused(data):
    with pytest.raises(ValueError, match="no Row"):
        codec.decoded(Row, data)


def test_a_row_of_other_types_is_refused():
    row = Row(device="d", run="r", backend="b", variant="v", model_sha256="", scenario="s",
              batch=1, threads=1)  # fmt: skip
    right = codec.encoded(row)
    assert codec.decoded(Row, right) == row
    with pytest.raises(ValueError, match="no Row"):
        codec.decoded(Row, right.replace(b'"d"', b"5"))
    with pytest.raises(TypeError):
        codec.encoded(dataclasses.replace(row, batch=np.int64(1)))


def test_the_method_is_of_all_code_that_computes():
    """Whatever `results.rows` imports of benchhub is in the digest, or can change no figure."""
    import ast
    from pathlib import Path

    import benchhub

    root = Path(benchhub.__file__).parent
    todo, seen = ["results/rows/rows.py", "results/rows/fixed_work.py"], set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        for node in ast.walk(ast.parse((root / name).read_text("utf-8"))):
            modules = []
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("benchhub"):
                modules = [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
            for module in modules:
                parts = module.split(".")[1:]
                for path in ("/".join(parts) + ".py", "/".join([*parts, "__init__.py"])):
                    if (root / path).is_file():
                        todo.append(path)
    covered = tuple(f"{one}/" if "." not in one else one for one in method.COMPUTING)
    outside = sorted(name for name in seen if not name.startswith(covered))
    assert all(name.startswith(("outside/", "__init__.py", "backends.py")) for name in outside), (
        outside
    )
    assert len(seen) > 60


def test_other_budgets_may_ask_for_each_launch_though_rows_are_kept_without(tmp_path):
    cell = make_cell(launches=60)
    launches = [
        make_launch(cell, index, elapsed_ns=int(one.samples_ns.sum()), samples_ns=one.samples_ns)
        for index in range(60)
        for one in [make_launch(cell, index)]
    ]
    with Store.open(f"sqlite:///{tmp_path}/r.db") as store:
        store.create_run(make_run(), make_plan(cell), None, [make_variant()], ())
        store.put_device(RUN, make_device())
        for launch in launches:
            store.add(launch)
        assert load_results(store, RUN).rows[0]["p95_ms"].interval.by_launch == ()
        asked = Budget("rare", limits={"latency_p95_ms": 100.0}, rare_launches=0.05)
        (verdict,) = held_against(store, RUN, [asked], tmp_path / "b.toml").verdicts
        assert verdict.outcome is VerdictOutcome.PASS, verdict.reason
        (again,) = held_against(store, RUN, [asked], tmp_path / "b.toml").verdicts
        assert again == verdict
        stricter = dataclasses.replace(asked, rare_launches=0.01)
        (open_,) = held_against(store, RUN, [stricter], tmp_path / "b.toml").verdicts
        assert open_.outcome is VerdictOutcome.INCONCLUSIVE
        assert open_.next_step == "set launches in [scenarios.latency] to 299"
