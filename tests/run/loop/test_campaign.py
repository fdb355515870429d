"""The loop of one device while it is hot, restarts, or fails its checks."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

import pytest
from builders import make_cell, make_launch
from scripted import Board, BoardSession, Diary, Record, lost, restarts, well, work

from benchhub.backends import described
from benchhub.device.events.expected import UNTOLD
from benchhub.device.events.plausible import doubted, implausible
from benchhub.errors import (
    AuthenticationRefused,
    BackendError,
    HostKeyChanged,
    Unfit,
    Unreachable,
)
from benchhub.model.cell import SamplesOf
from benchhub.model.launch import Launch
from benchhub.ondevice.wire import Job, Outcome
from benchhub.run.loop.campaign import measure
from benchhub.run.loop.cooling import MOST_PAUSES

PAUSES_S = (0.01, 0.02)


def run(
    board: Board, diary: Diary | None = None, into: list[Launch] | None = None, **limits: Any
) -> list[Launch]:
    measured = [] if into is None else into
    for launch in measure(work(**limits), board.connect, diary or Diary(), PAUSES_S):
        measured.append(launch)
    return measured


def places(launches: list[Launch]) -> list[tuple[int, int, str]]:
    return [(launch.index, launch.attempt, launch.status) for launch in launches]


BOTH = [(0, 0, "finished"), (1, 0, "finished")]


# --- heat -------------------------------------------------------------------------------------


def test_without_a_limit_nobody_asks_for_the_temperature_between_launches() -> None:
    board = Board(temperatures_c=deque([99.0]))
    assert places(run(board)) == BOTH
    assert board.heard == ["connect", "facts", "conditions", "stage", "launch", "launch"]


def test_a_hot_device_is_waited_for_at_preflight_and_before_every_launch() -> None:
    board = Board(temperatures_c=deque([83.0, 80.0, 79.0, 81.0, 70.0, 70.0]))
    diary = Diary()
    assert places(run(board, diary, max_temperature_c=80.0)) == BOTH
    cooling = [text for text in diary.said if text.startswith("cooling")]
    assert cooling == [
        "cooling: 83 C, limit 80 C", "cooling: 80 C, limit 80 C", "cooling: 81 C, limit 80 C",
    ]  # fmt: skip
    asked = [what for what in board.heard if what in ("conditions", "launch")]
    assert asked == ["conditions"] * 5 + ["launch", "conditions", "launch"]


def test_a_device_that_stays_hot_is_unfit() -> None:
    board, diary = Board(temperatures_c=deque([95.0])), Diary()
    with pytest.raises(Unfit, match="still 95 C, limit 80 C after 20 pauses of 0 s; improve"):
        run(board, diary, max_temperature_c=80.0)
    assert board.heard.count("conditions") == MOST_PAUSES + 1
    assert "launch" not in board.heard
    assert "still 95 C" in str(diary.infos[-1].error)


def test_a_device_that_gets_hot_for_good_ends_with_what_it_measured() -> None:
    board = Board(temperatures_c=deque([50.0, 50.0, 95.0]))
    measured: list[Launch] = []
    with pytest.raises(Unfit):
        run(board, into=measured, max_temperature_c=80.0)
    assert places(measured) == BOTH[:1]


def test_a_device_without_a_sensor_is_not_waited_for() -> None:
    assert places(run(Board(temperatures_c=deque([None])), max_temperature_c=80.0)) == BOTH


def test_stopping_ends_a_pause_at_once() -> None:
    class Stopped(Diary):
        def status(self, device: str, text: str) -> None:
            if text.startswith("cooling"):
                stopper.start()

    board, diary = Board(temperatures_c=deque([50.0, 95.0])), Stopped()
    stopper = threading.Thread(target=diary.stop)
    assert run(board, diary, max_temperature_c=80.0, cooldown_s=100_000.0) == []
    stopper.join()
    assert "launch" not in board.heard


def test_load_is_waited_for_at_preflight_alone() -> None:
    board, diary = Board(loads=deque([3.0, 2.0, 0.5, 9.0])), Diary()
    assert places(run(board, diary, max_load=1.0, max_temperature_c=80.0)) == BOTH
    waits = [text for text in diary.said if text.startswith("waiting")]
    assert waits == ["waiting: load 3.00, limit 1.00", "waiting: load 2.00, limit 1.00"]


def test_a_device_that_stays_busy_is_unfit() -> None:
    with pytest.raises(Unfit, match=r"still load 3\.00, limit 1\.00 after 20"):
        run(Board(loads=deque([3.0])), max_load=1.0)


def test_a_link_that_breaks_while_cooling_is_mended() -> None:
    board = Board(questions=deque([well, lost]))
    assert places(run(board, max_temperature_c=80.0)) == BOTH
    assert board.heard.count("connect") == 2


def test_a_link_that_breaks_at_every_question_is_given_up() -> None:
    board = Board(questions=deque([well, *[lost] * 50]))
    with pytest.raises(Unreachable):
        run(board, max_temperature_c=80.0)


# --- restarts ---------------------------------------------------------------------------------


def test_a_board_that_restarts_is_checked_again_and_goes_on() -> None:
    board, diary = Board(launches=deque([restarts()])), Diary()
    done = run(board, diary)
    assert places(done) == [(0, 0, "interrupted"), (0, 1, "finished"), (1, 0, "finished")]
    assert done[0].failure is not None
    assert done[0].failure.kind == "link"
    assert board.heard.count("conditions") == 2  # preflight, twice
    first, second = diary.infos
    assert "reboot" not in {finding.check for finding in first.findings}
    (reboot,) = [finding for finding in second.findings if finding.check == "reboot"]
    assert reboot.level == "warn"
    assert "middle of the run" in reboot.found


def test_a_link_that_breaks_without_a_restart_is_not_checked_again() -> None:
    board, diary = Board(launches=deque([lost])), Diary()
    assert places(run(board, diary))[0] == (0, 0, "interrupted")
    assert board.heard.count("conditions") == 1
    assert len(diary.infos) == 1


def test_a_device_without_a_boot_id_is_taken_for_the_same() -> None:
    board = Board(launches=deque([lost]))
    del board.facts["boot_id"]
    assert len(run(board)) == 3
    assert board.heard.count("conditions") == 1


def test_a_board_may_take_long_and_refuse_logins_while_it_starts() -> None:
    gone = [Unreachable("board: no answer")] * 3
    starting = [AuthenticationRefused("board: System is booting up")]

    def restart(board: Board) -> None:
        board.absent.extend([*gone, *starting])
        restarts()(board)

    board, diary = Board(launches=deque([restart])), Diary()
    assert len(run(board, diary, reboot_wait_s=60.0)) == 3
    assert not board.absent
    assert sum("link lost" in text for text in diary.said) == 5


def test_two_restarts_are_both_recorded() -> None:
    board, diary = Board(launches=deque([restarts(), restarts()])), Diary()
    done = run(board, diary)
    assert [launch.attempt for launch in done] == [0, 1, 2, 0]
    assert [f.check for f in diary.infos[-1].findings].count("reboot") == 2


def test_a_board_that_comes_back_unfit_ends_there() -> None:
    board, diary = Board(launches=deque([restarts(disk_free_bytes=0)])), Diary()
    measured: list[Launch] = []
    with pytest.raises(Unfit, match="0 MiB of disk free"):
        run(board, diary, measured)
    assert places(measured) == [(0, 0, "interrupted")]
    assert {finding.check for finding in diary.infos[-1].findings} >= {"reboot", "disk"}


def test_a_device_that_never_comes_back_is_given_up_after_its_time() -> None:
    def vanish(board: Board) -> None:
        board.absent.extend([Unreachable("board: no answer")] * 1000)
        lost(board)

    board = Board(launches=deque([vanish]))
    began = time.monotonic()
    with pytest.raises(Unreachable):
        run(board, reboot_wait_s=0.3)
    assert time.monotonic() - began >= 0.3
    assert board.heard.count("connect") > 3


def test_a_device_that_never_answers_is_not_waited_for() -> None:
    board = Board(absent=deque([Unreachable("board: no answer")]))
    with pytest.raises(Unreachable):
        run(board, reboot_wait_s=600.0)
    assert board.heard == ["connect"]


def test_another_host_key_after_a_restart_ends_it_at_once() -> None:
    def swap(board: Board) -> None:
        board.absent.append(HostKeyChanged("board: another key"))
        lost(board)

    with pytest.raises(HostKeyChanged):
        run(Board(launches=deque([swap])), reboot_wait_s=600.0)


# --- checks -----------------------------------------------------------------------------------


def test_proof_of_emulation_marks_the_device() -> None:
    board, diary = Board(), Diary()
    board.facts["emulation"] = "this process is run by qemu-aarch64"
    run(board, diary)
    (info,) = diary.infos
    assert info.emulated
    assert {f.check for f in info.findings if f.level == "warn"} >= {"emulation"}


def test_a_suite_without_a_backend_there_is_no_fault_of_the_device() -> None:
    board = Board()
    board.facts["backends"] = {}
    with pytest.raises(BackendError, match="provision board --backend onnxruntime"):
        run(board)


def test_where_nobody_named_the_backends_what_could_be_installed_is_told() -> None:
    board = Board()
    board.facts["backends"] = {}
    both = (described("onnxruntime"), described("tensorrt"))
    asked = dataclasses.replace(work(), backends=both, by_default=True)
    with pytest.raises(BackendError, match="no backend that reads the files") as told:
        list(measure(asked, board.connect, Diary(), PAUSES_S))
    assert "provision board --backend onnxruntime" in str(told.value)
    assert "tensorrt" not in str(told.value)


# --- what cannot be used ----------------------------------------------------------------------


def test_a_clock_that_goes_back_fails_the_cell_and_decides_nothing() -> None:
    class Backwards(BoardSession):
        def expects(self, left_s: float) -> int:
            return 0

        def launch(self, job: Job, **_more: Any) -> Outcome:
            outcome = super().launch(job)
            outcome.samples_ns[3] = -7
            return doubted(outcome, implausible(outcome, job, UNTOLD))

    board = Board()
    (launch,) = measure(work(), lambda profile: Backwards(board), Diary(), PAUSES_S)
    assert launch.status == "failed"
    assert launch.failure is not None
    assert launch.failure.message == "call 3 took -7 ns: the device's clock went back"


# --- cells that go on -------------------------------------------------------------------------


def test_a_cell_goes_on_for_as_long_as_it_is_undecided_and_the_others_stop() -> None:
    decided, undecided = (
        make_cell(device="board", variant=variant, launches=2, iterations=5)
        for variant in ("fp32", "int8")
    )
    asked: list[dict[str, int]] = []

    def more(finished: Mapping[str, int], samples_of: SamplesOf) -> set[str]:
        asked.append(dict(finished))
        for key, count in finished.items():
            assert [one.size for one in samples_of(key, count)] == [5] * count
        return {undecided.key} if finished.get(undecided.key, 0) < 4 else set()

    whole = dataclasses.replace(work((decided, undecided)), more=more)
    launches = Record().measured(whole, Board().connect, Diary(), PAUSES_S)
    found = Counter(launch.cell.key for launch in launches)
    assert found == {decided.key: 2, undecided.key: 4}
    assert asked[-1] == {decided.key: 2, undecided.key: 4}
    assert sorted(one.index for one in launches if one.cell == undecided) == [0, 1, 2, 3]


def test_what_is_in_the_store_counts_when_a_cell_asks_for_more() -> None:
    cell = make_cell(device="board", launches=2, iterations=5)
    before = [make_launch(cell, index) for index in range(2)]

    def more(finished: Mapping[str, int], samples_of: SamplesOf) -> set[str]:
        return {cell.key} if len(samples_of(cell.key, finished[cell.key])) < 3 else set()

    whole = dataclasses.replace(work((cell,)), more=more, finished={cell.key: 2})
    *_, launch = Record(before).measured(whole, Board().connect, Diary(), PAUSES_S)
    assert launch.index == 2
    assert len(before) == 3
