from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import numpy as np
import pytest
from told_events import Gathering, as_sent, heard

from benchhub.device.events import bounds, spool
from benchhub.device.events.expected import Expected, ExpectedOutput
from benchhub.device.events.folding import Folding
from benchhub.device.events.parse import Broken
from benchhub.device.events.plausible import implausible
from benchhub.ondevice.backends import TensorInfo
from benchhub.ondevice.job import Job
from benchhub.ondevice.measure import outputs
from benchhub.ondevice.measure.plain import told

CASES, SIZE = 6, 5_000_000
JOB = Job("cell", 0, "null", "quality", "a" * 64, "onnx", {"x": "b" * 64}, output_cases=-1)
EXPECTED = Expected(CASES, (ExpectedOutput((SIZE,), SIZE * 4),))
STAGES = [{"event": "stage", "stage": "outputs"}]


def events(cases: int = CASES, size: int = SIZE, dtype: str = "<f4") -> list[dict[str, Any]]:
    """One output, case by case."""
    which = outputs.wanted([TensorInfo("y", "float32", (None, size))], (), {})
    found: list[dict[str, Any]] = []
    for case in range(cases):
        array = np.full((1, size), case, dtype)
        found += outputs.events(which, [array], 1)
    return found


def test_large_outputs_go_to_disk_as_they_arrive(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    lines = events()
    gathering = Gathering(JOB, EXPECTED).take_all(STAGES)
    gc.collect()
    tracemalloc.start()
    try:
        gathering.take_all(lines)
        (found,) = gathering.outcome().outputs
        assert tracemalloc.get_traced_memory()[1] < 32 << 20  # of 120 MB
    finally:
        tracemalloc.stop()
    array = np.frombuffer(found.data, found.dtype).reshape(found.shape)
    assert array.shape == (CASES, SIZE)
    assert array[:, ::1_000_000].tolist() == [[float(case)] * 5 for case in range(CASES)]
    assert list(tmp_path.iterdir()) == []  # nothing is left behind, whatever happens


def test_a_case_more_than_asked_is_refused_before_it_is_kept() -> None:
    gathering = Gathering(JOB, Expected(2, (ExpectedOutput((8,), 64),))).take_all(STAGES)
    with pytest.raises(Broken, match="3 cases of output 0, 2 were asked"):
        gathering.take_all(events(3, 8))


def test_wider_numbers_than_any_are_refused() -> None:
    gathering = Gathering(JOB, Expected(2, (ExpectedOutput((8,), 64),))).take_all(STAGES)
    with pytest.raises(Broken, match="at most 128 were asked"):
        gathering.take_all(events(2, 9, "<f8"))


def test_an_output_of_another_shape_is_not_kept_as_measured() -> None:
    expected = Expected(2, (ExpectedOutput((8,), 64),))
    outcome = Gathering(JOB, expected).take_all(STAGES).take_all(events(2, 4)).outcome()
    outcome.status, outcome.wall_ns = "finished", 10**9
    outcome.samples_ns.extend([1] * JOB.iterations)
    outcome.elapsed_ns = 1000
    doubt = implausible(outcome, JOB, expected)
    assert doubt is not None
    assert "output 0 of (4,) a case, the model has (8,)" in doubt.message


@pytest.mark.parametrize(
    ("declared", "sent", "fine"),
    [
        ("float32", "<f4", True), ("float32", "<i4", False), ("float32", "<f8", False),
        ("float32", "<f2", False), ("float16", "<f2", True), ("float16", "<f4", True),
        ("bfloat16", "<f4", True), ("bfloat16", "<f2", False), ("float64", "<f4", True),
        ("float64", "<i8", False), ("int64", "<i8", True), ("int64", "<i4", True),
        ("int64", "<u8", False), ("int64", "<f8", False), ("uint8", "|u1", True),
        ("uint8", "|i1", False), ("bool", "|b1", True), ("bool", "|u1", False),
        ("int4", "|i1", True), ("", "<f4", True),
    ],
)  # fmt: skip
def test_an_output_is_of_the_type_that_the_model_declares(
    declared: str, sent: str, fine: bool
) -> None:
    expected = Expected(2, (ExpectedOutput((8,), 64, dtype=declared),))
    outcome = Gathering(JOB, expected).take_all(STAGES).take_all(events(2, 8, sent)).outcome()
    outcome.status, outcome.wall_ns = "finished", 10**9
    outcome.samples_ns.extend([1] * JOB.iterations)
    outcome.elapsed_ns, outcome.imported_rss_bytes, outcome.peak_rss_bytes = 1000, 1, 1
    doubt = implausible(outcome, JOB, expected)
    if fine:
        assert doubt is None
    else:
        assert doubt is not None
        assert doubt.kind == "implausible"
        assert doubt.message.endswith(f", the model declares {declared}")


def test_a_full_disk_here_is_nobody_elses_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchhub.errors import ConfigError

    monkeypatch.setenv("TMPDIR", "/proc/nowhere")
    monkeypatch.setattr(spool, "folder", lambda: "/proc/nowhere")
    gathering = Gathering(JOB, EXPECTED).take_all(STAGES)
    with pytest.raises(ConfigError, match="set TMPDIR to another disk"):
        gathering.take_all(events(2))


def test_many_details_of_a_backend_are_never_more_than_the_controller_takes() -> None:
    rows = [[0] * 30 for _ in range(1000)]  # few bytes, many values
    for details in ({"rows": rows}, {str(n): n for n in range(1900)}, {"a": {"b": "x" * 4000}}):
        kept = told(details)
        heard({
            "event": "ready", "import_ns": 1, "load_ns": 1, "backend_version": "1",
            "provider": None, "precision": None, "clock": "c", "details": kept,
        })  # fmt: skip
    assert told({"rows": rows}) == {"unavailable": "31003 values of details are too many"}


def test_long_names_of_outputs_in_many_batches_are_no_more_than_is_expected() -> None:
    name, cases = "\u6e2c" * 400, 3000
    job = JOB._replace(batch=1)
    for expected in (
        Expected(cases, (ExpectedOutput((2,), 16),)),
        Expected(cases, (ExpectedOutput(None, None),)),
        Expected(cases),
    ):
        folding = Folding(job, expected)
        which = outputs.wanted([TensorInfo(name, "float32", (None, 2))], (), {})
        lines = [as_sent(one) for one in outputs.events(which, [np.ones((1, 2), "<f4")], 1)]
        assert cases * len(lines) <= folding.most_events
        assert cases * sum(map(len, lines)) <= folding.most_bytes
        assert max(map(len, lines)) <= bounds.line_bytes(job)


def test_open_outputs_of_many_cases_are_taken_where_no_baseline_tells_their_size() -> None:
    many, few = Expected(2000, (ExpectedOutput((None,), None),)), Expected(2)
    assert many.most_bytes(JOB) == 2000 << 20
    assert few.most_bytes(JOB) == Expected().most_bytes(JOB) == 256 << 20
    assert Expected(10**9).most_bytes(JOB) == 4 << 30
