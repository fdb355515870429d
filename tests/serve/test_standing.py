from benchhub.serve.standing import RunStanding, standing
from benchhub.store.watched.process import ControllerProcess
from benchhub.store.watched.signs import Sign

SIGN = Sign(at="2026-01-01T12:00:00+00:00", host="lab", space="boot 1", pid=7, began_s=1.0)


def test_no_more_is_said_than_is_known() -> None:
    stopping = SIGN.model_copy(update={"stopping": True})
    assert standing(SIGN, True, False).standing is RunStanding.AT_WORK
    assert standing(SIGN, True, None).standing is RunStanding.AT_WORK
    assert standing(stopping, True, False).standing is RunStanding.STOPPING
    assert standing(SIGN, True, True).standing is RunStanding.KILLED
    assert standing(SIGN, False, False).standing is RunStanding.SILENT
    assert standing(SIGN, False, None).standing is RunStanding.SILENT
    assert standing(None, False, None).standing is RunStanding.UNTOLD
    assert "suspended" in standing(SIGN, False, None).words


def test_a_process_of_another_place_is_not_said_to_be_gone() -> None:
    this = ControllerProcess.this()
    assert this.is_gone() is False
    assert SIGN.process.is_gone() is None
    # Its number is another process's now, which began later.
    assert ControllerProcess(this.host, this.space, this.pid, this.began_s - 60).is_gone() is True
    assert ControllerProcess(this.host, this.space, 2**22 + 1, 1.0).is_gone() is True
    assert ControllerProcess(this.host, "another boot", this.pid, this.began_s).is_gone() is None
