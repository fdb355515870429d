from __future__ import annotations

from dataclasses import replace

from synthetic import results

from benchhub.model.row import Row
from benchhub.report.tables.settings import compact, spoken, varying


def _row(**changes: object) -> Row:
    return replace(results(hostile=False).rows[0], **changes)  # type: ignore[arg-type]


def test_only_what_varies_is_a_setting_to_show() -> None:
    one = _row(threads=2, batch=8, concurrency=4, precision="bf16", options="provider=cuda")
    assert varying([one]) == ()
    assert varying([one, replace(one, threads=1)]) == ("threads",)
    names = varying([one, _row(rate_per_s=20.0, options="provider=cpu", precision="f32")])
    assert compact(one, names) == "t2 b8 c4 bf16 provider=cuda"
    assert spoken(one, names) == "2 threads, batch 8, concurrency 4, bf16, provider=cuda"


def test_what_a_row_lacks_does_not_vary() -> None:
    assert varying([_row(precision=None), _row(precision="f32")]) == ()
    other = _row(backend="openvino", options="device=CPU")
    assert varying([_row(options="xnnpack=False"), other]) == (), "backends have their own options"


def test_a_rate_has_no_needless_digits() -> None:
    assert compact(_row(rate_per_s=20.0), ("rate_per_s",)) == "20/s"
    assert compact(_row(rate_per_s=0.5), ("rate_per_s",)) == "0.5/s"
    assert compact(_row(), ("rate_per_s",)) == ""
