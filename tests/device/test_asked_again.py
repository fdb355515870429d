"""A question to a device that fell silent is asked again; one that was answered badly is not."""

from __future__ import annotations

from collections import deque

import pytest

from benchhub.device.again import again
from benchhub.errors import DeviceError, LinkLost, ProtocolFault, Unreachable


def asking(*answers: object) -> tuple[deque[object], object]:
    left = deque(answers)

    def ask() -> object:
        answer = left.popleft()
        if isinstance(answer, Exception):
            raise answer
        return answer

    return left, ask


def test_silence_is_asked_again_and_told() -> None:
    heard: list[str] = []
    left, ask = asking(LinkLost("pi: silent"), LinkLost("pi: silent"), "here")
    assert again(ask, heard.append, (0.0, 0.0)) == "here"  # type: ignore[arg-type]
    assert heard == ["pi: silent; again in 0 s"] * 2
    assert not left


def test_the_last_silence_is_the_answer() -> None:
    left, ask = asking(*[LinkLost(f"pi: silent {number}") for number in range(4)])
    with pytest.raises(LinkLost, match=r"^pi: silent 2$"):
        again(ask, lambda text: None, (0.0, 0.0))  # type: ignore[arg-type]
    assert len(left) == 1


@pytest.mark.parametrize(
    "error", [Unreachable("pi: nobody"), DeviceError("pi: no"), ProtocolFault("pi", "a lie")],
    ids=["off", "refused", "lying"],
)  # fmt: skip
def test_other_errors_are_not_asked_again(error: DeviceError) -> None:
    left, ask = asking(error, "here")
    with pytest.raises(type(error)):
        again(ask, lambda text: None, (0.0, 0.0))  # type: ignore[arg-type]
    assert left
