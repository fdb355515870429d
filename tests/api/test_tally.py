"""How far a run of many devices has come: counted as launches come, told in few lines."""

from __future__ import annotations

import random

import pytest
from builders import make_cell, make_launch

from benchhub.api.firsts import EACH_IN_FULL, FEW_DEVICES, NAMED, Firsts, grouped
from benchhub.api.progress import LineWatcher
from benchhub.api.tally import DeviceState, Tally, told
from benchhub.model.cell import Cell
from benchhub.ondevice.wire import Failure

FAILURE = Failure("load", "raised", "no such operator")


def cells(devices: int, each: int = 3, launches: int = 4) -> list[Cell]:
    return [
        make_cell(device=f"board-{number}", variant=f"v{cell}", launches=launches)
        for number in range(devices)
        for cell in range(each)
    ]


def test_counts_are_those_of_adding_up_the_record_anew() -> None:
    """Against a count over all launches, whatever came of them and in which order."""
    planned = cells(5)
    rng = random.Random(3)
    tally, finished, failed = Tally(planned, {planned[0].key: 2}), {planned[0].key: 2}, set()
    for _ in range(200):
        cell = rng.choice(planned)
        if cell.key in failed:
            continue
        status = rng.choice(["finished"] * 6 + ["interrupted", "failed"])
        index = finished.get(cell.key, 0)
        failure = FAILURE if status == "failed" else None
        tally.launched(make_launch(cell, index, status=status, failure=failure))
        if status == "finished":
            finished[cell.key] = index + 1
        elif status == "failed":
            failed.add(cell.key)
    done = dropped = 0
    for cell in planned:
        count = finished.get(cell.key, 0)
        dropped += max(0, cell.launches - count) if cell.key in failed else 0
        done += count
    beyond = sum(max(0, finished.get(cell.key, 0) - cell.launches) for cell in planned)
    counted = tally.counted()
    assert counted.done == done + dropped
    assert counted.planned == sum(cell.launches for cell in planned) + beyond
    assert tally.beyond == (beyond > 0)
    for device in tally.devices.values():
        mine = [cell for cell in planned if cell.device == device.name]
        over = [c for c in mine if c.key in failed or finished.get(c.key, 0) >= c.launches]
        assert (device.cells_done, device.cells) == (len(over), len(mine))


def test_backends_that_are_missing_count_no_longer() -> None:
    planned = [*cells(1), make_cell(device="board-0", backend="openvino", launches=7)]
    tally = Tally(planned, {planned[-1].key: 2})
    tally.drop("board-0", {"openvino": "not there"})
    tally.drop("board-0", {"openvino": "not there"})
    counted = tally.counted()
    assert (counted.done, counted.planned) == (2, 14)
    assert tally.devices["board-0"].cells == 3


def test_devices_are_counted_by_what_they_say() -> None:
    tally = Tally(cells(7), {})
    said = [
        "connecting", "pushing models", "onnxruntime fp32 latency", "link lost, again in 5 s",
        "stopped: board-4: gone", "done",
    ]  # fmt: skip
    for number, text in enumerate(said):
        tally.status(f"board-{number}", text)
    line = told(tally.counted())
    assert line.startswith("0 of 84 launches done; ")
    for part in ("2 starting", "1 measuring", "1 lost", "1 stopped", "1 done", "1 waiting"):
        assert part in line


@pytest.mark.parametrize("most", [1, 5, 19, 30])
def test_rows_are_of_those_in_trouble_and_of_those_that_go_on(most: int) -> None:
    tally = Tally(cells(40), {})
    for number in range(40):
        tally.status(f"board-{number}", "stopped: gone" if number < 20 else "onnxruntime fp32")
    rows, hidden = tally.shown(most)
    assert len(rows) == most
    assert hidden == 40 - most
    assert len({row.name for row in rows}) == most
    states = [row.state for row in rows]
    if most > 2:
        assert DeviceState.STOPPED in states
        assert states.count(DeviceState.MEASURING) >= most // 3
    assert tally.shown(40)[1] == 0


def test_of_many_devices_the_first_of_each_kind_is_told_and_the_rest_counted() -> None:
    firsts = Firsts(FEW_DEVICES + 1)
    texts = [(f"board-{n}", f"board-{n}: 10.0.0.{n}:22 does not answer within 10 s")
             for n in range(30)]  # fmt: skip
    assert sum(firsts.in_full(*one) for one in texts) == EACH_IN_FULL
    assert firsts.in_full("board-3", "board-3: another cause")
    (line,) = firsts.more()
    assert line.startswith(f"{30 - EACH_IN_FULL} more: such as board-29")
    assert firsts.more() == []
    few = Firsts(FEW_DEVICES)
    assert all(few.in_full(*one) for one in texts)


def test_what_stopped_many_devices_is_told_once_a_kind_with_the_others_names() -> None:
    dead = [f"rack{n}: 10.0.0.{n}:22 does not answer; is it on?" for n in range(60)]
    lines = grouped([*dead, "desk: no room"])
    assert lines[:EACH_IN_FULL] == dead[:EACH_IN_FULL]
    assert lines[-1] == "desk: no room"
    assert lines[EACH_IN_FULL].startswith("57 more devices alike: rack3, rack4, ")
    assert lines[EACH_IN_FULL].endswith(f" and {57 - NAMED} more")
    assert grouped(dead[:FEW_DEVICES]) == dead[:FEW_DEVICES]


def test_a_listener_hears_no_line_for_each_launch_of_many_devices() -> None:
    heard: list[str] = []
    planned = cells(100, each=1)
    watcher = LineWatcher(heard.append, planned, {})
    for cell in planned:
        watcher.status(cell.device, "connecting")
        for index in range(cell.launches):
            watcher.status(cell.device, f"onnxruntime fp32 latency {index}")
            watcher.launched(make_launch(cell, index))
        watcher.status(cell.device, "done")
    assert len(heard) == 2 * EACH_IN_FULL
    assert heard[0] == "0 of 400 launches; board-0: connecting"
