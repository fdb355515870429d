"""What takes long: begun once, heard in pieces, and told to the end."""

from __future__ import annotations

import threading

from waiting import until

from benchhub.device.gateway.messages import PIECE_BYTES, told
from benchhub.device.gateway.operation import Came, Operation
from benchhub.errors import LinkLost, NoSpace, ProtocolFault


def all_of(operation: Operation) -> bytes:
    """Hear all lines, asking each piece twice: as where an answer was lost."""
    found = b""
    while True:
        _, again = operation.hear(len(found), 5)
        answer, data = operation.hear(len(found), 5)
        assert data[: len(again)] == again
        assert answer.next == len(found) + len(data)
        found += data
        if answer.over:
            return found


def test_lines_are_told_in_pieces_and_again_where_an_answer_was_lost() -> None:
    line = b"x" * 99_999 + b"\n"

    def work(doing: Operation) -> Came:
        for _ in range(100):
            doing.line(line)
        return Came()

    operation = Operation("board", work)
    found = all_of(operation)
    operation.forget()
    assert found == line * 100
    assert len(found) > 2 * PIECE_BYTES


def test_while_it_goes_on_it_is_not_over() -> None:
    go = threading.Event()

    def work(doing: Operation) -> Came:
        doing.say("waiting: in use by kim")
        doing.move(7)
        go.wait(60)
        return Came(staged=(1, 2))

    operation = Operation("board", work)
    until(lambda: operation.hear(0, 0)[0].moved == 7, "it moved something")
    answer, data = operation.hear(0, 0)
    assert (answer.over, answer.said, data) == (False, "waiting: in use by kim", b"")
    go.set()
    answer, _ = operation.hear(0, 60)
    assert (answer.over, answer.staged) == (True, (1, 2))


def test_an_error_is_told_and_raised_as_what_it_was() -> None:
    def work(doing: Operation) -> Came:
        raise NoSpace("board: the disk is full")

    answer, _ = Operation("board", work).hear(0, 60)
    assert answer.error is not None
    raised = answer.error.raised("board")
    assert (type(raised), str(raised)) == (NoSpace, "board: the disk is full")
    fault = told(ProtocolFault("board", "nonsense")).raised("board")
    assert isinstance(fault, ProtocolFault)
    assert fault.reason == "nonsense"
    assert type(told(LinkLost("x: gone")).raised("x")) is LinkLost


def test_what_nobody_explained_is_the_devices_failure(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def work(doing: Operation) -> Came:
        raise KeyError("what?")

    answer, _ = Operation("board", work).hear(0, 60)
    assert answer.error is not None
    assert "KeyError" in answer.error.message
    assert answer.error.message.startswith("board: stopped by")
