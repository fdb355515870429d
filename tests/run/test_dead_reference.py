"""A device that was to give the reference and is lost: waited for once, and others go on."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import pytest
from project import make_project
from scripted import Board, BoardSession, Diary, lost

from benchhub.config.request import located, resolve
from benchhub.errors import (
    BackendError,
    DeviceBusy,
    DeviceError,
    LinkLost,
    NoSpace,
    ProtocolFault,
    Unfit,
    Unreachable,
)
from benchhub.model.device import DeviceProfile
from benchhub.model.request import RunRequest
from benchhub.run import execute
from benchhub.run.device_reference import is_over
from benchhub.store import Store


@pytest.mark.parametrize(
    ("error", "over"),
    [
        (None, False),
        (DeviceError("pi: gave no reference"), False),
        (Unreachable("pi: off"), True),
        (LinkLost("pi: silent"), True),
        (DeviceBusy("pi: in use"), True),
        (NoSpace("pi: full"), True),
        (Unfit("pi: hot"), True),
        (BackendError("pi: none"), True),
        (ProtocolFault("pi", "a lie"), True),
    ],
    ids=lambda one: type(one).__name__ if not isinstance(one, bool) else "",
)
def test_what_was_waited_for_is_not_tried_again(error: DeviceError | None, over: bool) -> None:
    assert is_over(error) is over


@pytest.mark.usefixtures("native", "processes")
def test_a_device_that_dies_with_the_reference_is_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path, launches=1)
    told = 'baseline = "fp32"\nreference = "device"\nreference_device = "board"\n'
    project.edit('baseline = "fp32"\n', told)
    project.device("board", {"reboot_wait_s": 0.1})
    boards = {"board": Board(launches=deque([lost])), "here": Board()}
    boards["board"].absent = deque()

    def connect(profile: DeviceProfile) -> BoardSession:
        board = boards[profile.name]
        session = board.connect(profile)
        if profile.name == "board":  # whoever comes back finds nobody there
            board.absent = deque([Unreachable("board: off")] * 9)
        return session

    monkeypatch.setattr(execute, "connector", lambda *asked: connect)
    request = located(RunRequest("tiny", ("board", "here"), variants=("fp32",)), project.folder)
    ready = execute.make_ready(resolve(request), tmp_path / "cache", lambda line: None)
    with Store.open(f"sqlite:///{tmp_path}/benchhub.db") as store:
        info = execute.new_run(store, ready, "benchhub run tiny")
        errors = execute.execute(store, info, ready, Diary())
        finished = {one.cell.device for one in store.launches(info.id) if one.status == "finished"}
    assert isinstance(errors["board"], Unreachable)
    assert errors["here"] is None
    assert finished == {"here"}
    assert boards["board"].heard.count("connect") == 2  # and once more, while it was waited for
