"""The trade-off of one device: its panels, its marks, and labels that never lie over anything."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from drawing import read
from rows import make_row
from wide import wide

from benchhub.model.figure import BY_DEFINITION
from benchhub.model.flag import Flag, FlagKind
from benchhub.model.row import Row
from benchhub.report.charts.drawn import to_svg
from benchhub.report.charts.tradeoff import of_device, tradeoff

BACKENDS = ("onnxruntime", "openvino", "tflite")
SOURCE = wide()


def point(variant: str, ms: float, loss: float | None, half: float = 0.05, **more: Any) -> Row:
    """A row with latency and, from the same cell, its quality; `half` of the value is its error."""
    columns = {
        "variant": variant, "model_sha256": variant, "p50_ms": ms, "p50_low_ms": ms * (1 - half),
        "p50_high_ms": ms * (1 + half), "quality_metric": "auc", "quality_loss": loss,
        "cell": f"{variant}/{more.get('backend', '')}/{more.get('threads', 1)}",
    }  # fmt: skip
    if loss is not None:
        columns |= {"quality_loss_low": loss - 0.01 * half, "quality_loss_high": loss + 0.01 * half}
    return make_row(**columns | more)


def baseline(**more: Any) -> Row:
    row = point("fp32", 10.0, 0.0, **more)
    return make_row(
        variant="fp32", model_sha256="fp32", p50_ms=10.0, p50_low_ms=9.9, p50_high_ms=10.1,
        quality_metric="auc", quality_loss=0.0, cell=row.cell,
        intervals={"quality_loss": {"method": BY_DEFINITION}}, **more,
    )  # fmt: skip


def drawn_at_random(seed: int) -> list[Row]:
    """Up to sixty configurations, crowded or not, with names short and long."""
    draw = random.Random(seed)
    spread = draw.choice([0.01, 0.3, 2.0])
    names = [f"v{at}" + draw.choice(["", "-int8", "-pruned-50-then-int8"]) for at in range(20)]
    return [
        point(
            name, 5 * 2.718 ** draw.gauss(0, spread), draw.choice([0.0, 1e-4, draw.gauss(0, 0.01)]),
            half=draw.choice([0.01, 0.1, 0.9]), backend=backend,
        )
        for name in names[: draw.randint(1, 20)]
        for backend in BACKENDS
    ]  # fmt: skip


def svg_of(rows: list[Row], **more: Any) -> str:
    chart = of_device(rows, "localhost", **more)
    assert chart is not None
    return to_svg(chart)


@pytest.mark.parametrize("seed", range(12))
def test_labels_lie_over_nothing(seed: int, native: None) -> None:
    rows = drawn_at_random(seed)
    drawing = read(svg_of(rows, pick_cell=rows[0].cell))
    assert drawing.crossing() == []
    assert drawing.beyond() == []
    said = [text.text for text in drawing.texts]
    for name in {row.variant for row in rows}:
        assert sum(text.split(":")[0] == name for text in said) == len(BACKENDS), name


def test_sixty_points_are_few_elements(native: None) -> None:
    rows = [
        point(f"v{at}", 1.0 + at + 0.3 * index, 0.001 * at, backend=backend)
        for at in range(20)
        for index, backend in enumerate(BACKENDS)
    ]
    svg = svg_of(rows)
    assert read(svg).nodes < 60 * 3.2 + 60
    assert len(svg) < 30_000


def test_a_panel_holds_one_setting_and_the_picks_comes_first() -> None:
    pick = next(
        r for r in SOURCE.rows
        if r.device == "localhost" and r.scenario == "latency" and r.threads == 2
        and r.variant == "int8-static"
    )  # fmt: skip
    titles = [
        [panel.title.text for panel in of_device(SOURCE.rows, "localhost", {}, cell).vconcat]
        for cell in ("", pick.cell)
    ]
    assert titles == [
        ["localhost, 1 thread", "2 threads"],
        ["localhost, 2 threads", "1 thread"],
    ]


def test_the_pick_is_ringed_and_named(native: None) -> None:
    rows = [baseline(), point("int8", 4.0, 0.001)]
    with_pick, without = (svg_of(rows, pick_cell=cell) for cell in (rows[1].cell, "no-such"))
    assert "int8: the pick" in with_pick
    assert "the pick" not in without
    assert with_pick.count('stroke-width="2"') == without.count('stroke-width="2"') + 1


def test_limits_are_rules_where_they_lie_within(native: None) -> None:
    rows = [baseline(), point("int8", 4.0, 0.004)]
    svg = svg_of(rows, limits={"p50_ms": 8.0, "quality_loss": 0.005, "p95_ms": 9.0})
    assert "limit 8.00 ms" in svg
    assert "limit 0.00500" in svg
    assert read(svg).crossing() == []
    assert ">limit" not in svg_of(rows, limits={"p50_ms": 8000.0})


def test_a_wide_interval_ends_in_an_arrow(native: None) -> None:
    rows = [baseline(), point("a", 4.0, 0.001), point("b", 5.0, 0.002)]
    wild = point("c", 6.0, 0.003, half=100.0)
    chart = of_device([*rows, wild], "localhost")
    assert chart is not None
    scale = _encoding(chart, "x")["scale"]["domain"]
    assert scale[0] == 0
    assert scale[1] < 40
    assert "NaN" not in to_svg(chart)


def test_outputs_that_are_garbage_do_not_set_the_axis(native: None) -> None:
    far = (Flag(FlagKind.GARBAGE, "far off"),)
    rows = [baseline(), point("a", 4.0, 0.001), point("ruined", 3.0, 0.4, flags=far)]
    chart = of_device(rows, "localhost")
    assert chart is not None
    assert _encoding(chart, "y")["scale"]["domain"][1] < 0.1
    assert "ruined, loss 0.400 lies beyond" in to_svg(chart)


@pytest.mark.parametrize(
    "rows",
    [
        [baseline()],
        [point("one", 3.0, 0.02)],
        [point(f"v{at}", 3.0, 0.01) for at in range(12)],
        [point(f"v{at}", 3.0, 0.0, half=0.0) for at in range(30)],
        [point("wide", 2.0, 0.001, half=100.0)],
        [point("a", 1.0, 0.0), point("b", 5000.0, -0.2)],
        [point(f"name-{'long-' * 12}{at}", 1.0 + at, 0.001 * at) for at in range(25)],
        [point("<script>&\"'", 1.0, 0.01)],
        [point("a", 2.0, 0.1, backend=f"backend-{at}") for at in range(9)],
    ],
    ids=["baseline", "one", "same", "ties", "wide", "far", "names", "hostile", "backends"],
)  # fmt: skip
def test_odd_runs(rows: list[Row], native: None) -> None:
    svg = svg_of(rows)
    assert read(svg).crossing() == []
    assert not re.search(r"\b(NaN|undefined|Infinity)\b", svg)
    assert "<script" not in svg


def test_more_backends_than_colours_are_named(native: None) -> None:
    rows = [point("a", 2.0 + at, 0.1, backend=f"backend-{at}") for at in range(9)]
    said = [text.text for text in read(svg_of(rows)).texts]
    assert "a on backend-8" in said
    assert "a on backend-0" not in said


def test_nothing_to_draw() -> None:
    assert of_device([], "localhost") is None
    assert of_device([point("a", 1.0, None)], "localhost") is None
    assert of_device([point("a", 1.0, 0.1)], "elsewhere") is None
    assert tradeoff([]) is None


def test_an_emulated_device_has_no_front_and_says_so() -> None:
    chart = of_device(SOURCE.rows, "lab-arm64-user", {"lab-arm64-user": "translated"})
    assert chart is not None
    assert chart.vconcat[0].title.subtitle[0] == "translated (not ranked)"
    points = [one for data in _values(chart) for one in data if "on" in one]
    assert points
    assert not any(one["on"] for one in points)


def test_of_several_devices_three_are_drawn_in_the_order_of_the_run() -> None:
    order = dict.fromkeys(("gpu-server", "localhost", "raspberry-pi-5", "lab-arm64-vm"), "")
    chart = tradeoff(SOURCE.rows, order)
    assert [panel.title.text.split(",")[0] for panel in chart.vconcat] == list(order)[:3]


def _encoding(chart: Any, axis: str) -> dict[str, Any]:
    layers = chart.to_dict(validate=False)["vconcat"][0]["layer"]
    return next(e[axis] for layer in layers if len(e := layer["encoding"]) > 2)


def _values(chart: Any) -> list[list[dict[str, Any]]]:
    spec = chart.to_dict(validate=False)
    found = []

    def look(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("data"), dict) and "values" in part["data"]:
                found.append(list(part["data"]["values"]))
            for one in part.values():
                look(one)
        elif isinstance(part, list):
            for one in part:
                look(one)

    look(spec)
    return found + [list(data) for data in spec.get("datasets", {}).values()]
