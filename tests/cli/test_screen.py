"""What a terminal shows of a run: no more rows and columns than it has, at any size."""

from __future__ import annotations

import io
import re

import pytest
from builders import make_cell
from rich.console import Console

from benchhub.api.tally import Tally
from benchhub.cli.show.screen import Screen


def drawn(devices: int, width: int, height: int) -> list[str]:
    cells = [make_cell(device=f"board-{n:04}", launches=40) for n in range(devices)]
    tally = Tally(cells, {})
    for n in range(devices):
        told = ("onnxruntime fp32 latency batch 1 threads 1", "stopped: board: gone", "waiting: x")
        tally.status(f"board-{n:04}", told[n % 3])
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, force_terminal=True, color_system=None)
    console.print(Screen(tally), end="")
    return out.getvalue().splitlines()


@pytest.mark.parametrize("devices", [1, 2, 3, 30, 1000])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 60), (60, 10), (20, 5), (80, 3)])
def test_it_fits(devices: int, width: int, height: int) -> None:
    lines = drawn(devices, width, height)
    assert all(len(line.rstrip()) < width for line in lines)
    assert len(lines) <= max(height - 1, 3)
    named = [line for line in lines if line.startswith("board-")]
    assert named
    if len(named) < devices and height > 5:
        assert lines[-1].startswith(f"and {devices - len(named)} more")


def test_all_devices_are_rows_where_they_fit_and_what_they_do_is_seen() -> None:
    lines = drawn(3, 100, 24)
    assert lines[0].startswith("0/120 launches  0:00  1 stopped, 1 measuring, 1 waiting")
    assert [line.split()[0] for line in lines[1:]] == ["board-0000", "board-0001", "board-0002"]
    assert "onnxruntime fp32 latency batch 1" in lines[1]
    assert "stopped: board: gone" in lines[2]


@pytest.mark.parametrize("width", range(40, 100, 7))
def test_no_number_is_cut_and_long_names_keep_their_ends(width: int) -> None:
    names = [f"a-lab-with-a-name-of-its-own-and-a-board-{n:04}" for n in (17, 18)]
    tally = Tally([make_cell(device=name, launches=123_456) for name in names], {})
    for name in names:
        tally.status(name, "cooling down from 123456.75 to 98765.25 C before it goes on")
    out = io.StringIO()
    console = Console(file=out, width=width, height=9, force_terminal=True, color_system=None)
    console.print(Screen(tally), end="")
    shown = out.getvalue()
    known = {"0", "00", "1", "123456", "246912", "123456.75", "98765.25", "2", "0017", "0018"}
    assert set(re.findall(r"\d[\d.]*\d|\d", shown)) <= known
    assert "0017" in shown
    assert "0018" in shown
